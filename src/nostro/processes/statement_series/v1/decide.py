"""What follows from a statement, or from none: cases that open and close with their ground."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from nostro.model.bank_days import CutOff
from nostro.model.entities import HouseBankAccount, LegalEntity
from nostro.model.facts import DeadlineFellDue, Fact, StatementReceived
from nostro.model.series import breaks, repetitions
from nostro.model.unchanging import unchanging
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.following import case_changes
from nostro.processes.statement_series.v1.state import SeriesState


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """Where the series stands, and what is new for a person."""
    assert isinstance(data, SeriesState)
    assert isinstance(instance.data, SeriesState)
    entity = rules.entity(instance.entity)
    before, after = Scene(entity, rules, instance.data), Scene(entity, rules, data)
    late = _late(instance.state, after.due, fact)
    changed = case_changes(_cases(before, late=instance.state == "late"), _cases(after, late=late))
    broken = any(case.reason in ("statement_missing", "balance_chain_broken") for case in _chain(after))
    to = "kept" if not after.awaited else "late" if late else "broken" if broken else "current"
    told = isinstance(fact.body, StatementReceived) and (fact.body.kind == "statement" or data.last is None)
    return Decision(
        to=to,
        rule="expected and not there" if late else f"{len(data.links)} statements in the chain",
        opens=changed.opens,
        closes=changed.closes,
        due_at=after.due if told and to in ("current", "broken") else None,
    )


@unchanging(frozen=True, slots=True)
class Scene:
    """A series with what surrounds it."""

    entity: LegalEntity
    rules: Rules
    data: SeriesState

    @property
    def house_account(self) -> HouseBankAccount | None:
        """Our bank account, while the landscape knows it."""
        return self.entity.bank_account(self.data.account)

    @property
    def awaited(self) -> bool:
        """Whether a statement is expected of each business day."""
        return self.house_account is not None and bool(self.house_account.statement_expected_by)

    @property
    def first_day(self) -> date | None:
        """The first business day of which there has to be a statement."""
        first = self._cut_off(self.data.seen_on, 0)
        return first.day if first else None

    @property
    def due(self) -> datetime | None:
        """When the next statement has to be there: on the morning after the bank business day that it is of."""
        last = self.data.last
        of = self._cut_off(last.day, 1) if last else self._cut_off(self.data.seen_on, 0)
        morning = self._cut_off(of.day, 1) if of else None
        return morning.at if morning else None

    def _cut_off(self, day: date | None, later: int) -> CutOff | None:
        """None where nothing is expected, and outside of the bundle's calendar: with old files and first loads."""
        rule = self.house_account.statement_rule(self.entity.zone) if self.house_account else None
        try:
            return self.rules.cut_off(rule, day, later) if rule and day else None
        except LookupError:
            return None


def _late(was: str, due: datetime | None, fact: Fact) -> bool:
    body = fact.body
    if isinstance(body, StatementReceived) and body.kind == "statement":
        return due is not None and fact.received_at >= due
    return isinstance(body, DeadlineFellDue) or was == "late"


def _cases(scene: Scene, *, late: bool) -> dict[str, CaseOpening]:
    found: dict[str, CaseOpening] = {}
    for case in (*_awaited(scene, late=late), *_chain(scene), *_newest(scene.data)):
        known = found.get(case.reason)
        sentence = f"{known.sentence} {case.sentence}" if known else case.sentence
        found[case.reason] = CaseOpening(case.reason, sentence)
    return found


def _awaited(scene: Scene, *, late: bool) -> Iterator[CaseOpening]:
    if late and scene.awaited:
        last = scene.data.last
        after = f"after {last.title} of {last.day}" if last else f"of {scene.first_day}"
        yield CaseOpening("statement_missing", f"The statement {after} is overdue. Not even an empty one came.")


def _chain(scene: Scene) -> Iterator[CaseOpening]:
    """The first statement ever starts the chain, unless other documents told of days before; each follows the last."""
    data, first = scene.data, scene.first_day
    if scene.awaited and first and data.links and (data.links[0].day or first) > first:
        sentence = f"There is no statement from {first} to {data.links[0].title} of {data.links[0].day}."
        yield CaseOpening("statement_missing", sentence)
    yield from (CaseOpening(found.reason, found.sentence) for found in breaks(data.links))


def _newest(data: SeriesState) -> Iterator[CaseOpening]:
    """What was told again or does not add up, until the next statement follows."""
    link = data.last
    if link is None:
        return
    yield from (CaseOpening(found.reason, found.sentence) for found in repetitions(link))
    if link.flaws:
        sentence = f"{link.title} of {link.day} does not add up: {'; '.join(link.flaws)}"
        yield CaseOpening("statement_inconsistent", sentence)
