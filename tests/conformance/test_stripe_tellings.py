"""Webhooks, the event list and the object lists tell the very same facts: nothing lost, nothing told differently."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from nostro.connectors import stripe
from nostro.connectors.kit.reading import ReadItem, RejectItem, Verified
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.facts import FactBody, PayoutLineReported, PayoutReported, split
from nostro.model.money import Money
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.psp import Psp, PspSettings
from tests.conformance.driver import Outside
from tests.conformance.receipts import receipt

MONDAY = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)
SECRETS = {"api_key": "sk_test_sandbox", "webhook_secret": "whsec_sandbox"}


@dataclass
class Ears:
    """Every fact by who told it."""

    outside: Outside
    told: dict[str, dict[str, FactBody]] = field(default_factory=lambda: defaultdict(dict))
    items: int = 0
    unknown: int = 0

    def hear(self, who: str, kind: str, body: bytes, name: str = "") -> None:
        for item in stripe.CONNECTOR.read(receipt(self.outside, kind, body, name)):
            assert not isinstance(item, RejectItem), item
            self.items += 1
            if isinstance(item, ReadItem):
                self.unknown += item.unknown_fields
                for fact in item.facts:
                    key = f"{fact.fact_type}:{fact.natural_key()}"
                    assert split(self.told[who].setdefault(key, fact)) == split(fact), f"{who} tells {key} differently"

    def everything(self) -> dict[str, FactBody]:
        """All facts; fails where two tell one of them differently."""
        facts: dict[str, FactBody] = {}
        for told in self.told.values():
            for key, fact in told.items():
                assert split(facts.setdefault(key, fact)) == split(fact), key
        return facts


def _business(psp: Psp, at: datetime, day: int) -> list[tuple[datetime, dict[str, Any]]]:
    """A day's sales and a reserve; and what becomes of some of them later."""
    later: list[tuple[datetime, dict[str, Any]]] = []
    for place, (currency, minor) in enumerate((("eur", 12_345), ("usd", 9_900), ("jpy", 5_000), ("eur", 777))):
        sale = {"act": "card_payment", "amount": minor, "currency": currency, "payer": "Customer 001"}
        sale |= {"metadata": {"invoice": f"INV/2026/{day}{place}"}, "receipt_email": "customer001@example.com"}
        intent = psp.apply(sale | {"declined": place == 3}, at)
        if place == 0:
            refund = psp.apply({"act": "refund", "payment_intent": intent["id"], "amount": 2_000}, at)
            later += [(at + timedelta(hours=30), {"act": "refund_fails", "refund": refund["id"]})] if day == 0 else []
        if place == 1:
            dispute = psp.apply({"act": "dispute", "payment_intent": intent["id"], "inquiry": day == 1}, at)
            fate = {"act": "dispute_escalates"} if day == 1 else {"act": "dispute_closes", "won": day == 0}
            later.append((at + timedelta(hours=2), {**fate, "dispute": dispute["id"]}))
    psp.apply({"act": "reserve_hold", "amount": 500, "currency": "eur", "days": 1}, at)
    return later


def _live(plan: FaultPlan, *, polled: tuple[str, ...] = ()) -> tuple[Psp, Ears]:
    settings = PspSettings(
        "psp",
        webhook_url="https://house/webhooks/psp",
        rates={"usd/eur": Decimal("0.85"), "jpy/eur": Decimal("0.0061")},
        bank_accounts={"eur": "DE00"},
    )
    psp = Psp(settings, plan, MONDAY)
    outside = Outside(stripe.CONNECTOR, psp, StripeConfig(livemode=False), SECRETS, MONDAY)
    ears, cursors, later = Ears(outside), dict.fromkeys(polled, ""), []
    for hour in range(24 * 5):
        outside.advance(MONDAY + timedelta(hours=hour))
        if hour % 24 == 0 and hour < 72:
            later += _business(psp, outside.now, hour // 24)
        for _, act in [due for due in later if due[0] == outside.now]:
            psp.apply(act, outside.now)
        _receive(psp, ears)
        for feed in polled:
            cursors[feed] = _poll(outside, ears, feed, cursors[feed])
    return psp, ears


def _receive(psp: Psp, ears: Ears) -> None:
    for delivery in psp.take_deliveries(ears.outside.now):
        config, now = ears.outside.config, ears.outside.now
        assert stripe.CONNECTOR.verify is not None
        verdict = stripe.CONNECTOR.verify(delivery.body, dict(delivery.headers), config, SECRETS, now)
        assert isinstance(verdict, Verified)
        ears.hear("webhooks", "webhook", delivery.body)
        psp.report(delivery.reference, 200, now)


def _poll(outside: Outside, ears: Ears, feed: str, cursor: str) -> str:
    more = True
    while more:
        message, body, page = outside.fetch(feed, cursor)
        if not page.empty:
            ears.hear(feed, f"poll:{feed}", body, message.target)
        cursor, more = page.cursor, page.more
    return cursor


FEEDS = ("events", "charges", "refunds", "disputes", "payouts")


def test_webhooks_and_all_polls_tell_byte_equal_facts_under_the_same_keys() -> None:
    _, ears = _live(FaultPlan(webhook_doubled=0.2, webhook_late=0.2), polled=FEEDS)
    facts = ears.everything()
    assert ears.told["events"] == ears.told["webhooks"]
    for feed in ("charges", "refunds", "disputes"):
        assert ears.told[feed]
        assert ears.told[feed].keys() <= ears.told["webhooks"].keys(), feed
    lines = {key for key, fact in facts.items() if isinstance(fact, PayoutLineReported)}
    assert ears.told["payouts"].keys() - lines <= ears.told["webhooks"].keys()
    assert ears.unknown == 0


def test_without_a_single_webhook_the_event_list_tells_everything() -> None:
    _, with_webhooks = _live(FaultPlan())
    _, without = _live(FaultPlan(webhook_lost=1.0), polled=("events",))
    assert without.told["events"] == with_webhooks.told["webhooks"]
    assert "webhooks" not in without.told


@pytest.mark.parametrize("feed", ["charges", "refunds", "disputes"])
def test_the_object_lists_find_every_payment_refund_and_dispute_of_which_all_news_was_lost(feed: str) -> None:
    psp, ears = _live(FaultPlan(webhook_lost=1.0), polled=(feed,))
    held: list[dict[str, Any]] = psp.books()[feed]
    told = {str(key).split("/")[1] for key in ears.told[feed]}
    known = {thing["id"] for thing in held if thing.get("paid", True)}
    assert known <= told


def test_the_lines_of_each_automatic_payout_sum_to_its_amount() -> None:
    psp, ears = _live(FaultPlan(), polled=("payouts",))
    facts = ears.everything().values()
    lines = [fact for fact in facts if isinstance(fact, PayoutLineReported)]
    payouts = {fact.payout_id: fact.amount for fact in facts if isinstance(fact, PayoutReported)}
    assert len(payouts) >= 3
    assert {payout["id"] for payout in psp.books()["payouts"]} == set(payouts)
    for payout, amount in payouts.items():
        mine = [line for line in lines if line.payout_id == payout]
        assert sum((line.net for line in mine), Money.zero(amount.currency)) == amount
        assert all(line.gross - line.fee == line.net for line in mine)
        for line in mine:
            assert sum(line.fee_parts.values(), Money.zero(amount.currency)) == line.fee


def test_lines_know_their_kind_their_charge_and_what_the_payer_saw() -> None:
    _, ears = _live(FaultPlan(), polled=("payouts",))
    lines = [fact for fact in ears.everything().values() if isinstance(fact, PayoutLineReported)]
    kinds = {line.kind for line in lines}
    assert {
        "charge",
        "refund",
        "refund_failure",
        "dispute",
        "dispute_reversal",
        "reserve_hold",
        "reserve_release",
    } <= kinds
    yen = [line for line in lines if line.presentment is not None and line.presentment.currency == "JPY"]
    assert {str(line.presentment) for line in yen} == {"5000 JPY"}
    assert all(line.rate is not None and line.gross.currency == "EUR" for line in yen)
    owned = [
        line for line in lines if line.kind in ("charge", "refund", "refund_failure", "dispute", "dispute_reversal")
    ]
    assert all(line.charge_id.startswith("ch_") for line in owned)
