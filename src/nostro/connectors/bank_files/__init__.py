"""Bank statement files from watched folders: one movement, however often it is told.

Way in: `manifest.py`; MAPPING.md says what is meant by what.
May not be here: files and sockets (ingress reads them); another connector.
"""
