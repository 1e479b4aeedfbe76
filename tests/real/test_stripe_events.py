"""Events of 2017 to 2020 as Stripe made them, and its fixtures of today: each is read, or declared as ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nostro.connectors.kit.reading import IgnoredItem, Item, ReadItem, ReceiptView, RejectItem
from nostro.connectors.stripe import CONNECTOR
from nostro.connectors.stripe.config import StripeConfig
from tests.conformance.receipts import CONNECTION, ZONES, entity
from tests.golden.pairs import FOLDER, hold_to, meaning

EVENTS = "data/psp/stripe/events/stripe-ruby-mock"
FIXTURES = "data/psp/stripe/openapi/fixtures3.json"
GOLDEN = FOLDER / "stripe"


def _read(body: bytes, kind: str, name: str = "", *, livemode: bool = False) -> list[Item]:
    received_at = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)
    config = StripeConfig(livemode=livemode)
    return list(
        CONNECTOR.read(
            ReceiptView("00", CONNECTION, kind, name, received_at, lambda: iter([body]), config, (entity(),), ZONES)
        )
    )


def test_every_event_means_what_it_meant(shared: Path) -> None:
    files = sorted((shared / EVENTS).glob("*.json"))
    assert len(files) == 50
    told = {file.name: meaning(_read(file.read_bytes(), "webhook")) for file in files}
    hold_to(GOLDEN / "events.facts", told)


def test_no_event_is_rejected_and_those_about_money_are_read(shared: Path) -> None:
    read: set[str] = set()
    ignored: set[str] = set()
    for file in sorted((shared / EVENTS).glob("*.json")):
        (item,) = _read(file.read_bytes(), "webhook")
        assert not isinstance(item, RejectItem), (file.name, item)
        (read if isinstance(item, ReadItem) else ignored).add(file.stem)
        if isinstance(item, IgnoredItem):
            assert item.kind in CONNECTOR.manifest.ignored
    assert read >= {"charge.succeeded", "charge.captured", "charge.failed", "charge.refunded", "charge.refund.updated"}
    assert {name for name in read | ignored if name.startswith("charge.dispute.")} <= read
    assert {name for name in read | ignored if name.startswith("payout.")} <= read
    assert {name for name in read | ignored if name.startswith("transfer.")} <= ignored


def test_an_event_is_the_same_news_in_the_event_list(shared: Path) -> None:
    events: list[Any] = []
    for file in sorted((shared / EVENTS).glob("*.json")):
        event = json.loads(file.read_bytes())
        events.append(event)
    page = json.dumps({"object": "list", "data": events, "has_more": False}).encode()
    listed = _read(page, "poll:events", "/v1/events")
    alone = [item for event in events for item in _read(json.dumps(event).encode(), "webhook")]
    assert meaning(listed) == meaning(alone)


@pytest.mark.parametrize("kind", ["charge", "refund", "dispute", "payout", "balance_transaction"])
def test_stripes_own_fixtures_of_today_are_read_and_no_field_of_them_is_unknown(shared: Path, kind: str) -> None:
    resources = json.loads((shared / FIXTURES).read_bytes())["resources"]
    page = json.dumps({"object": "list", "data": [resources[kind]], "has_more": False}).encode()
    (item,) = _read(page, "poll:any", "/v1/balance_transactions?payout=po_1")
    assert isinstance(item, ReadItem), item
    assert item.unknown_fields == 0
    hold_to(GOLDEN / f"{kind}.facts", meaning([item]))
