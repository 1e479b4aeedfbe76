"""The user's folder: schema, loading, checking, and the bundle's bytes.

Way in: load a folder, check it (file, line, remedy), turn it into a bundle.
May not be here: storing or activating a bundle (acts does); the network.
"""
