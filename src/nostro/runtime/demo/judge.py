"""What is lost and what is doubled, by the other systems' own books. One judge for the plain script and for Nostro."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from nostro.model.money import Money
from nostro.sandbox.stage import ENTITIES

MEANING = (
    "Lost: a captured card payment, a bank movement of a closed day or the fees of a payout that arrived, which Odoo's"
    " books do not hold. Doubled: what they hold more often than it happened, or though it never happened."
)
CARD, BANK, FEE, ENTRY = "card payment", "bank movement", "fee", "entry"
DEAD = ("draft", "canceled", "rejected")
_ENTRY = re.compile(r"\b(?:refund|dispute|Payout) ((?:re|dp|po)_\w+)")
"""What the label of an entry names. A chargeback that is lost is dated by its telling."""
OWN = {entity.code: entity.currency for entity in ENTITIES}
Row = Mapping[str, Any]
Sums = Counter[tuple[str, str, str]]
"""Minor units by entity, payout and currency."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that has to be booked once; `amount` is signed as on the account. Two equal effects are two.

    `name`: an invoice number (card payment), a booking date (bank movement), a payout id (fee).
    """

    kind: str
    entity: str
    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the books lack, what they hold too often, and what they hold on a day that was another.

    Days are those of card payments, and of entries about refunds, disputes and what payouts cost.
    """

    lost: tuple[Effect, ...]
    doubled: tuple[Effect, ...]
    misdated: tuple[Effect, ...] = ()

    @property
    def lost_amounts(self) -> list[Money]:
        """What is lost by currency; money in and money out both count upwards."""
        return totals(each.amount for each in self.lost)

    @property
    def doubled_amounts(self) -> list[Money]:
        """What is doubled by currency; money in and money out both count upwards."""
        return totals(each.amount for each in self.doubled)


def judge(intended: Row, odoo: Row, closed_through: date) -> Judgement:
    """Confront what has to be booked (`sandbox.judgement.intended`) with the books of the Odoo stand-in.

    Movements of days after `closed_through` and fees of payouts on their way may be booked already or not yet; twice is
    too often for them too.
    """
    books, movements = Books(intended, odoo), Counter(_movements(intended))
    due = Counter({one: n for one, n in movements.items() if date.fromisoformat(one.name) <= closed_through})
    sure = Counter(_card_payments(intended)) + due
    held = Counter(books.card_payments()) + Counter(books.statement_lines())
    too_little, too_much = _apart(_fees(intended, arrived=True), _fees(intended, arrived=False), books.fees())
    lost, doubled = sure - held + too_little, held - sure - (movements - due) + too_much
    misdated = Counter([*books.cards_misdated(_card_days(intended)), *books.entries_misdated(intended["days"])])
    return Judgement(_listed(lost), _listed(doubled), _listed(misdated))


def totals(amounts: Iterable[Money]) -> list[Money]:
    """Absolute amounts added up by currency."""
    sums: Counter[str] = Counter()
    for amount in amounts:
        sums[amount.currency] += abs(amount.minor)
    return [Money(minor=minor, currency=currency) for currency, minor in sorted(sums.items())]


def _card_payments(intended: Row) -> Iterator[Effect]:
    """Every captured payment."""
    invoices = {invoice["invoice"]: invoice for invoice in intended["invoices"]}
    for paid in intended["payments"]:
        if paid["kind"] == "card":
            invoice = invoices[paid["invoice"]]
            yield Effect(CARD, invoice["entity"], invoice["number"], _money(paid))


def _card_days(intended: Row) -> Mapping[str, set[str]]:
    """The days on which an invoice was paid by card, by its number."""
    numbers = {invoice["invoice"]: invoice["number"] for invoice in intended["invoices"]}
    days: dict[str, set[str]] = {}
    for paid in intended["payments"]:
        if paid["kind"] == "card":
            days.setdefault(numbers[paid["invoice"]], set()).add(paid["paid_on"])
    return days


def _movements(intended: Row) -> Iterator[Effect]:
    """Every booked entry of a bank account."""
    for entry in intended["movements"]:
        yield Effect(BANK, _entity_of(entry["bank"]), entry["booking_date"], _money(entry))


def _fees(intended: Row, *, arrived: bool) -> Sums:
    """Fees of all payouts, or of those that arrived."""
    payouts = {one["id"] for one in intended["payouts"] if one["status"] == "paid" or not arrived}
    sums: Sums = Counter()
    for fee in intended["fees"]:
        if fee["payout"] in payouts:
            sums[_entity_of(fee["psp"]), fee["payout"], fee["currency"]] += fee["fee_minor"]
    return sums


def _money(row: Row) -> Money:
    return Money(minor=row["amount_minor"], currency=row["currency"])


class Books:
    """What Odoo holds, in the same words."""

    def __init__(self, intended: Row, odoo: Row) -> None:
        self._odoo = odoo
        self._moves = {move["id"]: move for move in odoo["moves"]}
        self._invoices = {invoice["odoo_id"]: invoice for invoice in intended["invoices"]}
        self._currencies = {self._moves[i]["currency_id"]: told["currency"] for i, told in self._invoices.items()}
        companies = {name.removeprefix("Entity "): told for name, told in odoo["companies"].items()}
        self._entities = {told["company"]: entity for entity, told in companies.items()}
        self._cards = {told["journals"]["STR1"] for told in companies.values()}
        self._banks = {told["journals"]["BNK1"] for told in companies.values()}
        self._fees = {told["accounts"]["fees"] for told in companies.values()}

    def card_payments(self) -> Iterator[Effect]:
        """Payments in the PSPs' journals that are posted, each with the invoice that it was registered on."""
        return (effect for effect, _ in self._of_cards())

    def cards_misdated(self, days: Mapping[str, set[str]]) -> Iterator[Effect]:
        """Of those, what stands on another day than its invoice was paid on. What Odoo registered itself is its own."""
        for effect, payment in self._of_cards():
            on = days.get(effect.name)
            if on is not None and payment["date"] not in on and not payment["payment_transaction_id"]:
                yield effect

    def entries_misdated(self, days: Mapping[str, Sequence[str]]) -> Iterator[Effect]:
        """Posted entries that name a refund, dispute or payout, and stand on a day on which its money didn't move."""
        for line in self._odoo["lines"]:
            move, named = self._moves[line["move_id"]], _ENTRY.search(str(line["name"]))
            debit = Decimal(line["balance"])
            if named and debit > 0 and move["state"] == "posted" and move["date"] not in days[named[1]]:
                entity = self._entities[move["company_id"]]
                yield Effect(ENTRY, entity, named[1], Money.of(debit, OWN[entity]))

    def _of_cards(self) -> Iterator[tuple[Effect, Row]]:
        for payment in self._odoo["payments"]:
            if payment["journal_id"] in self._cards and payment["state"] not in DEAD:
                sign = 1 if payment["payment_type"] == "inbound" else -1
                numbers = [self._moves[ident]["name"] for ident in payment["invoice_ids"]]
                name = " ".join(numbers) or payment["memo"] or payment["name"]
                yield Effect(CARD, self._entities[payment["company_id"]], name, self._money(payment, sign)), payment

    def statement_lines(self) -> Iterator[Effect]:
        """Lines of the bank journals."""
        for line in self._odoo["statement_lines"]:
            if line["journal_id"] in self._banks:
                yield Effect(BANK, self._entities[line["company_id"]], line["date"], self._money(line))

    def fees(self) -> Sums:
        """Debits of the fee accounts; the payout's id stands in reference or label."""
        sums: Sums = Counter()
        for line in self._odoo["lines"]:
            move = self._moves[line["move_id"]]
            if line["account_id"] in self._fees and move["state"] == "posted":
                payout = re.search(r"po_\w+", f"{move['ref']} {line['name']}")
                entity = self._entities[move["company_id"]]
                cost = Money.of(Decimal(line["balance"]), OWN[entity])
                sums[entity, payout[0] if payout else move["name"], cost.currency] += cost.minor
        return sums

    def _money(self, row: Row, sign: int = 1) -> Money:
        return Money.of(sign * Decimal(row["amount"]), self._currencies[row["currency_id"]])


def _apart(least: Sums, most: Sums, held: Sums) -> tuple[Counter[Effect], Counter[Effect]]:
    """What falls short of the least, and what goes beyond the most, as effects of the difference."""

    def effects(gaps: Iterable[tuple[tuple[str, str, str], int]]) -> Counter[Effect]:
        return Counter(Effect(FEE, *key[:2], Money(minor=gap, currency=key[2])) for key, gap in gaps if gap > 0)

    short = effects((key, least[key] - held[key]) for key in least)
    return short, effects((key, held[key] - most[key]) for key in held)


def _listed(effects: Counter[Effect]) -> tuple[Effect, ...]:
    return tuple(sorted(effects.elements(), key=lambda one: (one.kind, one.entity, one.name, one.amount.minor)))


def _entity_of(path: str) -> str:
    return path.partition("/")[2].upper()
