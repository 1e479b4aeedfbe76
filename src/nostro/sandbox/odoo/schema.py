"""The fields of every model that the stand-in knows, and how their values look on the wire.

A kind is `char`, `int`, `bool`, `amount`, `date`, `datetime`, `json`, a model (one reference) or `[model]` (several).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from nostro.sandbox.odoo.tables import Row

_TEXT = """
res.company name:char country_code:char currency_id:res.currency fiscalyear_lock_date:date sale_lock_date:date
  hard_lock_date:date user_fiscalyear_lock_date:date user_sale_lock_date:date user_hard_lock_date:date
res.currency name:char active:bool decimal_places:int
res.currency.rate name:date currency_id:res.currency company_id:res.company rate:amount
res.users name:char login:char company_id:res.company company_ids:[res.company]
res.partner name:char ref:char vat:char email:char is_company:bool active:bool
  property_account_receivable_id:account.account
res.partner.bank acc_number:char partner_id:res.partner
ir.config_parameter key:char value:char
account.account code:char name:char account_type:char reconcile:bool company_ids:[res.company]
account.journal name:char code:char type:char company_id:res.company currency_id:res.currency
  default_account_id:account.account suspense_account_id:account.account bank_acc_number:char active:bool
  inbound_payment_method_line_ids:[account.payment.method.line]
  outbound_payment_method_line_ids:[account.payment.method.line]
account.payment.method.line name:char code:char sequence:int payment_type:char journal_id:account.journal
  payment_account_id:account.account
account.move name:char ref:char move_type:char state:char posted_before:bool date:date
  invoice_date:date invoice_date_due:date
  payment_reference:char invoice_origin:char narration:char partner_id:res.partner journal_id:account.journal
  company_id:res.company currency_id:res.currency amount_total:amount amount_untaxed:amount amount_residual:amount
  amount_residual_signed:amount amount_total_signed:amount payment_state:char reversed_entry_id:account.move
  origin_payment_id:account.payment statement_line_id:account.bank.statement.line line_ids:[account.move.line]
  invoice_line_ids:[account.move.line] matched_payment_ids:[account.payment] transaction_ids:[payment.transaction]
account.move.line name:char move_id:account.move account_id:account.account partner_id:res.partner
  currency_id:res.currency balance:amount amount_currency:amount debit:amount credit:amount
  amount_residual:amount amount_residual_currency:amount reconciled:bool matching_number:char
  full_reconcile_id:account.full.reconcile date_maturity:date display_type:char account_type:char parent_state:char
  date:date ref:char move_name:char move_type:char journal_id:account.journal company_id:res.company quantity:amount
  price_unit:amount statement_line_id:account.bank.statement.line payment_id:account.payment
account.partial.reconcile debit_move_id:account.move.line credit_move_id:account.move.line amount:amount
  debit_amount_currency:amount credit_amount_currency:amount exchange_move_id:account.move
  full_reconcile_id:account.full.reconcile company_id:res.company max_date:date
account.full.reconcile partial_reconcile_ids:[account.partial.reconcile]
account.payment name:char memo:char payment_type:char partner_type:char state:char amount:amount date:date
  partner_id:res.partner journal_id:account.journal company_id:res.company currency_id:res.currency
  payment_method_line_id:account.payment.method.line outstanding_account_id:account.account
  destination_account_id:account.account move_id:account.move is_matched:bool is_reconciled:bool
  amount_company_currency_signed:amount
  invoice_ids:[account.move] reconciled_invoice_ids:[account.move] payment_transaction_id:payment.transaction
account.payment.register payment_date:date journal_id:account.journal amount:amount currency_id:res.currency
  communication:char group_payment:bool payment_difference_handling:char writeoff_account_id:account.account
  writeoff_label:char line_ids:[account.move.line] can_edit_wizard:bool
account.bank.statement.line move_id:account.move journal_id:account.journal company_id:res.company date:date
  payment_ref:char ref:char name:char amount:amount partner_id:res.partner partner_name:char account_number:char
  transaction_details:json currency_id:res.currency foreign_currency_id:res.currency amount_currency:amount
  is_reconciled:bool amount_residual:amount counterpart_account_id:account.account
payment.transaction reference:char provider_reference:char amount:amount state:char
"""
_EVERY = {
    "id": "int",
    "display_name": "char",
    "create_date": "datetime",
    "write_date": "datetime",
    "create_uid": "res.users",
    "write_uid": "res.users",
}


def _read(text: str) -> dict[str, dict[str, str]]:
    models: dict[str, dict[str, str]] = {}
    for line in text.strip().splitlines():
        model, *words = ["", *line.split()] if line.startswith(" ") else line.split()
        fields = models.setdefault(model, dict(_EVERY)) if model else models[next(reversed(models))]
        fields.update((name, kind) for name, _, kind in (word.partition(":") for word in words))
    return models


FIELDS: Final[Mapping[str, Mapping[str, str]]] = _read(_TEXT)

DEFAULT_ORDER: Final[Mapping[str, str]] = {
    "account.move": "date desc, name desc, invoice_date desc, id desc",
    "account.move.line": "date desc, move_name desc, id",
    "account.payment": "date desc, name desc",
    "account.bank.statement.line": "date desc, id desc",
    "res.partner": "name, id",
}


def target(kind: str) -> str | None:
    """The model that a kind of field refers to, or None."""
    return kind.strip("[]") if "." in kind else None


def instant(moment: datetime) -> str:
    """An instant as Odoo says it: naive UTC, cut to seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def on_the_wire(kind: str, value: Any, label: Callable[[str, int], str] | None) -> Any:  # noqa: ANN401 - any field's value
    """A value as `read` returns it: amounts are floats, empty is false, a reference a pair or (without label) an id."""
    if kind.startswith("["):
        return list(value or ())
    if kind == "bool":
        return bool(value)
    if kind in {"amount", "int"}:
        return float(value) + 0.0 if kind == "amount" else value  # + 0.0: no minus before zero
    if value in (False, None, ""):
        return False
    if kind == "datetime":
        return instant(value)
    model = target(kind)
    return value if model is None or label is None else [value, label(model, value)]


def amount(value: Decimal, decimals: int) -> Decimal:
    """Rounded to a currency's decimals, halves away from zero."""
    return value.quantize(Decimal(1).scaleb(-decimals), "ROUND_HALF_UP")


def label_of(model: str, row: Row) -> str:
    """`display_name`: what a person sees in a reference. Only what stands in the row, where Odoo often says more."""
    words = (row[key] for key in ("name", "memo", "key", "acc_number", "reference") if row.get(key))
    return str(next(words, f"{model},{row['id']}"))
