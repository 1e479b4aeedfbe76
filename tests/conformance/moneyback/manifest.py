"""What this connector declares about Moneyback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nostro.connectors.kit.dialogue import each
from nostro.connectors.kit.manifest import FOR_EVER, Absence, Connector, Manifest, Once, Operation, Wire
from nostro.connectors.kit.reading import Item, ReceiptView
from tests.conformance.moneyback.config import Config
from tests.conformance.moneyback.exchange import pay_back, pay_back_once, pay_back_unseen
from tests.conformance.moneyback.feed import FEEDS
from tests.conformance.moneyback.read import read
from tests.conformance.moneyback.webhook import verify
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

WITH_THE_KIT = Operation("refund_payment", each(pay_back_once), Once.LOOK_UP, Absence(120))
WITH_THEIR_KEY = Operation("refund_payment", each(pay_back_once), Once.THEIR_KEY, Absence(0), key_lifetime=FOR_EVER)
WITH_NEITHER = Operation("refund_payment", each(pay_back_unseen), Once.PERSON, Absence(None))

TELLING = replace(MANIFEST, secrets=("api_key", "webhook_secret"), feeds=FEEDS, takes_webhooks=True)
WITH_NEWS = Connector(TELLING, read, Wire(render, understand), verify)
