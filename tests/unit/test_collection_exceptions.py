"""The collection where things are not as they should be: nobody known, withdrawn, refused, foreign, too much."""

import pytest

from nostro.model.facts import (
    InvoiceWithdrawn,
    MatchConfirmed,
    MoneyUnapplied,
    PaymentAttempted,
)
from nostro.model.facts.house import Target
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.intents import (
    BookJournalEntry,
    ReopenInvoice,
)
from nostro.model.outcomes import done, handed_over
from nostro.processes.collection.v1.state import PAYMENTS_LIMIT
from nostro.processes.payout.v1.state import PayoutState
from tests.open_items import (
    ITEM,
    capture,
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
from tests.stories import DAY, PSP, House, SmallRules, eur, fact, usd


@pytest.mark.parametrize("odoo_provider", [False, True])
def test_a_card_payment_of_nobody_known_is_money_without_item_until_a_person_matches_it(*, odoo_provider: bool) -> None:
    """No provider of the ERP's registers a payment that no item asks for: nobody but a person is waited for."""
    told = house(odoo_provider=odoo_provider)
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


def test_an_invoice_that_is_gone_keeps_its_number_and_what_comes_in_for_it_is_a_case() -> None:
    told = paid_by_card()
    told.tell(fact(line("charge", eur("100.00"))))
    gone = InvoiceWithdrawn(connection="odoo", database="db", move_id=7, number="", why="gone", changed_at="2026-08-31")
    told.tell(fact(gone, order="2"))
    assert (told.state(ITEM), data_of(told).number, data_of(told).withdrawn) == ("withdrawn", "INV/2026/7", "gone")
    assert "INV/2026/7" in told.cases[ITEM, "withdrawn_with_money"].sentence


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


def test_money_in_another_currency_that_a_person_registers_at_the_erp_is_adopted_and_converted() -> None:
    told = house()
    told.tell(fact(capture(usd("110.00"))))
    by_hand = {"amount": usd("110.00"), "company_amount": eur("100.00")}
    told.tell(fact(registered().model_copy(update=by_hand)), fact(invoice(residual=eur("0.00")), order="2"))
    assert told.open_cases(ITEM) == set()
    told.tell(fact(line("charge", eur("99.00"), presentment=usd("110.00"))))
    entry = intent_of(told, "convert-ch_1")
    assert isinstance(entry, BookJournalEntry)
    assert [side.balance for side in entry.lines] == [eur("-100.00"), eur("99.00"), eur("1.00")]
    told.answer_all()
    assert (told.state(ITEM), told.steps("register"), told.open_cases(ITEM)) == ("paid", [], set())
    assert told.proof().holds


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
