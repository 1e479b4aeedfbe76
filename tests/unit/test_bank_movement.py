from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    FactBody,
    MoneyUnapplied,
    MovementRelated,
    PayoutCredited,
)
from nostro.model.facts.bank import EntryPart
from nostro.model.facts.house import Target
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.intents import BookStatementLine
from nostro.model.outcomes import Outcome, OutcomeKind, failed, handed_over
from nostro.model.references import Reference
from nostro.processes.bank_movement.v1.state import MovementState
from tests.movements import MONDAY, Bank, banking_entity, eur, knows, report
from tests.stories import SmallRules

INVOICE = knows("invoice_number", "INV/2026/7", "collection", "DE/db/7")
SEVEN = knows("structured", "7", "collection", "DE/db/7")
EIGHT = knows("structured", "8", "collection", "DE/db/8")
OTHER_INVOICE = knows("invoice_number", "INV/2026/8", "collection", "DE/db/8")


def bank(*known: tuple[Reference, Sequence[Target]], **limits: int) -> Bank:
    made = Bank(rules=SmallRules(of=banking_entity(), limits=limits))
    made.known.update(dict(known))
    return made


def collective() -> list[EntryPart]:
    return [EntryPart(amount=eur("60.00"), structured="7"), EntryPart(amount=eur("40.00"), structured="8")]


def line(made: Bank) -> BookStatementLine:
    (intent,) = [wanted.intent for _, wanted in made.commands.values()]
    assert isinstance(intent, BookStatementLine)
    return intent


def told(made: Bank, kind: type[FactBody]) -> list[FactBody]:
    return [body for body in made.emitted if isinstance(body, kind)]


def state(made: Bank) -> str:
    return made.instances[made.only()].state


def test_a_credit_that_names_an_invoice_is_booked_and_then_told_to_its_collection() -> None:
    made = bank(INVOICE)
    made.tell(report(invoice_hints=("INV/2026/7",), servicer_reference="A1", payer="DE89370400440532013000"))
    intent = line(made)
    assert (intent.counterpart, intent.amount, intent.journal, intent.booked_on) == (
        "suspense", eur("100.00"), 7, MONDAY,
    )  # fmt: skip
    assert made.emitted == []
    made.answer()
    (credited,) = made.emitted
    assert isinstance(credited, CollectionCredited)
    assert (credited.subject, credited.amount, credited.statement_line, credited.by) == (
        "DE/db/7", eur("100.00"), "1001", "reference",
    )  # fmt: skip
    assert state(made) == "settled"
    assert made.proof().holds


def test_an_invoice_that_comes_later_than_its_payment_is_found_while_it_is_waited_for() -> None:
    made = bank()
    made.tell(report(invoice_hints=("INV/2026/7",)))
    assert (state(made), made.commands) == ("asking", {})
    assert made.asked().wait_seconds == 900
    made.learn(INVOICE)
    made.answer()
    assert [type(body) for body in made.emitted] == [CollectionCredited]


def test_money_that_leads_nowhere_is_booked_on_suspense_and_told_as_unapplied() -> None:
    made = bank()
    made.tell(report(text="as agreed", payer="FR7630006000011234567890189"))
    made.answer()
    (unapplied,) = made.emitted
    assert isinstance(unapplied, MoneyUnapplied)
    assert (unapplied.amount, unapplied.statement_line, unapplied.remittance) == (eur("100.00"), "1001", "as agreed")
    assert made.proof().holds


def test_references_to_two_items_credit_none_before_a_person_has_chosen() -> None:
    made = bank(INVOICE, OTHER_INVOICE)
    made.tell(report(invoice_hints=("INV/2026/7", "INV/2026/8")))
    made.wait()
    made.answer()
    assert made.emitted == []
    (case,) = made.cases.values()
    assert (case.reason, case.candidates) == ("ambiguous_match", ("collection/DE/db/7", "collection/DE/db/8"))
    assert made.proof().holds
    made.confirm(made.only(), "collection", "DE/db/8")
    (credited,) = made.emitted
    assert isinstance(credited, CollectionCredited)
    assert (credited.subject, credited.by) == ("DE/db/8", "person")
    assert made.open_cases() == set()


def test_a_choice_for_money_that_was_told_already_changes_nothing() -> None:
    made = bank()
    made.tell(report())
    made.answer()
    made.confirm(made.only(), "collection", "DE/db/8")
    assert [type(body) for body in made.emitted] == [MoneyUnapplied]


def test_a_structured_reference_decides_without_asking_for_more() -> None:
    made = bank(knows("structured", "RF18539007547034", "collection", "DE/db/7"), OTHER_INVOICE)
    made.tell(report(structured="RF18539007547034", invoice_hints=("INV/2026/8",)))
    made.answer()
    (credited,) = made.emitted
    assert isinstance(credited, CollectionCredited)
    assert credited.subject == "DE/db/7"


def test_a_collective_credit_is_split_by_its_parts() -> None:
    made = bank(SEVEN, EIGHT)
    made.tell(report(parts=collective()))
    made.wait()
    made.answer()
    credited = [body for body in made.emitted if isinstance(body, CollectionCredited)]
    assert [(body.subject, body.amount) for body in credited] == [("DE/db/7", eur("60.00")), ("DE/db/8", eur("40.00"))]
    assert made.proof().holds


def test_the_part_of_a_collective_credit_that_leads_nowhere_is_unapplied() -> None:
    made = bank(SEVEN)
    made.tell(report(parts=collective()))
    made.wait()
    made.answer()
    (unapplied,) = told(made, MoneyUnapplied)
    assert isinstance(unapplied, MoneyUnapplied)
    assert unapplied.amount == eur("40.00")
    assert made.proof().holds


def test_a_payout_is_booked_against_its_clearing_account_and_told_at_once() -> None:
    made = bank(knows("psp", "STRIPEABC", "payout", "psp-de/po_1", scope=""))
    made.tell(report(end_to_end="STRIPEABC", text="STRIPE PAYOUT"))
    (credited,) = made.emitted
    assert isinstance(credited, PayoutCredited)
    assert (credited.payout_id, credited.amount) == ("psp-de/po_1", eur("100.00"))
    assert (line(made).counterpart, line(made).counterpart_account) == ("account", 1201)
    made.answer()
    assert made.proof().holds


def test_a_payout_s_trace_id_is_waited_for_longer_than_an_invoice() -> None:
    made = bank(payout_wait_seconds=100_000)
    made.tell(report(end_to_end="STRIPEABC", text="STRIPE PAYOUT"))
    assert made.asked().wait_seconds == 100_000


def test_a_payout_that_the_provider_debits_is_told_with_its_sign() -> None:
    made = bank(knows("psp", "STRIPEABC", "payout", "psp-de/po_1", scope=""))
    made.tell(report(direction="debit", end_to_end="STRIPEABC", text="STRIPE"))
    (credited,) = made.emitted
    assert isinstance(credited, PayoutCredited)
    assert (credited.amount, line(made).amount) == (-eur("100.00"), -eur("100.00"))
    assert made.proof().holds


def test_what_the_bank_charges_is_booked_without_a_case() -> None:
    made = bank()
    made.tell(report(direction="debit", bank_transaction_code="PMNT-RCDT-CHRG"))
    made.answer()
    assert (state(made), made.open_cases(), made.emitted) == ("settled", set(), [])
    assert made.proof().holds


def test_a_debit_that_nothing_explains_is_a_case_and_shows_in_the_ledger() -> None:
    made = bank()
    made.tell(report(direction="debit"))
    made.answer()
    assert made.open_cases() == {"unexplained_debit"}
    assert [finding.account for finding in made.proof().findings] == ["unexplained/DE"]


def credit_and_return(made: Bank, original: str = "E-1") -> tuple[Subject, Subject]:
    made.tell(report(end_to_end="E-1", invoice_hints=("INV/2026/7",), uetr="u-1"))
    made.wait()
    made.answer()
    (credit,) = made.instances
    made.tell(
        report(
            document="S2", direction="debit", day=MONDAY + timedelta(days=1), return_reason="MD06", reversal=True,
            original_end_to_end=original, uetr="u-1",
        )
    )  # fmt: skip
    (back,) = set(made.instances) - {credit}
    return credit, back


def test_a_return_is_told_to_the_collection_that_the_credit_had_paid() -> None:
    made = bank(INVOICE)
    credit, back = credit_and_return(made)
    made.answer()
    (returned,) = told(made, CollectionReturned)
    assert isinstance(returned, CollectionReturned)
    assert (returned.subject, returned.original_movement, returned.movement) == ("DE/db/7", credit.id, back.id)
    assert (returned.amount, returned.reason) == (eur("100.00"), "MD06")
    assert made.open_cases() == set()
    assert made.proof().holds


def test_a_return_of_money_that_led_nowhere_is_told_to_what_that_has_become() -> None:
    made = bank()
    credit, _ = credit_and_return(made, original="")
    (returned,) = told(made, CollectionReturned)
    assert isinstance(returned, CollectionReturned)
    assert returned.subject == f"DE/unapplied/{credit.id}"


def test_a_return_of_a_credit_of_several_items_is_a_case() -> None:
    made = bank(SEVEN, EIGHT)
    made.tell(report(parts=collective(), uetr="u-1"))
    made.wait()
    made.answer()
    made.tell(report(document="S2", direction="debit", return_reason="MD06", uetr="u-1"))
    made.answer()
    assert made.open_cases() == {"return_unassigned"}
    assert made.proof().holds


def test_a_return_whose_original_nobody_knows_is_an_unexplained_debit() -> None:
    made = bank()
    made.tell(report(direction="debit", return_reason="MD06", original_end_to_end="E-9"))
    made.wait()
    assert made.open_cases() == {"unexplained_debit"}


def test_a_person_may_say_what_a_debit_takes_back_or_that_it_is_a_payout() -> None:
    made = bank(INVOICE)
    made.tell(report(invoice_hints=("INV/2026/7",)))
    made.wait()
    made.answer()
    (credit,) = made.instances
    made.tell(report(document="S2", direction="debit", day=MONDAY + timedelta(days=1)))
    (debit,) = set(made.instances) - {credit}
    assert made.open_cases() == {"unexplained_debit"}
    made.confirm(debit, "collection", "DE/db/7")
    assert made.open_cases() == {"unexplained_debit"}  # a debit is never an item's
    made.confirm(debit, "bank_movement", credit.id)
    assert (made.open_cases(), len(told(made, CollectionReturned))) == (set(), 1)
    assert made.proof().holds


def test_a_pending_entry_posts_nothing_and_vanishes_quietly() -> None:
    made = bank()
    made.tell(report("report", "R1", booked=False))
    assert (state(made), made.postings, made.commands) == ("pending", [], {})
    made.fall_due(made.only())
    assert (state(made), made.open_cases(), made.balance()) == ("vanished", set(), 0)


def test_five_tellings_of_one_movement_are_one() -> None:
    made = bank()
    own: dict[str, Any] = {"end_to_end": "E-1", "text": "Invoice", "payer": "DE89370400440532013000"}
    made.tell(
        report("report", "R0", booked=False, **own),
        report("report", "R1", servicer_reference="N1", **own),
        report("notification", "N1", servicer_reference="N1", **own),
        report("report", "R2", servicer_reference="N1", repeats=True, **own),
        report("statement", "S1", servicer_reference="S1", scheme="own", **own),
    )
    data = made.instances[made.only()].data
    assert isinstance(data, MovementState)
    assert (len(data.reports), made.balance(), len(made.commands)) == (5, 10_000, 0)
    made.wait()
    assert len(made.commands) == 1


def test_the_same_fact_twice_changes_nothing() -> None:
    made = bank()
    made.tell(report(), report())
    assert len(made.log) == 1


def test_numbers_that_begin_anew_each_year_do_not_merge_two_movements() -> None:
    made = bank()
    made.tell(report(servicer_reference="0001", document="S1"))
    made.tell(report(servicer_reference="0001", document="S1-2027", day=MONDAY + timedelta(days=365)))
    assert (len(made.instances), made.balance()) == (2, 20_000)


def test_two_notifications_that_say_the_same_wait_for_the_statement() -> None:
    made = bank()
    made.tell(report("notification", "N1", text="KANTINE"), report("notification", "N2", text="KANTINE"))
    assert (made.balance(), made.open_cases()) == (10_000, {"possible_double"})
    made.tell(report("statement", "S1", text="KANTINE"), report("statement", "S1", text="KANTINE", twin=1))
    assert (made.balance(), made.open_cases()) == (20_000, set())


def test_a_doubtful_movement_that_no_statement_lists_waits_for_a_person() -> None:
    made = bank()
    made.tell(report("notification", "N1", text="KANTINE"), report("notification", "N2", text="KANTINE"))
    made.tell(report("statement", "S1", text="KANTINE"))
    (doubtful,) = [subject for subject, one in made.instances.items() if one.state == "doubtful"]
    (first,) = set(made.instances) - {doubtful}
    made.fall_due(doubtful)
    assert (made.instances[doubtful].state, made.balance()) == ("held", 10_000)
    made.confirm(doubtful, "bank_movement", first.id)
    assert (made.instances[doubtful].state, made.balance(), made.open_cases()) == ("double", 10_000, set())
    related = [fact.body for subject, fact, _ in made.log if subject == first]
    assert isinstance(related[-1], MovementRelated)


def test_a_person_may_say_that_a_doubtful_movement_is_one_of_its_own() -> None:
    made = bank()
    made.tell(report("notification", "N1", text="KANTINE"), report("notification", "N2", text="KANTINE"))
    (doubtful,) = [subject for subject, one in made.instances.items() if one.state == "doubtful"]
    made.confirm(doubtful, "bank_movement", doubtful.id)
    assert (made.instances[doubtful].state, made.balance()) == ("booking", 20_000)


def test_what_was_notified_and_no_statement_lists_is_shown() -> None:
    made = bank()
    made.tell(report("notification", "N1"))
    made.answer()
    assert state(made) == "booked"
    three_days_later = datetime.combine(MONDAY + timedelta(days=3), time(8), UTC)  # when statements are due
    assert made.log[-1][2].due_at == three_days_later
    made.fall_due(made.only())
    assert (state(made), made.open_cases()) == ("unlisted", {"not_in_statement"})
    made.tell(report("statement", "S1"))
    assert (state(made), made.open_cases()) == ("settled", set())


@pytest.mark.parametrize(
    "outcome, reason",
    [
        (failed(FailureKind.CONFLICT, "the period is closed"), "statement_line_failed"),
        (handed_over("nobody knows"), "statement_line_unknown"),
    ],
)
def test_a_line_that_is_not_surely_booked_tells_nobody_and_is_a_case(outcome: Outcome, reason: str) -> None:
    made = bank()
    made.tell(report())
    made.answer(outcome)
    assert (made.open_cases(), made.emitted) == ({reason}, [])
    assert made.proof().holds


def test_a_refused_line_is_asked_for_again_when_a_person_releases_it() -> None:
    made = bank()
    made.tell(report())
    made.answer(failed(FailureKind.CONFLICT, "the period is closed"))
    assert state(made) == "failed"
    made.release(made.only())
    assert [wanted.generation for _, wanted in made.commands.values()] == [0, 1]
    made.answer()
    assert (state(made), made.open_cases(), len(made.emitted)) == ("settled", set(), 1)


def test_a_line_that_a_person_discards_is_never_asked_for_again() -> None:
    made = bank()
    made.tell(report())
    made.answer(Outcome(kind=OutcomeKind.DISCARDED))
    assert (state(made), len(made.emitted), len(made.commands)) == ("settled", 1, 1)


def test_a_movement_that_the_posting_policy_keeps_out_is_shown_and_held() -> None:
    made = Bank(rules=SmallRules(of=banking_entity(), denied=frozenset({("transfer", "booked")})))
    made.tell(report())
    assert (made.commands, made.open_cases(), made.emitted) == ({}, {"movement_not_posted"}, [])
    assert made.proof().holds


def test_a_movement_of_nothing_is_kept_and_moves_nothing() -> None:
    made = bank()
    made.tell(report(amount=eur("0.00")))
    assert (state(made), made.commands, made.postings, made.open_cases()) == ("settled", {}, [], set())


def test_an_instructed_foreign_amount_travels_to_the_erp() -> None:
    made = bank()
    made.tell(report(instructed={"value": "108.00", "currency": "USD"}))
    assert str(line(made).foreign) == "108.00 USD"
