"""The stand-in Odoo books, matches and dates as the real ones of 18.0 and 19.0 that it was compared with."""

from datetime import timedelta

import pytest

from nostro.sandbox.faults import STARTED
from tests.odoo_house import KEY, House, Refused


@pytest.fixture(params=[18, 19])
def house(request: pytest.FixtureRequest) -> House:
    return House(request.param)


# Money


def test_one_wizard_call_posts_and_matches_a_payment_that_its_memo_finds(house: House) -> None:
    invoice = house.invoice()
    payment = house.pay(invoice, communication=f"INV/2026/00001 {KEY}")
    assert [one["id"] for one in house.find("account.payment", ["memo", "=like", f"% {KEY}"])] == [payment["id"]]
    assert (payment["is_reconciled"], payment["is_matched"], payment["name"]) == (True, False, "PPSP/2026/00001")
    assert house.line(payment["move_id"], "clearing")["balance"] == 100.0
    assert (house.move(invoice)["payment_state"], house.move(invoice)["amount_residual"]) == ("paid", 0.0)


def test_a_partial_payment_leaves_the_rest_open_and_an_overpayment_leaves_the_surplus_open(house: House) -> None:
    invoice = house.invoice()
    assert house.pay(invoice, amount=40)["state"] == "in_process"
    assert (house.move(invoice)["payment_state"], house.move(invoice)["amount_residual"]) == ("partial", 60.0)
    over = house.pay(invoice, amount=85)
    assert (house.line(over["move_id"], "receivable")["amount_residual"], over["is_reconciled"]) == (-25.0, False)


def test_the_wizard_refuses_a_paid_invoice_when_it_is_made_but_pays_twice_when_it_is_called_twice(house: House) -> None:
    invoice = house.invoice()
    made = house.wizard(invoice)
    for _ in range(2):
        house.call("account.payment.register", "action_create_payments", made)
    assert len(house.find("account.payment", ["memo", "=", KEY])) == 2
    with pytest.raises(Refused) as refused:
        house.wizard(invoice)
    assert (refused.value.name, refused.value.status) == ("UserError", 200 if house.version == 18 else 422)


def test_nothing_tells_the_same_statement_line_twice_from_two(house: House) -> None:
    house.statement_line(5)
    house.statement_line(5)
    assert house.call("account.bank.statement.line", "search_count", domain=[["ref", "=", KEY]]) == 2


def test_a_statement_line_is_reconciled_before_anything_is_matched(house: House) -> None:
    assert house.statement_line(5)["is_reconciled"] is False
    line = house.statement_line(5, house.chart["accounts"]["receivable"])
    assert (line["is_reconciled"], house.line(line["move_id"], "receivable")["reconciled"]) == (True, False)


def test_a_payout_is_matched_with_payments_and_fee_in_one_call(house: House) -> None:
    payment = house.pay(house.invoice())
    fee = house.entry("2026-11-20", ("fees", 3.2), ("clearing", -3.2))
    house.call("account.move", "action_post", [fee])
    credit = house.statement_line(96.8, house.chart["clearing"]["PSP"])
    lines = [house.line(move, "clearing") for move in (credit["move_id"], payment["move_id"], fee)]
    house.reconcile(*lines)
    after = [house.line(move, "clearing") for move in (credit["move_id"], payment["move_id"], fee)]
    assert {line["matching_number"] for line in after} == {"2"}
    assert house.find("account.payment", ["id", "=", payment["id"]])[0]["is_matched"] is True
    with pytest.raises(Refused, match="already reconciled"):
        house.reconcile(*lines)


def test_lines_of_one_sign_are_left_alone_without_a_word_and_other_mixtures_are_refused(house: House) -> None:
    receivable = house.chart["accounts"]["receivable"]
    one, two = (house.line(house.statement_line(5, receivable)["move_id"], "receivable") for _ in range(2))
    house.reconcile(one, two)
    assert house.line(one["move_id"], "receivable")["reconciled"] is False
    draft = house.entry("2026-11-20", ("receivable", 5), ("fees", -5))
    house.call("account.move", "button_cancel", [draft])
    for other in ("receivable", "fees"):
        with pytest.raises(Refused, match="only reconcile posted" if house.version < 19 else "cancelled"):
            house.reconcile(one, house.line(draft, other))
    clearing = house.statement_line(-5, house.chart["clearing"]["PSP"])
    with pytest.raises(Refused, match="not from the same account"):
        house.reconcile(one, house.line(clearing["move_id"], "clearing"))


def test_19_matches_a_draft_and_18_does_not(house: House) -> None:
    credit = house.statement_line(5, house.chart["accounts"]["receivable"])
    both = (
        house.line(credit["move_id"], "receivable"),
        house.line(house.entry("2026-11-20", ("receivable", 5), ("fees", -5)), "receivable"),
    )
    if house.version < 19:
        with pytest.raises(Refused, match="only reconcile posted"):
            house.reconcile(*both)
    else:
        house.reconcile(*both)
        assert house.line(credit["move_id"], "receivable")["reconciled"] is True


def test_a_chargeback_reopens_the_invoice_and_a_stale_link_to_the_payment_stays(house: House) -> None:
    invoice = house.invoice()
    payment = house.pay(invoice)
    back = house.entry("2026-11-20", ("receivable", 100), ("clearing", -100))
    house.call("account.move", "action_post", [back])
    credit = house.line(payment["move_id"], "receivable")
    assert house.call("account.move.line", "remove_move_reconcile", [credit["id"]]) is None
    house.reconcile(credit, house.line(back, "receivable"))
    assert (house.move(invoice)["payment_state"], house.move(invoice)["amount_residual"]) == ("not_paid", 100.0)
    assert house.move(invoice)["matched_payment_ids"] == [payment["id"]]


def test_a_credit_note_reverses_an_open_invoice_and_stays_open_beside_a_paid_one(house: House) -> None:
    still_open, paid = house.invoice(), house.invoice()
    house.pay(paid)
    house.act("credit_note", invoice=still_open)
    refund = house.act("credit_note", invoice=paid)
    assert [house.move(one)["payment_state"] for one in (still_open, paid, refund["id"])] == [
        "reversed",
        "paid",
        "not_paid",
    ]
    assert refund["name"] == "RINV/2026/00002"
    assert house.pay(refund["id"])["payment_type"] == "outbound"


def test_a_foreign_payment_closes_the_invoice_and_books_the_exchange_difference(house: House) -> None:
    house.act("rate", company="DE", currency="USD", rate="1.20", date="2026-11-21")
    invoice = house.invoice(currency="USD")
    house.pay(invoice, payment_date="2026-11-21")
    partial = house.find("account.partial.reconcile", ["debit_move_id.move_id", "=", invoice])[0]
    assert (partial["amount"], partial["debit_amount_currency"]) == (80.0, 100.0)
    difference = house.find("account.move.line", ["move_id", "=", partial["exchange_move_id"]])
    assert sorted(line["balance"] for line in difference) == [-3.33, 3.33]
    assert house.move(partial["exchange_move_id"])["name"] == "EXCH/2026/11/0001"


def test_company_currency_pays_a_foreign_invoice_only_with_a_write_off(house: House) -> None:
    euro = house.find("res.currency", ["name", "=", "EUR"])[0]["id"]
    short, closed = house.invoice(currency="USD"), house.invoice(currency="USD")
    house.pay(short, amount=79, currency_id=euro)
    off = {"payment_difference_handling": "reconcile", "writeoff_account_id": house.chart["accounts"]["fees"]}
    house.pay(closed, amount=79, currency_id=euro, **off)
    assert [house.move(one)["amount_residual"] for one in (short, closed)] == [1.25, 0.0]


def test_a_payout_in_another_currency_matches_by_the_foreign_amount_the_bank_told(house: House) -> None:
    dollar = house.find("res.currency", ["name", "=", "USD"])[0]["id"]
    payment = house.pay(house.invoice(currency="USD"))
    line = house.statement_line(82, house.chart["clearing"]["PSP"], foreign_currency_id=dollar, amount_currency=100)
    house.reconcile(house.line(payment["move_id"], "clearing"), house.line(line["move_id"], "clearing"))
    assert house.line(line["move_id"], "clearing")["reconciled"] is True


def test_undoing_a_foreign_match_reverses_its_exchange_entry(house: House) -> None:
    house.act("rate", company="DE", currency="USD", rate="1.20", date="2026-11-21")
    invoice = house.invoice(currency="USD")
    payment = house.pay(invoice, payment_date="2026-11-21")
    house.act("unmatch", invoice=invoice)
    assert house.move(invoice)["payment_state"] == "not_paid"
    assert house.line(payment["move_id"], "receivable")["amount_residual"] == -83.33
    gains = house.find("account.move.line", ["account_id", "=", house.chart["accounts"]["exchange_gain"]])
    assert sum(line["balance"] for line in gains) == 0


def test_what_odoos_provider_registered_is_told_by_its_memo(house: House) -> None:
    told = {"invoice": house.invoice(), "journal": house.chart["journals"]["PSP"], "provider_reference": "pi_7"}
    payment = house.act("provider_payment", **told)
    partner = " - Customer 001" if house.version == 18 else ""
    assert payment["memo"] == f"INV/2026/00001{partner} - pi_7"
    assert len(house.find("account.payment", ["payment_transaction_id", "!=", False])) == 1


def test_finer_amounts_are_rounded_without_a_word(house: House) -> None:
    entry = house.entry("2026-11-20", ("fees", 0.105), ("clearing", -0.105))
    assert house.move(entry)["amount_total"] == 0.11


# Time


def test_posting_into_a_locked_period_moves_the_entry_silently(house: House) -> None:
    first, second = (house.entry("2025-06-30", ("fees", 3), ("clearing", -3)) for _ in range(2))
    house.act("lock", company="DE", date="2025-12-31")
    assert house.call("account.move", "action_post", [first, second]) is False
    assert [house.move(one)["date"] for one in (first, second)] == ["2026-01-31", "2026-01-31"]
    dates = [house.statement_line(1, date="2025-06-30")["date"] for _ in range(2)]
    assert dates == ["2026-01-31", "2026-11-21"], "a journal's first number decides otherwise than later ones"


def test_a_payment_keeps_its_date_when_its_entry_is_moved(house: House) -> None:
    invoice = house.invoice()
    house.pay(invoice, amount=1)
    house.act("lock", company="DE", date="2025-12-31")
    payment = house.pay(invoice, payment_date="2025-06-30")
    assert (payment["date"], house.move(payment["move_id"])["date"]) == ("2025-06-30", "2026-11-21")


def test_a_locked_entry_can_be_unmatched_but_not_set_to_draft(house: House) -> None:
    invoice = house.invoice(date="2025-06-30")
    house.pay(invoice)
    house.act("lock", company="DE", date="2025-12-31")
    house.call("account.move.line", "remove_move_reconcile", [house.line(invoice, "receivable")["id"]])
    with pytest.raises(Refused, match="Lock Date"):
        house.call("account.move", "button_draft", [invoice])


def test_a_lock_over_unexplained_bank_lines_is_a_redirect_warning(house: House) -> None:
    house.statement_line(1)
    house.key = "key-admin"
    with pytest.raises(Refused) as refused:
        house.call("res.company", "write", [1], vals={"fiscalyear_lock_date": "2026-11-20"})
    assert (refused.value.name, refused.value.status) == ("RedirectWarning", 200 if house.version == 18 else 500)


def test_no_lock_is_the_first_of_january_of_the_year_one(house: House) -> None:
    assert house.find("res.company", ["id", "=", 1])[0]["user_fiscalyear_lock_date"] == "1-01-01"


def test_a_search_after_a_second_finds_it_again_on_18_and_loses_it_on_19(house: House) -> None:
    invoice = house.invoice()
    said = house.move(invoice)["write_date"]
    assert said == "2026-11-21 07:00:00"
    found = {
        op: bool(house.find("account.move", ["id", "=", invoice], ["write_date", op, said])) for op in (">", ">=", "=")
    }
    assert found == {">": house.version == 18, ">=": True, "=": False}


def test_a_late_effect_carries_the_write_date_of_its_beginning(house: House) -> None:
    house.headers = {STARTED: house.now.isoformat()}
    house.now += timedelta(seconds=120)
    assert house.statement_line(1)["write_date"] == "2026-11-21 07:00:00"


def test_a_deleted_invoices_number_is_given_to_the_next_and_nothing_tells_of_the_first(house: House) -> None:
    first = house.act("delete_invoice", invoice=house.invoice())
    assert house.move(house.invoice())["name"] == first["name"] == "INV/2026/00001"
    assert house.call("account.move", "read", [first["id"]], fields=["name"]) == []


def test_a_numbered_draft_that_is_not_the_last_of_its_kind_is_deleted_by_force_only(house: House) -> None:
    first, last = house.invoice(), house.invoice()
    house.call("account.move", "button_draft", [first, last])
    with pytest.raises(Refused, match="not the last"):
        house.call("account.move", "unlink", [first])
    assert house.call("account.move", "unlink", [last]) is True
    house.invoice()
    assert house.call("account.move", "unlink", [first], context={**house.context, "force_delete": True}) is True


def test_what_is_gone_is_left_out_and_what_is_anothers_is_refused(house: House) -> None:
    """`read` tells what the sweep of the invoices' feed has to tell apart."""
    gone, other = house.act("delete_invoice", invoice=house.invoice())["id"], house.invoice()
    swiss = house.act("invoice", company="CH", partner=house.partner, amount="1")["id"]
    told = house.call("account.move", "read", [gone, other], fields=["state"])
    assert told == [{"id": other, "state": "posted"}]
    with pytest.raises(Refused) as refused:
        house.call("account.move", "read", [swiss], fields=["state"])
    assert refused.value.name == "AccessError"


def test_an_accountant_may_write_the_books_and_the_administrator_alone_may_not(house: House) -> None:
    assert house.call("account.move", "has_access", [], operation="create") is True
    house.key = "key-admin"
    assert house.call("account.move", "has_access", [], operation="create") is False


def test_a_paid_invoice_set_to_draft_is_unmatched_on_18_and_still_paid_on_19(house: House) -> None:
    invoice = house.invoice()
    house.pay(invoice)
    house.call("account.move", "button_draft", [invoice])
    assert house.move(invoice)["payment_state"] == ("not_paid" if house.version == 18 else "paid")


@pytest.mark.parametrize("what", ["the invoice", "the payment", "the payment's entry"])
def test_cancelling_undoes_the_match_on_both_versions(house: House, what: str) -> None:
    invoice = house.invoice()
    payment = house.pay(invoice)
    model = "account.payment" if what == "the payment" else "account.move"
    ident = {"the invoice": invoice, "the payment": payment["id"], "the payment's entry": payment["move_id"]}[what]
    house.call(model, "action_cancel" if what == "the payment" else "button_cancel", [ident])
    (there,) = house.find("account.payment", ["id", "=", payment["id"]])
    assert there["state"] == ("in_process" if what == "the invoice" else "canceled")
    assert (house.move(invoice)["payment_state"], house.move(invoice)["amount_residual"]) == ("not_paid", 100.0)


def test_a_posted_payment_is_deleted_only_when_it_is_a_draft_again(house: House) -> None:
    invoice = house.invoice()
    payment = house.pay(invoice)
    with pytest.raises(Refused) as refused:
        house.call("account.payment", "unlink", [payment["id"]])
    assert refused.value.name == "ValidationError"
    house.call("account.payment", "action_draft", [payment["id"]])
    house.call("account.payment", "unlink", [payment["id"]])
    assert house.find("account.payment", ["id", "=", payment["id"]]) == []
    assert house.move(invoice)["amount_residual"] == 100.0


def test_a_credit_note_that_an_entry_has_used_up_is_reversed(house: House) -> None:
    invoice = house.invoice()
    house.pay(invoice)
    note = house.act("credit_note", invoice=invoice)["id"]
    accounts = house.chart["accounts"]
    lines = [
        [0, 0, {"account_id": accounts["receivable"], "balance": 100}],
        [0, 0, {"account_id": accounts["fees"], "balance": -100}],
    ]
    (entry,) = house.call(
        "account.move", "create", vals_list=[{"journal_id": house.chart["journals"]["MISC"], "line_ids": lines}]
    )
    house.call("account.move", "action_post", [entry])
    house.call("account.move.line", "reconcile", [house.line(move, "receivable")["id"] for move in (entry, note)])
    assert house.move(note)["payment_state"] == "reversed"
