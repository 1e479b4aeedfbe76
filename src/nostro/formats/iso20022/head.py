"""Everything of a statement, report or notification that is no entry: heads, balances, control totals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from nostro.formats.checks import Control
from nostro.formats.iso20022.actors import own_account
from nostro.formats.iso20022.told import Told, amount_of, day_of
from nostro.formats.iso20022.values import instant
from nostro.formats.reading import Unreadable
from nostro.model.money import Amount
from nostro.model.parties import BankAccount
from nostro.model.statements import Balance, Check, Direction, ReportKind, Source, StatementHead

_BALANCES = 1_000


@dataclass(slots=True)
class HeadParts:
    """A head in the making: elements are taken in as they end, in whatever order they stand."""

    kind: ReportKind
    source: Source
    format: str
    page: tuple[int | None, bool | None] = (None, None)
    message_created: str = ""
    fields: dict[str, object] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    additional: str = ""
    met: int = 0
    """How many balances were met, read or not."""

    def take(self, name: str, told: Told, line: int) -> None:
        """Take in a child of the statement. What of it can't be read becomes a check that does not hold."""
        try:
            self._take(name, told, line)
        except Unreadable as unreadable:
            self.checks.append(Check(name=name, ok=False, detail=f"line {line}: {unreadable}"))

    def _take(self, name: str, told: Told, line: int) -> None:
        if name == "Bal" and len(self.balances) < _BALANCES:
            self.met += 1
            source = Source(where=f"{self.source.where}/Bal[{self.met}]", line=line)
            self.balances.append(_balance(told, self.currency, source))
        elif name == "TxsSummry":
            self.controls += _controls(told)
        elif name == "Acct":
            self.fields["bank_account"] = own_account(told, "Svcr") or BankAccount()
        elif name in _PAGES:
            self.page = page_of(told)
        elif name == "FrToDt":
            self.fields |= {"from_date": _edge(told, "Fr"), "to_date": _edge(told, "To")}
        elif name == "CreDtTm":
            self._created(told.text(""))
        elif name in _ADDITIONAL:
            self.additional = told.text("")
        elif name in _OTHERS and (said := told.text(*_OTHERS[name])):
            self.others[name] = said
        elif name in _TEXTS:
            self.fields[_TEXTS[name]] = told.text("")
        elif name in _NUMBERS and told.text("").isdecimal():
            self.fields[_NUMBERS[name]] = int(told.text("")[:18])

    def _created(self, said: str) -> None:
        at = instant(said)
        self.fields |= {"created_at": at, "created_on": at.date() if at else None}

    @property
    def currency(self) -> str:
        """The account's currency, as far as it was told."""
        return self.bank_account.currency

    @property
    def bank_account(self) -> BankAccount:
        """The bank account, or one without any identification."""
        found = self.fields.get("bank_account")
        return found if isinstance(found, BankAccount) else BankAccount()

    def head(self) -> StatementHead:
        """The head, of what was taken in so far."""
        if "created_at" not in self.fields:
            self._take_created_of_message()
        page, last = self.page
        given: dict[str, object] = {
            "statement_id": "",
            "bank_account": self.bank_account,
            **self.fields,
            "others": self.others,
        }
        given |= {"kind": self.kind, "source": self.source, "format": self.format, "balances": tuple(self.balances)}
        return StatementHead.model_validate({**given, "currency": self._currency(), "page": page, "last_page": last})

    def _take_created_of_message(self) -> None:
        # The message's creation time stands for a statement without one.
        try:
            self._created(self.message_created)
        except Unreadable as unreadable:
            self.checks.append(Check(name="CreDtTm", ok=False, detail=str(unreadable)))

    def _currency(self) -> str:
        return self.currency or next((balance.amount.currency for balance in self.balances), "")


_DIGITS = 5
_PAGES = frozenset({"StmtPgntn", "RptPgntn", "NtfctnPgntn", "MsgPgntn"})
_TEXTS = {"Id": "statement_id", "CpyDplctInd": "copy_mark"}
_ADDITIONAL = frozenset({"AddtlStmtInf", "AddtlRptInf", "AddtlNtfctnInf"})
_OTHERS = {"RptgSrc": ("Cd", "Prtry"), "RltdAcct": ("Id/IBAN", "Id/Othr/Id", "Id/BBAN")}
_NUMBERS = {"ElctrncSeqNb": "sequence", "LglSeqNb": "legal_sequence"}


def page_of(told: Told, below: str = "") -> tuple[int | None, bool | None]:
    """Page number (`Max5NumericText`), and whether it is the last."""
    number, last = told.text(f"{below}PgNb"), told.text(f"{below}LastPgInd").lower()
    told_page = int(number) if number.isdecimal() and len(number) <= _DIGITS else None
    return (told_page, last in ("true", "1") if last else None)


def _edge(told: Told, edge: str) -> date | None:
    said = instant(told.text(f"{edge}DtTm", f"{edge}Dt"))
    return said.date() if isinstance(said, datetime) else None


def _balance(told: Told, currency: str, source: Source) -> Balance:
    amount = amount_of(told, "Amt", currency)
    signed = -amount.value if told.text("CdtDbtInd").upper() == "DBIT" else amount.value
    code = told.text("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd", "Tp/Prtry")
    signed_amount = Amount(value=signed, currency=amount.currency)
    return Balance(code=code, amount=signed_amount, on=day_of(told, "Dt"), source=source)


def _controls(told: Told) -> list[Control]:
    found: list[Control] = []
    for name, directions in _CONTROLLED.items():
        if told.holds(name):
            count = told.text(f"{name}/NbOfNtries")
            said = int(count[:18]) if count.isdecimal() else None
            found.append(Control(name, said, _unsigned(told.text(f"{name}/Sum")), directions))
    return found


_CONTROLLED: dict[str, tuple[Direction, ...]] = {
    "TtlNtries": ("credit", "debit"),
    "TtlCdtNtries": ("credit",),
    "TtlDbtNtries": ("debit",),
}


def _unsigned(said: str) -> Decimal | None:
    """Some banks put a sign before sums that the standard has without one; the name says the direction."""
    try:
        return Decimal(said).copy_abs() if said and len(said) < 40 else None
    except ArithmeticError:
        return None
