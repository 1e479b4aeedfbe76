"""A list of payments as a table, through its profile: what a person keeps in a sheet becomes a payment initiation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pydantic import model_validator

from nostro.formats.line_statements import account_as_told
from nostro.formats.reading import Unreadable
from nostro.formats.tables.cells import Cell, day, number, text
from nostro.formats.tables.ending import COMPARED, refuse_cut
from nostro.formats.tables.profile import Column, Named, Shape
from nostro.formats.tables.rows import Row, places_of
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.money import EXPONENTS, Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.references import told
from nostro.model.statements import References, Reject, Source

PaymentItem = MessageHead | Instruction | MessageEnd | Reject
_HEADER_WITHIN = 100
_ADDRESS = ("street", "building", "postcode", "town", "region", "country")
_AS_IT_IS = ("charge_bearer", "service_level", "local_instrument", "category_purpose", "purpose", "priority", "group")


class PaymentColumns(Named):
    """Where each thing stands. `creditor_address`: lines of an address that has no fields."""

    amount: Column
    creditor: Column
    creditor_account: Column = ""
    currency: Column = ""
    execution_date: Column = ""
    creditor_bic: Column = ""
    creditor_clearing_id: Column = ""
    creditor_street: Column = ""
    creditor_building: Column = ""
    creditor_postcode: Column = ""
    creditor_town: Column = ""
    creditor_region: Column = ""
    creditor_country: Column = ""
    creditor_address: tuple[Column, ...] = ()
    debtor: Column = ""
    debtor_account: Column = ""
    debtor_bic: Column = ""
    debtor_clearing_id: Column = ""
    ultimate_debtor: Column = ""
    ultimate_creditor: Column = ""
    end_to_end: Column = ""
    instruction: Column = ""
    structured: Column = ""
    remittance: tuple[Column, ...] = ()
    charge_bearer: Column = ""
    service_level: Column = ""
    local_instrument: Column = ""
    category_purpose: Column = ""
    purpose: Column = ""
    priority: Column = ""
    group: Column = ""
    cheque_number: Column = ""


class PaymentProfile(Shape):
    """What a list of payments means. `same`: what all payments share and no column says, by the columns' names.

    A list tells which way money goes by nothing but this: every line is paid out, `credit_transfer` or `cheque`.
    """

    kind: Literal["payments"] = "payments"
    columns: PaymentColumns
    method: Literal["credit_transfer", "cheque"] = "credit_transfer"
    message_id: str = ""
    same: dict[str, str] = {}

    @model_validator(mode="after")
    def _complete(self) -> PaymentProfile:
        strange = set(self.same) - set(PaymentColumns.model_fields)
        if strange:
            message = f"same: nothing is called {', '.join(sorted(strange))}"
            raise ValueError(message)
        self.columns.admit(header=self.header)
        return self


def payment_rows(given: Iterable[Row], profile: PaymentProfile) -> Iterator[PaymentItem]:
    """The initiation that the table tells. Raises `FormatRefused` when no line names the profile's columns."""
    walk = _Walk(profile)
    waiting: deque[Row] = deque()
    before = 0
    for row in given:
        if row.line <= profile.skip_first or row.is_empty:
            continue
        if not walk.places:
            walk.places = places_of(profile.columns, row.cells)
            if profile.header:
                before += not walk.places
                if walk.places:
                    yield walk.head(row.line)
                if before > _HEADER_WITHIN:
                    break
                continue
            yield walk.head(row.line)
        waiting.append(row)
        if len(waiting) > profile.skip_last:
            yield walk.payment(waiting.popleft())
    if not walk.places:
        raise FormatRefused("No line of the table names the columns that the profile declares.")
    yield MessageEnd(items=walk.count, rejected=walk.rejected, totals=walk.totals)


@dataclass(slots=True)
class _Walk:
    """Where the walk through the rows is."""

    profile: PaymentProfile
    places: dict[str, list[int]] = field(default_factory=dict)
    before: deque[Row] = field(default_factory=lambda: deque(maxlen=COMPARED))
    count: int = 0
    rejected: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)

    def head(self, line: int) -> MessageHead:
        """The initiation, of which a table says nothing itself."""
        name = self.profile.same.get("debtor", "")
        return MessageHead(
            kind="payment_initiation",
            message_id=self.profile.message_id,
            initiating_party=Party(name=name) if name else None,
            source=Source(where="table", line=line),
            format=f"table/{self.profile.name}".rstrip("/"),
        )

    def payment(self, row: Row) -> Instruction | Reject:
        """A line as a payment, or why it is none."""
        said = _Line(self.profile, self.places, row)
        try:
            refuse_cut(row, self.before, self.places, self.profile.decimal)
            payment = said.payment()
        except Unreadable as unreadable:
            self.rejected += 1
            return Reject(where="table", why=str(unreadable), line=row.line)
        self.before.append(row)
        self.count += 1
        if paid := payment.amount:
            self.totals[paid.currency] = self.totals.get(paid.currency, Decimal(0)) + paid.value
        return payment


@dataclass(frozen=True, slots=True)
class _Line:
    """One line, and what all lines share."""

    profile: PaymentProfile
    places: dict[str, list[int]]
    row: Row

    def payment(self) -> Instruction:
        """The payment. Raises `Unreadable` without quoting the cell."""
        remittance, references = self.texts("remittance"), ("end_to_end", "instruction", "structured")
        cheque = self.text("cheque_number")
        return Instruction(
            method=self.profile.method,
            amount=self.amount(),
            execution_date=day(self.cell("execution_date"), self.profile.date_order),
            debtor=self.party("debtor"),
            debtor_account=self.held_at("debtor"),
            creditor=self.party("creditor"),
            creditor_account=self.held_at("creditor"),
            ultimate_debtor=self.party("ultimate_debtor"),
            ultimate_creditor=self.party("ultimate_creditor"),
            references=References(**{name: told(self.text(name)) for name in references}),
            remittance=remittance,
            others={"cheque_number": cheque} if cheque else {},
            source=Source(where="table", line=self.row.line),
            **{name: self.text(name) for name in _AS_IT_IS},
        )

    def amount(self) -> Amount:
        """What is paid: a list of payments knows no minus."""
        value = number(self.cell("amount"), self.profile.decimal)
        currency = self.text("currency").upper() or self.profile.currency
        if value is None or value <= 0:
            raise Unreadable("there is no amount above zero")
        if currency not in EXPONENTS:
            raise Unreadable("the currency is not in ISO 4217" if currency else "no currency is told")
        return Amount(value=value, currency=currency)

    def party(self, side: str) -> Party | None:
        """Who it is, with the address as far as it is told."""
        name, address = self.text(side), self.address(side)
        return Party(name=name, address=address) if name or address else None

    def address(self, side: str) -> Address | None:
        """The address: fields, lines, or both."""
        fields: dict[str, Any] = {part: self.text(f"{side}_{part}") for part in _ADDRESS}
        lines = self.texts(f"{side}_address")
        fields["country"] = fields["country"].upper()
        return Address(**fields, lines=lines) if lines or any(fields.values()) else None

    def held_at(self, side: str) -> BankAccount | None:
        """The bank account."""
        bank = {"bic": self.text(f"{side}_bic").upper(), "clearing_id": self.text(f"{side}_clearing_id")}
        found = account_as_told(self.text(f"{side}_account")).model_copy(update=bank)
        return found if found != BankAccount() else None

    def cell(self, name: str, place: int = 0) -> Cell:
        """A cell, else what all lines share."""
        places = self.places.get(name, ())
        known = place < len(places) and places[place] < len(self.row.cells)
        found = self.row.cells[places[place]] if known else ""
        return found if found != "" else self.profile.same.get(name, "") if place == 0 else ""

    def text(self, name: str) -> str:
        """A cell as text."""
        return text(self.cell(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """What stands in all columns of that meaning."""
        count = max(1, len(self.places.get(name, ())))
        return tuple(said for place in range(count) if (said := text(self.cell(name, place))))
