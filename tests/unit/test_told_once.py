"""All money of a bank movement is told to somebody once, or is a case in which a person can say whose it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    EntryReported,
    LookupAnswered,
    MatchConfirmed,
    MoneyUnapplied,
    MovementRelated,
    PayoutCredited,
)
from nostro.model.facts.bank import EntryPart
from nostro.model.facts.house import Target
from nostro.model.ids import Subject
from nostro.model.intents import BookStatementLine
from nostro.processes.bank_movement import PROCESS
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.kit.process import take_in
from tests.movements import MONDAY, NOON, Bank, eur, fact, knows, report

TUESDAY = MONDAY + timedelta(days=1)
PO_1 = knows("psp", "po_1", "payout", "psp/po_1", "")
NOT_TAKEN = "match not taken: somebody was told already that it is theirs, or it can't be"


def bank(*numbers: int) -> Bank:
    """A bank whose house knows some invoices."""
    return Bank(known=dict(knows("invoice_number", f"INV/{n}", "collection", f"DE/db/{n}") for n in numbers))


def part(worth: str, *hints: str) -> EntryPart:
    return EntryPart(amount=eur(worth), invoice_hints=hints)


def settle(made: Bank) -> None:
    """Nothing more is waited for, and the lines are booked."""
    made.wait()
    made.answer()


def told(made: Bank) -> list[tuple[str, str]]:
    """Who was told of how much."""
    found: list[tuple[str, str]] = []
    for body in made.emitted:
        match body:
            case CollectionCredited() | CollectionReturned():
                found.append((f"{type(body).__name__[10:].lower()} {body.subject}", body.amount.text))
            case PayoutCredited():
                found.append((body.payout_id, body.amount.text))
            case MoneyUnapplied():
                found.append(("unapplied", body.amount.text))
    return found


def shown(made: Bank) -> list[tuple[str, str, tuple[str, ...]]]:
    """The open cases with what they are about."""
    return [(case.reason, case.amount.text if case.amount else "", case.candidates) for case in made.cases.values()]


def test_an_answer_that_comes_after_a_person_has_decided_credits_nobody_else() -> None:
    made = bank()
    made.tell(report(invoice_hints=("INV/7",)))
    made.confirm(made.only(), "collection", "DE/db/5")
    made.answer()
    made.learn(knows("invoice_number", "INV/7", "collection", "DE/db/7"))
    assert told(made) == [("credited DE/db/5", "100.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_an_answer_that_comes_before_the_line_is_booked_does_not_overrule_who_was_chosen() -> None:
    made = bank()
    made.tell(report(invoice_hints=("INV/7",)))
    made.confirm(made.only(), "collection", "DE/db/5")
    made.learn(knows("invoice_number", "INV/7", "collection", "DE/db/7"))
    made.answer()
    assert told(made) == [("credited DE/db/5", "100.00")]


def test_what_an_older_look_up_finds_changes_nothing_once_a_later_one_has_decided() -> None:
    made = bank()
    made.tell(report("report", "R1", end_to_end="INV/7"))
    made.known.update([knows("structured", "RF18539007547034", "collection", "DE/db/5")])
    made.tell(report(end_to_end="INV/7", structured="RF18539007547034"))
    made.answer()
    made.learn(knows("invoice_number", "INV/7", "collection", "DE/db/7"))
    assert made.open_cases() == set()
    assert made.confirm(made.only(), "collection", "DE/db/7").decision.rule == NOT_TAKEN
    assert told(made) == [("credited DE/db/5", "100.00")]


def test_a_choice_for_a_part_takes_no_other_part_along() -> None:
    made = bank(1, 2, 3)
    made.tell(report(parts=(part("50.00", "INV/1"), part("20.00", "INV/2", "INV/3"), part("30.00", "INV/9"))))
    settle(made)
    assert told(made) == [("credited DE/db/1", "50.00")]
    made.confirm(made.only(), "collection", "DE/db/2")
    assert told(made)[1:] == [("credited DE/db/2", "20.00"), ("unapplied", "30.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_parts_that_lead_to_several_are_chosen_for_one_after_the_other() -> None:
    made = bank(1, 2, 3, 4)
    made.tell(report(parts=(part("60.00", "INV/1", "INV/4"), part("40.00", "INV/2", "INV/3"))))
    settle(made)
    made.confirm(made.only(), "collection", "DE/db/2")
    assert told(made) == [("credited DE/db/2", "40.00")]
    assert shown(made) == [("ambiguous_match", "60.00", ("collection/DE/db/1", "collection/DE/db/4"))]
    made.confirm(made.only(), "collection", "DE/db/5")  # neither of them
    assert told(made)[1:] == [("credited DE/db/5", "60.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_where_two_parts_lead_to_several_an_item_that_neither_names_can_not_be_chosen() -> None:
    made = bank(1, 2, 3, 4)
    made.tell(report(parts=(part("60.00", "INV/1", "INV/4"), part("40.00", "INV/2", "INV/3"))))
    settle(made)
    assert made.confirm(made.only(), "collection", "DE/db/5").decision.rule == NOT_TAKEN
    assert (told(made), made.open_cases()) == ([], {"ambiguous_match"})


def test_who_may_get_more_of_what_is_contested_hears_once_of_all_that_is_his() -> None:
    made = bank(1, 2)
    made.tell(report(parts=(part("60.00", "INV/1"), part("40.00", "INV/1", "INV/2"))))
    settle(made)
    assert (told(made), made.open_cases()) == ([], {"ambiguous_match"})
    made.confirm(made.only(), "collection", "DE/db/1")
    assert told(made) == [("credited DE/db/1", "100.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_a_credit_that_is_a_payout_in_part_is_booked_on_suspense() -> None:
    made = Bank(known=dict([PO_1]))
    made.tell(report(parts=(part("60.00", "po_1"), part("40.00", "INV/9"))))
    settle(made)
    ((_, wanted),) = made.commands.values()
    assert isinstance(wanted.intent, BookStatementLine)
    assert wanted.intent.counterpart == "suspense"
    assert told(made) == [("psp/po_1", "60.00"), ("unapplied", "40.00")]


def twice_notified() -> tuple[Bank, Subject, Subject]:
    """Two notifications that say the same, of which a person has said that they are one movement."""
    made = Bank()
    for document in ("N1", "N2"):
        made.tell(report("notification", document, text="two coffees"))
        made.answer()
    known, again = sorted(made.instances, key=lambda subject: made.instances[subject].state != "booked")
    made.confirm(again, "bank_movement", known.id)
    assert (made.instances[again].state, made.open_cases()) == ("double", set())
    return made, known, again


def listed(document: str, *places: str) -> list[EntryReported]:
    return [
        report("statement", document, text="two coffees", twin=n, rank=0, place=place) for n, place in enumerate(places)
    ]


def test_a_statement_that_lists_both_asks_again_whether_a_movement_was_told_twice() -> None:
    made, known, again = twice_notified()
    made.tell(*listed("S1", "0.00", "100.00"))
    made.answer()
    assert made.instances[again].state == "doubtful"
    assert shown(made) == [("possible_double", "100.00", (known.id,))]
    made.confirm(again, "bank_movement", again.id)  # one of its own
    settle(made)
    assert (made.balance(), made.open_cases(), made.proof().findings) == (20_000, set(), ())
    assert [made.instances[subject].state for subject in (known, again)] == ["settled", "settled"]


def test_what_a_person_says_of_a_movement_that_a_statement_lists_stands() -> None:
    made, known, again = twice_notified()
    made.tell(*listed("S1", "0.00", "100.00"))
    made.confirm(again, "bank_movement", known.id)
    made.tell(*listed("S2", "0.00", "100.00"))  # a copy
    assert (made.instances[again].state, made.balance(), made.open_cases()) == ("double", 10_000, set())


def test_a_statement_that_lists_one_of_the_two_leaves_what_a_person_has_said() -> None:
    made, known, again = twice_notified()
    made.tell(*listed("S1", "0.00"))
    assert [made.instances[subject].state for subject in (known, again)] == ["settled", "double"]
    assert made.open_cases() == set()


def debits_and_return(*days: date) -> tuple[Bank, list[Subject], Subject]:
    """A credit that returns one of our debits, all of which bear its end-to-end id."""
    made = Bank()
    for n, day in enumerate(days):
        made.tell(report(document=f"S{n}", direction="debit", day=day, end_to_end="RENT", text=f"rent {n}"))
        settle(made)
    debits = list(made.instances)
    made.tell(report(document="S9", return_reason="AC04", original_end_to_end="RENT", day=TUESDAY, text="return"))
    settle(made)
    (back,) = set(made.instances) - set(debits)
    return made, debits, back


def test_a_returned_credit_with_two_possible_originals_is_a_case_until_one_is_chosen() -> None:
    made, debits, back = debits_and_return(MONDAY - timedelta(days=4), MONDAY)
    case = made.cases[back, "ambiguous_match"]
    assert (case.amount, case.candidates) == (eur("100.00"), tuple(sorted(f"bank_movement/{one.id}" for one in debits)))
    assert told(made) == []
    chosen = made.confirm(back, "bank_movement", debits[0].id)
    assert [type(body) for body in chosen.decision.emits] == [MovementRelated]
    assert {subject for subject, _ in made.cases} == {debits[1]}
    assert {finding.account for finding in made.proof().findings} == {"unexplained/DE"}


def test_a_returned_credit_with_two_possible_originals_may_be_an_item_s_instead() -> None:
    made, _, back = debits_and_return(MONDAY - timedelta(days=4), MONDAY)
    made.confirm(back, "collection", "DE/db/5")
    assert (told(made), (back, "ambiguous_match") in made.cases) == ([("credited DE/db/5", "100.00")], False)


def test_a_return_that_leads_to_itself_takes_nothing_back() -> None:
    made = Bank()
    made.tell(report("notification", "N1", end_to_end="E-1", return_reason="AC04", original_end_to_end="E-1"))
    made.tell(report("statement", "S1", end_to_end="E-1"))
    settle(made)
    assert told(made) == [("unapplied", "100.00")]


@pytest.mark.parametrize("hint", ["dp_77", "re_77", "ch_77"])
def test_a_debit_that_names_a_payment_is_shown_and_can_be_matched(hint: str) -> None:
    made = Bank(known=dict([knows("psp", hint, "collection", "DE/db/1", "")]))
    made.tell(report(direction="debit", text=f"chargeback {hint}", invoice_hints=(hint,)))
    settle(made)
    assert shown(made) == [("unexplained_debit", "-100.00", ("collection/DE/db/1",))]
    made.confirm(made.only(), "payout", "psp/po_1")
    assert told(made) == [("psp/po_1", "-100.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_the_part_of_a_debit_that_leads_nowhere_is_shown_and_can_be_matched() -> None:
    made = Bank(known=dict([PO_1]))
    made.tell(report(direction="debit", parts=(part("60.00", "po_1"), part("40.00", "X-1"))))
    settle(made)
    assert told(made) == [("psp/po_1", "-60.00")]
    assert shown(made) == [("unexplained_debit", "-40.00", ())]
    assert [(finding.account, finding.amount) for finding in made.proof().findings] == [
        ("unexplained/DE", eur("40.00"))
    ]
    assert made.confirm(made.only(), "payout", "psp/po_1").decision.rule == NOT_TAKEN  # it has heard of its share
    made.confirm(made.only(), "payout", "psp/po_2")
    assert told(made)[1:] == [("psp/po_2", "-40.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_a_debit_is_not_given_away_twice_by_another_choice() -> None:
    made = bank(1)
    made.tell(report(invoice_hints=("INV/1",)))
    settle(made)
    credit = made.only()
    made.tell(report(document="S2", direction="debit", day=TUESDAY, text="x"))
    settle(made)
    (debit,) = set(made.instances) - {credit}
    made.confirm(debit, "bank_movement", credit.id)
    assert made.confirm(debit, "payout", "psp/po_1").decision.rule == NOT_TAKEN
    assert told(made) == [("credited DE/db/1", "100.00"), ("returned DE/db/1", "100.00")]
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_a_debit_takes_back_another_than_itself() -> None:
    made = Bank()
    made.tell(report(direction="debit"))
    settle(made)
    assert made.confirm(made.only(), "bank_movement", made.only().id).decision.rule == NOT_TAKEN
    made.confirm(made.only(), "payout", "psp/po_1")
    assert (told(made), made.open_cases()) == ([("psp/po_1", "-100.00")], set())


def test_what_the_bank_charges_is_nobody_elses_by_a_choice() -> None:
    made = Bank()
    made.tell(report(direction="debit", bank_transaction_code="PMNT-MCOP-CHRG"))
    settle(made)
    assert made.confirm(made.only(), "payout", "psp/po_1").decision.rule == NOT_TAKEN
    assert (told(made), made.proof().findings) == ([], ())


def test_what_takes_back_a_movement_that_does_not_count_yet_is_held_there() -> None:
    made = Bank()
    made.tell(report("notification", "N1", end_to_end="E-1", booked=False))
    made.tell(report(document="S2", direction="debit", return_reason="MD06", original_end_to_end="E-1"))
    settle(made)
    assert (made.open_cases(), made.proof().findings) == (set(), ())


def test_a_movement_of_the_fourth_version_goes_on_as_it_began() -> None:
    number, target = knows("invoice_number", "INV/7", "collection", "DE/db/7")
    five = Target(process="collection", subject="DE/db/5", kind="", value="")
    story = (
        report(invoice_hints=("INV/7",)),
        MatchConfirmed(act="act", target=five),
        LookupAnswered(lookup=number.value, targets=tuple(target)),
    )
    found = {}
    for version in (4, 5):
        instance = replace(PROCESS.new("DE/main/m", "DE"), version=version, data=PROCESS.version(version).initial)
        for body in story:
            instance = take_in(PROCESS, instance, fact(body), Bank().rules, NOON).after
        assert isinstance(instance.data, MovementState)
        found[version] = list(instance.data.shares)
    assert found == {4: [("collection", "DE/db/7")], 5: [("collection", "DE/db/5")]}
