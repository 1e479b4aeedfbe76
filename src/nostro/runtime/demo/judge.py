"""What is lost and what is doubled, by the other systems' own books. One judge for the plain script and for Nostro.

Lost: a card payment that was captured, a bank movement whose day is closed, or a fee of a payout that has arrived, which
Odoo's books do not hold. Doubled: one that they hold more often than it happened, or that never happened.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from nostro.model.money import Money

MEANING = (
    "Lost: a captured card payment, a bank movement of a closed day or a fee of a paid payout that Odoo's books do not"
    " hold. Doubled: one that they hold more often than it happened."
)
CARD, BANK, FEE = "card payment", "bank movement", "fee"
GONE = ("draft", "canceled", "rejected")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that has to be booked once. `amount` is signed as on the account; two equal effects are two."""

    kind: str
    entity: str
    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the books lack and what they hold too often."""

    lost: tuple[Effect, ...]
    doubled: tuple[Effect, ...]

    @property
    def lost_amounts(self) -> list[Money]:
        """What is lost, by currency; amounts in and out both count upwards."""
        return totals(each.amount for each in self.lost)

    @property
    def doubled_amounts(self) -> list[Money]:
        """What is doubled, by currency; amounts in and out both count upwards."""
        return totals(each.amount for each in self.doubled)


def judge(intended: Row, odoo: Row, closed_through: date) -> Judgement:
    """Compare what has to be booked (`judgement.intended`) with the books of the Odoo stand-in.

    Movements of days after `closed_through` (inclusive) need not be booked yet, but not twice either.
    """
    books = _Books(intended, odoo)
    movements = Counter(books.movements())
    due = Counter({e: n for e, n in movements.items() if e.name <= closed_through.isoformat()})
    wanted = Counter(books.card_payments()) + due + Counter(books.fees())
    allowed = wanted + (movements - due)
    booked = Counter(books.registered()) + Counter(books.statement_lines()) + Counter(books.fee_entries())
    return Judgement(_in_order(wanted - booked), _in_order(booked - allowed))


def totals(amounts: Iterable[Money]) -> list[Money]:
    """Absolute amounts added up by currency."""
    sums: Counter[str] = Counter()
    for amount in amounts:
        sums[amount.currency] += abs(amount.minor)
    return [Money(minor=minor, currency=currency) for currency, minor in sorted(sums.items())]


def _in_order(effects: Counter[Effect]) -> tuple[Effect, ...]:
    return tuple(sorted(effects.elements(), key=lambda each: (each.kind, each.entity, each.name, each.amount.minor)))


class _Books:
    """Both sides as effects. Names: invoice number for card payments, booking date for movements, payout for fees."""

    def __init__(self, intended: Row, odoo: Row) -> None:
        self._intended = intended
        self._odoo = odoo
        self._entities = {one["company"]: name.removeprefix("Entity ") for name, one in odoo["companies"].items()}
        self._journals = {
            ident: (code, one["company"]) for one in odoo["companies"].values() for code, ident in one["journals"].items()
        }
        self._fee_accounts = {one["accounts"]["fees"] for one in odoo["companies"].values()}
        self._invoices = {invoice["odoo_id"]: invoice for invoice in intended["invoices"]}
        moves = {move["id"]: move for move in odoo["moves"]}
        self._currencies = {moves[ident]["currency_id"]: told["currency"] for ident, told in self._invoices.items()}
        self._moves = moves
        self._own = {"DE": "EUR", "CH": "CHF", "US": "USD"}

    # What has to be there

    def card_payments(self) -> Iterable[Effect]:
        by_key = {invoice["invoice"]: invoice for invoice in self._intended["invoices"]}
        for payment in self._intended["payments"]:
            if payment["kind"] == "card":
                invoice = by_key[payment["invoice"]]
                amount = Money(minor=payment["amount_minor"], currency=payment["currency"])
                yield Effect(CARD, invoice["entity"], invoice["number"], amount)

    def movements(self) -> Iterable[Effect]:
        for entry in self._intended["movements"]:
            entity = entry["bank"].removeprefix("bank/").upper()
            amount = Money(minor=entry["amount_minor"], currency=entry["currency"])
            yield Effect(BANK, entity, entry["booking_date"], amount)
