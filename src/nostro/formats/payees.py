"""The worklist of payees whom a bank's profile would refuse: what to complete in the master data before a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from nostro.formats.profiles import Profile, check_one
from nostro.formats.profiles.rules import Finding
from nostro.formats.reading import Item
from nostro.model.base import Value
from nostro.model.messages import Instruction
from nostro.model.statements import Reject


class PayeeFlaw(Value):
    """A field of a payee, the rule that it breaks, and what to do about it."""

    field: str
    rule: str
    sentence: str
    remedy: str


class Payee(Value):
    """Who could not be paid (or collected from), and how many payments hang on it. `where`: the first of them."""

    name: str
    bank_account: str
    where: str
    payments: int
    flaws: tuple[PayeeFlaw, ...]

    def __str__(self) -> str:
        told = "; ".join(f"{flaw.field} ({flaw.rule}): {flaw.sentence} {flaw.remedy}" for flaw in self.flaws)
        count = f"{self.payments} payment{'' if self.payments == 1 else 's'}"
        return f"{self.name or '(no name)'}, {self.bank_account or '(no account)'}, {count}: {told}"


@dataclass(slots=True)
class Worklist:
    """Payees by name and bank account, gathered over files. `day`: the settlement date, else each payment's own."""

    rules: Profile
    day: date | None = None
    rejected: int = 0
    met: set[tuple[str, str]] = field(default_factory=set)
    found: dict[tuple[str, str], Payee] = field(default_factory=dict)

    def add(self, item: Item, file: str) -> None:
        """A payment more; a reject is counted, anything else is none."""
        if isinstance(item, Reject):
            self.rejected += 1
        if not isinstance(item, Instruction):
            return
        side = "debtor" if item.method == "direct_debit" else "creditor"
        party, account = getattr(item, side), getattr(item, f"{side}_account")
        name, number = party.name if party else "", account.identification if account else ""
        key = (" ".join(name.casefold().split()), number)
        self.met.add(key)
        flaws = _of_side(side, check_one(item, self.rules, self.day))
        if not flaws:
            return
        line = f", line {item.source.line}" if item.source.line else ""
        new = Payee(name=name, bank_account=number, where=f"{file}: {item.source.where}{line}", payments=0, flaws=())
        known = self.found.get(key, new)
        kept = dict.fromkeys((*known.flaws, *flaws))
        self.found[key] = known.model_copy(update={"payments": known.payments + 1, "flaws": tuple(kept)})

    def failing(self) -> Sequence[Payee]:
        """Those who would fail, in the order in which they were met."""
        return tuple(self.found.values())

    def count(self) -> str:
        """How many of how many, as a sentence."""
        unread = f" {self.rejected} lines could not be read." if self.rejected else ""
        when = f" on {self.day}" if self.day else ""
        return f"{len(self.found)} of {len(self.met)} payees would fail {self.rules.name}{when}.{unread}"


def _of_side(side: str, findings: Iterable[Finding]) -> tuple[PayeeFlaw, ...]:
    return tuple(
        PayeeFlaw(field=one.field, rule=one.rule, sentence=one.sentence, remedy=one.remedy)
        for one in findings
        if one.field.startswith((f"{side}.", f"{side}_account"))
    )
