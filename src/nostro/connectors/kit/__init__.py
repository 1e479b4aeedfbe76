"""What connectors are made of: manifest, exchange, and the conformance scenarios as data.

Way in: the manifest model and the exchange's types.
May not be here: anything of one vendor; sockets.
"""
