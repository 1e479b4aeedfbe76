"""A house that takes in and reads, around a small connector whose receipts are lines of JSON, for tests of ingress.

{"payout": "po_1"}                     a fact; "net" gives it an amount, "misread" not, "descriptor" another content
{"kind": "chatter"}                    ignored, as the manifest declares; any other kind isn't declared
{"hint": "events"}                     a hint to read that feed
{"close": "case-1", "to": ["p", "s"]}  a person's act, addressed to a subject
{"throw": true}                        the reader throws
anything else                          a reject
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from nostro.connectors.kit.manifest import Connector, Feed, Manifest
from nostro.connectors.kit.reading import (
    HintItem,
    IgnoredItem,
    Item,
    ReadItem,
    ReceiptView,
    Refusal,
    RejectItem,
    Verified,
)
from nostro.egress.connections import OpenConnection
from nostro.ingress.limits import Limit, Limits
from nostro.ingress.reading import Readings
from nostro.ingress.receiving import Intake
from nostro.model.base import Value
from nostro.model.calls import FetchPage, Message
from nostro.model.entities import LegalEntity
from nostro.model.facts import CaseClosed
from nostro.model.money import Amount
from nostro.processes.receipt import PROCESS as RECEIPT
from nostro.store.database import Database
from nostro.store.receipts import KeptReceipt, Received
from tests.integration.synthetic import PROCESS, House, payout

ENTITY = LegalEntity(
    id="DE",
    country="DE",
    currency="EUR",
    zone="Europe/Berlin",
    calendar="TARGET",
    odoo_connection="odoo",
    odoo_company=1,
)


class TillConfig(Value):
    """Where its files are."""

    folder: str = ""


def read(receipt: ReceiptView) -> Iterator[Item]:
    """One item a line."""
    rest = b""
    for chunk in receipt.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for text in lines:
            yield _line(receipt, text)
    if rest:
        yield _line(receipt, rest)


def _line(receipt: ReceiptView, text: bytes) -> Item:
    try:
        told = json.loads(text)
    except ValueError:
        return RejectItem("line", "It is no JSON.")
    amount = Amount(value=told["net"], currency="EUR") if "net" in told else None
    match told:
        case {"throw": _}:
            raise RuntimeError(told)
        case {"kind": kind}:
            return IgnoredItem(kind, amount)
        case {"hint": feed}:
            return HintItem(feed)
        case {"close": case, "to": [process, subject]}:
            act = CaseClosed(act=f"act-{case}", case=case)
            return ReadItem(
                (act,), "DE", receipt.received_at, actor="anna", reason="seen", addressed_to=(process, subject)
            )
        case {"payout": name}:
            body = payout(name, descriptor=told.get("descriptor", ""))
            if amount is not None and "misread" not in told:
                body = body.model_copy(update={"amount": amount.to_money()})
            return ReadItem((body,), told.get("entity", "DE"), receipt.received_at, amount=amount)
    return RejectItem("line", "It says nothing.", amount)


def verify(
    body: bytes, headers: Mapping[str, str], _: TillConfig, secrets: Mapping[str, str], at: datetime
) -> Verified | Refusal:
    """`x-signature` is an HMAC of the body, `x-event` the event's id."""
    right = hmac.new(secrets["key"].encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get("x-signature", ""), right):
        return Refusal(401, "The signature is wrong.")
    return Verified(headers["x-event"], content=body, sender_time=at)


def fetch(cursor: str, _: TillConfig, __: datetime) -> Message:
    """Page by page."""
    return Message("/events", {"after": cursor}, "GET")


def page(cursor: str, content: dict[str, Any], __: TillConfig) -> FetchPage:
    """The content says it; an answer that is a sweep's names nothing of what was asked, so the cursor does."""
    event = f"after {cursor}" if content.get("sweep") else ""
    return FetchPage(content["next"], more=content["more"], empty=content["empty"], event=event)


def till(**changed: object) -> Connector:
    """The connector; `changed` are fields of its manifest."""
    told: dict[str, Any] = {
        "name": "till",
        "title": "Till",
        "config": TillConfig,
        "secrets": ("key",),
        "feeds": {"events": Feed("events", fetch, page, 60)},
        "ignored": frozenset({"chatter"}),
        "takes_webhooks": True,
        "watches_folder": True,
        "body_limit": 4096,
    }
    return Connector(Manifest(**(told | changed)), read, verify=verify)


@dataclass
class Counted:
    """What was counted, by metric and labels."""

    seen: dict[tuple[str, ...], float] = field(default_factory=dict)

    def __call__(self, metric: str, amount: float = 1, **labels: str) -> None:
        """Adds."""
        name = (metric, *labels.values())
        self.seen[name] = self.seen.get(name, 0) + amount


@dataclass
class IntakeHouse(House):
    """One worker with ingress in front of the engine. Every connection is one of the till's."""

    connection: OpenConnection = field(
        default_factory=lambda: OpenConnection(
            "till", till(), TillConfig(), secrets={"key": "k", "path_token": "unguessable"}, entities=(ENTITY,)
        )
    )
    limit: Limit = field(default_factory=Limit)

    def __post_init__(self) -> None:
        """Wire the steps."""
        super().__post_init__()
        self.processes |= {"payout": PROCESS, "receipt": RECEIPT}
        self.counted = Counted()
        self.connections = {self.connection.id: self.connection}
        self.limits = Limits(self.database, self.limit)
        self.intake = Intake(self.database, self.keys, self.limits, self.counted)
        self.readings = self.make_readings()

    def make_readings(
        self, lane_full: Callable[[int], bool] = lambda _: False, reads: Callable[[int, int], None] = lambda _, __: None
    ) -> Readings:
        """The reading step of a worker that has just started."""
        return Readings(self.database, self.keys, self.processes, self.connections, lane_full, reads, self.counted)

    def use_lanes(self, lanes: Mapping[str, str]) -> None:
        """The landscape says so from now on."""
        self.connections[self.connection.id] = replace(self.connections[self.connection.id], lanes=lanes)
        self.readings = self.make_readings()

    async def take(self, *lines: object, kind: str = "file", signed: bool = True, event: str = "") -> KeptReceipt:
        """Keeps a receipt with these lines."""
        body = b"\n".join(given if isinstance(given, bytes) else json.dumps(given).encode() for given in lines)
        received = Received(self.connection.id, kind, self.now.business, signed=signed, event_id=event)
        self.now = type(self.now)(self.now.business + timedelta(microseconds=1), self.now.machine)
        return await self.intake.take(received, body)

    async def read_all(self) -> int:
        """Steps until nothing is left to read or decide."""
        total = 0
        await self.tenure.step(self.now)
        while done := await self.readings.step(self.now) + await self.settle():
            total += done
        return total

    async def ends(self) -> list[dict[str, Any]]:
        """The `receipt.read` facts, the oldest reading first."""
        rows = await self.all("select body from fact where type = 'receipt.read' order by decided_at, received_at")
        return [json.loads(bytes(body)) for (body,) in rows]  # type: ignore[call-overload]  # a column of bytes


async def begun(url: str, limit: Limit | None = None) -> IntakeHouse:
    """A house whose database is open; the caller closes it."""
    database = await Database(url, size=6, by_index=True).__aenter__()
    house = IntakeHouse(database, limit=limit or Limit())
    await house.begin()
    return house
