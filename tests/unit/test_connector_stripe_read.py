"""What Stripe's news means, where the scenarios of the sandbox don't reach."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from nostro.connectors.kit.reading import IgnoredItem, Item, ReadItem, ReceiptView, RejectItem
from nostro.connectors.stripe import CONNECTOR
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.facts import DisputeReported, PaymentAttempted, PaymentCaptured, PayoutLineReported, RefundReported
from nostro.model.money import Money
from tests.conformance.receipts import CONNECTION, ZONES, entity

NOON = 1_788_177_600  # 2026-08-31T12:00:00Z
DAY_SECONDS = 86_400
Thing = dict[str, Any]


def read(
    body: object, kind: str = "webhook", name: str = "", zone: str = "Europe/Berlin", **config: object
) -> list[Item]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    view = ReceiptView(
        id="00",
        connection=CONNECTION,
        kind=kind,
        name=name,
        received_at=datetime(2026, 9, 1, tzinfo=UTC),
        chunks=lambda: iter([raw]),
        config=StripeConfig.model_validate({"livemode": False, **config}),
        entities=(entity().model_copy(update={"zone": zone}),),
        zones=ZONES,
    )
    return list(CONNECTOR.read(view))


def event(kind: str, thing: Thing, created: int = NOON, **more: object) -> Thing:
    told = {"id": "evt_1", "object": "event", "type": kind, "created": created, "livemode": False}
    return {**told, "data": {"object": thing}, **more}


def charge(**more: object) -> Thing:
    told: Thing = {"id": "ch_1", "object": "charge", "amount": 1234, "currency": "eur", "created": NOON}
    return {**told, "captured": True, "paid": True, "status": "succeeded", "payment_intent": "pi_1", **more}


def the_fact(body: object, **how: Any) -> Any:  # noqa: ANN401 - whichever fact it is
    (item,) = read(body, **how)
    assert isinstance(item, ReadItem), item
    (fact,) = item.facts
    return fact


def test_the_invoice_is_hinted_at_by_metadata_then_by_a_description_that_is_one_reference() -> None:
    named = charge(metadata={"invoice": "INV/2026/00001"}, description="INV/2026/00002")
    assert the_fact(event("charge.succeeded", named)).invoice_hint == "INV/2026/00001"
    by_odoo = charge(description="INV/2026/00002")
    assert the_fact(event("charge.succeeded", by_odoo)).invoice_hint == "INV/2026/00002"
    own_key = charge(metadata={"order": "S00012"})
    assert the_fact(event("charge.succeeded", own_key), invoice_keys=("order",)).invoice_hint == "S00012"


def test_a_description_in_words_is_confidential_and_no_hint() -> None:
    fact = the_fact(event("charge.succeeded", charge(description="2 tickets for Customer 001")))
    assert fact.invoice_hint == ""
    assert fact.description == "2 tickets for Customer 001"


def test_a_payment_that_was_captured_days_later_has_that_day_whoever_tells_it() -> None:
    later = NOON + 3 * DAY_SECONDS
    by_event = the_fact(event("charge.captured", charge(amount_captured=1000), later))
    listed = charge(amount_captured=1000, balance_transaction={"id": "txn_1", "created": later})
    by_list = the_fact({"object": "list", "data": [listed]}, kind="poll:charges")
    assert by_event == by_list
    assert by_event.captured_on == date(2026, 9, 3)
    assert by_event.amount == Money.of("10.00", "EUR")


def test_money_booked_within_the_hour_after_midnight_keeps_the_day_of_its_charge() -> None:
    before_midnight = NOON + 10 * 3600 - 60  # 23:59 in Berlin
    listed = charge(created=before_midnight, balance_transaction={"id": "txn_1", "created": before_midnight + 1800})
    by_event = the_fact(event("charge.succeeded", charge(created=before_midnight), before_midnight + 3))
    assert the_fact({"object": "list", "data": [listed]}, kind="poll:charges") == by_event
    assert by_event.captured_on == date(2026, 8, 31)


@pytest.mark.parametrize(
    "more,state",
    [
        ({"captured": False}, "authorised"),
        ({"captured": False, "status": "pending", "paid": False}, "pending"),
        ({"captured": False, "status": "failed", "paid": False}, "failed"),
        ({"captured": False, "refunded": True}, "cancelled"),
        ({"captured": False, "status": "something_new"}, "pending"),
        ({"captured": True, "status": "pending"}, "pending"),  # a direct debit that its bank has not answered
        ({"captured": True, "status": "failed", "paid": False}, "failed"),
    ],
)
def test_a_charge_that_holds_no_money_is_an_attempt(more: Thing, state: str) -> None:
    fact = the_fact(event("charge.succeeded", charge(**more)))
    assert isinstance(fact, PaymentAttempted)
    assert fact.state == state
    assert fact.payment_id == "pi_1"


def test_an_intent_of_2020_tells_the_captures_that_it_embeds_and_one_of_today_is_ignored() -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "amount": 1234, "currency": "eur", "status": "succeeded"}
    embedded = {**intent, "created": NOON, "charges": {"object": "list", "data": [charge()]}}
    captured = the_fact(event("payment_intent.succeeded", embedded))
    assert captured == the_fact(event("charge.succeeded", charge()))
    (item,) = read(event("payment_intent.succeeded", {**intent, "created": NOON, "latest_charge": "ch_1"}))
    assert isinstance(item, IgnoredItem)
    assert item.kind in CONNECTOR.manifest.ignored


def test_a_refunded_charge_of_2020_tells_the_same_refunds_as_their_own_events() -> None:
    refund = {
        "id": "re_1",
        "object": "refund",
        "amount": 500,
        "currency": "eur",
        "created": NOON,
        "status": "succeeded",
    }
    refund |= {"charge": "ch_1", "payment_intent": "pi_1", "metadata": {"nostro_key": "NOSAAAAAAAAAAAAAAAA"}}
    embedded = charge(amount_refunded=500, refunds={"object": "list", "data": [refund]})
    fact = the_fact(event("charge.refunded", embedded))
    assert isinstance(fact, RefundReported)
    assert fact == the_fact(event("refund.created", refund))
    assert fact.correlation == "NOSAAAAAAAAAAAAAAAA"
    (item,) = read(event("charge.refunded", charge(amount_refunded=500)))
    assert isinstance(item, IgnoredItem)


@pytest.mark.parametrize(
    "amounts,funds",
    [([], "kept"), ([-1000], "withdrawn"), ([-1000, 1000], "reinstated"), ([-1000, 400], "withdrawn")],
)
def test_what_a_dispute_took_is_what_its_balance_transactions_sum_to(amounts: list[int], funds: str) -> None:
    lines = [{"amount": amount} for amount in amounts]
    told = {"id": "dp_1", "object": "dispute", "charge": "ch_1", "amount": 1000, "currency": "eur", "created": NOON}
    fact = the_fact(event("charge.dispute.updated", {**told, "status": "new_word", "balance_transactions": lines}))
    assert isinstance(fact, DisputeReported)
    assert (fact.funds, fact.state) == (funds, "open")


def test_lines_split_their_fee_and_a_reserve_of_old_is_told_by_its_sign() -> None:
    line = {"id": "txn_1", "object": "balance_transaction", "type": "reserve_transaction", "amount": 700, "fee": 50}
    parts = [{"amount": 30, "currency": "eur", "type": "stripe_fee"}, {"amount": 12, "currency": "eur", "type": "tax"}]
    parts.append({"amount": 8, "currency": "eur", "type": "stripe_fee"})
    line |= {"net": 650, "currency": "eur", "created": NOON, "available_on": NOON, "source": None, "fee_details": parts}
    fact = the_fact(
        {"object": "list", "data": [line]}, kind="poll:payouts", name="/v1/balance_transactions?payout=po_1"
    )
    assert isinstance(fact, PayoutLineReported)
    assert (fact.kind, fact.payout_id) == ("reserve_release", "po_1")
    assert fact.fee_parts == {"stripe_fee": Money.of("0.38", "EUR"), "tax": Money.of("0.12", "EUR")}


@pytest.mark.parametrize(
    "told, kind",
    [
        ({"type": "payment_failure_refund", "amount": -1000}, "refund"),
        ({"type": "payment_reversal", "amount": -1000}, "refund"),
        ({"type": "refund_failure", "amount": 1000}, "refund_failure"),
        ({"type": "adjustment", "amount": 1000, "reporting_category": "refund_failure"}, "refund_failure"),
        ({"type": "adjustment", "amount": -1000, "reporting_category": "dispute"}, "dispute"),
        ({"type": "adjustment", "amount": -30, "reporting_category": "other_adjustment"}, "adjustment"),
    ],
)
def test_a_payment_that_failed_after_all_is_no_failed_refund_and_a_failed_refund_no_fee(
    told: dict[str, object], kind: str
) -> None:
    line = {"id": "txn_1", "object": "balance_transaction", "fee": 0, "net": told["amount"], "currency": "eur"}
    line |= {"created": NOON, "available_on": NOON, "source": "py_1", "fee_details": [], **told}
    name = "/v1/balance_transactions?payout=po_1"
    fact = the_fact({"object": "list", "data": [line]}, kind="poll:payouts", name=name)
    assert isinstance(fact, PayoutLineReported)
    assert (fact.kind, fact.charge_id) == (kind, "py_1")


def test_unknown_fields_and_statuses_are_counted_and_change_nothing() -> None:
    (plain,) = read(event("charge.succeeded", charge()))
    (strange,) = read(event("charge.succeeded", charge(brand_new=1, other_new=2)))
    assert isinstance(plain, ReadItem)
    assert isinstance(strange, ReadItem)
    assert (plain.unknown_fields, strange.unknown_fields) == (0, 2)
    assert plain.facts == strange.facts
    payout = {"id": "po_1", "object": "payout", "amount": -5, "currency": "eur", "arrival_date": NOON, "created": NOON}
    (item,) = read(event("payout.updated", {**payout, "status": "frozen"}))
    assert isinstance(item, ReadItem)
    assert item.unknown_fields == 1
    assert item.facts[0].model_dump()["state"] == "pending"


def test_one_broken_object_rejects_nothing_but_itself_and_no_reject_says_anything_confidential() -> None:
    secret = "Customer 001"
    broken = [
        charge(currency="zzz", description=secret),
        charge(amount=secret),
        {"object": "charge", "description": secret},
        {"object": "charge", "captured": True, **charge(created=secret)},
        secret,
        None,
        {"object": "dream", "livemode": False},
        charge(currency="isk", amount=501),
        charge(created=10**30),
    ]
    items = read({"object": "list", "data": [charge(), *broken, charge(id="ch_2")]}, kind="poll:charges")
    assert [type(item) for item in items] == [ReadItem, *[RejectItem] * len(broken), ReadItem]
    rejects = [item for item in items if isinstance(item, RejectItem)]
    assert [reject.where for reject in rejects] == [f"$.data[{place}]" for place in range(1, len(broken) + 1)]
    assert not any(secret in f"{reject.where}{reject.why}" for reject in rejects)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b'{"object": "list"}', b"[" * 200_000, b"\xff"])
def test_a_body_that_is_nothing_of_stripes_is_one_reject(body: bytes) -> None:
    (item,) = read(body)
    assert isinstance(item, RejectItem)


def test_test_news_is_never_booked_on_a_live_connection() -> None:
    (item,) = read(event("charge.succeeded", charge()), livemode=True)
    assert isinstance(item, RejectItem)


def test_families_of_no_concern_are_ignored_and_an_unknown_event_type_is_a_reject() -> None:
    (ignored,) = read(event("customer.subscription.updated", {"object": "subscription"}))
    assert isinstance(ignored, IgnoredItem)
    assert ignored.kind in CONNECTOR.manifest.ignored
    (payout_of_2016,) = read(event("transfer.paid", {"object": "transfer"}))
    assert payout_of_2016 == IgnoredItem("transfer.*")
    (reject,) = read(event("charge.teleported", charge()))
    assert isinstance(reject, RejectItem)


def test_a_confidential_value_stands_only_in_confidential_fields() -> None:
    payer = charge(billing_details={"email": "customer001@example.com", "name": "Customer 001"})
    fact = the_fact(event("charge.succeeded", payer))
    assert isinstance(fact, PaymentCaptured)
    clear = fact.model_dump(exclude={"payer_email", "payer_name", "description"})
    assert "ustomer" not in str(clear)
    assert (fact.payer_email, fact.payer_name) == ("customer001@example.com", "Customer 001")


@pytest.mark.parametrize(
    "zone,told,booked",
    [
        ("Europe/Berlin", datetime(2026, 8, 31, 21, 59, 59, tzinfo=UTC), date(2026, 8, 31)),
        ("Europe/Berlin", datetime(2026, 8, 31, 22, 0, tzinfo=UTC), date(2026, 9, 1)),
        ("Europe/Berlin", datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        ("Europe/Berlin", datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
        ("America/New_York", datetime(2026, 9, 1, 3, 59, 59, tzinfo=UTC), date(2026, 8, 31)),
        ("America/New_York", datetime(2026, 9, 1, 4, 0, tzinfo=UTC), date(2026, 9, 1)),
    ],
)
def test_days_are_those_on_the_clocks_of_the_entity(zone: str, told: datetime, booked: date) -> None:
    at = int(told.timestamp())
    assert the_fact(charge(created=at), kind="poll:charges", zone=zone).captured_on == booked
    by_hand = event("charge.captured", charge(created=at - 3 * DAY_SECONDS), created=at)
    assert the_fact(by_hand, zone=zone).captured_on == booked
    back = {"id": "re_1", "object": "refund", "amount": 1, "currency": "eur", "charge": "ch_1", "created": at}
    assert the_fact(event("refund.created", {**back, "status": "succeeded"}), zone=zone).refunded_on == booked
    taken = {**back, "object": "dispute", "status": "lost", "balance_transactions": []}
    assert the_fact(event("charge.dispute.closed", taken), zone=zone).disputed_on == booked


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_days_that_stripe_tells_as_its_midnight_are_the_same_everywhere(zone: str) -> None:
    midnight = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
    payout = {"id": "po_1", "object": "payout", "amount": 1, "currency": "eur", "arrival_date": midnight}
    told = {**payout, "status": "paid", "created": NOON}
    assert the_fact(told, kind="poll:payouts", zone=zone).arrives_on == date(2026, 9, 1)
    line = {"id": "txn_1", "object": "balance_transaction", "type": "charge", "amount": 2, "fee": 1, "net": 1}
    there = {**line, "currency": "eur", "created": NOON, "available_on": midnight, "source": "ch_1"}
    name = "/v1/balance_transactions?payout=po_1"
    assert the_fact(there, kind="poll:payouts", name=name, zone=zone).available_on == date(2026, 9, 1)


def test_a_time_that_the_bundles_clocks_do_not_reach_is_a_reject_that_says_what_to_do() -> None:
    far = int(datetime(2031, 1, 1, tzinfo=UTC).timestamp())
    (item,) = read(charge(created=far), kind="poll:charges")
    assert isinstance(item, RejectItem)
    assert "publish the landscape again" in item.why
