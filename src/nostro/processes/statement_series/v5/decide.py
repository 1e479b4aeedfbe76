"""The fourth version's decisions; the next statement is due in time, whatever day the last one is of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from nostro.model.facts import Fact
from nostro.model.unchanging import unchanging
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.statement_series.v1.decide import Scene
from nostro.processes.statement_series.v3.state import SeriesStateV3
from nostro.processes.statement_series.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.statement_series.v4.decide import seen

MACHINE = replace(MACHINE_V4, version=5)
_AWAITING = ("current", "broken")


@unchanging(frozen=True, slots=True)
class SceneV5(Scene):
    """As ever; but a statement of a weekend or holiday is followed by that of the first business day after it."""

    @property
    def due(self) -> datetime | None:
        """When the next statement has to be there: on the morning after the bank business day that it is of."""
        last = self.data.last
        since = self.data.seen_on if last is None else last.day and last.day + timedelta(days=1)
        of = self.cut_off(since, 0)
        morning = self.cut_off(of.day, 1) if of else None
        return morning.at if morning else None


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """As ever. What is awaited again since a report came, or since one is missing, is due when it would have been."""
    decision = seen(instance, data, fact, rules, SceneV5)
    if decision.to == instance.state or decision.to not in _AWAITING or decision.due_at is not None:
        return decision
    assert isinstance(data, SeriesStateV3)
    entity = rules.entity(instance.entity)
    return replace(decision, due_at=SceneV5(entity.bank_account(data.account), entity.zone, rules, data).due)
