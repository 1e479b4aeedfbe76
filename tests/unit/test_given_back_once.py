"""Money that is over is given back, or used for another item: never both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nostro.model.facts.house import Target
from nostro.model.ids import Subject
from nostro.model.outcomes import Outcome, OutcomeKind, done, handed_over
from nostro.processes import collection
from nostro.processes.kit.decision import CaseOpening
from tests.open_items import ITEM, OTHER, capture, credit, data_of, house, invoice, refund
from tests.stories import House, eur, fact

REFUSED = Outcome(kind=OutcomeKind.DISCARDED)
FAILED = Outcome(kind=OutcomeKind.FAILED, sentence="The card is closed.")
MADE = done(refund="re_1")


def overpaid() -> House:
    """30.00 EUR are over, and another item is open."""
    told = house()
    told.tell(fact(invoice(move=8), order="1"), fact(capture(eur("130.00"))))
    told.answer_all()
    return told


def asked_back() -> House:
    told = overpaid()
    told.confirm(ITEM, ITEM.id, "refund")
    return told


def at_stake(told: House, subject: Subject = OTHER) -> list[str]:
    assert collection.PROCESS.moves
    target = Target(process="collection", subject=subject.id, kind="person", value="")
    return [str(amount) for amount in collection.PROCESS.moves(data_of(told), target)]


def newest(told: House, reason: str) -> CaseOpening:
    """What the case says now."""
    assert reason in told.open_cases(ITEM)
    return [case for case in told.opened if case.reason == reason][-1]


def used_elsewhere(told: House) -> bool:
    """Whether a person can still use for the other item what is over here."""
    stake = at_stake(told)
    told.confirm(ITEM, OTHER.id)
    assert told.proof().holds
    assert stake == (["30.00 EUR"] if data_of(told).payments[0].moved else [])
    assert bool(stake) == ("register-ch_1~2" in told.steps("register"))
    return bool(stake)


@pytest.mark.parametrize("end", [None, handed_over("nobody knows"), MADE], ids=["waits", "nobody knows", "made"])
def test_what_is_on_its_way_back_pays_no_other_item(end: Outcome | None) -> None:
    told = asked_back()
    if end is not None:
        told.answer("refund-ch_1", end)
    assert not used_elsewhere(told)
    assert told.steps("refund") == ["refund-ch_1"]


@pytest.mark.parametrize("end", [REFUSED, FAILED], ids=["refused", "failed"])
def test_what_was_not_given_back_may_pay_another_item(end: Outcome) -> None:
    told = asked_back()
    told.answer("refund-ch_1", end)
    assert used_elsewhere(told)
    assert "overpaid" not in told.open_cases(ITEM)


def test_what_came_back_of_a_refund_may_pay_another_item() -> None:
    told = asked_back()
    told.answer("refund-ch_1", MADE)
    told.tell(fact(refund("pending", "30.00")))
    assert at_stake(told) == []
    told.tell(fact(refund("failed", "30.00")))
    assert used_elsewhere(told)


def test_a_failed_refund_is_not_tried_again_once_its_money_was_used_otherwise() -> None:
    told = asked_back()
    told.answer("refund-ch_1", FAILED)
    assert used_elsewhere(told)
    told.release(ITEM, "refund-ch_1")
    assert told.steps("refund") == ["refund-ch_1"]


def test_one_that_is_tried_again_is_on_its_way_again() -> None:
    told = asked_back()
    told.answer("refund-ch_1", FAILED)
    told.release(ITEM, "refund-ch_1")
    assert not used_elsewhere(told)
    assert told.steps("refund") == ["refund-ch_1"] * 2


def test_what_a_second_person_refused_to_give_back_is_given_back_when_it_is_asked_for_again() -> None:
    told = asked_back()
    told.answer("refund-ch_1", REFUSED)
    told.confirm(ITEM, ITEM.id, "refund")
    assert told.steps("refund") == ["refund-ch_1"] * 2
    assert not used_elsewhere(told)


def test_the_case_says_that_its_money_is_on_its_way_back() -> None:
    told = asked_back()
    case = newest(told, "overpaid")
    assert case.sentence == "30.00 EUR more came in than INV/2026/7 asks for. It is on its way back to the payer."
    told.answer("refund-ch_1", REFUSED)
    assert newest(told, "overpaid").sentence.endswith("Give it back, or match it with another item.")


def test_of_what_came_in_twice_the_case_says_how_much_is_on_its_way_back() -> None:
    told = house()
    told.tell(fact(capture()), fact(capture(charge="ch_2")))
    told.confirm(ITEM, ITEM.id, "refund")
    told.tell(fact(credit("20.00")))
    case = newest(told, "paid_twice")
    assert case.amount == eur("120.00")
    assert case.sentence.endswith("Of it 100.00 EUR is on its way back to the payer.")


def test_an_item_of_the_version_before_goes_on_as_it_began() -> None:
    told, process = House(), collection.PROCESS
    begun = replace(process.new(ITEM.id, "DE"), version=4, data=process.version(4).initial)
    told.instances[ITEM] = begun
    told.tell(fact(invoice(), order="1"), fact(invoice(move=8), order="1"), fact(capture(eur("130.00"))))
    told.answer_all()
    told.confirm(ITEM, ITEM.id, "refund")
    assert used_elsewhere(told)
