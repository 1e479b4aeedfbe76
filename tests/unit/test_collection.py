from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from nostro.model.facts import (
    CollectionReturned,
)
from nostro.model.intents import (
    RECEIVABLE_OF_MOVE,
    BookJournalEntry,
    Reconcile,
    RefundPayment,
    RegisterCustomerPayment,
    ReopenInvoice,
)
from tests.open_items import (
    ITEM,
    OTHER,
    capture,
    credit,
    data_of,
    dispute,
    house,
    intent_of,
    invoice,
    line,
    paid_by_card,
    refund,
    registered,
)
from tests.stories import DAY, House, eur, fact


def test_a_capture_is_registered_on_the_clearing_journal_at_once() -> None:
    told = house()
    told.tell(fact(capture()))
    assert told.state(ITEM) == "booking"
    intent = intent_of(told, "register-ch_1")
    assert isinstance(intent, RegisterCustomerPayment)
    assert (intent.move_id, intent.amount, intent.journal) == (7, eur("100.00"), 11)
    assert (intent.memo, intent.provider_reference) == ("INV/2026/7", "pi_1")
    assert told.log[-1][2].decision.rule == "card at captured"
    told.answer_all()
    assert told.state(ITEM) == "in_transit"
    assert "annotate-ch_1" in told.steps()
    assert told.proof().holds


def test_a_capture_that_overtakes_its_invoice_waits_for_it() -> None:
    told = House()
    told.tell(fact(capture()))
    assert not told.log
    told.tell(fact(invoice(), order="1"))
    assert told.steps("register") == ["register-ch_1"]


def test_what_the_payout_settles_is_paid() -> None:
    told = paid_by_card()
    told.tell(fact(line("charge", eur("100.00"), fee="2.00")))
    assert told.state(ITEM) == "paid"
    assert data_of(told).payments[0].held == 0


def test_the_policy_that_does_not_post_leaves_the_invoice_open_and_says_so() -> None:
    told = house(denied=frozenset({("card", "captured")}))
    told.tell(fact(capture()))
    assert told.steps() == ["annotate-ch_1"]
    told.tell(fact(line("charge", eur("100.00"))))
    assert told.open_cases(ITEM) == {"not_posted"}


def test_under_changed_rules_only_what_is_new_under_them_is_asked() -> None:
    told = house(denied=frozenset({("card", "captured")}))
    told.tell(fact(capture()))
    told.rules = replace(told.rules, denied=frozenset())
    told.tell(fact(capture(charge="ch_2")))
    assert told.steps("register") == []
    assert told.open_cases(ITEM) == {"paid_twice"}


def test_a_direct_debit_posts_when_it_is_paid_out() -> None:
    told = house()
    told.tell(fact(capture(method="sepa_debit")))
    assert told.steps("register") == []
    told.tell(fact(line("charge", eur("100.00"))))
    assert told.steps("register") == ["register-ch_1"]


def test_a_second_capture_is_kept_as_paid_twice_and_given_back_only_when_a_person_says_so() -> None:
    told = paid_by_card()
    told.tell(fact(capture(charge="ch_2")))
    assert told.open_cases(ITEM) == {"paid_twice"}
    assert told.steps("register") == ["register-ch_1"]
    assert told.steps("refund-") == []
    told.confirm(ITEM, ITEM.id, "refund")
    intent = intent_of(told, "refund-ch_2")
    assert isinstance(intent, RefundPayment)
    assert (intent.payment_id, intent.amount) == ("pi_2", eur("100.00"))
    told.confirm(ITEM, ITEM.id, "refund")
    told.answer_all()
    told.tell(fact(refund("succeeded", charge="ch_2")))
    assert told.open_cases(ITEM) == set()
    assert told.steps("refunded") == []
    assert told.proof().holds


def test_an_overpayment_is_registered_up_to_what_the_invoice_asks() -> None:
    told = house()
    told.tell(fact(capture(eur("130.00"))))
    intent = intent_of(told, "register-ch_1")
    assert isinstance(intent, RegisterCustomerPayment)
    assert intent.amount == eur("100.00")
    assert told.cases[ITEM, "overpaid"].amount == eur("30.00")


def test_a_tolerated_overpayment_opens_no_case() -> None:
    told = house(overpayment_tolerance_minor=100)
    told.tell(fact(capture(eur("100.50"))))
    assert told.open_cases(ITEM) == set()


def test_an_underpayment_leaves_the_rest_open() -> None:
    told = house()
    told.tell(fact(capture(eur("40.00"))))
    told.answer_all()
    told.tell(fact(line("charge", eur("40.00"))))
    assert told.state(ITEM) == "open"
    assert data_of(told).outstanding == 6000
    told.tell(fact(capture(eur("60.00"), "ch_2")))
    assert data_of(told).outstanding == 0
    assert told.open_cases(ITEM) == set()


def test_what_a_person_paid_in_the_erp_leaves_less_room() -> None:
    told = house()
    told.tell(fact(invoice(residual=eur("30.00"), at="2026-08-31 10:00:00"), order="2"))
    told.tell(fact(capture()))
    assert data_of(told).payments[0].applied == 3000
    assert told.open_cases(ITEM) == {"overpaid"}


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_what_the_erps_own_provider_registered_is_adopted_in_whatever_order_it_is_told(order: tuple[int, ...]) -> None:
    told = house(odoo_provider=True)
    snapshot = fact(invoice(residual=eur("0.00"), at="2026-08-31 10:00:00"), order="2")
    facts = (snapshot, fact(registered(), order="1"), fact(capture()))
    told.tell(*(facts[n] for n in order))
    assert told.steps("register") == []
    assert told.open_cases(ITEM) == set()
    told.answer_all()
    assert told.state(ITEM) == "in_transit"
    assert data_of(told).payments[0].registered == "77"
    assert (data_of(told).elsewhere, data_of(told).outstanding) == (0, 0)
    assert told.proof().holds


def test_when_the_erps_own_provider_stays_silent_we_register() -> None:
    told = house(odoo_provider=True)
    told.tell(fact(capture()))
    assert (told.state(ITEM), told.steps("register")) == ("awaiting_provider", [])
    told.fall_due(ITEM)
    assert (told.state(ITEM), told.steps("register")) == ("booking", ["register-ch_1"])


def test_a_refund_is_booked_and_matched_with_its_credit_note_whichever_comes_first() -> None:
    note = invoice(move=9).model_copy(update={"kind": "credit_note", "reverses_move": 7, "number": "RINV/9"})
    for first, second in (("refund", "note"), ("note", "refund")):
        told = paid_by_card()
        facts = {"refund": fact(refund("succeeded")), "note": fact(note, order="1")}
        told.tell(facts[first])
        told.answer_all()
        told.tell(facts[second])
        told.answer_all()
        entry, match = intent_of(told, "refunded-re_1"), intent_of(told, "match-re_1")
        assert isinstance(entry, BookJournalEntry)
        assert [(side.account, side.balance) for side in entry.lines] == [
            (RECEIVABLE_OF_MOVE, eur("100.00")),
            (1201, eur("-100.00")),
        ]
        assert isinstance(match, Reconcile)
        assert match.move_id == 9
        assert match.entry
        assert told.state(ITEM) == "paid"


def test_a_refund_without_credit_note_becomes_a_case_in_time_and_the_note_closes_it() -> None:
    told = paid_by_card()
    told.tell(fact(refund("succeeded")))
    told.answer_all()
    assert told.state(ITEM) == "refund_open"
    told.fall_due(ITEM)
    assert told.open_cases(ITEM) == {"refund_without_credit_note"}
    note = invoice(move=9).model_copy(update={"kind": "credit_note", "reverses_move": 7})
    told.tell(fact(note, order="1"))
    assert told.open_cases(ITEM) == set()


def test_a_refund_that_fails_is_taken_back_in_the_books_and_is_a_case() -> None:
    told = paid_by_card()
    told.tell(fact(refund("succeeded")))
    told.answer_all()
    told.tell(fact(refund("failed")))
    taken_back = intent_of(told, "unrefunded-re_1")
    assert isinstance(taken_back, BookJournalEntry)
    assert [side.balance for side in taken_back.lines] == [eur("-100.00"), eur("100.00")]
    assert told.open_cases(ITEM) == {"refund_failed"}
    assert data_of(told).payments[0].held == 10000
    assert told.proof().holds


def test_a_refund_that_fails_while_it_is_being_booked_is_taken_back_only_once_it_is_booked() -> None:
    told = paid_by_card()
    told.tell(fact(refund("succeeded")), fact(refund("failed")))
    assert told.steps("unrefunded") == []
    told.answer("refunded-re_1")
    assert told.steps("unrefunded") == ["unrefunded-re_1"]


def test_an_inquiry_moves_no_money() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("inquiry", "kept", due="2026-09-09T00:00:00+00:00")))
    assert told.state(ITEM) == "disputed"
    assert told.open_cases(ITEM) == {"inquiry"}
    assert told.steps("disputed") == []
    assert told.log[-1][2].due_at is not None
    assert told.log[-1][2].due_at.date() == date(2026, 9, 9)
    told.fall_due(ITEM)
    assert "evidence_overdue" in told.open_cases(ITEM)


def test_a_chargeback_rests_on_the_dispute_account_while_the_invoice_stays_paid() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("open", "withdrawn")))
    entry = intent_of(told, "disputed-dp_1")
    assert isinstance(entry, BookJournalEntry)
    assert [(side.account, side.balance) for side in entry.lines] == [(1401, eur("100.00")), (1201, eur("-100.00"))]
    assert told.open_cases(ITEM) == {"chargeback"}
    assert data_of(told).outstanding == 0
    assert told.proof().holds


def test_a_lost_chargeback_reopens_the_invoice() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("open", "withdrawn")), fact(dispute("lost", "withdrawn")))
    told.answer_all()
    intent = intent_of(told, "lost-dp_1")
    assert isinstance(intent, ReopenInvoice)
    assert (intent.amount, intent.account) == (eur("100.00"), 1401)
    assert intent.payment
    assert data_of(told).outstanding == 10000
    assert told.open_cases(ITEM) == {"chargeback_lost"}
    told.tell(fact(capture(charge="ch_2")))
    assert "register-ch_2" in told.steps()
    assert told.open_cases(ITEM) == set()
    assert told.proof().holds


def test_a_lost_chargeback_that_is_given_back_after_all_leaves_its_match_to_a_person() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("open", "withdrawn")), fact(dispute("lost", "withdrawn")))
    told.answer_all()
    told.tell(fact(dispute("lost", "reinstated")))
    told.answer_all()
    assert told.steps("reinstated") == ["reinstated-dp_1"]
    assert told.open_cases(ITEM) == {"chargeback_reversed"}
    assert data_of(told).outstanding == 0
    assert told.proof().holds


def test_a_won_chargeback_is_taken_back_in_the_books() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("open", "withdrawn")), fact(dispute("won", "reinstated")))
    told.answer_all()
    assert told.steps("reinstated") == ["reinstated-dp_1"]
    assert told.open_cases(ITEM) == set()
    assert told.state(ITEM) == "in_transit"
    assert told.proof().holds


def test_a_bank_credit_is_reconciled_with_the_invoice() -> None:
    told = house()
    told.bank_books("main/m1", eur("100.00"))
    told.tell(fact(credit()))
    told.bank_told("main/m1")
    intent = intent_of(told, "reconcile-main:m1")
    assert isinstance(intent, Reconcile)
    assert (intent.move_id, intent.statement_line) == (7, 55)
    told.answer_all()
    assert told.state(ITEM) == "paid"
    assert told.proof().holds


def test_a_credit_after_a_card_payment_is_paid_twice_and_stays_on_suspense() -> None:
    told = paid_by_card()
    told.bank_books("main/m1", eur("100.00"))
    told.tell(fact(credit()))
    told.bank_told("main/m1")
    assert told.open_cases(ITEM) == {"paid_twice"}
    assert told.steps("reconcile") == []
    assert told.proof().holds


def test_money_that_is_over_pays_another_item_when_a_person_says_so() -> None:
    told = paid_by_card()
    told.tell(fact(invoice(move=8), order="1"), fact(credit()))
    told.confirm(ITEM, OTHER.id)
    assert told.open_cases(ITEM) == set()
    intent = intent_of(told, "reconcile-main:m1~1")
    assert isinstance(intent, Reconcile)
    assert (intent.move_id, intent.statement_line) == (8, 55)
    assert data_of(told, OTHER).outstanding == 0


def test_a_late_return_reopens_the_invoice() -> None:
    told = house()
    told.tell(fact(credit()))
    told.answer_all()
    back = CollectionReturned(
        subject=ITEM.id, movement="main/m2", original_movement="main/m1", amount=eur("100.00"), booked_on=DAY,
        reason="AC04",
    )  # fmt: skip
    told.tell(fact(back))
    intent = intent_of(told, "reopen-main:m2")
    assert isinstance(intent, ReopenInvoice)
    assert (intent.statement_line, intent.payment, intent.account) == (55, None, 0)
    assert told.open_cases(ITEM) == {"returned_payment"}
    told.answer_all()
    assert told.state(ITEM) == "open"
    told.tell(fact(credit(movement="main/m3")))
    assert told.open_cases(ITEM) == set()
