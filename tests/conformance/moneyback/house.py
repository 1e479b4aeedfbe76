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

SECRETS = {"api_key": "key", "webhook_secret": "hook"}


class MoneybackHouse:
    def __init__(self, connector: Connector, *, knows_keys: bool = False, page_size: int = 100) -> None:
        self.stand = Stand(knows_keys=knows_keys)
        self.outside = Outside(connector, self.stand, Config(page_size=page_size), SECRETS, OPENED)

    def pay_back(self, number: int) -> None:
        """Somebody pays back there."""
        told = {"reference": f"R{number}", "payment": f"pay_{number}", "amount": 100 + number, "currency": "EUR"}
        body = json.dumps(told).encode()
        self.stand.handle(WireRequest("POST", "/refunds", (), {"idempotency-key": ""}, body), self.outside.now)


class Stand:
    """`knows_keys`: it makes nothing twice under one key. `absent`: what it answers where there is no such refund."""

    def __init__(self, *, knows_keys: bool = False) -> None:
        self.absent = WireReply(200, {}, b"[]")
        self.refunds: list[dict[str, Any]] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self.knows_keys = knows_keys

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        query = dict(request.query)
        if request.path == "/changes":
            news = [refund for refund in self.refunds if refund["number"] > int(query["after"])]
            return _answer(news[: int(query["limit"])])
        if request.method == "GET":
            wanted = [value for name, value in request.query if name == "reference"]
            found = [refund for refund in self.refunds if refund["reference"] in wanted]
            return _answer(found) if found else self.absent
        key = request.headers["idempotency-key"]
        if not self.knows_keys or key not in self.keys:
            self.keys[key] = self._made(json.loads(request.body), now)
        return _answer(self.keys[key])

    def _made(self, told: dict[str, Any], now: datetime) -> dict[str, Any]:
        number = len(self.refunds) + 1
        refund = {**told, "id": f"re_{number}", "number": number, "status": "paid", "created": now.isoformat()}
        self.refunds.append(refund)
        return refund

    def tick(self, now: datetime) -> None:
        """What it does by itself as time goes on: nothing."""


def _answer(content: object) -> WireReply:
    return WireReply(200, {}, json.dumps(content).encode())
