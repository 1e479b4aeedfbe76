"""Of one reason there is one case: it tells all of its grounds, whichever came last, and changes with each."""

from __future__ import annotations

import pytest

from nostro.model.facts import CollectionReturned, InvoiceWithdrawn
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.collection.v5.cases import merged
from nostro.processes.kit.decision import CaseOpening
from tests.money_world import TOTAL, capture, dispute, invoice, money, refund
from tests.open_items import credit
from tests.stories import DAY, House, eur, fact, usd

ITEM = Subject("collection", "DE/db/1")


def paid_by_two() -> House:
    """An invoice that two cards paid, 60.00 and 40.00."""
    house = House()
    house.tell(invoice(1), capture(1, 6_000, 1), capture(2, 4_000, 1))
    house.answer_all()
    return house


def newest(house: House, reason: str) -> CaseOpening:
    """What the case says now."""
    assert reason in house.open_cases(ITEM)
    return [case for case in house.opened if case.reason == reason][-1]


def told_of(case: CaseOpening) -> tuple[Money | None, int]:
    """The amount, and of how many amounts of the two payments it speaks."""
    return case.amount, sum(amount in case.sentence for amount in ("60.00 EUR", "40.00 EUR"))


@pytest.mark.parametrize("first, second", [(1, 2), (2, 1)])
def test_a_second_chargeback_on_an_item_changes_the_case_so_that_a_closed_one_opens_again(
    first: int, second: int
) -> None:
    house = paid_by_two()
    minor = {1: 6_000, 2: 4_000}
    house.tell(dispute(first, minor[first], "open", "withdrawn"))
    house.opened.clear()
    house.tell(dispute(second, minor[second], "open", "withdrawn"))
    assert [case.reason for case in house.opened] == ["chargeback"]
    assert told_of(newest(house, "chargeback")) == (money(TOTAL), 2)


@pytest.mark.parametrize("first, second", [(1, 2), (2, 1)])
def test_each_lost_chargeback_is_told_with_whether_it_is_booked(first: int, second: int) -> None:
    house = paid_by_two()
    minor = {1: 6_000, 2: 4_000}
    for n in (1, 2):
        house.tell(dispute(n, minor[n], "open", "withdrawn"))
    house.answer_all()
    house.tell(dispute(first, minor[first], "lost", "withdrawn"))
    house.answer_all()
    assert newest(house, "chargeback").amount == money(minor[second])
    assert newest(house, "chargeback_lost").amount == money(minor[first])
    house.tell(dispute(second, minor[second], "lost", "withdrawn"))
    lost = newest(house, "chargeback_lost")
    assert told_of(lost) == (money(TOTAL), 2)
    assert (lost.sentence.count("is open again"), lost.sentence.count("not booked yet")) == (1, 1)
    house.answer_all()
    assert newest(house, "chargeback_lost").sentence.count("is open again") == 2
    assert "chargeback" not in house.open_cases(ITEM)


@pytest.mark.parametrize("first, second", [(1, 2), (2, 1)])
def test_failed_refunds_of_two_payments_are_both_told(first: int, second: int) -> None:
    house, minor = paid_by_two(), {1: 6_000, 2: 4_000}
    for n in (first, second):
        house.tell(refund(n, minor[n], "succeeded"), refund(n, minor[n], "failed"))
    assert told_of(newest(house, "refund_failed")) == (money(TOTAL), 2)


def test_of_one_payment_the_refund_that_failed_last_is_told() -> None:
    house = paid_by_two()
    for n in (1, 2):
        house.tell(refund(1, 6_000, "succeeded", ident=n), refund(1, 6_000, "failed", ident=n))
    case = newest(house, "refund_failed")
    assert (case.amount, "re_1_1" in case.sentence, "re_1_2" in case.sentence) == (eur("60.00"), False, True)


@pytest.mark.parametrize("order", [("m1", "m2"), ("m2", "m1")])
def test_credits_that_went_back_are_both_told(order: tuple[str, str]) -> None:
    amounts = {"m1": "60.00", "m2": "40.00"}
    house = House()
    house.tell(invoice(1))
    for name, amount in amounts.items():
        house.tell(fact(credit(amount, name, to=ITEM)))
    for name in order:
        back = CollectionReturned(
            subject=ITEM.id, movement=f"{name}-back", original_movement=name, amount=eur(amounts[name]), booked_on=DAY
        )
        house.tell(fact(back))
    assert told_of(newest(house, "returned_payment")) == (money(TOTAL), 2)


def test_what_had_cleared_a_withdrawn_invoice_and_what_came_after_are_both_told() -> None:
    house = House()
    gone = InvoiceWithdrawn(
        connection="odoo", database="db", move_id=1, number="INV/1", why="draft", changed_at="000002"
    )
    house.tell(invoice(1), capture(1, 6_000, 1), fact(gone, order="000002"), capture(2, 4_000, 1))
    case = newest(house, "withdrawn_with_money")
    assert case.amount == money(TOTAL)
    assert "40.00 EUR came in for INV/1" in case.sentence
    assert "money had cleared it" in case.sentence


def grounds(*amounts: Money | None) -> CaseOpening:
    [case] = merged(
        CaseOpening("inquiry", f"The {n}th.", amount, (f"c{n % 2}",)) for n, amount in enumerate(amounts)
    ).values()
    return case


def test_amounts_of_several_currencies_and_those_that_nobody_knows_have_no_sum() -> None:
    assert grounds(eur("1.00"), eur("2.00")).amount == eur("3.00")
    assert grounds(eur("1.00"), usd("2.00")).amount is None
    assert grounds(eur("1.00"), None).amount is None
    assert grounds(None).amount is None


def test_of_very_many_grounds_the_newest_are_named_and_all_of_them_counted() -> None:
    case = grounds(*[eur("1.00")] * 23)
    assert (case.amount, case.candidates) == (eur("23.00"), ("c0", "c1"))
    assert case.sentence.startswith("The 3th.")
    assert case.sentence.endswith("The 22th. So it is with 3 more.")
