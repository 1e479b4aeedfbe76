"""The second version's decisions, also where no calendar reaches the day of arrival."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from nostro.model.entities import LegalEntity
from nostro.model.facts import Fact
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.payout.v1.decide import Sight, decided
from nostro.processes.payout.v1.decide import arrival_due as arrival_due_v1
from nostro.processes.payout.v1.state import PayoutState
from nostro.processes.payout.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.payout.v2.decide import cases

MACHINE = replace(MACHINE_V2, version=3)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, cases and postings, and where the payout stands now."""
    return decided(instance, data, fact, rules, _SIGHT)


def arrival_due(data: PayoutState, entity: LegalEntity, rules: Rules) -> datetime | None:
    """As the first version knows it; None where the bundle's calendar does not reach: a week is waited then."""
    try:
        return arrival_due_v1(data, entity, rules)
    except LookupError:
        return None


_SIGHT = Sight(cases, arrival_due)
