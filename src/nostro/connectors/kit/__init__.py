"""What connectors are made of: manifest, exchange, and the conformance scenarios as data.

Way in: the manifest model, the exchange's types, and for whoever plays them the scenarios.
May not be here: anything of one vendor; sockets.
"""

from nostro.connectors.kit.conformance import EXCHANGES, FEEDS, READINGS

__all__ = ["EXCHANGES", "FEEDS", "READINGS"]
