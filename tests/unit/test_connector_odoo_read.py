"""What Odoo's rows and hints mean, where the golden pages don't reach."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nostro.connectors.kit.reading import HintItem, IgnoredItem, Item, ReadItem, ReceiptView, RejectItem
from nostro.connectors.odoo import CONNECTOR
from nostro.connectors.odoo.config import OdooConfig
from nostro.model.facts import InvoicePosted, InvoiceWithdrawn, PaymentRegistered
from nostro.model.money import Amount, Money
from tests.conformance.receipts import CONNECTION, entity

NOW = datetime(2026, 9, 1, tzinfo=UTC)
INVOICE: dict[str, Any] = {
    "id": 7,
    "name": "INV/2026/00007",
    "state": "posted",
    "move_type": "out_invoice",
    "partner_id": [11, "Customer 001"],
    "company_id": [1, "DE"],
    "currency_id": [125, "EUR"],
    "amount_total": 100.1,
    "amount_residual": 0.30000000000000004,
    "invoice_date": "2026-08-31",
    "invoice_date_due": False,
    "payment_reference": False,
    "payment_state": "brand_new_word",
    "reversed_entry_id": False,
    "write_date": "2026-08-31 08:00:00",
}
PAYMENT: dict[str, Any] = {
    "id": 3,
    "name": "PPSP/2026/00003",
    "memo": "INV/2026/00007 - Customer 001 - pi_3ABC",
    "state": "paid",
    "amount": 100.0,
    "currency_id": [1, "USD"],
    "date": "2026-08-31",
    "journal_id": [9, "PSP"],
    "company_id": [1, "DE"],
    "reconciled_invoice_ids": [8, 7],
    "amount_company_currency_signed": 83.33,
    "write_date": "2026-08-31 08:00:00",
}


def read(body: object, kind: str = "poll:invoices") -> list[Item]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    config = OdooConfig(database="odoo", database_uuid="uuid-1")
    view = ReceiptView("00", CONNECTION, kind, "", NOW, lambda: iter([raw]), config, (entity(),))
    return list(CONNECTOR.read(view))


def the_fact(row: dict[str, Any], kind: str = "poll:invoices") -> Any:  # noqa: ANN401 - whichever fact it is
    (item,) = read([row], kind)
    assert isinstance(item, ReadItem), item
    return item.facts[0]


def test_an_invoice_is_named_by_the_databases_uuid_and_its_words_of_payment_are_kept_as_told() -> None:
    fact = the_fact(INVOICE)
    assert isinstance(fact, InvoicePosted)
    assert (fact.database, fact.payment_state, fact.due_on) == ("uuid-1", "brand_new_word", None)
    assert fact.residual == Money.of("0.30", "EUR")


@pytest.mark.parametrize("state,why", [("draft", "draft"), ("cancel", "cancelled")])
def test_a_numbered_invoice_that_is_not_posted_any_more_is_withdrawn(state: str, why: str) -> None:
    fact = the_fact({**INVOICE, "state": state})
    assert isinstance(fact, InvoiceWithdrawn)
    assert fact.why == why


@pytest.mark.parametrize("state", ["draft", "cancel"])
def test_an_invoice_that_never_had_a_number_is_of_no_concern(state: str) -> None:
    assert read([{**INVOICE, "state": state, "name": False}]) == [
        IgnoredItem("never_posted", Amount.model_validate({"value": "100.10", "currency": "EUR"}))
    ]


def test_what_odoos_own_provider_registered_is_known_by_its_reference() -> None:
    by_18, by_19 = PAYMENT, {**PAYMENT, "memo": "INV/2026/00007 - pi_3ABC"}
    for row in (by_18, by_19):
        fact = the_fact(row, "poll:payments")
        assert isinstance(fact, PaymentRegistered)
        assert fact.provider_reference == "pi_3ABC"
        assert fact.correlation == ""
        assert (fact.amount, fact.company_amount) == (Money.of("100.00", "USD"), Money.of("83.33", "EUR"))
        assert fact.move_ids == (7, 8)


def test_what_we_registered_is_known_by_our_correlation_id() -> None:
    fact = the_fact({**PAYMENT, "memo": "INV/2026/00007 NOSABCDEFGHIJKLMNOP"}, "poll:payments")
    assert (fact.correlation, fact.provider_reference) == ("NOSABCDEFGHIJKLMNOP", "")


def test_unknown_fields_are_counted_and_change_nothing() -> None:
    (plain,), (strange,) = read([INVOICE]), read([{**INVOICE, "x_new": 1}])
    assert isinstance(plain, ReadItem)
    assert isinstance(strange, ReadItem)
    assert (plain.unknown_fields, strange.unknown_fields) == (0, 1)
    assert plain.facts == strange.facts


def test_another_companys_rows_are_ignored_and_one_broken_row_rejects_nothing_but_itself() -> None:
    broken = [
        {**INVOICE, "state": "limbo"},
        {**INVOICE, "amount_total": 0.305},
        {**INVOICE, "currency_id": [9, "ZZZ"]},
        {**INVOICE, "invoice_date": "2026-13-01"},
        {name: value for name, value in INVOICE.items() if name != "amount_total"},
        "Customer 001",
    ]
    items = read([INVOICE, *broken, {**INVOICE, "company_id": [2, "CH"]}])
    assert [type(item) for item in items] == [ReadItem, *[RejectItem] * len(broken), IgnoredItem]
    assert not any("Customer 001" in item.why for item in items if isinstance(item, RejectItem))


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[" * 200_000, b'{"jsonrpc": "2.0", "error": {}}'])
def test_a_body_that_is_no_list_of_rows_is_one_reject(body: bytes) -> None:
    (item,) = read(body)
    assert isinstance(item, RejectItem)


def test_a_webhook_of_odoo_is_a_hint_at_most_whatever_it_says() -> None:
    told = {"_action": "Send Webhook Notification(#310)", "_id": 256, "_model": "account.move", "state": "posted"}
    assert read(told, "webhook") == [HintItem("invoices")]
    assert read({**told, "_model": "account.payment"}, "webhook") == [HintItem("payments")]
    assert read({**told, "_model": "res.partner"}, "webhook") == [IgnoredItem("hint_of_other_model")]
    assert isinstance(read(b"{", "webhook")[0], RejectItem)
    assert CONNECTOR.verify is None


def test_whatever_is_ignored_is_declared() -> None:
    assert {"never_posted", "other_company", "hint_of_other_model"} <= CONNECTOR.manifest.ignored
