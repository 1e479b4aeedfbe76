from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stdnum import iban, iso11649
from stdnum.ch import esr

from nostro.sandbox.judgement import intended
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import END, ENTITIES, ODOO, START, build_world, fault_plans
from nostro.sandbox.world import World

WEBHOOKS = dict.fromkeys(("de", "ch", "us", "odoo"), "http://door/")


def lived(seed: int = 1, size: int = 1, version: int = 19) -> tuple[Scenario, World, dict[str, Any]]:
    scenario = Scenario(seed, size)
    world = build_world(seed=seed, script=scenario.script, webhooks=WEBHOOKS, odoo_version=version)
    world.advance(END)
    return scenario, world, intended(scenario, world)


@pytest.mark.parametrize("version", [18, 19])
def test_every_act_of_the_two_days_can_be_performed_and_nothing_is_left(version: int) -> None:
    scenario, world, _ = lived(version=version)
    assert {act.name for act in scenario.script if act.name} <= set(world.results)
    assert all(START <= act.at <= END for act in scenario.script)


@pytest.mark.parametrize("seed", range(5))
def test_every_payment_comes_after_its_invoice_was_posted(seed: int) -> None:
    scenario, _, _ = lived(seed)
    posted = {act.name: act.at for act in scenario.script if act.system == ODOO}
    for act in scenario.script:
        invoice = scenario.payments[act.name][0] if act.name in scenario.payments else None
        assert invoice is None or posted[invoice] < act.at


def test_the_special_cases_are_there_with_their_amounts() -> None:
    scenario, _, told = lived()
    by_key = {invoice["invoice"]: invoice for invoice in told["invoices"]}

    def amounts(case: str) -> tuple[int, int, int]:
        invoice = by_key[scenario.specials[case]]
        return invoice["total_minor"], invoice["cleared_minor"], invoice["surplus_minor"]

    assert amounts("refund") == (48_000, 36_000, 0)
    assert amounts("chargeback") == (125_000, 0, 0)
    assert amounts("adopted") == (64_000, 64_000, 0)
    assert amounts("credit_note") == (21_000, 0, 0)
    assert amounts("inquiry") == (39_900, 39_900, 0)
    assert amounts("paid_twice") == (88_000, 88_000, 88_000)
    assert amounts("partial") == (100_000, 60_000, 0)
    assert amounts("over") == (70_000, 70_000, 1_500)
    assert amounts("late_return") == (33_000, 0, 0)


def test_dollar_and_yen_sales_are_paid_out_in_euro() -> None:
    _, world, told = lived()
    sold = Counter(payment["currency"] for payment in told["payments"] if payment["kind"] == "card")
    assert min(sold["USD"], sold["JPY"]) > 0
    german = [payout for payout in told["payouts"] if payout["psp"] == "psp/de"]
    assert {payout["currency"] for payout in german} == {"EUR"}
    assert set(world.books()["systems"]["psp/de"]["balances"]) == {"eur"}


def test_every_payout_that_arrived_is_one_credit_at_the_bank() -> None:
    _, _, told = lived()
    paid = [payout["amount_minor"] for payout in told["payouts"] if payout["status"] == "paid"]
    arrived = [m["amount_minor"] for m in told["movements"] if m["end_to_end"][0].startswith("STRIPE")]
    assert sorted(paid) == sorted(arrived)
    assert len(paid) >= 4


def test_the_monday_statements_are_doubled_missing_and_restated() -> None:
    _, world, _ = lived()
    told = {}
    for entity in ENTITIES:
        files = world.books()["systems"][entity.bank_path]["files"]
        first = entity.account.first_sequence
        told[entity.code] = [f["sequence"] - first for f in files if f["kind"] == "053"]
    assert told == {"DE": [0, 0, 1], "CH": [1], "US": [0, 0, 1]}


def test_one_credit_is_told_by_an_intraday_report_a_notification_and_a_statement() -> None:
    scenario, world, _ = lived()
    entry = world.results[f"credit/{scenario.specials['told_by_052_054_053']}"]["entry"]
    files = world.books()["systems"]["bank/ch"]["files"]
    assert {file["kind"] for file in files if entry in file["entries"]} == {"052", "053", "054"}


def test_account_numbers_and_structured_references_have_right_check_digits() -> None:
    scenario, _, _ = lived()
    transfers = [
        transfer
        for act in scenario.script
        if act.system.startswith("bank/") and act.op["act"] == "credit"
        for transfer in act.op.get("transfers", [act.op])
    ]
    references = {transfer["reference"] for transfer in transfers if "reference" in transfer}
    assert len(references) > 8
    assert all(iso11649.is_valid(reference) or esr.is_valid(reference) for reference in references)
    payers = {transfer["payer"] for transfer in transfers if "payer" in transfer}
    assert all(iban.is_valid(payer) for payer in payers if payer[0].isalpha())
    assert all(iban.is_valid(entity.account.number) for entity in ENTITIES if entity.account.number[:2].isalpha())


def test_two_worlds_of_one_seed_are_alike_and_another_seed_is_another_world() -> None:
    assert lived(1)[1].books() == lived(1)[1].books()
    assert lived(1)[2]["payments"] != lived(2)[2]["payments"]


def test_what_odoo_registered_itself_carries_the_intent_of_its_card_payment() -> None:
    scenario, world, _ = lived()
    intent = world.results[f"card/{scenario.specials['adopted']}"]["id"]
    (payment,) = world.books()["systems"][ODOO]["payments"]
    assert payment["memo"].endswith(f"- {intent}")


def test_the_whole_world_begins_again_from_its_journal(tmp_path: Path) -> None:
    scenario, journal = Scenario(1), tmp_path / "journal.jsonl"
    noon = START + timedelta(hours=31)
    for until in (noon, END):
        world = build_world(seed=1, script=scenario.script, webhooks=WEBHOOKS, journal=journal)
        world.advance(until)
    assert world.now == END
    assert world.books() == lived()[1].books()


def test_faults_change_what_is_told_and_never_what_is_true() -> None:
    scenario = Scenario(1)
    quiet = build_world(seed=1, script=scenario.script, webhooks={}, faults=False)
    quiet.advance(END)
    assert intended(scenario, quiet) == lived()[2]


def test_a_larger_size_makes_more_of_the_ordinary_business_only() -> None:
    small, large = Scenario(1), Scenario(1, size=4)
    assert set(small.specials) == set(large.specials)
    assert len(large.expected) > 3 * len(small.expected)


def test_every_plan_has_faults_that_add_up_to_less_than_all() -> None:
    for plan in fault_plans(1).values():
        rates = plan.rates
        total = rates.slow + rates.limited + rates.error_before + rates.error_after
        assert 0 < total + rates.cut_before + rates.cut_after + rates.cut_late < 0.5
