"""Odoo 18 and 19: invoices and payments in; payments, statement lines and entries out. See MAPPING.md.

Way in: `CONNECTOR`.
May not be here: sockets, clocks, knowledge of processes.
"""

from nostro.connectors.kit.manifest import Connector, Wire
from nostro.connectors.odoo.check import check, identify
from nostro.connectors.odoo.manifest import MANIFEST
from nostro.connectors.odoo.read import read
from nostro.connectors.odoo.wire import open_session, render, understand

CONNECTOR = Connector(MANIFEST, read, Wire(render, understand, open_session), check=check, identify=identify)
