"""An invoice that was drafted and posted anew between two polls: by the ERP's own order our booking was undone."""

import pytest

from nostro.model.facts import Fact
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, done
from tests.open_items import ITEM, capture, credit, data_of, house, invoice, registered
from tests.stories import House, eur, fact

BOOKED_AT = "2026-08-31 12:00:00"


def told_by_erp(order: int, total: str = "100.00", residual: str = "0.00") -> Fact:
    """A snapshot of the invoice, the n-th."""
    at = f"2026-08-31 1{order}:00:00"
    return fact(invoice(eur(total), eur(residual), at=at), order=str(order))


def amount_of(told: House, reason: str) -> Money | None:
    return told.cases[ITEM, reason].amount


def booked(at: str, **notes: str) -> Outcome:
    """Our registration, as the ERP wrote it."""
    return done(payment=41, move=42, notes={"written_at": at, **notes})


@pytest.mark.parametrize("first", ["snapshot", "outcome"])
@pytest.mark.parametrize("total", ["100.00", "60.00", "120.00"])
def test_an_invoice_that_was_drafted_and_posted_anew_between_two_polls_is_a_case(total: str, first: str) -> None:
    told = house()
    told.tell(fact(capture()))
    if first == "snapshot":
        told.tell(told_by_erp(3, total, total))
    told.answer("register-ch_1", booked(BOOKED_AT))
    if first == "outcome":
        told.tell(told_by_erp(3, total, total))
    assert amount_of(told, "reopened_in_erp") == eur(total)
    if total == "60.00":
        assert amount_of(told, "asks_for_less") == eur("40.00")
    told.tell(told_by_erp(4, total, "20.00" if total == "120.00" else "0.00"))
    assert "reopened_in_erp" not in told.open_cases(ITEM)
    assert told.proof().holds


@pytest.mark.parametrize("order, notes", [(1, {}), (2, {}), (3, {"open": "yes"})])
def test_a_snapshot_that_may_be_older_than_our_booking_opens_nothing(order: int, notes: dict[str, str]) -> None:
    told = house()
    told.tell(fact(capture()))
    told.answer("register-ch_1", booked(BOOKED_AT, **notes))
    told.tell(told_by_erp(order, residual="100.00"))
    assert "reopened_in_erp" not in told.open_cases(ITEM)


def test_a_second_booking_that_a_snapshot_is_too_old_for_is_not_missed_in_it() -> None:
    told = house()
    told.tell(fact(capture(eur("60.00"))), fact(capture(eur("40.00"), "ch_2")))
    told.answer("register-ch_1", booked(BOOKED_AT))
    told.answer("register-ch_2", booked("2026-08-31 14:00:00"))
    told.tell(told_by_erp(3, residual="40.00"))
    assert told.open_cases(ITEM) == set()
    told.tell(told_by_erp(5, residual="40.00"))
    assert amount_of(told, "reopened_in_erp") == eur("40.00")


def test_a_bank_credit_whose_match_was_undone_between_two_polls_is_a_case() -> None:
    told = house()
    told.tell(fact(credit()))
    told.answer("reconcile-main:m1", booked(BOOKED_AT))
    told.tell(told_by_erp(3, residual="100.00"))
    assert amount_of(told, "reopened_in_erp") == eur("100.00")


def cancelled() -> Fact:
    body = registered(at="2026-08-31 09:30:00").model_copy(update={"state": "canceled"})
    return fact(body, order=body.changed_at)


def test_an_adopted_payment_that_was_cancelled_between_two_polls_is_a_case() -> None:
    told = house()
    told.tell(fact(registered(), order="2026-08-31 09:05:00"), fact(capture()))
    assert data_of(told).payments[0].registered == "77"
    told.tell(cancelled(), told_by_erp(3, residual="100.00"))
    assert amount_of(told, "reopened_in_erp") == eur("100.00")
    told.tell(told_by_erp(4, residual="0.00"))
    assert told.open_cases(ITEM) == set()


def test_one_that_was_cancelled_before_its_capture_is_adopted_by_none_and_clears_nothing() -> None:
    told = house()
    told.tell(fact(registered(), order="2026-08-31 09:05:00"), cancelled())
    told.tell(fact(capture(charge="ch_2")))
    assert (told.steps("register"), told.open_cases(ITEM)) == (["register-ch_2"], set())
    told.tell(fact(capture()))
    assert data_of(told).payments[1].registered == ""


def test_where_another_payment_stands_for_the_cancelled_one_nothing_is_open() -> None:
    told = house()
    told.tell(fact(registered(), order="2026-08-31 09:05:00"), fact(capture()))
    told.tell(fact(registered(payment=78, at="2026-08-31 09:06:00"), order="2026-08-31 09:06:00"), cancelled())
    assert data_of(told).payments[0].registered == "78"
    told.tell(told_by_erp(3, residual="100.00"))
    assert "reopened_in_erp" not in told.open_cases(ITEM)
