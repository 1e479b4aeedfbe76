"""Situations of daily life that the other tests of open items and payouts pass by, each with what a person sees."""

from __future__ import annotations

import pytest

from nostro.ledger import accounts, fold
from nostro.model.facts import CollectionReturned, Fact, InvoiceWithdrawn, PayoutReported
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.intents import BookJournalEntry, RegisterCustomerPayment, ReopenInvoice
from nostro.model.money import Money
from nostro.model.outcomes import done, handed_over
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.collection.v2.state import CollectionStateV2
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.collection.v5.state import CollectionStateV5
from nostro.processes.collection.v6.state import CollectionStateV6
from tests.open_items import (
    ITEM,
    capture,
    credit,
    data_of,
    dispute,
    foreign_sale,
    house,
    intent_of,
    invoice,
    line,
    paid_by_card,
    refund,
    registered,
)
from tests.stories import DAY, PSP, House, eur, fact, usd

PO = Subject("payout", f"{PSP}/po_1")


def told_by_erp(order: int, total: str = "100.00", residual: str = "0.00") -> Fact:
    """A snapshot of the invoice, the n-th."""
    at = f"2026-08-31 1{order}:00:00"
    return fact(invoice(eur(total), eur(residual), at=at), order=str(order))


def drafted(order: int) -> Fact:
    at = f"2026-08-31 1{order}:00:00"
    gone = {"connection": "odoo", "database": "db", "move_id": 7, "number": "INV/2026/7", "changed_at": at}
    return fact(InvoiceWithdrawn.model_validate({**gone, "why": "draft"}), order=str(order))


def amount_of(told: House, reason: str) -> Money | None:
    return told.cases[ITEM, reason].amount


def test_a_part_that_is_refunded_is_booked_and_taken_back_by_a_credit_note_of_that_part() -> None:
    told = paid_by_card()
    told.tell(fact(line("charge", eur("100.00"))), fact(refund("succeeded", "40.00")))
    told.answer_all()
    told.tell(fact(line("refund", eur("-40.00"), source="re_1")))
    assert told.state(ITEM) == "refund_open"
    entry = intent_of(told, "refunded-re_1")
    assert isinstance(entry, BookJournalEntry)
    assert [side.balance for side in entry.lines] == [eur("40.00"), eur("-40.00")]
    note = invoice(eur("40.00"), move=9).model_copy(update={"kind": "credit_note", "reverses_move": 7})
    told.tell(fact(note, order="1"))
    told.answer_all()
    assert (told.state(ITEM), told.open_cases(ITEM), told.steps("match")) == ("paid", set(), ["match-re_1"])
    assert told.proof().holds


@pytest.mark.parametrize("method", ["card", "sepa_debit"])
def test_what_is_taken_back_after_its_payout_opens_the_invoice_and_stands_against_the_next_payout(method: str) -> None:
    told = house()
    told.tell(fact(capture(method=method)), fact(line("charge", eur("100.00"), fee="2.00")))
    told.answer_all()
    assert told.state(ITEM) == "paid"
    told.tell(fact(dispute("lost", "withdrawn")))
    told.answer_all()
    assert isinstance(intent_of(told, "lost-dp_1"), ReopenInvoice)
    assert (data_of(told).outstanding, data_of(told).payments[0].held) == (10000, -10000)
    assert amount_of(told, "chargeback_lost") == eur("100.00")
    told.tell(fact(line("dispute", eur("-100.00"), source="dp_1")))
    assert (told.state(ITEM), data_of(told).payments[0].held) == ("open", 0)
    assert told.proof().holds


def test_a_reserve_rests_on_its_own_account_until_another_payout_releases_it() -> None:
    told = paid_by_card()
    told.tell(fact(line("charge", eur("100.00"))), fact(line("reserve_hold", eur("-20.00"), source="rsv_1")))
    told.tell(fact(_payout("po_1", "80.00")))
    assert fold(told.postings)[accounts.reserve("DE", PSP), "EUR"] == 2000
    released = line("reserve_release", eur("20.00"), source="rsv_1").model_copy(update={"payout_id": "po_2"})
    told.tell(fact(released), fact(_payout("po_2", "20.00")))
    assert (accounts.reserve("DE", PSP), "EUR") not in fold(told.postings)
    entries = [w.intent for _, w in told.commands.values() if isinstance(w.intent, BookJournalEntry)]
    assert [[(side.account, side.balance) for side in entry.lines] for entry in entries] == [
        [(1301, eur("20.00")), (1201, eur("-20.00"))],
        [(1301, eur("-20.00")), (1201, eur("20.00"))],
    ]
    assert told.proof().holds


def _payout(ident: str, amount: str) -> PayoutReported:
    told = {"connection": PSP, "payout_id": ident, "amount": eur(amount), "arrives_on": DAY, "state": "paid"}
    return PayoutReported.model_validate(told)


@pytest.mark.parametrize("value, currency", [("1200", "JPY"), ("1.234", "KWD")])
def test_a_currency_without_or_with_three_decimals_is_registered_and_settled_to_its_last_digit(
    value: str, currency: str
) -> None:
    amount = Money.of(value, currency)
    told = House()
    told.tell(fact(invoice(amount), order="1"), fact(capture(amount)))
    intent = intent_of(told, "register-ch_1")
    assert isinstance(intent, RegisterCustomerPayment)
    assert intent.amount == amount
    told.answer_all()
    told.tell(fact(line("charge", amount)))
    assert (data_of(told).outstanding, data_of(told).payments[0].held) == (0, 0)
    assert told.proof().holds


def test_money_for_what_a_person_had_paid_in_the_erp_is_a_case_with_its_amount_and_clears_nothing() -> None:
    told = house()
    told.tell(told_by_erp(2))
    told.bank_books("main/m1", eur("100.00"))
    told.tell(fact(credit()))
    told.bank_told("main/m1")
    assert (told.open_cases(ITEM), amount_of(told, "paid_twice")) == ({"paid_twice"}, eur("100.00"))
    assert told.steps("reconcile") == []
    assert told.proof().holds


@pytest.mark.parametrize("total", ["100.00", "80.00", "120.00"])
def test_a_paid_invoice_that_was_drafted_and_posted_anew_is_a_case_until_its_payment_is_matched_again(
    total: str,
) -> None:
    told = paid_by_card()
    told.tell(told_by_erp(2), drafted(3))
    assert amount_of(told, "withdrawn_with_money") == eur("100.00")
    told.tell(told_by_erp(4, total, total))
    assert amount_of(told, "reopened_in_erp") == eur(total)
    told.tell(told_by_erp(5, total, "20.00" if total == "120.00" else "0.00"))
    assert "reopened_in_erp" not in told.open_cases(ITEM)


def test_an_invoice_that_was_drafted_before_the_erp_told_it_as_paid_is_a_case_when_it_is_posted_anew() -> None:
    told = paid_by_card()
    told.tell(drafted(2), told_by_erp(3, residual="100.00"))
    assert told.open_cases(ITEM) == {"reopened_in_erp"}
    told.tell(told_by_erp(4))
    assert told.open_cases(ITEM) == set()


def test_a_payment_that_is_not_to_be_booked_yet_is_no_case_when_its_invoice_is_posted_anew() -> None:
    told = house()
    told.tell(fact(capture(method="sepa_debit")), drafted(2), told_by_erp(3, residual="100.00"))
    assert told.open_cases(ITEM) == set()


def test_an_unpaid_invoice_may_be_changed_without_a_case() -> None:
    told = house()
    told.tell(drafted(2), told_by_erp(3, "80.00", "80.00"))
    assert (told.open_cases(ITEM), data_of(told).outstanding) == (set(), 8000)


def test_what_a_changed_invoice_asks_for_less_is_shown_until_it_was_given_back() -> None:
    told = paid_by_card()
    told.tell(told_by_erp(2), drafted(3), told_by_erp(4, "80.00"))
    assert (told.open_cases(ITEM), amount_of(told, "asks_for_less")) == ({"asks_for_less"}, eur("20.00"))
    told.tell(fact(refund("succeeded", "20.00")))
    assert "asks_for_less" not in told.open_cases(ITEM)
    assert told.steps("refunded") == ["refunded-re_1"]


def test_what_the_erps_own_provider_registers_after_us_is_a_case_until_one_of_both_is_cancelled() -> None:
    told = house(odoo_provider=True)
    told.tell(fact(capture()))
    told.fall_due(ITEM)
    told.answer_all()
    told.tell(fact(registered(), order="2"))
    assert (told.open_cases(ITEM), amount_of(told, "registered_twice")) == ({"registered_twice"}, eur("100.00"))
    cancelled = registered(at="2026-08-31 10:05:00").model_copy(update={"state": "canceled"})
    told.tell(fact(cancelled, order="3"))
    assert told.open_cases(ITEM) == set()


def test_where_ours_is_cancelled_of_two_the_other_one_stands_for_it() -> None:
    told = house(odoo_provider=True)
    told.tell(fact(capture()))
    told.fall_due(ITEM)
    told.answer("register-ch_1", done(payment=5))
    told.tell(fact(registered(), order="2"))
    ours = registered(reference="", at="2026-08-31 10:05:00", payment=5).model_copy(update={"state": "canceled"})
    told.tell(fact(ours, order="3"))
    assert (told.open_cases(ITEM), data_of(told).payments[0].registered) == (set(), "77")


def test_what_the_erps_own_provider_registers_while_we_do_is_a_case_unless_ours_was_that_one() -> None:
    for payment, seen in ((5, {"registered_twice"}), (77, set())):
        told = house(odoo_provider=True)
        told.tell(fact(capture()))
        told.fall_due(ITEM)
        told.tell(fact(registered(), order="2"))
        told.answer("register-ch_1", done(payment=payment, adopted=payment == 77))
        assert told.open_cases(ITEM) == seen


def test_what_is_lost_to_a_dispute_although_it_was_refunded_is_a_case_with_the_excess() -> None:
    told = paid_by_card()
    told.tell(fact(refund("succeeded", "40.00")))
    told.answer_all()
    told.tell(fact(dispute("lost", "withdrawn")))
    told.answer_all()
    assert amount_of(told, "went_back_twice") == eur("40.00")
    assert told.proof().holds


def test_a_booking_that_failed_or_whose_end_nobody_knows_is_a_case_with_its_amount() -> None:
    told = house()
    told.tell(fact(capture(eur("60.00"))))
    told.answer("register-ch_1", handed_over("Nobody knows.", FailureKind.AMBIGUOUS))
    assert amount_of(told, "booking_unknown") == eur("60.00")
    told = house()
    told.tell(fact(credit("60.00")))
    told.refuse("reconcile-main:m1", "The period is locked.")
    assert amount_of(told, "booking_failed") == eur("60.00")


@pytest.mark.parametrize("by", ["card", "transfer"])
def test_of_money_for_what_somebody_had_paid_in_the_erp_the_case_says_that_nothing_may_have_to_be_given_back(
    by: str,
) -> None:
    told = house()
    told.tell(told_by_erp(2), fact(capture() if by == "card" else credit()))
    told.answer_all()
    assert "give nothing back: cancel it there" in told.cases[ITEM, "paid_twice"].sentence
    told.tell(told_by_erp(3, residual="100.00"))
    assert "match it with it" in told.opened[-1].sentence
    told.confirm(ITEM, ITEM.id)
    told.answer_all()
    assert (told.open_cases(ITEM), data_of(told).outstanding) == (set(), 0)
    assert told.steps() == ["register-ch_1~1" if by == "card" else "reconcile-main:m1~1"]


def test_of_money_that_came_in_twice_the_case_says_that_it_is_to_be_given_back() -> None:
    told = paid_by_card()
    told.tell(fact(capture(charge="ch_2")))
    assert "Give it back" in told.cases[ITEM, "paid_twice"].sentence


def test_what_a_person_gave_back_and_came_back_is_given_back_again_when_he_says_so() -> None:
    told = house()
    told.tell(fact(capture(eur("130.00"))))
    told.answer_all()
    told.confirm(ITEM, ITEM.id, "refund")
    told.confirm(ITEM, ITEM.id, "refund")
    told.answer("refund-ch_1", done(refund="re_1"))
    told.confirm(ITEM, ITEM.id, "refund")
    assert told.steps("refund") == ["refund-ch_1"], "it is on its way"
    told.tell(fact(refund("succeeded", "30.00")), fact(refund("failed", "30.00")))
    assert told.open_cases(ITEM) == {"overpaid", "refund_failed"}
    told.confirm(ITEM, ITEM.id, "refund")
    told.confirm(ITEM, ITEM.id, "refund")
    keys = [key for key, (_, wanted) in told.commands.items() if wanted.step == "refund-ch_1"]
    assert [key.rsplit("/", 2)[1] for key in keys] == ["0", "1"]
    told.refuse("refund-ch_1", "The card is closed.")
    assert amount_of(told, "booking_failed") == eur("30.00")
    told.tell(fact(refund("succeeded", "30.00", ident="re_2")))
    assert data_of(told).payments[0].over == 0
    assert told.proof().holds


def test_a_refund_that_somebody_else_made_and_that_failed_lets_nothing_leave_twice() -> None:
    told = house()
    told.tell(fact(capture(eur("130.00"))))
    told.answer_all()
    told.tell(fact(refund("succeeded", "5.00", ident="re_9")), fact(refund("failed", "5.00", ident="re_9")))
    told.confirm(ITEM, ITEM.id, "refund")
    told.answer("refund-ch_1", done(refund="re_1"))
    told.confirm(ITEM, ITEM.id, "refund")
    assert told.steps("refund") == ["refund-ch_1"]


def test_what_a_bank_takes_back_beyond_what_it_had_brought_is_a_case_also_when_the_item_is_paid_again() -> None:
    told = house()
    told.bank_books("main/m1", eur("100.00"))
    told.tell(fact(credit()))
    told.bank_told("main/m1")
    told.answer_all()
    told.bank_books("main/m2", eur("-103.00"))
    back = {"movement": "main/m2", "original_movement": "main/m1", "booked_on": DAY, "reason": "AC04"}
    told.tell(fact(CollectionReturned.model_validate({"subject": ITEM.id, "amount": eur("103.00"), **back})))
    told.bank_told("main/m2")
    told.answer_all()
    assert (told.open_cases(ITEM), amount_of(told, "returned_more")) == (
        {"returned_payment", "returned_more"},
        eur("3.00"),
    )
    told.bank_books("main/m3", eur("100.00"))
    told.tell(fact(credit(movement="main/m3")))
    told.bank_told("main/m3")
    assert told.open_cases(ITEM) == {"returned_more"}
    assert told.proof().holds


def clearing_of(told: House) -> Money:
    """What our entries leave on the provider's clearing account, without the payment that the ERP registered itself."""
    entries = [wanted.intent for _, wanted in told.commands.values() if isinstance(wanted.intent, BookJournalEntry)]
    assert all(sum(side.balance.minor for side in entry.lines) == 0 for entry in entries)
    sides = [side for entry in entries for side in entry.lines if side.account == 1201 and side.foreign is None]
    return Money(minor=sum(side.balance.minor for side in sides), currency="EUR")


@pytest.mark.parametrize("came", ["91.00", "89.50", "90.00"])
def test_a_foreign_chargeback_that_is_won_comes_back_at_its_own_rate(came: str) -> None:
    told = foreign_sale()
    told.tell(fact(dispute("open", "withdrawn", usd("100.00"))))
    told.tell(fact(line("dispute", eur("-90.00"), source="dp_1", presentment=usd("100.00"))))
    told.answer_all()
    told.tell(fact(dispute("won", "reinstated", usd("100.00"))))
    assert told.steps("reinstated") == [], "only its settlement says what it is worth"
    told.tell(fact(line("dispute_reversal", eur(came), source="dp_1", presentment=usd("100.00"))))
    told.answer_all()
    assert clearing_of(told) == eur("88.00") - eur("90.00") + eur(came)
    entry = intent_of(told, "reinstated-dp_1")
    assert isinstance(entry, BookJournalEntry)
    exchanged = [side.balance for side in entry.lines if side.account == 6401]
    assert exchanged == ([eur("90.00") - eur(came)] if came != "90.00" else [])
    assert told.proof().holds


def test_a_foreign_refund_that_fails_comes_back_at_its_own_rate() -> None:
    told = foreign_sale()
    whole = {"amount": usd("100.00")}
    told.tell(fact(refund("succeeded").model_copy(update=whole)))
    told.tell(fact(line("refund", eur("-90.00"), source="re_1", presentment=usd("100.00"))))
    told.answer_all()
    told.tell(fact(refund("failed").model_copy(update=whole)))
    assert told.steps("unrefunded") == []
    told.tell(fact(line("refund_failure", eur("91.00"), source="re_1", presentment=usd("100.00"))))
    told.answer_all()
    assert clearing_of(told) == eur("89.00")
    entry = intent_of(told, "unrefunded-re_1")
    assert isinstance(entry, BookJournalEntry)
    assert [(side.balance, side.foreign) for side in entry.lines] == [
        (eur("-90.00"), usd("-100.00")),
        (eur("91.00"), None),
        (eur("-1.00"), None),
    ]


def test_an_item_of_an_earlier_version_goes_on_as_it_began() -> None:
    told = house()
    begun = told.instances[ITEM]
    assert (begun.version, type(begun.data)) == (7, CollectionStateV6)
    process = told.processes[0]
    assert [type(version.initial) for version in process.versions] == [
        CollectionState,
        CollectionStateV2,
        CollectionStateV3,
        CollectionStateV3,
        CollectionStateV5,
        CollectionStateV6,
        CollectionStateV6,
    ]
    assert [version.machine.version for version in process.versions] == [1, 2, 3, 4, 5, 6, 7]
