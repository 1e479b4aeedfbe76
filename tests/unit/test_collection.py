from __future__ import annotations

from datetime import date

import pytest

from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    DisputeReported,
    InvoicePosted,
    InvoiceWithdrawn,
    MatchConfirmed,
    MoneyUnapplied,
    PaymentAttempted,
    PaymentCaptured,
    PaymentRegistered,
    PayoutLineReported,
    RefundReported,
)
from nostro.model.facts.cards import LineKind
from nostro.model.facts.house import Target
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.intents import (
    RECEIVABLE_OF_MOVE,
    BookJournalEntry,
    Reconcile,
    RefundPayment,
    RegisterCustomerPayment,
    ReopenInvoice,
)
from nostro.model.money import Money
from nostro.model.outcomes import done, handed_over
from nostro.processes.collection.v1.state import PAYMENTS_LIMIT, CollectionState
from nostro.processes.payout.v1.state import PayoutState
from tests.stories import DAY, PSP, House, SmallRules, entity, eur, fact, usd

ITEM = Subject("collection", "DE/db/7")
OTHER = Subject("collection", "DE/db/8")


def invoice(
    total: Money | None = None, residual: Money | None = None, *, move: int = 7, at: str = "2026-08-31 09:00:00"
) -> InvoicePosted:
    asked = total or eur("100.00")
    return InvoicePosted(
        connection="odoo", database="db", move_id=move, number=f"INV/2026/{move}", kind="invoice", partner_id=3,
        issued_on=DAY, total=asked, residual=asked if residual is None else residual, changed_at=at,
        payment_reference=f"INV/2026/{move}",
    )  # fmt: skip


def capture(
    amount: Money | None = None, charge: str = "ch_1", *, hint: str = "INV/2026/7", method: str = "card"
) -> PaymentCaptured:
    return PaymentCaptured(
        connection=PSP, charge_id=charge, payment_id=charge.replace("ch", "pi"), amount=amount or eur("100.00"),
        captured_on=DAY, invoice_hint=hint, method=method,
    )  # fmt: skip


def refund(state: str, amount: str = "100.00", *, charge: str = "ch_1", ident: str = "re_1") -> RefundReported:
    return RefundReported.model_validate(
        {
            "connection": PSP, "refund_id": ident, "charge_id": charge, "amount": eur(amount), "state": state,
            "refunded_on": DAY,
        }
    )  # fmt: skip


def dispute(state: str, funds: str, amount: Money | None = None, due: str = "") -> DisputeReported:
    return DisputeReported.model_validate(
        {
            "connection": PSP, "dispute_id": "dp_1", "charge_id": "ch_1", "amount": amount or eur("100.00"),
            "state": state, "funds": funds, "reason": "fraudulent", "evidence_due_at": due, "disputed_on": DAY,
        }
    )  # fmt: skip


def credit(amount: str = "100.00", movement: str = "main/m1", *, to: Subject = ITEM) -> CollectionCredited:
    return CollectionCredited(
        subject=to.id, movement=movement, amount=eur(amount), booked_on=DAY, statement_line="55"
    )  # fmt: skip


def line(
    kind: LineKind, gross: Money, *, fee: str = "0.00", source: str = "ch_1", presentment: Money | None = None
) -> PayoutLineReported:
    paid = Money.of(fee, gross.currency)
    return PayoutLineReported(
        connection=PSP, line_id=f"txn_{kind}_{source}", payout_id="po_1", kind=kind, vendor_kind=kind, source_id=source,
        charge_id="ch_1", gross=gross, fee=paid, net=gross - paid, presentment=presentment,
    )  # fmt: skip


def registered(
    amount: str = "100.00", *, reference: str = "pi_1", at: str = "2026-08-31 09:05:00"
) -> PaymentRegistered:
    return PaymentRegistered(
        connection="odoo", database="db", payment_id=77, amount=eur(amount), paid_on=DAY, journal=11, move_ids=(7,),
        provider_reference=reference, state="paid", changed_at=at,
    )  # fmt: skip


def house(*, denied: frozenset[tuple[str, str]] = frozenset(), odoo_provider: bool = False, **limits: int) -> House:
    told = House(SmallRules(of=entity(odoo_provider=odoo_provider), denied=denied, limits=limits))
    told.tell(fact(invoice(), order="1"))
    return told


def paid_by_card() -> House:
    told = house()
    told.tell(fact(capture()))
    told.answer_all()
    return told


def data_of(told: House, subject: Subject = ITEM) -> CollectionState:
    data = told.instances[subject].data
    assert isinstance(data, CollectionState)
    return data


def intent_of(told: House, step: str) -> object:
    return next(wanted.intent for _, wanted in told.commands.values() if wanted.step == step)


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


def test_a_card_payment_of_nobody_known_is_money_without_item_until_a_person_matches_it() -> None:
    told = house()
    told.tell(fact(capture(hint="")))
    told.orphan()
    loose = Subject("collection", "DE/unapplied/ch_1")
    assert (told.state(loose), told.open_cases(loose)) == ("unapplied", {"unapplied_money"})
    assert told.proof().holds
    told.confirm(loose, ITEM.id)
    assert (told.state(loose), told.open_cases(loose)) == ("settling", set())
    assert intent_of(told, "register-ch_1~1")
    assert told.proof().holds
    told.answer_all()
    told.tell(fact(line("charge", eur("100.00"))))
    assert (told.state(loose), told.state(ITEM)) == ("applied", "paid")
    assert told.proof().holds


def test_what_the_psp_takes_back_of_a_moved_payment_reopens_the_item_that_it_paid() -> None:
    told = house()
    told.tell(fact(capture(hint="")))
    told.orphan()
    loose = Subject("collection", "DE/unapplied/ch_1")
    told.confirm(loose, ITEM.id)
    told.answer_all()
    told.tell(fact(dispute("open", "withdrawn")), fact(dispute("lost", "withdrawn")))
    intent = intent_of(told, "reopen-dp_1")
    assert isinstance(intent, ReopenInvoice)
    assert (intent.move_id, intent.account) == (7, 1201)
    assert "returned_payment" in told.open_cases(ITEM)
    assert told.proof().holds


def test_a_bank_credit_of_nobody_known_waits_for_a_person() -> None:
    told = house()
    told.bank_books("main/m1", eur("100.00"))
    told.tell(fact(MoneyUnapplied(movement="main/m1", amount=eur("100.00"), booked_on=DAY, statement_line="55")))
    told.bank_told("main/m1")
    loose = Subject("collection", "DE/unapplied/main/m1")
    assert told.open_cases(loose) == {"unknown_payer"}
    told.fall_due(loose)
    assert told.open_cases(loose) == {"unknown_payer", "unapplied_aged"}
    told.confirm(loose, ITEM.id)
    told.answer_all()
    assert (told.state(loose), told.open_cases(loose), told.state(ITEM)) == ("applied", set(), "paid")
    assert told.proof().holds


def test_an_attempt_without_invoice_is_kept_and_moves_nothing() -> None:
    told = house()
    attempt = PaymentAttempted(
        connection=PSP, payment_id="pi_9", amount=eur("5.00"), state="failed", vendor_status="canceled", at="1"
    )
    told.tell(fact(attempt))
    told.orphan()
    assert told.state(Subject("collection", "DE/attempted/pi_9")) == "noted"
    assert not told.cases


def test_an_invoice_that_is_withdrawn_with_money_on_it_is_a_case() -> None:
    told = paid_by_card()
    told.tell(fact(line("charge", eur("100.00"))))
    gone = InvoiceWithdrawn(
        connection="odoo", database="db", move_id=7, number="INV/2026/7", why="cancelled", changed_at="2026-09-01"
    )
    told.tell(fact(gone, order="2"))
    assert told.state(ITEM) == "withdrawn"
    assert told.open_cases(ITEM) == {"withdrawn_with_money"}


def test_money_for_a_withdrawn_invoice_clears_nothing() -> None:
    told = house()
    gone = InvoiceWithdrawn(
        connection="odoo", database="db", move_id=7, number="INV/2026/7", why="draft", changed_at="2026-09-01"
    )
    told.tell(fact(gone, order="2"), fact(capture()))
    assert told.steps("register") == []
    assert told.open_cases(ITEM) == {"withdrawn_with_money"}


def test_a_payment_that_somebody_undid_in_the_erp_is_a_case_until_the_erp_agrees_again() -> None:
    told = paid_by_card()
    told.tell(fact(invoice(residual=eur("0.00"), at="2026-08-31 10:00:00"), order="2"))
    told.tell(fact(invoice(residual=eur("100.00"), at="2026-08-31 11:00:00"), order="3"))
    assert told.open_cases(ITEM) == {"reopened_in_erp"}
    told.tell(fact(invoice(residual=eur("0.00"), at="2026-08-31 12:00:00"), order="4"))
    assert told.open_cases(ITEM) == set()


def test_older_news_of_the_erp_changes_nothing() -> None:
    told = house()
    told.tell(fact(invoice(residual=eur("40.00"), at="2026-08-31 11:00:00"), order="3"))
    told.tell(fact(invoice(residual=eur("100.00"), at="2026-08-31 10:00:00"), order="2"))
    assert data_of(told).residual == eur("40.00")


def test_a_refused_booking_is_a_case_and_is_tried_again_only_on_a_persons_word() -> None:
    told = house()
    told.tell(fact(capture()))
    told.refuse("register-ch_1", "The period is locked.")
    assert "The period is locked." in told.cases[ITEM, "booking_failed"].sentence
    told.release(ITEM, "register-ch_1")
    assert [w.generation for _, w in told.commands.values() if w.step == "register-ch_1"] == [0, 1]
    assert told.open_cases(ITEM) == set()
    told.answer_all()
    assert data_of(told).payments[0].registered


def test_an_unknown_end_is_a_case_until_a_person_has_found_out() -> None:
    told = house()
    told.tell(fact(capture()))
    told.answer("register-ch_1", handed_over("Nobody knows.", FailureKind.AMBIGUOUS))
    assert told.open_cases(ITEM) == {"booking_unknown"}
    key, (subject, wanted) = next((k, c) for k, c in told.commands.items() if c[1].step == "register-ch_1")
    told.take(subject, told._ended(key, wanted, done(payment=5)))
    assert told.open_cases(ITEM) == set()


def test_another_booking_day_of_the_erp_is_said() -> None:
    told = house()
    told.tell(fact(capture()))
    told.answer("register-ch_1", done(payment=5, notes={"date": "2026-09-30"}))
    assert told.log[-1][2].decision.rule == "register-ch_1 done; the ERP booked it on 2026-09-30"
    assert data_of(told).steps.ends["register-ch_1/0"].booked_on == "2026-09-30"


def test_a_payment_that_the_erp_holds_otherwise_than_asked_is_a_case() -> None:
    told = house()
    told.tell(fact(capture()))
    told.answer("register-ch_1", done(adopted=True, payment=5, notes={"amount": "60.00 EUR"}))
    assert "amount: 60.00 EUR" in told.cases[ITEM, "booked_differently"].sentence


def test_a_booking_that_does_not_end_becomes_a_case() -> None:
    told = house()
    told.tell(fact(capture()))
    told.fall_due(ITEM)
    assert told.open_cases(ITEM) == {"booking_late"}
    told.answer_all()
    assert told.open_cases(ITEM) == set()


def test_a_booking_that_waits_for_a_persons_release_is_not_late_but_looked_at_again() -> None:
    told = House(SmallRules(in_mode="propose"))
    told.tell(fact(invoice(), order="1"), fact(capture()))
    transition = told.fall_due(ITEM)
    assert told.open_cases(ITEM) == set()
    assert transition.due_at is not None


def test_unapplied_bank_money_may_turn_out_to_be_a_payout() -> None:
    told = house()
    told.bank_books("main/m1", eur("98.00"))
    told.tell(fact(MoneyUnapplied(movement="main/m1", amount=eur("98.00"), booked_on=DAY, statement_line="55")))
    told.bank_told("main/m1")
    told.tell(fact(capture()), fact(line("charge", eur("100.00"), fee="2.00")))
    loose, po = Subject("collection", "DE/unapplied/main/m1"), Subject("payout", f"{PSP}/po_1")
    to = Target(process="payout", subject=po.id, kind="psp", value="po_1")
    told.take(loose, fact(MatchConfirmed(act="a1", target=to)))
    data = told.instances[po].data
    assert isinstance(data, PayoutState)
    assert data.arrived == 9800
    assert told.state(loose) == "applied"
    assert told.proof().holds


def test_money_in_another_currency_clears_nothing_by_itself() -> None:
    told = house()
    told.tell(fact(capture(usd("100.00"))))
    assert told.steps("register") == []
    assert told.open_cases(ITEM) == {"other_currency"}


def foreign() -> House:
    told = House()
    told.tell(fact(invoice(usd("100.00")), order="1"), fact(capture(usd("100.00"))))
    told.answer_all()
    return told


def test_a_foreign_sale_leaves_clearing_at_what_was_booked_and_comes_in_at_what_was_settled() -> None:
    told = foreign()
    told.tell(fact(line("charge", eur("88.00"), presentment=usd("100.00"))))
    entry = intent_of(told, "convert-ch_1")
    assert isinstance(entry, BookJournalEntry)
    assert [(side.account, side.balance, side.foreign) for side in entry.lines] == [
        (1201, eur("-90.00"), usd("-100.00")),
        (1201, eur("88.00"), None),
        (6401, eur("2.00"), None),
    ]
    told.answer_all()
    assert told.state(ITEM) == "paid"
    assert told.proof().holds


def test_a_foreign_sale_whose_value_the_erp_did_not_tell_is_a_case() -> None:
    told = House()
    told.tell(fact(invoice(usd("100.00")), order="1"), fact(capture(usd("100.00"))))
    told.answer("register-ch_1", done(payment=5))
    told.tell(fact(line("charge", eur("88.00"), presentment=usd("100.00"))))
    assert told.open_cases(ITEM) == {"fx_unknown"}


def test_a_foreign_refund_is_booked_at_what_the_psp_settled() -> None:
    told = foreign()
    back = refund("succeeded").model_copy(update={"amount": usd("100.00")})
    told.tell(fact(back))
    assert told.steps("refunded") == []
    told.tell(fact(line("refund", eur("-91.00"), source="re_1", presentment=usd("100.00"))))
    entry = intent_of(told, "refunded-re_1")
    assert isinstance(entry, BookJournalEntry)
    assert [(side.balance, side.foreign) for side in entry.lines] == [
        (eur("91.00"), usd("100.00")),
        (eur("-91.00"), None),
    ]


def test_a_foreign_chargeback_that_is_lost_is_owed_again_at_what_the_psp_took() -> None:
    told = foreign()
    told.tell(fact(dispute("open", "withdrawn", usd("100.00"))), fact(dispute("lost", "withdrawn", usd("100.00"))))
    told.tell(fact(line("dispute", eur("-91.00"), source="dp_1")))
    told.answer_all()
    entry = intent_of(told, "owed-dp_1")
    assert isinstance(entry, BookJournalEntry)
    assert [side.balance for side in entry.lines] == [eur("91.00"), eur("-91.00")]


def test_payments_above_the_limit_are_a_case_and_the_state_stays_bounded() -> None:
    told = house()
    for n in range(PAYMENTS_LIMIT + 2):
        told.tell(fact(capture(eur("1.00"), f"ch_{n}")))
    assert len(data_of(told).payments) == PAYMENTS_LIMIT
    assert told.open_cases(ITEM) == {"too_many_payments"}


def test_news_of_a_charge_that_the_item_does_not_hold_is_a_case() -> None:
    told = paid_by_card()
    told.take(ITEM, fact(refund("succeeded", charge="ch_9")))
    assert told.open_cases(ITEM) == {"unknown_charge"}


def test_a_psp_without_an_account_of_ours_is_a_case() -> None:
    told = house()
    told.tell(fact(capture().model_copy(update={"connection": "elsewhere"})))
    assert told.open_cases(ITEM) == {"no_provider_account"}
