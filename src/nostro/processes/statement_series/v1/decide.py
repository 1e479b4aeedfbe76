"""What follows from a statement, or from none: cases that open and close with their ground."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from nostro.model.bank_days import CutOff
from nostro.model.entities import HouseBankAccount
from nostro.model.facts import DeadlineFellDue, Fact, StatementReceived
from nostro.model.unchanging import unchanging
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.following import case_changes
from nostro.processes.statement_series.v1.chain import breaks, repetitions
from nostro.processes.statement_series.v1.state import SeriesState


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """Where the series stands, and what is new for a person."""
    assert isinstance(data, SeriesState)
    assert isinstance(instance.data, SeriesState)
    entity = rules.entity(instance.entity)
    before, after = (Scene(entity.bank_account(one.account), entity.zone, rules, one) for one in (instance.data, data))
    late = is_late(instance.state, after.due, fact)
    was = merged(_cases(before, instance.data, late=instance.state == "late"))
    return decided(after, fact, was, merged(_cases(after, data, late=late)), late=late)


def decided(
    scene: Scene, fact: Fact, was: Mapping[str, CaseOpening], cases: Mapping[str, CaseOpening], *, late: bool
) -> Decision:
    """What follows from the cases that there were and those that there are."""
    changed = case_changes(was, cases)
    broken = not cases.keys().isdisjoint(("statement_missing", "balance_chain_broken"))
    to = "kept" if not scene.awaited else "late" if late else "broken" if broken else "current"
    told = isinstance(fact.body, StatementReceived) and (fact.body.kind == "statement" or scene.data.last is None)
    return Decision(
        to=to,
        rule="expected and not there" if late else f"{len(scene.data.links)} statements in the chain",
        opens=changed.opens,
        closes=changed.closes,
        due_at=scene.due if told and to in ("current", "broken") else None,
    )


class Told(Protocol):
    """A statement of a series."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def day(self) -> date | None:
        """The day that it is of."""


class Series(Protocol):
    """What was told of a bank account."""

    @property
    def seen_on(self) -> date | None:
        """The first day of which any document told."""

    @property
    def links(self) -> Sequence[Told]:
        """The statements, oldest first."""

    @property
    def last(self) -> Told | None:
        """The newest statement that is there."""


@unchanging(frozen=True, slots=True)
class Scene:
    """A series with what surrounds it. `house_account`: our bank account, while the landscape knows it."""

    house_account: HouseBankAccount | None
    zone: str
    rules: Rules
    data: Series

    @property
    def awaited(self) -> bool:
        """Whether a statement is expected of each business day."""
        return self.house_account is not None and bool(self.house_account.statement_expected_by)

    @property
    def first_day(self) -> date | None:
        """The first business day of which there has to be a statement."""
        first = self.cut_off(self.data.seen_on, 0)
        return first.day if first else None

    @property
    def due(self) -> datetime | None:
        """When the next statement has to be there: on the morning after the bank business day that it is of."""
        last = self.data.last
        of = self.cut_off(last.day, 1) if last else self.cut_off(self.data.seen_on, 0)
        morning = self.cut_off(of.day, 1) if of else None
        return morning.at if morning else None

    def cut_off(self, day: date | None, later: int) -> CutOff | None:
        """So many business days later; None where nothing is expected, and outside of the bundle's calendar.

        That is so with old files and first loads.
        """
        rule = self.house_account.statement_rule(self.zone) if self.house_account else None
        try:
            return self.rules.cut_off(rule, day, later) if rule and day else None
        except LookupError:
            return None


def is_late(was: str, due: datetime | None, fact: Fact) -> bool:
    """Whether a statement is overdue. `due`: when the next one has to be there, after this fact."""
    body = fact.body
    if isinstance(body, StatementReceived) and body.kind == "statement":
        return due is not None and fact.received_at >= due
    return isinstance(body, DeadlineFellDue) or was == "late"


def merged(cases: Iterable[CaseOpening]) -> dict[str, CaseOpening]:
    """One case a reason, with all that is to be said."""
    found: dict[str, CaseOpening] = {}
    for case in cases:
        known = found.get(case.reason)
        sentence = f"{known.sentence} {case.sentence}" if known else case.sentence
        found[case.reason] = CaseOpening(case.reason, sentence)
    return found


def awaited(scene: Scene, *, late: bool) -> Iterator[CaseOpening]:
    """The statement that is overdue."""
    if late and scene.awaited:
        last = scene.data.last
        after = f"after {last.title} of {last.day}" if last else f"of {scene.first_day}"
        yield CaseOpening("statement_missing", f"The statement {after} is overdue. Not even an empty one came.")


def begun(scene: Scene, since: date | None) -> Iterator[CaseOpening]:
    """The first statement ever, which begins on that day, starts the chain, unless others told of days before."""
    first = scene.first_day
    if scene.awaited and first and since and since > first:
        oldest = scene.data.links[0]
        sentence = f"There is no statement from {first} to {oldest.title} of {oldest.day}."
        yield CaseOpening("statement_missing", sentence)


def unsound(link: Told, flaws: Sequence[str]) -> Iterator[CaseOpening]:
    """What a statement says wrongly of itself."""
    if flaws:
        sentence = f"{link.title} of {link.day} does not add up: {'; '.join(flaws)}"
        yield CaseOpening("statement_inconsistent", sentence)


def _cases(scene: Scene, data: SeriesState, *, late: bool) -> Iterator[CaseOpening]:
    yield from awaited(scene, late=late)
    yield from begun(scene, data.links[0].day if data.links else None)
    yield from (CaseOpening(found.reason, found.sentence) for found in breaks(data.links))
    if data.last is not None:  # what was told again or does not add up, until the next statement follows
        yield from (CaseOpening(found.reason, found.sentence) for found in repetitions(data.last))
        yield from unsound(data.last, data.last.flaws)
