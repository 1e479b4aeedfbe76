"""What is booked in a company's books: ledger accounts, dimensions, journal entries.

An entry balances in each entity and company currency that it touches; one that doesn't is none. Lines carry an amount
>= 0 with a side; what was agreed in another currency stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from nostro.model.base import Value, changed
from nostro.model.invoices import TaxCategory
from nostro.model.money import Currency, Money, PlainDecimal
from nostro.model.sharing import shared_out
from nostro.model.statements import Source

Side = Literal["debit", "credit"]
Nature = Literal["asset", "liability", "equity", "income", "expense", "off_balance"]
Posted = Literal["draft", "posted", "cancelled"]
_WHOLE = Decimal(100)
_OTHER: dict[Side, Side] = {"debit": "credit", "credit": "debit"}


class LedgerAccount(Value):
    """An account of a chart of accounts. `entity` is empty where the group shares it, `currency` where it takes any.

    `ids`: what systems call it, by connection.
    """

    kind: ClassVar[str] = "ledger_account"

    code: str
    name: str
    nature: Nature
    entity: str = ""
    currency: Currency | None = None
    reconcilable: bool = False
    closed_on: date | None = None
    ids: dict[str, str] = {}
    source: Source | None = None


class Dimension(Value):
    """One value of an analytic dimension: of the plan `dimension` (cost centre, project...) the value `code`."""

    kind: ClassVar[str] = "dimension"

    dimension: str
    code: str
    name: str = ""
    parent: str = ""
    entity: str = ""
    ids: dict[str, str] = {}
    source: Source | None = None


class Allocation(Value):
    """Which part of a line, in percent, belongs to a value of a dimension."""

    dimension: str
    code: str
    share: PlainDecimal = _WHOLE


class JournalLine(Value):
    """One line. `amount` is in company currency, `agreed` what was agreed in the transaction's.

    `tax` is the tax that the line is of or bears, `tax_base` what it is reckoned on where the line is the tax itself.
    """

    account: str
    side: Side
    amount: Money
    agreed: Money | None = None
    entity: str = ""
    label: str = ""
    partner: str = ""
    due_date: date | None = None
    dimensions: tuple[Allocation, ...] = ()
    tax: TaxCategory | None = None
    tax_base: Money | None = None

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.amount.minor < 0 or (self.agreed is not None and self.agreed.minor < 0):
            raise ValueError("the amounts of a line have a side, and no sign")
        if self.agreed is not None and self.agreed.currency == self.amount.currency and self.agreed != self.amount:
            raise ValueError("two amounts of one currency differ")
        for dimension in {one.dimension for one in self.dimensions}:
            shares = [one.share for one in self.dimensions if one.dimension == dimension]
            if min(shares) < 0 or sum(shares) != _WHOLE:
                raise ValueError("the shares of a dimension are not below zero and sum to 100")
        return self

    @property
    def signed(self) -> Money:
        """Its amount in company currency as a balance: a debit is positive."""
        return self.amount if self.side == "debit" else -self.amount

    def allocated(self, dimension: str) -> dict[str, Money]:
        """Its amount by the values of a dimension, to the last unit; nothing where the dimension isn't told."""
        found = [one for one in self.dimensions if one.dimension == dimension]
        parts = shared_out(self.amount, [Fraction(one.share) for one in found])
        told: dict[str, Money] = {}
        for one, part in zip(found, parts, strict=True):
            told[one.code] = told[one.code] + part if one.code in told else part
        return told


class JournalEntry(Value):
    """An entry in a journal of an entity. `reverses` is the entry that it takes back."""

    kind: ClassVar[str] = "journal_entry"

    entry_id: str
    entity: str
    journal: str
    booked_on: date
    document_date: date | None = None
    tax_date: date | None = None
    number: str = ""
    reference: str = ""
    label: str = ""
    state: Posted = "posted"
    reverses: str = ""
    lines: tuple[JournalLine, ...]
    source: Source | None = None

    @model_validator(mode="after")
    def _balances(self) -> Self:
        for (entity, currency), minor in self.balances.items():
            if minor:
                off = Money(minor=minor, currency=currency)
                raise ValueError(f"the lines of {entity} are off balance by {off}")
        return self

    @property
    def balances(self) -> dict[tuple[str, str], int]:
        """What its lines sum to, in minor units by entity and company currency: zero each."""
        sums: dict[tuple[str, str], int] = {}
        for line in self.lines:
            key = line.entity or self.entity, line.amount.currency
            sums[key] = sums.get(key, 0) + line.signed.minor
        return sums

    def reversal(self, entry_id: str, booked_on: date, label: str = "") -> JournalEntry:
        """The entry that takes this one back: the same lines, each on its other side."""
        lines = tuple(changed(line, {"side": _OTHER[line.side]}) for line in self.lines)
        fields = {"entry_id": entry_id, "booked_on": booked_on, "label": label or self.label, "number": ""}
        return changed(self, {**fields, "lines": lines, "reverses": self.entry_id, "source": None})


def account_balances(entries: Sequence[JournalEntry]) -> dict[tuple[str, str, str], int]:
    """Minor units by entity, ledger account and currency, of posted entries; a debit balance is positive."""
    sums: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        for line in entry.lines if entry.state == "posted" else ():
            key = line.entity or entry.entity, line.account, line.amount.currency
            sums[key] = sums.get(key, 0) + line.signed.minor
    return {key: minor for key, minor in sums.items() if minor}
