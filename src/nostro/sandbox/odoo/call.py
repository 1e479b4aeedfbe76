"""One call to Odoo: who asks, for which companies, when, on which rows. Each call is one database transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.schema import FIELDS, amount, label_of
from nostro.sandbox.odoo.settings import OdooUser
from nostro.sandbox.odoo.tables import Row, Tables


@dataclass(slots=True)
class Call:
    """What every model function gets. `now` is the start of the database transaction, aware UTC."""

    tables: Tables
    user: OdooUser
    uid: int
    version: int
    now: datetime
    context: Mapping[str, Any] = field(default_factory=dict)
    companies: tuple[int, ...] = ()
    """The companies that may be seen; the first is the one that things are created in."""

    def __post_init__(self) -> None:
        user = self.tables.of("res.users").get(self.uid)
        known = tuple(user["company_ids"] if user else self.tables.of("res.company"))
        asked = self.context.get("allowed_company_ids")
        if asked and not set(asked) <= set(known):
            raise Fault("AccessError", "Access to unauthorized or invalid companies.")
        self.companies = tuple(asked or known)

    @property
    def today(self) -> str:
        """The day, in UTC, as Odoo writes dates."""
        return self.now.date().isoformat()

    # Rows

    def row(self, model: str, ident: int) -> Row:
        """One row; raises MissingError."""
        try:
            return self.tables.of(model)[ident]
        except KeyError:
            text = f"Record does not exist or has been deleted.\n(Record: {model}({ident},), User: {self.uid})"
            raise Fault("MissingError", text) from None

    def rows(self, model: str, ids: Iterable[int]) -> list[Row]:
        """Several rows, in the order asked for; raises MissingError, and AccessError for another company's."""
        found = [self.row(model, ident) for ident in ids]
        for row in found:
            if not self.sees(model, row):
                raise self.stranger(model)
        return found

    def named(self, model: str, field: str, told: str) -> Row:
        """The first row that says this in a field."""
        return next(row for row in self.tables.of(model).values() if row[field] == told)

    def insert(self, model: str, values: Mapping[str, Any]) -> Row:
        """A new row, with every field that nobody gave empty."""
        empty = {name: _empty(kind) for name, kind in FIELDS[model].items()}
        return self.tables.insert(model, {**empty, **values}, self.now, self.uid)

    def update(self, model: str, row: Row, **changes: Any) -> None:  # noqa: ANN401 - any field's value
        """Change a row."""
        self.tables.update(model, row, changes, self.now, self.uid)

    def lines(self, move: Row) -> list[Row]:
        """The lines of a journal entry."""
        return self.tables.by("account.move.line", "move_id", move["id"])

    def label(self, model: str, ident: int) -> str:
        """What a person sees in a reference."""
        return label_of(model, self.row(model, ident))

    # Companies and rights

    def sees(self, model: str, row: Row) -> bool:
        """Whether a row belongs to one of the call's companies, or to none, and no record rule hides it."""
        if model == "account.move" and row["id"] in self.tables.of("res.users").get(self.uid, {}).get("hidden", ()):
            return False
        if model == "res.company":
            return self.user.admin or row["id"] in self.companies
        if model == "account.account":
            return bool(set(row["company_ids"]) & set(self.companies))
        if model == "account.move.line":
            row = self.row("account.move", row["move_id"])
        elif model == "account.payment.method.line":
            row = self.row("account.journal", row["journal_id"])
        return not row.get("company_id") or row["company_id"] in self.companies

    def stranger(self, model: str) -> Exception:
        """The refusal for a row of another company."""
        kind = "UserError" if model == "account.account" and self.version >= 19 else "AccessError"
        return Fault(kind, f"{self.user.login} (id={self.uid}) may not see this {model}.")

    def need(self, *, accountant: bool = False, admin: bool = False, what: str) -> None:
        """Raise AccessError unless the user is that."""
        if (accountant and not self.user.accountant) or (admin and not self.user.admin):
            raise Fault("AccessError", f"You are not allowed to access '{what}' records.")

    # Money and days

    def currency(self, code: str) -> int:
        """The id of a currency."""
        return int(self.named("res.currency", "name", code)["id"])

    def currency_of(self, company: int) -> int:
        """The company's currency."""
        return int(self.row("res.company", company)["currency_id"])

    def rounded(self, value: object, currency: int) -> Decimal:
        """A float or text from the wire as an amount: what is finer than the currency is silently rounded."""
        try:
            exact = Decimal(str(value or 0))
        except ArithmeticError:
            raise Fault("ValueError", f"could not convert string to float: {value!r}") from None
        return amount(exact, self.row("res.currency", currency)["decimal_places"])

    def rate(self, currency: int, company: int, day: str) -> Decimal:
        """Units of the currency that one of the company's buys: the last rate up to the day, else the first."""
        if currency == self.currency_of(company):
            return Decimal(1)
        rates = sorted(
            (row["name"], row["rate"])
            for row in self.tables.of("res.currency.rate").values()
            if row["currency_id"] == currency and row["company_id"] == company
        )
        past = [rate for name, rate in rates if name <= day]
        return Decimal(past[-1] if past else rates[0][1] if rates else 1)

    def convert(self, value: Decimal, source: int, wanted: int, company: int, day: str) -> Decimal:
        """An amount in another currency, by Odoo's own rates of the day, rounded."""
        if source == wanted:
            return value
        return self.rounded(value * self.rate(wanted, company, day) / self.rate(source, company, day), wanted)


def checked(model: str, values: Mapping[str, Any], required: Sequence[str] = ()) -> Mapping[str, Any]:
    """The values of a create or write; raises ValueError for unknown fields and for days that are in no calendar."""
    if not isinstance(values, Mapping):
        raise Fault("TypeError", "vals must be an object")
    for name, value in values.items():
        kind = FIELDS[model].get(name)
        if kind is None:
            raise Fault("ValueError", f"Invalid field '{name}' in '{model}'")
        if kind == "date" and value:
            day(value)
    for name in required:
        if not values.get(name):
            raise Fault("ValidationError", f"Missing required value for the field '{name}'.")
    return values


def day(text: object) -> date:
    """A date from the wire."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError as wrong:
        raise Fault("ValueError", str(wrong)) from None


def _empty(kind: str) -> Any:  # noqa: ANN401 - any field's value
    return [] if kind.startswith("[") else Decimal(0) if kind == "amount" else 0 if kind == "int" else False
