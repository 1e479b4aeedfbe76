from __future__ import annotations

from datetime import date

import pytest

from nostro.model.canonical import canonical, parse
from nostro.model.facts import MatchConfirmed
from nostro.model.facts.house import Target
from nostro.model.ids import Subject
from nostro.model.intents import AnnotatePayment, BookJournalEntry, BookStatementLine, EntryLine, Intent, RefundPayment
from nostro.model.money import Money
from nostro.model.outcomes import done
from nostro.processes import bank_movement, collection
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.projections.amounts import amount_of
from tests.open_items import ITEM, capture, credit, data_of, house, paid_by_card, refund
from tests.stories import House, eur, fact, usd

DAY = date(2026, 8, 31)


def entry(*balances: str) -> BookJournalEntry:
    lines = tuple(EntryLine(account=1, balance=Money.of(balance, "JPY"), label="x") for balance in balances)
    return BookJournalEntry(entity="DE", journal=1, booked_on=DAY, label="x", lines=lines)


@pytest.mark.parametrize(
    "intent, amount",
    [
        (RefundPayment(entity="DE", connection="p", payment_id="x", amount=Money.of("12.34", "EUR")), "12.34 EUR"),
        (
            BookStatementLine(entity="DE", journal=1, amount=Money.of("-12.34", "EUR"), booked_on=DAY, reference="x"),
            "12.34 EUR",
        ),
        (entry("100", "20", "-120"), "120 JPY"),
        (entry(), "None"),
        (AnnotatePayment(entity="DE", connection="p", payment_id="x", invoice_number="i"), "None"),
    ],
)
def test_a_limit_is_held_against_what_an_intent_moves_whatever_its_sign(intent: Intent, amount: str) -> None:
    assert str(amount_of(parse(canonical(intent)))) == amount


BACK = Target(process="collection", subject=ITEM.id, kind="refund", value="")
ELSEWHERE = Target(process="collection", subject="DE/db/8", kind="person", value="")
PAYOUT = Target(process="payout", subject="p/po_1", kind="person", value="")


def at_stake(told: House, target: Target, subject: Subject = ITEM) -> list[str]:
    assert collection.PROCESS.moves
    return [str(amount) for amount in collection.PROCESS.moves(data_of(told, subject), target)]


def test_giving_back_moves_what_is_over_of_card_payments_and_another_item_may_get_all_that_is_over() -> None:
    told = paid_by_card()
    assert at_stake(told, BACK) == []
    told.tell(fact(capture(eur("70.00"), "ch_2")), fact(credit("20.00")))
    assert at_stake(told, BACK) == ["70.00 EUR"]
    assert at_stake(told, ELSEWHERE) == ["90.00 EUR"]
    assert at_stake(told, PAYOUT) == ["20.00 EUR"]


def test_what_is_shown_to_be_moved_is_what_the_match_moves() -> None:
    for target in (BACK, ELSEWHERE):
        told = paid_by_card()
        told.tell(fact(capture(eur("70.00"), "ch_2")), fact(capture(usd("5.00"), "ch_3")))
        shown = at_stake(told, target)
        told.take(ITEM, fact(MatchConfirmed(act="a1", target=target)))
        assert [str(given.amount) for given in data_of(told).assignments] == shown == ["70.00 EUR", "5.00 USD"]
        assert at_stake(told, target) == []


def test_a_refund_that_failed_is_at_stake_again() -> None:
    told = paid_by_card()
    told.tell(fact(capture(eur("70.00"), "ch_2")))
    told.take(ITEM, fact(MatchConfirmed(act="a1", target=BACK)))
    told.answer("refund-ch_2", done(refund="re_1"))
    told.tell(fact(refund("succeeded", "70.00", charge="ch_2")))
    assert at_stake(told, BACK) == []
    told.tell(fact(refund("failed", "70.00", charge="ch_2")))
    assert at_stake(told, BACK) == ["70.00 EUR"]


def test_news_of_money_that_never_came_in_here_are_worth_what_they_tell_once() -> None:
    told = House()
    told.tell(fact(refund("pending", "30.00")), fact(refund("succeeded", "30.00")))
    told.orphan()
    assert at_stake(told, ELSEWHERE, Subject("collection", "DE/unknown/ch_1")) == ["30.00 EUR"]


def test_a_bank_movement_is_matched_whole() -> None:
    assert bank_movement.PROCESS.moves
    assert bank_movement.PROCESS.moves(MovementState(amount=eur("12.00")), ELSEWHERE) == (eur("12.00"),)
    assert bank_movement.PROCESS.moves(MovementState(), ELSEWHERE) == ()


def test_a_match_in_the_erp_is_about_what_the_credit_pays_and_a_refund_about_what_it_takes_back() -> None:
    assert collection.PROCESS.worth
    told = paid_by_card()
    told.tell(fact(refund("succeeded", "40.00")))
    assert collection.PROCESS.worth(data_of(told), "match-re_1") == eur("40.00")
    told = house()
    told.bank_books("main/m1", eur("130.00"))
    told.tell(fact(credit("130.00")))
    assert told.steps("reconcile") == ["reconcile-main:m1"]
    assert collection.PROCESS.worth(data_of(told), "reconcile-main:m1") == eur("100.00")
    assert collection.PROCESS.worth(data_of(told), "reconcile-main:m2") is None
