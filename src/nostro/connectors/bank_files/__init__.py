"""Bank statement files from watched folders: one movement, however often it is told. See MAPPING.md.

Way in: `CONNECTOR`.
May not be here: files and sockets (ingress reads them); another connector.
"""

from nostro.connectors.bank_files.manifest import CONNECTOR

__all__ = ["CONNECTOR"]
