"""The first version's decisions, with amounts where it told none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nostro.model.entities import LegalEntity
from nostro.model.facts import Fact
from nostro.model.intents import BookJournalEntry
from nostro.model.money import Money
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State, Wanted
from nostro.processes.kit.following import with_worth
from nostro.processes.payout.v1.decide import Sight, decided
from nostro.processes.payout.v1.decide import cases as cases_v1
from nostro.processes.payout.v1.machine import MACHINE as MACHINE_V1
from nostro.processes.payout.v1.state import PayoutState

MACHINE = replace(MACHINE_V1, version=2)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, cases and postings, and where the payout stands now."""
    return decided(instance, data, fact, rules, _SIGHT)


def cases(data: PayoutState, entity: LegalEntity, wanted: Sequence[Wanted]) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return with_worth(cases_v1(data, entity, wanted), data.steps, wanted, _debited)


_SIGHT = Sight(cases)


def _debited(one: Wanted) -> Money | None:
    """What an entry debits: fees and a reserve that is held, or clearing where more came back than was kept."""
    assert isinstance(one.intent, BookJournalEntry)
    debits = [line.balance for line in one.intent.lines if line.balance.minor > 0]
    return Money(minor=sum(debit.minor for debit in debits), currency=debits[0].currency) if debits else None
