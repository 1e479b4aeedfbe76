"""What is known of one bank movement: its reports, whose money it is, and what was done about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from nostro.model.base import ConfidentialText, Kept
from nostro.model.facts.house import Target
from nostro.model.money import Amount, Money
from nostro.model.statements import Direction, ReportKind
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import Steps

Lead = tuple[str, str]
"""A reference by kind and normalised value, as the answer to a look-up names it."""


_STRENGTH = ("correlation", "structured", "psp", "invoice_number")
_BANKS_OWN = frozenset({"CHRG", "COMM", "COMT", "COME", "COMI", "FEES", "INTR", "TAXE"})
"""ISO 20022 external bank transaction sub-families for what a bank charges or pays on its own account."""


class Report(Kept):
    """One telling of the movement, as far as it tells movements apart."""

    kind: ReportKind
    statement_id: str
    booked: bool
    booking_date: date | None = None
    value_date: date | None = None
    servicer_reference: str = ""
    uetr: str = ""
    end_to_end: str = ""
    twin: int = 0
    rank: int = 0
    place: Amount | None = None

    @property
    def day(self) -> date | None:
        """The day that it counts for, as far as it says one."""
        return self.booking_date or self.value_date


class Part(Kept):
    """A payment inside the movement, with every reference that may lead to whose it is."""

    amount: Money
    leads: tuple[Lead, ...] = ()


class Answer(Kept):
    """What a reference led to."""

    lead: Lead
    targets: tuple[Target, ...]


class Return(Kept):
    """A movement that took this one back; `amount` is as the bank account sees it."""

    movement: str
    amount: Money
    booked_on: date
    reason: str = ""


def banks_own(code: str) -> bool:
    """Whether a bank transaction code is of what the bank charges or pays itself."""
    return code.rpartition("-")[2] in _BANKS_OWN


class MovementState(State):
    """One movement. `doubts`: movements that it may be the same as; `contrary`: one of them bears the same id of the
    bank's and contradicts it otherwise. `original`: leads to the one that it takes back.

    `asked`: whose it is was asked as far as it ever will be, whatever later reports add. `passed`: deadlines that have
    passed, by name. `stated`: a statement lists it, the bank's final word.
    """

    account: str = ""
    amount: Money | None = None
    direction: Direction = "credit"
    reports: tuple[Report, ...] = ()
    booked_on: date | None = None
    stated: bool = False
    parts: tuple[Part, ...] = ()
    code: str = ""
    original: tuple[Lead, ...] = ()
    reason: str = ""
    instructed: Amount | None = None
    reference: str = ""
    answers: tuple[Answer, ...] = ()
    asked: bool = False
    doubts: tuple[str, ...] = ()
    contrary: bool = False
    verdict: Literal["", "own", "double"] = ""
    chosen: Target | None = None
    returns: tuple[Return, ...] = ()
    passed: tuple[str, ...] = ()
    steps: Steps = Steps()
    counterparty_name: ConfidentialText = None
    counterparty_iban: ConfidentialText = None
    remittance: ConfidentialText = None

    @property
    def counted(self) -> MovementState:
        """The movement as it counts. A later version may count less than the bank tells."""
        return self

    @property
    def booked(self) -> bool:
        """Whether any report says that it is booked."""
        return self.booked_on is not None

    @property
    def doubtful(self) -> bool:
        """Whether it may be another movement told again."""
        return bool(self.doubts) and not self.verdict

    @property
    def counts(self) -> bool:
        """Whether it is a movement of money of its own: booked, and not another one told again."""
        return self.booked and not self.doubtful and self.verdict != "double"

    @property
    def total(self) -> Money:
        """Its amount; raises `ValueError` before any report."""
        if self.amount is None:
            raise ValueError("a movement without a report has no amount")
        return self.amount

    @property
    def banks_own(self) -> bool:
        """Whether the bank charges or pays this itself."""
        return not self.original and banks_own(self.code)

    @property
    def open_leads(self) -> tuple[Lead, ...]:
        """The references that are still to be asked, strongest first."""
        if self.asked or self.banks_own or self.chosen is not None:
            return ()
        answered = {answer.lead for answer in self.answers}
        if self.original:
            return () if self.taken_back else tuple(lead for lead in self.original if lead not in answered)
        found = dict.fromkeys(lead for part in self.parts for lead in self._open(part) if lead not in answered)
        return tuple(sorted(found, key=lambda lead: _STRENGTH.index(lead[0])))

    def _open(self, part: Part) -> tuple[Lead, ...]:
        """All leads of a part, or, once an invoice number has led somewhere, only other such numbers."""
        if self.direction == "debit":
            return tuple(lead for lead in part.leads if lead[0] in ("correlation", "psp") and not self.targets(part))
        found = [answer.lead for answer in self.answers if answer.lead in part.leads]
        if not found:
            return part.leads
        by_number = all(kind == "invoice_number" for kind, _ in found)
        return tuple(lead for lead in part.leads if by_number and lead[0] == "invoice_number")

    @property
    def taken(self) -> tuple[Return, ...]:
        """What really took it back: a person may name a movement that went the same way."""
        return tuple(back for back in self.returns if (back.amount.minor < 0) == (self.direction == "credit"))

    def targets(self, part: Part) -> tuple[Target, ...]:
        """The different subjects that a part's references led to; where it is not one, a person's choice."""
        return self._led_to(part.leads)

    @property
    def taken_back(self) -> tuple[Target, ...]:
        """The movements that this one may take back; where it is not one, a person's choice."""
        chosen = self.chosen is not None and self.chosen.process == "bank_movement"
        return self._led_to(self.original) if self.original or chosen else ()

    def _led_to(self, leads: tuple[Lead, ...]) -> tuple[Target, ...]:
        if not self.answers and self.chosen is None:
            return ()
        found = [target for answer in self.answers if answer.lead in leads for target in answer.targets]
        different = tuple({(target.process, target.subject): target for target in found}.values())
        return (self.chosen,) if len(different) != 1 and self.chosen is not None else different

    @property
    def contested(self) -> bool:
        """Whether references of one payment lead to different subjects."""
        return not self.original and any(len(self.targets(part)) > 1 for part in self.parts)

    @property
    def shares(self) -> dict[tuple[str, str], int]:
        """What belongs to whom, (process, subject) -> minor units. What is contested belongs to nobody yet."""
        shares: dict[tuple[str, str], int] = {}
        for part in () if self.taken_back else self.parts:
            targets = self.targets(part)
            if len(targets) == 1:
                key = (targets[0].process, targets[0].subject)
                shares[key] = shares.get(key, 0) + part.amount.minor
        return shares

    def unsaid(self, shares: Mapping[tuple[str, str], int]) -> int:
        """What of a debit that takes nothing back nobody was told of, in minor units. `shares`: its own."""
        return 0 if shares else self.total.minor
