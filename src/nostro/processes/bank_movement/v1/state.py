"""What is known of one bank movement: its reports, whose money it is, and what was done about it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from nostro.model.base import ConfidentialText, Value
from nostro.model.facts.bank import EntryPart
from nostro.model.facts.house import Target
from nostro.model.money import Amount, Money
from nostro.model.references import Reference
from nostro.model.statements import Direction, ReportKind
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import Steps

REPORTS_KEPT = 40
"""Reports that are remembered: some days of hourly ones. Statements are never forgotten."""
ANSWERS_KEPT = 200


class Report(Value):
    """One telling of the movement, as far as it tells movements apart."""

    kind: ReportKind
    statement_id: str
    booked: bool
    booking_date: date | None = None
    value_date: date | None = None
    servicer: str = ""
    uetr: str = ""
    end_to_end: str = ""
    twin: int = 0
    place: Amount | None = None
    repeats: bool = False

    @property
    def day(self) -> date | None:
        """The day that it counts for, as far as it says one."""
        return self.booking_date or self.value_date


class Part(Value):
    """A payment inside the movement, with the (kind, value) of every reference that may lead to whose it is."""

    amount: Money
    references: tuple[tuple[str, str], ...] = ()


class Answer(Value):
    """What a reference led to."""

    kind: str
    value: str
    targets: tuple[Target, ...]


class Return(Value):
    """A movement that took this one back."""

    movement: str
    amount: Money
    booked_on: date
    reason: str = ""


class MovementState(State):
    """One movement. `doubts`: movements that it may be the same as. `vain`: references led nowhere until the deadline."""

    account: str = ""
    amount: Money | None = None
    direction: Direction = "credit"
    reports: tuple[Report, ...] = ()
    booked_on: date | None = None
    parts: tuple[Part, ...] = ()
    code: str = ""
    returned: bool = False
    reason: str = ""
    original: tuple[tuple[str, str], ...] = ()
    instructed: Amount | None = None
    label: str = ""
    answers: tuple[Answer, ...] = ()
    vain: bool = False
    doubts: tuple[str, ...] = ()
    verdict: Literal["", "own", "double"] = ""
    chosen: Target | None = None
    returns: tuple[Return, ...] = ()
    passed: tuple[str, ...] = ()
    """Deadlines that have passed, by name."""
    steps: Steps = Steps()
    counterparty_name: ConfidentialText = None
    counterparty_iban: ConfidentialText = None
    remittance: ConfidentialText = None

    @property
    def booked(self) -> bool:
        """Whether any report says that it is booked."""
        return any(report.booked for report in self.reports)

    @property
    def stated(self) -> bool:
        """Whether a statement lists it: the bank's final word."""
        return any(report.booked and report.kind == "statement" for report in self.reports) or "same" in self.passed

    @property
    def doubtful(self) -> bool:
        """Whether it may be another movement told again."""
        return bool(self.doubts) and not self.verdict

    @property
    def counts(self) -> bool:
        """Whether it is a movement of money of its own: booked, and not another one told again."""
        return self.booked and not self.doubtful and self.verdict != "double"

    @property
    def bare(self) -> bool:
        """Whether nothing was told of the other side."""
        return not (self.counterparty_iban or self.counterparty_name or self.remittance)


def part_of(body: EntryPart, found: tuple[tuple[str, str], ...]) -> Part:
    """A part with its references."""
    return Part(amount=body.amount, references=found)


def named(kind: str, value: str) -> tuple[str, str]:
    """A reference's kind and normalised value, as an answer will name it."""
    reference = Reference.to(kind, value)
    return reference.kind, reference.value
