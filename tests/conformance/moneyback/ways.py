"""The same operation declared in other ways, and the connector with what comes in."""

from __future__ import annotations

from dataclasses import replace

from nostro.connectors.kit.dialogue import each
from nostro.connectors.kit.manifest import FOR_EVER, Absence, Connector, Once, Operation, Wire
from tests.conformance.moneyback.exchange import pay_back_once, pay_back_unseen
from tests.conformance.moneyback.feed import FEEDS
from tests.conformance.moneyback.manifest import MANIFEST
from tests.conformance.moneyback.read import read
from tests.conformance.moneyback.webhook import verify
from tests.conformance.moneyback.wire import render, understand

WITH_THE_KIT = Operation("refund_payment", each(pay_back_once), Once.LOOK_UP, Absence(120))
WITH_THEIR_KEY = Operation("refund_payment", each(pay_back_once), Once.THEIR_KEY, Absence(0), key_lifetime=FOR_EVER)
WITH_NEITHER = Operation("refund_payment", each(pay_back_unseen), Once.PERSON, Absence(None))

TELLING = replace(MANIFEST, secrets=("api_key", "webhook_secret"), feeds=FEEDS, takes_webhooks=True)
WITH_NEWS = Connector(TELLING, read, Wire(render, understand), verify)
