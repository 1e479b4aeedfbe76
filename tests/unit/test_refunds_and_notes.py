"""Refunds, their credit notes and disputes end alike in whatever order they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest

from nostro.ledger import fold
from nostro.model.facts import CollectionCreditNoteChanged, Fact, InvoiceWithdrawn
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.intents import BookJournalEntry, Reconcile, ReopenInvoice
from nostro.model.outcomes import done, failed
from nostro.processes import collection
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.kit.decision import CaseOpening
from tests.money_world import TOTAL, capture, dispute, invoice, line, money, refund
from tests.stories import House, eur, fact

ITEM, NOTE = Subject("collection", "DE/db/1"), Subject("collection", "DE/db/9")


def note(move: int = 9, minor: int = 4_000, order: int = 1) -> Fact:
    return invoice(move, 0, order=order, kind="credit_note", reverses_move=1, total=money(minor))


def cancelled(order: int, move: int = 9) -> Fact:
    at = f"{order:06}"
    gone = InvoiceWithdrawn(
        connection="odoo", database="db", move_id=move, number=f"INV/{move}", why="draft", changed_at=at
    )
    return fact(gone, order=at)


def paid() -> House:
    told = House()
    told.tell(invoice(1), capture(1, TOTAL, 1))
    told.answer_all()
    return told


def played(facts: Sequence[Fact], *, eager: bool) -> House:
    """A paid invoice of which so much is told, in this order; `eager`: what is asked is booked after each."""
    told = paid()
    for one in facts:
        told.tell(one)
        if eager:
            told.answer_all()
    told.answer_all()
    return told


def refunded(minor: int = 4_000) -> House:
    told = paid()
    told.tell(refund(1, minor, "succeeded"))
    told.answer_all()
    return told


def matches(told: House) -> list[tuple[str, int, int]]:
    """Step, occurrence and what the refund is matched with."""
    asked = [one for _, one in told.commands.values() if one.step.startswith("match-")]
    return [
        (one.step, one.occurrence, one.intent.move_id) for one in asked if isinstance(one.intent, Reconcile)
    ]  # fmt: skip


def data_of(told: House) -> CollectionStateV6:
    data = told.instances[ITEM].data
    assert isinstance(data, CollectionStateV6)
    return data


def open_in_the_erp(told: House) -> Counter[object]:
    """What is open of refunds and notes once all that was asked for is matched, in the order in which it was asked."""
    data = data_of(told)
    left: Counter[object] = Counter({one.move_id: one.amount.minor for one in data.credit_notes})
    for payment in data.payments:
        for one in payment.refunds:
            step = f"refunded-{one.refund_id}"
            left[step] = one.share.applied if data.steps.there(step) else 0
            if back := data.steps.end(f"unrefunded-{one.refund_id}"):
                left[int(back.ids["move"])] = one.share.applied
    for step, _, move in matches(told):
        entry = step.replace("match", "refunded")
        minor = min(left[entry], left[move])
        left[entry] -= minor
        left[move] -= minor
    return +left


def newest(told: House, reason: str) -> CaseOpening:
    """What the case says now."""
    assert reason in told.open_cases(ITEM)
    return [case for case in told.opened if case.reason == reason][-1]


STORIES: dict[str, Sequence[Fact]] = {
    "two and two": [
        refund(1, 4_000, "succeeded", ident=1), refund(1, 6_000, "succeeded", ident=2), note(8, 6_000), note(9, 4_000),
    ],
    "two refunds, one note": [
        refund(1, 4_000, "succeeded", ident=1), refund(1, 6_000, "succeeded", ident=2), note(8, TOTAL),
    ],
    "one refund, two notes": [refund(1, TOTAL, "succeeded", ident=1), note(8, 6_000), note(9, 4_000)],
    "one that failed, and another": [
        refund(1, 4_000, "succeeded", ident=1), refund(1, 4_000, "failed", ident=1),
        refund(1, 4_000, "succeeded", ident=2), note(9, 4_000),
    ],
}  # fmt: skip


@pytest.mark.parametrize("eager", [True, False], ids=["booked at once", "booked later"])
@pytest.mark.parametrize("name", STORIES)
def test_what_was_refunded_and_credited_is_matched_whole_in_whatever_order_it_is_told(
    name: str, *, eager: bool
) -> None:
    for facts in permutations(STORIES[name]):
        told = played(facts, eager=eager)
        left = open_in_the_erp(told)
        assert sum(left.values()) in (0, 8_000)  # a failed refund that no note had stood for, and what took it back
        assert not left or not {8, 9, "refunded-re_1_2"} & left.keys()
        assert told.state(ITEM) in ("in_transit", "paid")


def test_what_has_the_same_amount_is_matched_with_each_other() -> None:
    told = paid()
    told.tell(*STORIES["two and two"])
    told.answer_all()
    assert set(matches(told)) == {("match-re_1_1", 0, 9), ("match-re_1_2", 0, 8)}


def test_a_refund_that_failed_before_its_match_leaves_the_note_to_the_next_one() -> None:
    told = refunded()
    told.tell(note())
    told.answer("match-re_1_0", failed(FailureKind.CONFLICT, "nothing open"))
    told.tell(refund(1, 4_000, "failed"), refund(1, 4_000, "succeeded", ident=2))
    told.answer_all()
    assert ("match-re_1_2", 0, 9) in matches(told)


def test_what_took_a_matched_refund_back_stands_for_its_note() -> None:
    told = refunded()
    told.tell(note())
    told.answer_all()
    told.tell(refund(1, 4_000, "failed"))
    told.answer("unrefunded-re_1_0", done(move=555))
    told.tell(refund(1, 4_000, "succeeded", ident=2))
    told.answer_all()
    assert matches(told) == [("match-re_1_0", 0, 9), ("match-re_1_2", 0, 555)]


def test_a_refund_whose_credit_note_is_cancelled_waits_for_another_one_and_is_a_case_in_time() -> None:
    told = refunded()
    told.tell(note())
    told.answer_all()
    assert told.state(ITEM) == "in_transit"
    told.tell(cancelled(order=2))
    assert told.state(ITEM) == "refund_open"
    told.fall_due(ITEM)
    assert "refund_without_credit_note" in told.open_cases(ITEM)
    told.tell(note(8))
    told.answer_all()
    assert "refund_without_credit_note" not in told.open_cases(ITEM)
    assert matches(told) == [("match-re_1_0", 0, 9), ("match-re_1_0", 1, 8)]


def test_a_credit_note_that_is_drafted_and_posted_anew_is_matched_again_with_what_it_is_then() -> None:
    told = refunded()
    told.tell(note())
    told.answer_all()
    told.tell(cancelled(order=2), note(9, 3_000, order=3))
    told.answer_all()
    assert matches(told) == [("match-re_1_0", 0, 9), ("match-re_1_0", 1, 9)]
    assert told.state(ITEM) == "refund_open"
    told.tell(note(9, 3_000, order=4))
    assert len(matches(told)) == 2, "a snapshot that says the same is no news"
    assert [match.minor for match in data_of(told).matches if not match.void] == [3_000]


def test_a_cancelled_note_is_told_before_its_refund_and_before_its_invoice() -> None:
    told = House()
    told.tell(note(), cancelled(order=2))
    assert told.state(ITEM) == "noted"
    told.tell(invoice(1), capture(1, TOTAL, 1), refund(1, 4_000, "succeeded"))
    told.answer_all()
    assert (told.state(ITEM), matches(told)) == ("refund_open", [])


def test_an_item_of_the_version_before_shows_a_person_that_its_note_was_cancelled() -> None:
    told, process = House(), collection.PROCESS
    told.instances[ITEM] = replace(process.new(ITEM.id, "DE"), version=5, data=process.version(5).initial)
    told.tell(invoice(1), capture(1, TOTAL, 1), refund(1, 4_000, "succeeded"), note())
    told.answer_all()
    told.tell(cancelled(order=2))
    assert "unexpected_fact" in told.open_cases(ITEM)


def test_a_note_that_changes_is_told_once_each_time() -> None:
    told = refunded()
    told.tell(note(), cancelled(order=2), cancelled(order=3), note(9, 4_000, order=4))
    heard = [one.body for _, one, _ in told.log if isinstance(one.body, CollectionCreditNoteChanged)]
    assert [(body.amount.minor, body.changed_at) for body in heard] == [(0, "000002"), (4_000, "000004")]


def test_each_refund_of_a_payment_that_failed_is_told() -> None:
    facts = [refund(1, minor, how, ident=minor) for minor in (4_000, 3_000) for how in ("succeeded", "failed")]
    for order in permutations(facts):
        told = paid()
        told.tell(*order)
        case = newest(told, "refund_failed")
        assert (case.amount, "re_1_4000" in case.sentence, "re_1_3000" in case.sentence) == (eur("70.00"), True, True)


def test_an_older_refund_that_fails_after_its_case_was_closed_is_told() -> None:
    told = paid()
    told.tell(*(refund(1, minor, "succeeded", ident=minor) for minor in (4_000, 3_000)))
    told.tell(refund(1, 3_000, "failed", ident=3_000))
    before = len(told.opened)
    told.tell(refund(1, 4_000, "failed", ident=4_000))
    assert [case.reason for case in told.opened[before:]] == ["refund_failed"]


def test_of_refunds_that_we_made_one_after_the_other_the_newest_that_failed_is_told() -> None:
    told = House()
    told.tell(invoice(1), capture(1, TOTAL + 3_000, 1))
    told.answer_all()
    for n in (1, 2):
        told.confirm(ITEM, ITEM.id, "refund")
        told.answer("refund-ch_1", done(refund=f"re_1_{n}"))
        told.tell(refund(1, 3_000, "succeeded", ident=n), refund(1, 3_000, "failed", ident=n))
    case = newest(told, "refund_failed")
    assert (case.amount, "re_1_2" in case.sentence) == (eur("30.00"), True)


def test_of_a_dispute_that_took_another_amount_than_was_inquired_about_what_it_took_counts() -> None:
    settled = line(1, "dispute", eur("-60.00"), source="dp_1")
    asked, taken = dispute(1, TOTAL, "inquiry", "kept"), dispute(1, 6_000, "open", "withdrawn")
    for order in permutations([asked, taken, settled]):
        told = paid()
        told.tell(*order)
        assert newest(told, "chargeback").amount == eur("60.00")
        balances = fold(told.postings)
        assert (balances["dispute/DE/psp-de", "EUR"], balances["psp/DE/psp-de", "EUR"]) == (6_000, 4_000)
        assert told.proof().holds


def taken(how: str, funds: str = "withdrawn") -> Fact:
    return dispute(1, TOTAL, how, funds)


def booked(told: House, prefix: str) -> list[int]:
    """What each entry debits, or by how much it opens the invoice again."""
    intents = [one.intent for _, one in told.commands.values() if one.step.startswith(prefix)]
    return [one.amount.minor if isinstance(one, ReopenInvoice) else amount_of(one) for one in intents]


def amount_of(intent: object) -> int:
    assert isinstance(intent, BookJournalEntry)
    return max(side.balance.minor for side in intent.lines)


@pytest.mark.parametrize("eager", [True, False], ids=["booked at once", "booked later"])
def test_a_dispute_that_is_lost_opens_the_invoice_again_once_its_refund_has_failed(*, eager: bool) -> None:
    facts = [refund(1, TOTAL, "succeeded"), refund(1, TOTAL, "failed"), taken("open"), taken("lost")]
    for order in permutations(facts):
        told = played(order, eager=eager)
        assert (data_of(told).outstanding, booked(told, "disputed-"), booked(told, "lost-")) == (
            TOTAL,
            [TOTAL],
            [TOTAL],
        )
        assert booked(told, "refunded-") == booked(told, "unrefunded-")
        assert told.open_cases(ITEM) == {"chargeback_lost", "refund_failed"}
        assert told.proof().holds


@pytest.mark.parametrize("eager", [True, False], ids=["booked at once", "booked later"])
def test_a_refund_beside_a_dispute_that_is_won_is_booked(*, eager: bool) -> None:
    for order in permutations([refund(1, TOTAL, "succeeded"), taken("open"), taken("won", "reinstated")]):
        told = played(order, eager=eager)
        assert booked(told, "disputed-") == booked(told, "reinstated-")
        assert (booked(told, "refunded-"), told.state(ITEM), told.open_cases(ITEM)) == ([TOTAL], "refund_open", set())
        assert told.proof().holds


def test_where_a_dispute_had_taken_a_part_already_the_case_says_that_the_refund_has_failed() -> None:
    told = paid()
    told.tell(refund(1, 6_000, "succeeded"), taken("open"), taken("lost"))
    assert newest(told, "went_back_twice").sentence.endswith("refunded, and lost to a dispute. Book it.")
    told.tell(refund(1, 6_000, "failed"))
    case = newest(told, "went_back_twice")
    assert (case.amount, case.sentence.endswith("Open the invoice again by as much.")) == (eur("60.00"), True)
