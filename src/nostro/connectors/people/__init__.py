"""What people do (approve, match, re-run, close), read like any other sender's receipts; see MAPPING.md.

Way in: `CONNECTOR`; acts write the receipts, this reads them.
May not be here: policy (acts decides before it writes); another connector.
"""

from nostro.connectors.kit.manifest import Connector
from nostro.connectors.people.manifest import MANIFEST
from nostro.connectors.people.read import read

CONNECTOR = Connector(MANIFEST, read)
