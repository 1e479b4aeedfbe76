"""What an entry of a statement is known by, in whatever document and export it is told again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.model.canonical import digest
from nostro.model.money import EXPONENTS, Amount, plain
from nostro.model.references import told
from nostro.model.statements import Entry, StatementHead

_LENGTH = 32


@dataclass(slots=True)
class EntryIds:
    """Ids for the entries of one statement, in their order.

    The bank's own reference names an entry of a bank account, together with its day, amount and direction: some banks
    begin anew each year, and a collective booking and its charge may share one. Without a reference it is everything
    that was told of it, and the booked balance before it where the statement says one. What is alike even then is
    counted: two equal coffees are two entries, and a re-export that overlaps counts them alike.
    """

    account: str
    place: Decimal | None = None
    _met: Counter[bytes] = field(default_factory=Counter)

    @classmethod
    def of_statement(cls, head: StatementHead) -> EntryIds:
        """For a statement that begins."""
        opening = head.opening if head.kind == "statement" else None
        return cls(head.bank_account.identification, opening.amount.value if opening else None)

    def next(self, entry: Entry) -> str:
        """The id of the next entry: 32 hexadecimal digits, and `-1`, `-2`... for what is alike."""
        mark = digest(self._marks(entry))
        if self.place is not None and entry.state == "booked":
            self.place += entry.signed.value
        count = self._met[mark]
        self._met[mark] += 1
        return f"{mark.hex()[:_LENGTH]}-{count}" if count else mark.hex()[:_LENGTH]

    def _marks(self, entry: Entry) -> list[object]:
        references = entry.references
        marks = [
            self.account,
            _written(entry.amount),
            entry.direction,
            entry.reversal,
            entry.booking_date or entry.value_date,
        ]
        if reference := told(references.account_servicer):
            return [*marks, reference]
        party, account = entry.counterparty, entry.counterparty_account
        others = [references.entry, references.end_to_end, references.transaction, references.structured]
        who = [party.name if party else "", account.identification if account else ""]
        place = plain(self.place.normalize()) if self.place is not None and entry.state == "booked" else ""
        return [*marks, entry.value_date, *others, *who, "".join("".join(entry.remittance).split()), place]


def _written(amount: Amount) -> Amount:
    """The amount with its currency's digits, and more only where they say something: `10` and `10.00` are the same."""
    whole, _, fraction = plain(amount.value).partition(".")
    told = fraction.rstrip("0").ljust(EXPONENTS.get(amount.currency, 2), "0")
    return amount if told == fraction else Amount(value=Decimal(f"{whole}.{told}"), currency=amount.currency)
