"""What this connector declares about Moneyback."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.connectors.kit.dialogue import each
from nostro.connectors.kit.manifest import Absence, Connector, Manifest, Once, Operation, Wire
from nostro.connectors.kit.reading import Item, ReceiptView
from tests.conformance.moneyback.config import Config
from tests.conformance.moneyback.exchange import pay_back
from tests.conformance.moneyback.wire import render, understand

PAY_BACK = Operation(
    "refund_payment",  # the intent that it serves, in `model/intents.py`: this one is `RefundPayment`
    each(pay_back),  # an exchange takes a batch; this one is of a single order
    Once.LOOK_UP,  # their key, our look-up, or a person
    Absence(seconds=120),  # when "not found" counts
)
MANIFEST = Manifest(
    name="moneyback",  # the `kind` of a connection in a landscape
    title="Moneyback",
    config=Config,
    secrets=("api_key",),
    operations={PAY_BACK.name: PAY_BACK},
)


def nothing_comes_in(_: ReceiptView) -> Iterator[Item]:
    """Nobody tells us anything: no feed, no webhook, no file."""
    yield from ()


CONNECTOR = Connector(MANIFEST, nothing_comes_in, Wire(render, understand))
