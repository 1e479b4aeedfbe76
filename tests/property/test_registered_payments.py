"""Payments that the ERP's own provider registered: each of an item's counts, whatever the other's write date is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nostro.model.facts import PaymentRegistered
from tests.open_items import ITEM, capture, data_of, registered
from tests.open_items import invoice as item
from tests.stories import House, SmallRules, entity, eur, fact

moments = st.integers(0, 59).map("2026-08-31 09:05:{:02}".format)


@given(st.tuples(moments, moments), st.permutations(range(4)), st.tuples(st.booleans(), st.booleans()))
def test_two_payments_of_an_item_both_count_in_whatever_order_and_with_whatever_write_dates(
    written: tuple[str, str], order: list[int], passed: tuple[bool, bool]
) -> None:
    told = House(SmallRules(of=entity(odoo_provider=True)))
    told.tell(fact(item(eur("200.00")), order="1"))
    tellings = [
        telling(registered(reference=f"pi_{n}", at=at, payment=70 + n), passed_on=on)
        for n, at, on in zip((1, 2), written, passed, strict=True)
    ]
    news = (*(fact(body, order="" if body.passed_to else body.changed_at) for body in tellings),
            *(fact(capture(charge=f"ch_{n}")) for n in (1, 2)))  # fmt: skip
    told.tell(*(news[n] for n in order))
    assert {(one.source, one.registered) for one in data_of(told).payments} == {("ch_1", "71"), ("ch_2", "72")}
    assert (told.open_cases(ITEM), told.steps("register"), data_of(told).outstanding) == (set(), [], 0)


@given(moments, moments)
def test_of_one_payment_the_newest_telling_counts_also_when_it_was_passed_on(older: str, newer: str) -> None:
    """A cancelled payment stands no more: what was told of it before must not bring it back."""
    older, newer = sorted((older, newer))
    told = House(SmallRules(of=entity(odoo_provider=True)))
    cancelled = registered(at=f"{newer}.1").model_copy(update={"state": "canceled", "passed_to": ITEM.id})
    told.tell(fact(item(), order="1"), fact(cancelled), fact(registered(at=older), order=older))
    told.tell(fact(capture()))
    assert data_of(told).payments[0].registered == ""


def telling(body: PaymentRegistered, *, passed_on: bool) -> PaymentRegistered:
    return body.model_copy(update={"passed_to": ITEM.id}) if passed_on else body
