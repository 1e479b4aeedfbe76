"""Stripe: card payments, refunds, disputes and payouts in; refunds and annotations out. See MAPPING.md.

Way in: `CONNECTOR`.
May not be here: sockets, clocks, knowledge of processes.
"""

from nostro.connectors.kit.manifest import Connector, Wire
from nostro.connectors.stripe.exchange import check
from nostro.connectors.stripe.manifest import MANIFEST
from nostro.connectors.stripe.read import read
from nostro.connectors.stripe.webhook import verify
from nostro.connectors.stripe.wire import render, understand

CONNECTOR = Connector(MANIFEST, read, Wire(render, understand), verify, check)
