"""The judge's leniency has bounds: what nobody knows is excused by a case that says just this, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nostro.acts.matter import Decide
from nostro.model.money import Money
from nostro.projections.worklist import OpenCase, WaitingCommand
from nostro.runtime.demo.judge import BANK, CARD, FEE, Effect
from nostro.runtime.demo.summary import effects_in
from tests.odoo_house import KEY, House
from tests.simulation.handed_over import unexplained, untold
from tests.simulation.people import found

AT = datetime(2026, 8, 31, 6, tzinfo=UTC)
NOTE = "Nobody can say whether it was done."
TEN = {"value": "10.00", "currency": "CHF"}
COMMAND = WaitingCommand(
    *("payout/p/entry/0/0", "NOS1", "CH", "odoo", "book_journal_entry", "handed_over", NOTE, AT, "payout", "p/po_1"),
    intent={"lines": []},
)
CASE = OpenCase("C-1", "payout", "p/po_1", "CH", "booking_unknown", f"entry/0: {NOTE}", None, AT)
FEES = Effect(FEE, "CH", "po_1", Money.of("10", "CHF"))


def test_what_a_case_says_nobody_knows_is_no_flaw() -> None:
    assert list(untold([COMMAND], [CASE])) == []
    assert list(unexplained([FEES], [COMMAND], [CASE])) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(CASE, subject="p/po_2"),
        replace(CASE, process="collection"),
        replace(CASE, reason="payout_incomplete"),
        replace(CASE, sentence="entry/0: something else"),
        replace(CASE, closed_at=AT),
    ],
)
def test_a_case_that_says_something_else_excuses_nothing(other: OpenCase) -> None:
    assert list(untold([COMMAND], [other])) == [
        "a command was handed over, and no case says so: book_journal_entry NOS1"
    ]
    assert list(unexplained([FEES], [COMMAND], [other])) == [FEES]


def test_a_command_excuses_its_own_effect_once_and_no_other() -> None:
    others = [replace(FEES, name="po_2"), replace(FEES, entity="DE"), replace(FEES, kind=CARD)]
    assert list(unexplained([FEES, FEES, *others], [COMMAND], [CASE])) == [FEES, *others]
    proposed = replace(COMMAND, status="proposed")
    assert list(unexplained([FEES], [proposed], [CASE])) == [FEES]


@pytest.mark.parametrize(
    "operation, intent, kind, name",
    [
        ("register_customer_payment", {"memo": "INV/1", "amount": TEN}, CARD, "INV/1"),
        ("book_statement_line", {"booked_on": "2026-08-31", "amount": TEN}, BANK, "2026-08-31"),
    ],
)
def test_a_payment_or_line_is_excused_by_name_and_amount(
    operation: str, intent: dict[str, object], kind: str, name: str
) -> None:
    command, effect = replace(COMMAND, operation=operation, intent=intent), replace(FEES, kind=kind, name=name)
    others = [replace(effect, name="another"), replace(effect, amount=Money.of("11", "CHF"))]
    assert list(unexplained([*others, effect], [command], [CASE])) == others


def test_a_person_who_looks_there_says_the_id_of_what_was_made_and_no_other() -> None:
    house = House(19)
    line = house.statement_line(10.0)
    there = dict(effects_in({"odoo": house.books.books()}))
    assert there == {KEY: str(line["id"])}
    booked = replace(COMMAND, operation="book_statement_line")
    assert found(booked, there.get(KEY)) == Decide(COMMAND.key, "confirm_done", there[KEY])
    assert found(booked, None) == Decide(COMMAND.key, "confirm_not_done")
    assert found(replace(COMMAND, operation="annotate_payment"), "pi_1") == Decide(COMMAND.key, "confirm_done")
