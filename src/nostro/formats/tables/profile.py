"""A profile: what a bank's table means. It is data: columns, marks, order of dates, signs, lines to skip."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from nostro.model.base import Value
from nostro.model.money import TOLD_CURRENCIES

DateOrder = Literal["dmy", "mdy", "ymd"]
Word = Annotated[str, AfterValidator(str.casefold)]
Column = str | int
"""A column's name in the header (case and blanks don't matter), or its number from 1."""
DEBIT_WORDS = (
    "d",
    "dr",
    "db",
    "dbit",
    "debit",
    "débit",
    "debet",
    "debe",
    "dare",
    "cargo",
    "-",
    "s",
    "soll",
    "af",
    "af (debet)",
    "out",
    "outgoing",
    "outflow",
    "money out",
    "expense",
    "withdrawal",
    "ausgang",
    "uscita",
    "salida",
    "saída",
    "sortie",
)
CREDIT_WORDS = (
    "c",
    "cr",
    "crdt",
    "credit",
    "crédit",
    "crédito",
    "kredit",
    "haber",
    "avere",
    "abono",
    "+",
    "h",
    "haben",
    "bij",
    "k",
    "in",
    "incoming",
    "inflow",
    "money in",
    "income",
    "deposit",
    "eingang",
    "entrata",
    "entrada",
    "entrée",
)


class Named(Value):
    """Columns by what stands in them."""

    def named(self) -> Mapping[str, Column | tuple[Column, ...]]:
        """The columns that there are."""
        return {field: column for field, column in self.__dict__.items() if column not in ("", ())}

    def flat(self) -> list[Column]:
        """All of them in a row."""
        found: list[Column] = []
        for column in self.named().values():
            found += column if isinstance(column, tuple) else (column,)
        return found

    def admit(self, *, header: bool) -> None:
        """Raises `ValueError` for names where no header has any."""
        if not header and any(isinstance(one, str) for one in self.flat()):
            message = "without a header, columns are numbers"
            raise ValueError(message)


class Columns(Named):
    """Where each thing stands. An amount is in `amount` (signed, or with `direction`), or in `debit` and `credit`.
    `fee`: what the bank took beside the amount. `payer` and `payee`: of which the other side is one.
    """

    booking_date: Column
    value_date: Column = ""
    amount: Column = ""
    debit: Column = ""
    credit: Column = ""
    direction: Column = ""
    fee: Column = ""
    balance: Column = ""
    currency: Column = ""
    bank_account: Column = ""
    status: Column = ""
    counterparty: Column = ""
    payer: Column = ""
    payee: Column = ""
    counterparty_account: Column = ""
    counterparty_bic: Column = ""
    remittance: tuple[Column, ...] = ()
    reference: Column = ""
    end_to_end: Column = ""
    structured: Column = ""
    mandate: Column = ""
    code: Column = ""
    original_amount: Column = ""
    original_currency: Column = ""


class Marked(Value):
    """A balance that stands in a line of its own: the label in its first cell, and the number of the balance's cell."""

    label: str
    column: int = Field(ge=1)


class Shape(Value):
    """How a table is written. Empty `delimiter` and `encoding` are found in the file.

    `header` says that a line names the columns: it is the first that names all of them, wherever it stands.
    `skip_first` and `skip_last` leave lines out.
    """

    name: str = ""
    title: str = ""
    date_order: DateOrder
    decimal: Literal[".", ","] = "."
    delimiter: str = Field(default="", max_length=1)
    encoding: str = ""
    sheet: str = ""
    header: bool = True
    skip_first: int = Field(default=0, ge=0, le=1_000)
    skip_last: int = Field(default=0, ge=0, le=1_000)
    currency: str = ""

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name if encoding else ""
        except LookupError:
            message = "there is no encoding of that name; cp1250, cp1252, iso8859-2 and utf-8 are some"
            raise ValueError(message) from None

    @field_validator("currency")
    @classmethod
    def _known(cls, currency: str) -> str:
        if currency and currency not in TOLD_CURRENCIES:
            message = "the currency is not in ISO 4217"
            raise ValueError(message)
        return currency


class Profile(Shape):
    """What a table of statements means. `inverse`: what is positive is a debit (credit cards).
    `debits_negative`: the debit column's amounts have a minus of their own. `currency` and `bank_account` are for files
    that tell none.
    """

    columns: Columns
    inverse: bool = False
    debits_negative: bool = False
    debit_words: tuple[Word, ...] = DEBIT_WORDS
    credit_words: tuple[Word, ...] = CREDIT_WORDS
    bank_account: str = ""
    opening: Marked | None = None
    closing: Marked | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        columns = self.columns
        if not columns.amount and not (columns.debit and columns.credit):
            message = "a profile names an amount column, or a debit and a credit column"
            raise ValueError(message)
        self.columns.admit(header=self.header)
        return self


CANONICAL = Profile(
    name="nostro",
    title="What Nostro writes",
    columns=Columns(
        booking_date="booking_date", value_date="value_date", amount="amount", currency="currency",
        bank_account="bank_account", status="status", counterparty="counterparty",
        counterparty_account="counterparty_account", counterparty_bic="counterparty_bic", remittance=("remittance",),
        reference="account_servicer_reference", end_to_end="end_to_end_reference", structured="structured_reference",
        mandate="mandate", code="bank_transaction_code",
    ),
    date_order="ymd",
    delimiter=",",
    encoding="utf-8",
)  # fmt: skip

_PARTNER = {"remittance": ("Label",), "counterparty": "Partner Name", "counterparty_account": "Bank Account"}
PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        CANONICAL,
        Profile(
            name="us-balance",
            title="Signed amounts with a running balance, month first",
            columns=Columns.model_validate(
                {**_PARTNER, "booking_date": "Date", "amount": "Amount", "balance": "Balance"}
            ),
            date_order="mdy",
        ),
        Profile(
            name="us-debit-credit-mark",
            title="Amounts with a D or C beside them, month first",
            columns=Columns.model_validate(
                {**_PARTNER, "booking_date": "Date", "amount": "Amount", "direction": "D/C", "balance": "Balance"}
            ),
            date_order="mdy",
        ),
        Profile(
            name="us-debit-credit-columns",
            title="A debit and a credit column, month first",
            columns=Columns.model_validate(
                {**_PARTNER, "booking_date": "Date", "debit": "Debit", "credit": "Credit", "balance": "Balance"}
            ),
            date_order="mdy",
        ),
        Profile(
            name="us-currency",
            title="Signed amounts, each with its currency, month first",
            columns=Columns.model_validate(
                {**_PARTNER, "booking_date": "Date", "amount": "Amount", "currency": "Currency"}
            ),
            date_order="mdy",
        ),
        Profile(
            name="us-original-amount",
            title="Signed amounts, the original amount beside them, month first",
            columns=Columns.model_validate({
                **_PARTNER, "booking_date": "Date", "amount": "Amount", "original_currency": "Currency",
                "original_amount": "Amount Currency",
            }),
            date_order="mdy",
        ),
        Profile(
            name="us-card-original-amount",
            title="Credit card: charges positive, the original amount beside them, month first",
            columns=Columns.model_validate({
                **_PARTNER, "booking_date": "Date", "amount": "Amount", "original_currency": "Currency",
                "original_amount": "Amount Currency",
            }),
            date_order="mdy",
            inverse=True,
        ),
        Profile(
            name="us-no-header",
            title="Without a header, the original amount beside the amount, month first",
            columns=Columns(
                booking_date=1, remittance=(2,), original_currency=3, amount=4, original_amount=5, counterparty=6,
                counterparty_account=7, reference=8,
            ),
            date_order="mdy",
            header=False,
        ),
        Profile(
            name="eu-debit-credit-columns",
            title="A debit and a credit column with signs, balances in lines of their own, day first",
            columns=Columns(
                booking_date="Date", debit="Debit", credit="Credit", remittance=("Label", "Detail"),
                reference="Operation Number",
            ),
            date_order="dmy",
            decimal=",",
            debits_negative=True,
            currency="EUR",
            opening=Marked(label="Balance at start of period", column=5),
            closing=Marked(label="Balance at end of period", column=5),
        ),
    )
}  # fmt: skip
"""Profiles that come along, by name."""
