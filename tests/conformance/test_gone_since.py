"""What a booking refers to is gone when its lost reply is looked up: what was booked is told all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nostro.connectors import odoo
from nostro.model.failures import FailureKind
from nostro.model.intents import RECEIVABLE_OF_MOVE, BookJournalEntry, EntryLine, Intent
from nostro.model.outcomes import Outcome, OutcomeKind
from tests.conformance.driver import Dispatch
from tests.conformance.houses import OdooHouse, eur, ordered
from tests.conformance.test_drafts import ENTRY, PAYMENT, ours
from tests.conformance.test_meanwhile import chargeback

LINE = "account.bank.statement.line"


@pytest.fixture(params=[18, 19], ids=["odoo 18", "odoo 19"])
def house(request: pytest.FixtureRequest) -> OdooHouse:
    return OdooHouse(request.param)


def died_after(
    house: OdooHouse, intent: Intent, target: str, then: Callable[[], object], generation: int = 0
) -> Outcome:
    """The process dies when a call has been done and not been journaled; something happens; it is driven again."""
    waiting = [then]

    def dies(_: int) -> bool:
        newest, acting = house.outside.sent[-1] if house.outside.sent else (None, False)
        if newest is None or not acting or newest.target != target or not waiting:
            return False
        waiting.pop()()
        return True

    operation = odoo.CONNECTOR.manifest.operations[intent.operation]
    (outcome,) = Dispatch(house.outside, operation, ordered(intent, generation=generation), dies).drive()
    assert not waiting
    return outcome


def deleted(house: OdooHouse, payment: int | None) -> None:
    """A person sets a posted payment to draft first: a posted one can't be deleted."""
    house.person(PAYMENT, "action_draft", payment or 0)
    house.person(PAYMENT, "unlink", payment or 0)


def owed(house: OdooHouse, invoice: int) -> BookJournalEntry:
    return house.entry(
        EntryLine(account=RECEIVABLE_OF_MOVE, balance=eur("3.20"), label="owed", partner_of_move=invoice),
        EntryLine(account=house.clearing, balance=eur("-3.20"), label="owed"),
    )


def test_a_statement_line_stands_there_though_its_invoice_was_deleted_since(house: OdooHouse) -> None:
    invoice = house.invoice()
    wanted = house.line("100.10", counterpart="receivable", move_id=invoice)
    outcome = died_after(house, wanted, f"{LINE}/create", lambda: house.act("delete_invoice", invoice=invoice))
    (line,) = house.rows("statement_lines")
    assert (outcome.kind, outcome.ids["statement_line"]) == (OutcomeKind.ADOPTED, str(line["id"]))
    assert outcome.notes["matched"] == "no"


def test_a_posted_entry_stands_there_though_its_invoice_was_deleted_since(house: OdooHouse) -> None:
    invoice = house.invoice()
    wanted = owed(house, invoice)
    outcome = died_after(house, wanted, f"{ENTRY}/action_post", lambda: house.act("delete_invoice", invoice=invoice))
    (entry,) = ours(house, wanted)
    assert (outcome.kind, outcome.ids["move"], entry["state"]) == (OutcomeKind.ADOPTED, str(entry["id"]), "posted")


def test_a_draft_is_named_whose_invoice_was_deleted_since(house: OdooHouse) -> None:
    invoice = house.invoice()
    wanted = owed(house, invoice)
    outcome = died_after(house, wanted, f"{ENTRY}/create", lambda: house.act("delete_invoice", invoice=invoice))
    (entry,) = ours(house, wanted)
    assert (outcome.kind, outcome.failure) == (OutcomeKind.FAILED, FailureKind.NOT_FOUND)
    assert f"/odoo/account.move/{entry['id']}" in outcome.sentence


def test_what_was_posted_of_an_earlier_try_is_a_persons_where_nobody_can_say_what_is_meant(house: OdooHouse) -> None:
    invoice = house.invoice()
    wanted = owed(house, invoice)
    died_after(house, wanted, f"{ENTRY}/create", lambda: house.act("delete_invoice", invoice=invoice))
    (entry,) = ours(house, wanted)
    house.person(ENTRY, "action_post", entry["id"])
    operation = odoo.CONNECTOR.manifest.operations[wanted.operation]
    (outcome,) = Dispatch(house.outside, operation, ordered(wanted, generation=1)).drive()
    assert outcome.kind is OutcomeKind.HANDED_OVER
    assert f"/odoo/account.move/{entry['id']}" in outcome.sentence


def test_nothing_was_booked_for_an_invoice_that_was_deleted_before(house: OdooHouse) -> None:
    invoice = house.invoice()
    house.act("delete_invoice", invoice=invoice)
    operation = odoo.CONNECTOR.manifest.operations["book_journal_entry"]
    (outcome,) = Dispatch(house.outside, operation, ordered(owed(house, invoice))).drive()
    assert (outcome.kind, outcome.failure) == (OutcomeKind.FAILED, FailureKind.NOT_FOUND)


def test_an_entry_that_took_back_a_payment_is_told_though_the_payment_was_deleted_since(house: OdooHouse) -> None:
    wanted = chargeback(house)
    outcome = died_after(house, wanted, f"{ENTRY}/action_post", lambda: deleted(house, wanted.payment))
    (entry,) = ours(house, wanted)
    assert (outcome.kind, entry["state"]) == (OutcomeKind.HANDED_OVER, "posted")
    assert f"/odoo/account.move/{entry['id']}" in outcome.sentence


def test_a_payment_that_was_deleted_before_is_not_taken_back_by_an_entry_too(house: OdooHouse) -> None:
    wanted = chargeback(house)
    deleted(house, wanted.payment)
    operation = odoo.CONNECTOR.manifest.operations[wanted.operation]
    (outcome,) = Dispatch(house.outside, operation, ordered(wanted)).drive()
    assert (outcome.kind, outcome.failure, ours(house, wanted)) == (OutcomeKind.FAILED, FailureKind.NOT_FOUND, [])
