"""Moneyback as the scenarios meet it: a stand-in with its books, and a house that speaks to it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from nostro.connectors.kit.manifest import Connector
from nostro.sandbox.wire import WireReply, WireRequest
from tests.conformance.driver import Outside
from tests.conformance.houses import OPENED
from tests.conformance.moneyback.config import Config


class MoneybackHouse:
    def __init__(self, connector: Connector, *, knows_keys: bool = False) -> None:
        self.stand = Stand(knows_keys=knows_keys)
        self.outside = Outside(connector, self.stand, Config(), {"api_key": "key"}, OPENED)


class Stand:
    def __init__(self, *, knows_keys: bool = False) -> None:
        self.refunds: list[dict[str, Any]] = []
        self.knows_keys = knows_keys

    def tick(self, now: datetime) -> None:
        """Business time runs on; here nothing happens by itself."""

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        if request.method == "GET":
            wanted = dict(request.query)["reference"]
            return _answer([refund for refund in self.refunds if refund["reference"] == wanted])
        key = request.headers["idempotency-key"]
        known = [refund for refund in self.refunds if self.knows_keys and refund["key"] == key]
        if not known:
            known = [{**json.loads(request.body), "key": key, "id": f"re_{len(self.refunds) + 1}"}]
            self.refunds += known
        return _answer(known[0])


def _answer(content: object) -> WireReply:
    return WireReply(200, {}, json.dumps(content).encode())
