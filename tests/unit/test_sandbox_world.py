import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import pytest

from nostro.sandbox.bank import AccountSettings, Bank, BankSettings
from nostro.sandbox.faults import FaultPlan, Rates, System
from nostro.sandbox.psp import Psp, PspSettings
from nostro.sandbox.wire import WireRequest
from nostro.sandbox.world import Act, World, resolved

START = datetime(2026, 8, 31, 5, tzinfo=UTC)
KEY = {"authorization": "Bearer sk_test_sandbox"}
EURO = AccountSettings("DE89370400440532013000", "EUR", "Entity DE", "COBADEFFXXX", "Europe/Berlin", 1_000_000)
SCRIPT = (
    Act(START + timedelta(hours=3), "psp/de", {"act": "card_payment", "amount": 9_000, "currency": "eur"}, "card-1"),
    Act(START + timedelta(hours=4), "psp/de", {"act": "refund", "payment_intent": "{card-1.id}", "amount": 1_000}),
    Act(
        START + timedelta(hours=5),
        "bank/de",
        {"act": "credit", "account": EURO.number, "amount": 700, "remittance": "for {card-1.id}, thanks"},
        "credit-1",
    ),
    Act(START + timedelta(hours=30), "bank/de", {"act": "return", "entry": "{credit-1.entry}", "charge": 300}),
)


def world(journal: Path | None = None, plan: FaultPlan | None = None) -> World:
    account = PspSettings(
        "de", 7, webhook_url="http://door/", bank_accounts={"eur": EURO.number}, rates={"usd/eur": Decimal("0.86")}
    )
    plan = plan or FaultPlan(seed=7, webhook_doubled=0.3, webhook_late=0.3, file_halved=0.3)
    systems: Mapping[str, System] = {
        "psp/de": Psp(account, plan, START),
        "bank/de": Bank(BankSettings("de", (EURO,), 7), plan, START),
    }
    return World(7, START, systems, {"psp/de": plan, "bank/de": plan}, SCRIPT, journal)


def refund(minor: int, of: World, key: str = "k1") -> WireRequest:
    form = {"payment_intent": of.results["card-1"]["id"], "amount": minor}
    return WireRequest("POST", "/v1/refunds", (), KEY | {"idempotency-key": key}, urlencode(form).encode())


def test_a_psp_payout_arrives_at_the_bank_under_its_trace_id_and_with_its_amount() -> None:
    here = world()
    here.advance(START + timedelta(days=2))
    systems = here.books()["systems"]
    (payout,) = systems["psp/de"]["payouts"]
    came_in = [entry for entry in systems["bank/de"]["accounts"][0]["entries"] if entry["text"] == "CREDIT TRANSFER"]
    (arrived,) = [entry for entry in came_in if entry["end_to_end"] == [payout["trace_id"]["value"]]]
    assert arrived["amount_minor"] == payout["amount"]


def test_one_big_step_and_many_small_ones_lead_to_the_same_books() -> None:
    big, small = world(), world()
    big.advance(START + timedelta(days=2))
    for minutes in range(0, 48 * 60 + 1, 7):
        small.advance(START + timedelta(minutes=minutes))
    small.advance(START + timedelta(days=2))
    assert big.books() == small.books()


def test_business_time_never_runs_back() -> None:
    here = world()
    with pytest.raises(AssertionError, match="run back"):
        here.advance(START - timedelta(seconds=1))


def test_the_journal_brings_back_the_books_with_late_effects_and_unanswered_webhooks(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    late = FaultPlan(seed=7, rates=Rates(cut_late=1.0))
    before = world(journal, late)
    before.advance(START + timedelta(hours=6))
    for path, delivery in before.take_deliveries()[:-1]:
        before.report(path, delivery.reference, 200)
    before.take_files()
    before.call("psp/de", refund(500, before))
    before.act("bank/de", {"act": "charge", "account": EURO.number, "amount": 90}, "fee")
    after = world(journal, late)
    for one in (before, after):
        one.advance(START + timedelta(days=2))
    assert len(after.books()["systems"]["psp/de"]["refunds"]) == 2
    for path in ("psp/de", "bank/de"):
        old, new = (dict(one.books()["systems"][path]) for one in (before, after))
        assert old.pop("webhooks", None) is None or new.pop("webhooks")["acknowledged"] > 0
        assert old == new
    assert after.results == before.results
    assert len(after.take_deliveries()) == len(before.take_deliveries()) + 1
    assert [step.name for step in after.take_files()] == [step.name for step in before.take_files()]


def test_a_journal_of_another_script_is_refused(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    world(journal)
    line = json.loads(journal.read_text())
    journal.write_text(json.dumps(line | {"script": "other"}) + "\n")
    with pytest.raises(ValueError, match="another world"):
        world(journal)


def test_faults_can_be_switched_off_while_the_world_runs() -> None:
    plan = FaultPlan(seed=7, rates=Rates(cut_before=1.0), webhook_lost=1.0)
    here = world(plan=plan)
    here.advance(START + timedelta(hours=3))
    here.set_faults("psp/de", plan.off())
    here.call("psp/de", refund(100, here))
    here.advance(START + timedelta(hours=3, minutes=1))
    told = {json.loads(delivery.body)["type"] for _, delivery in here.take_deliveries()}
    assert told == {"refund.created", "charge.refunded"}


def test_an_operation_may_name_what_earlier_ones_came_to() -> None:
    results = {"a-1": {"id": 5, "name": "INV/1"}}
    op = {"id": "{a-1.id}", "text": ["pay {a-1.name} now", 3]}
    assert resolved(op, results) == {"id": 5, "text": ["pay INV/1 now", 3]}
