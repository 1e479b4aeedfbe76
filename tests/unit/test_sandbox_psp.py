import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.psp import Psp, PspSettings
from nostro.sandbox.wire import WireRequest

MONDAY = datetime(2026, 8, 31, 6, tzinfo=UTC)
KEY = {"authorization": "Bearer sk_test_sandbox"}
ACCOUNT = PspSettings(
    "de",
    seed=7,
    webhook_url="http://door/hooks",
    bank_accounts={"eur": "DE1"},
    rates={"usd/eur": Decimal("0.86"), "jpy/eur": Decimal("0.0058"), "kwd/eur": Decimal("2.8")},
)


class Till:
    """One account and its clock."""

    def __init__(self, settings: PspSettings = ACCOUNT, plan: FaultPlan | None = None) -> None:
        self.now = MONDAY
        self.psp = Psp(settings, plan or FaultPlan(seed=7), MONDAY)

    def get(self, path: str, **query: str) -> tuple[int, dict[str, Any]]:
        reply = self.psp.handle(WireRequest("GET", f"/v1/{path}", tuple(query.items()), KEY), self.now)
        return reply.status, json.loads(reply.body)

    def post(self, path: str, form: Mapping[str, object], key: str = "") -> tuple[int, dict[str, Any]]:
        headers = KEY | ({"idempotency-key": key} if key else {})
        reply = self.psp.handle(WireRequest("POST", f"/v1/{path}", (), headers, urlencode(form).encode()), self.now)
        return reply.status, json.loads(reply.body)

    def sale(self, amount: int = 10_000, currency: str = "eur", **more: object) -> dict[str, Any]:
        return self.psp.apply({"act": "card_payment", "amount": amount, "currency": currency, **more}, self.now)

    def line_of(self, thing: dict[str, Any]) -> dict[str, Any]:
        return self.psp.ledger.line(thing["balance_transaction"])

    def charge_of(self, intent: dict[str, Any]) -> dict[str, Any]:
        return self.psp.payments.charges[intent["latest_charge"]]

    def run_to(self, moment: datetime) -> None:
        while (due := self.psp.next_due()) is not None and due <= moment:
            self.now = max(self.now, due)
            self.psp.tick(self.now)
        self.now = moment


def test_the_same_key_with_the_same_parameters_gives_one_refund_and_the_same_reply() -> None:
    till = Till()
    sale = till.sale()
    first = till.post("refunds", {"payment_intent": sale["id"], "amount": 100}, "k1")
    again = till.post("refunds", {"payment_intent": sale["id"], "amount": 100}, "k1")
    assert first == again
    assert len(till.psp.payments.refunds) == 1


def test_the_same_key_with_other_parameters_is_an_error_and_not_a_replay() -> None:
    till = Till()
    sale = till.sale()
    till.post("refunds", {"payment_intent": sale["id"], "amount": 100}, "k1")
    status, body = till.post("refunds", {"payment_intent": sale["id"], "amount": 200}, "k1")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_a_key_is_forgotten_after_24_hours_and_a_refused_request_does_not_use_it_up() -> None:
    till = Till()
    sale = till.sale()
    assert till.post("refunds", {"payment_intent": sale["id"], "amount": 999_999}, "k1")[0] == 400
    assert till.post("refunds", {"payment_intent": sale["id"], "amount": 100}, "k1")[0] == 200
    till.now += timedelta(hours=24)
    till.post("refunds", {"payment_intent": sale["id"], "amount": 100}, "k1")
    assert len(till.psp.payments.refunds) == 2


@pytest.mark.parametrize(
    "headers,status",
    [({}, 401), ({"authorization": "Bearer sk_wrong"}, 401), (KEY | {"stripe-version": "yesterday"}, 400), (KEY, 200)],
)
def test_only_the_right_key_and_a_well_formed_version_are_let_in(headers: dict[str, str], status: int) -> None:
    assert Till().psp.handle(WireRequest("GET", "/v1/charges", (), headers), MONDAY).status == status


def test_a_dollar_sale_is_settled_in_euro_with_its_rate_and_the_fee_is_taken_in_euro() -> None:
    till = Till()
    line = till.line_of(till.charge_of(till.sale(12_345, "usd")))
    assert line["currency"] == "eur"
    assert line["amount"] == round(12_345 * Decimal(str(line["exchange_rate"])))
    assert line["fee"] == round(line["amount"] * Decimal("0.014")) + 25
    assert line["net"] == line["amount"] - line["fee"]


def test_yen_have_no_decimals_and_dinars_have_three() -> None:
    till = Till()
    yen = till.line_of(till.charge_of(till.sale(9_800, "jpy")))
    dinars = till.line_of(till.charge_of(till.sale(10_000, "kwd")))
    assert yen["amount"] == round(9_800 * 100 * Decimal(str(yen["exchange_rate"])))
    assert dinars["amount"] == round(10 * 100 * Decimal(str(dinars["exchange_rate"])))


def test_a_payout_contains_its_own_line_and_the_others_sum_to_it() -> None:
    till = Till()
    sale = till.sale(metadata={"invoice": "INV/1"})
    till.sale(5_000, "usd")
    till.post("refunds", {"payment_intent": sale["id"], "amount": 1_000})
    till.psp.apply({"act": "dispute", "payment_intent": sale["id"], "amount": 2_000}, till.now)
    till.psp.apply({"act": "reserve_hold", "amount": 500, "currency": "eur", "days": 30}, till.now)
    till.run_to(datetime(2026, 9, 1, 12, tzinfo=UTC))
    (payout,) = till.get("payouts")[1]["data"]
    lines = till.get("balance_transactions", payout=payout["id"], limit="100")[1]["data"]
    kinds = sorted(line["type"] for line in lines)
    assert kinds == ["adjustment", "charge", "charge", "payout", "refund", "reserve_hold"]
    assert sum(line["net"] for line in lines) == 0
    assert sum(line["net"] for line in lines if line["type"] != "payout") == payout["amount"]
    assert (payout["status"], payout["reconciliation_status"]) == ("paid", "completed")
    (wire,) = till.psp.take_wires()
    assert (wire.account, wire.amount_minor, wire.end_to_end) == ("DE1", payout["amount"], payout["trace_id"]["value"])


def test_money_is_conserved_over_every_kind_of_movement() -> None:
    till = Till()
    sales = [till.sale(amount, currency) for amount, currency in ((9_000, "eur"), (8_000, "usd"), (7_000, "jpy"))]
    refund = till.post("refunds", {"payment_intent": sales[0]["id"], "amount": 2_500})[1]
    till.psp.apply({"act": "refund_fails", "refund": refund["id"]}, till.now)
    dispute = till.psp.apply({"act": "dispute", "payment_intent": sales[1]["id"]}, till.now)
    till.psp.apply({"act": "dispute_closes", "dispute": dispute["id"], "won": True}, till.now)
    till.psp.apply({"act": "reserve_hold", "amount": 700, "currency": "eur", "days": 1}, till.now)
    till.run_to(datetime(2026, 9, 4, 12, tzinfo=UTC))
    paid_out = sum(wire.amount_minor for wire in till.psp.take_wires())
    earned = sum(till.line_of(till.charge_of(sale))["net"] for sale in sales)
    assert paid_out == earned - till.psp.settings.dispute_fee_minor
    assert till.psp.ledger.balances()["eur"] == {"available": 0, "pending": 0, "reserved": 0}


def test_a_failed_refund_brings_back_what_went_out_at_the_rate_of_then() -> None:
    till = Till()
    sale = till.sale(8_000, "usd")
    till.now += timedelta(days=1)
    refund = till.post("refunds", {"payment_intent": sale["id"]})[1]
    till.now += timedelta(days=1)
    failed = till.psp.apply({"act": "refund_fails", "refund": refund["id"]}, till.now)
    back = till.psp.ledger.line(failed["failure_balance_transaction"])
    assert back["amount"] == -till.line_of(failed)["amount"]
    assert (failed["status"], till.charge_of(sale)["amount_refunded"]) == ("failed", 0)


def test_a_negative_balance_waits_for_later_sales_unless_it_is_collected() -> None:
    for collects, wired in ((False, []), (True, [-2_165])):
        till = Till(replace(ACCOUNT, debits_negative_balance=collects))
        sale = till.sale()
        till.run_to(datetime(2026, 9, 1, 12, tzinfo=UTC))
        till.psp.take_wires()
        till.psp.apply({"act": "dispute", "payment_intent": sale["id"], "amount": 165}, till.now)
        till.run_to(datetime(2026, 9, 2, 12, tzinfo=UTC))
        assert [wire.amount_minor for wire in till.psp.take_wires()] == wired


def test_a_declined_card_answers_402_and_takes_nothing() -> None:
    till = Till()
    form = {"amount": 500, "currency": "eur", "confirm": "true", "payment_method": "pm_card_chargeDeclined"}
    status, body = till.post("payment_intents", form)
    assert (status, body["error"]["code"]) == (402, "card_declined")
    assert till.psp.ledger.lines == []


def test_an_authorised_amount_is_captured_in_part_and_only_that_is_settled() -> None:
    till = Till()
    form = {"amount": 900, "currency": "eur", "confirm": "true", "capture_method": "manual"}
    intent = till.post("payment_intents", form)[1]
    assert (intent["status"], till.psp.ledger.lines) == ("requires_capture", [])
    captured = till.post(f"payment_intents/{intent['id']}/capture", {"amount_to_capture": 600})[1]
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 600)
    assert till.line_of(till.charge_of(captured))["amount"] == 600


def test_pages_walk_over_every_event_once_from_the_newest_to_the_oldest() -> None:
    till = Till()
    for _ in range(9):
        till.sale()
        till.now += timedelta(seconds=1)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = till.get("events", limit="4", **after)[1]
        seen += [event["id"] for event in page["data"]]
        if not page["has_more"]:
            break
        after = {"starting_after": seen[-1]}
    assert seen == [event["id"] for event in reversed(till.psp.events.events)]


def test_events_leave_the_api_after_30_days_and_can_be_asked_for_by_type_and_time() -> None:
    till = Till()
    till.sale()
    till.now += timedelta(days=10)
    till.sale()
    since = str(int(till.now.timestamp()))
    kinds = till.get("events", **{"created[gte]": since, "types[]": "charge.*"})[1]["data"]
    assert [event["type"] for event in kinds] == ["charge.succeeded"]
    till.now += timedelta(days=21)
    left = till.get("events", **{"limit": "100", "types[]": "charge.succeeded"})[1]["data"]
    assert [event["id"] for event in left] == [kinds[0]["id"]]


def test_an_unknown_parameter_is_refused_as_stripe_does() -> None:
    assert Till().get("charges", invoice="1")[1]["error"]["code"] == "parameter_unknown"


def test_expansion_puts_the_object_in_the_place_of_its_id() -> None:
    till = Till()
    sale = till.sale(metadata={"invoice": "INV/1"})
    page = till.get("balance_transactions", **{"expand[]": "data.source.payment_intent"})[1]
    assert page["data"][0]["source"]["payment_intent"]["id"] == sale["id"]
    assert till.line_of(till.charge_of(sale))["source"] == sale["latest_charge"]


def test_metadata_is_merged_and_an_empty_value_removes_its_key() -> None:
    till = Till()
    sale = till.sale(metadata={"invoice": "INV/1", "old": "x"})
    path = f"payment_intents/{sale['id']}"
    body = till.post(path, {"metadata[nostro_key]": "NOS1", "metadata[old]": ""})[1]
    assert body["metadata"] == {"invoice": "INV/1", "nostro_key": "NOS1"}


def test_a_webhook_is_signed_over_time_and_body_with_every_secret() -> None:
    till = Till(replace(ACCOUNT, webhook_secrets=("whsec_old", "whsec_new")))
    till.sale()
    delivery = till.psp.take_deliveries(MONDAY + timedelta(minutes=1))[0]
    at, *marks = (part.partition("=")[2] for part in delivery.headers["stripe-signature"].split(","))
    signed = at.encode() + b"." + delivery.body
    assert marks == [hmac.new(s, signed, hashlib.sha256).hexdigest() for s in (b"whsec_old", b"whsec_new")]


def test_what_was_not_acknowledged_comes_again_with_another_body() -> None:
    till = Till()
    till.sale()
    first = till.psp.take_deliveries(MONDAY + timedelta(seconds=3))[0]
    till.psp.report(first.reference, 500, MONDAY + timedelta(seconds=3))
    (again,) = [
        delivery
        for delivery in till.psp.take_deliveries(MONDAY + timedelta(minutes=6))
        if delivery.reference.partition("/")[0] == first.reference.partition("/")[0]
    ]
    assert json.loads(first.body)["pending_webhooks"] == 2
    assert json.loads(again.body)["pending_webhooks"] == 1
    assert json.loads(first.body)["data"] == json.loads(again.body)["data"]


def test_webhooks_are_lost_doubled_and_late_as_the_plan_says_while_the_api_shows_every_event() -> None:
    till = Till(plan=FaultPlan(seed=1, webhook_lost=0.2, webhook_doubled=0.2, webhook_late=0.2))
    for _ in range(40):
        till.sale()
    sent = [d.reference.partition("/")[0] for d in till.psp.take_deliveries(MONDAY + timedelta(hours=1))]
    events = [event["id"] for event in till.psp.events.events]
    assert set(events) - set(sent)
    assert len(sent) > len(set(sent))
    assert sent != sorted(sent, key=events.index)


def test_two_accounts_of_one_seed_tell_the_same_story_although_one_was_asked_more() -> None:
    quiet, busy = Till(), Till()
    for till in (quiet, busy):
        sale = till.sale(metadata={"invoice": "INV/1"}, reference="card-1")
        till.psp.apply({"act": "dispute", "payment_intent": sale["id"]}, till.now)
    busy.get("charges")
    busy.post(f"charges/{sale['latest_charge']}", {"metadata[nostro_key]": "NOS1"})
    for till in (quiet, busy):
        till.run_to(datetime(2026, 9, 1, 12, tzinfo=UTC))
    told = [{event["id"] for event in till.psp.events.events} for till in (quiet, busy)]
    assert told[0] < told[1]
    assert quiet.psp.books()["payouts"] == busy.psp.books()["payouts"]
