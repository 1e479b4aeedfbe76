"""The rows that a database holds before anybody works in it: users, currencies, companies with charts and journals."""

from collections.abc import Mapping
from typing import Any, Final

from nostro.sandbox.currencies import iso_exponent
from nostro.sandbox.odoo.call import Call
from nostro.sandbox.odoo.settings import BankJournal, CompanySetup, OdooSettings, PspJournal
from nostro.sandbox.odoo.tables import Row

_CURRENCIES = ("EUR", "USD", "CHF", "GBP", "JPY")
ACCOUNTS: Final[Mapping[str, tuple[str, str, str, bool]]] = {
    "receivable": ("1400", "Trade receivables", "asset_receivable", True),
    "payable": ("1600", "Trade payables", "liability_payable", True),
    "suspense": ("1202", "Bank Suspense Account", "asset_current", False),
    "outstanding_receipts": ("1203", "Outstanding Receipts", "asset_current", True),
    "outstanding_payments": ("1204", "Outstanding Payments", "asset_current", True),
    "unapplied": ("1790", "Unapplied money", "liability_current", True),
    "reserve": ("1795", "PSP reserve", "asset_current", True),
    "income": ("8400", "Revenue", "income", False),
    "fees": ("4970", "PSP fees", "expense", False),
    "bank_charges": ("4975", "Bank charges", "expense", False),
    "exchange_gain": ("2660", "Currency translation gains", "income_other", False),
    "exchange_loss": ("2150", "Currency translation losses", "expense", False),
    "disputes": ("1796", "Card disputes", "asset_current", True),
}
"""Role -> code, name, type, can be reconciled."""


def open_books(call: Call, settings: OdooSettings) -> None:
    """Fill an empty database."""
    wanted = {c for company in settings.companies for c in (company.currency, *(code for code, _ in company.rates))}
    wanted |= {bank.currency for company in settings.companies for bank in company.banks if bank.currency}
    wanted |= {psp.currency for company in settings.companies for psp in company.psps if psp.currency}
    for code in dict.fromkeys([*_CURRENCIES, *sorted(wanted)]):
        call.insert("res.currency", {"name": code, "active": True, "decimal_places": iso_exponent(code)})
    call.insert("ir.config_parameter", {"key": "database.uuid", "value": settings.uuid})
    for setup in settings.companies:
        _open_company(call, setup)
    ids = list(call.tables.of("res.company"))
    call.insert("res.users", {"name": "System", "login": "__system__", "company_id": ids[0], "company_ids": ids})
    for user in settings.users:
        call.insert("res.users", {"name": user.login, "login": user.login, "company_id": ids[0], "company_ids": ids})


def landscape(call: Call) -> dict[str, Any]:
    """What a landscape needs to know of the chart, by company name: ids of company, journals and ledger accounts."""
    found: dict[str, Any] = {}
    for company in call.tables.of("res.company").values():
        journals = [row for row in call.tables.of("account.journal").values() if row["company_id"] == company["id"]]
        found[company["name"]] = {
            "company": company["id"],
            "accounts": {role: company[role] for role in ACCOUNTS},
            "journals": {row["code"]: row["id"] for row in journals},
            "clearing": {row["code"]: row["clearing"] for row in journals if row.get("clearing")},
        }
    return found


def _open_company(call: Call, setup: CompanySetup) -> None:
    told = {"name": setup.name, "country_code": setup.country, "currency_id": call.currency(setup.currency)}
    company = call.insert("res.company", told)
    accounts = {role: _ledger_account(call, company, *row) for role, row in ACCOUNTS.items()}
    call.update("res.company", company, **accounts)
    sale = {"code": "INV", "name": "Customer Invoices", "type": "sale", "default_account_id": accounts["income"]}
    _journal(call, company, sale)
    _journal(call, company, {"code": "MISC", "name": "Miscellaneous Operations", "type": "general"})
    exchange = _journal(call, company, {"code": "EXCH", "name": "Exchange Difference", "type": "general"})
    call.update("res.company", company, exchange_journal=exchange["id"])
    for number, bank in enumerate(setup.banks):
        _bank(call, company, bank, f"12{10 + number}")
    for number, psp in enumerate(setup.psps):
        _bank(call, company, psp, f"12{50 + number}")
    for code, rate in setup.rates:
        day = {"name": "2000-01-01", "company_id": company["id"], "rate": rate}
        call.insert("res.currency.rate", {**day, "currency_id": call.currency(code)})


def _bank(call: Call, company: Row, setup: BankJournal | PspJournal, code: str) -> None:
    """A bank journal with payment methods. A PSP's post to its clearing account, a bank's to none of their own."""
    is_psp = isinstance(setup, PspJournal)
    told = {
        "code": setup.code,
        "name": f"{'PSP' if is_psp else 'Bank'} {setup.code}",
        "type": "bank",
        "currency_id": call.currency(setup.currency) if setup.currency else False,
        "default_account_id": _ledger_account(
            call, company, code, f"{setup.code} balance", "asset_cash", reconcile=False
        ),
        "suspense_account_id": company["suspense"],
        "bank_acc_number": False if isinstance(setup, PspJournal) else setup.account_number or False,
    }
    journal = _journal(call, company, told)
    clearing: int | bool = False
    if is_psp:
        clearing = _ledger_account(
            call, company, f"13{code[2:]}", f"{setup.code} clearing", "asset_current", reconcile=True
        )
    ways = {}
    for kind in ("inbound", "outbound"):
        way = {"name": "Manual Payment", "code": "manual", "payment_type": kind, "payment_account_id": clearing}
        row = call.insert("account.payment.method.line", {**way, "journal_id": journal["id"], "sequence": 10})
        ways[f"{kind}_payment_method_line_ids"] = [row["id"]]
    call.update("account.journal", journal, **ways, clearing=clearing)


def _journal(call: Call, company: Row, told: Mapping[str, Any]) -> Row:
    return call.insert("account.journal", {**told, "company_id": company["id"], "active": True})


def _ledger_account(call: Call, company: Row, code: str, name: str, kind: str, reconcile: bool) -> int:  # noqa: FBT001 - a chart's row
    row = {"code": code, "name": name, "account_type": kind, "reconcile": reconcile, "company_ids": [company["id"]]}
    return int(call.insert("account.account", row)["id"])
