"""What two decisions about one fact have in common and what not, as effects that a person can add up. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from nostro.model.intents import BookJournalEntry, Intent, Reread
from nostro.model.money import Money
from nostro.processes.kit.decision import Rules
from nostro.processes.kit.process import Transition

Kind = Literal["posting", "command", "case", "fact", "state", "rule", "stopped"]
MONEY: tuple[Kind, ...] = ("posting", "command", "case")
"""The kinds that an approver adds up; the others say how it came about."""
LEAVES = {"act": "sent", "propose": "proposed to a person", "observe": "only noted"}


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that follows from a decision. `step` names it within its subject, where it has a name.

    `sentence`: what a case says; two that differ in it alone are the same effect.
    """

    kind: Kind
    entity: str
    what: str
    step: str = ""
    amount: Money | None = None
    sentence: str = field(default="", compare=False)


def effects_of(transition: Transition, rules: Rules | None) -> Counter[Effect]:
    """Everything that follows; what is there twice counts twice."""
    decision, instance = transition.decision, transition.after
    effects: Counter[Effect] = Counter()
    for posting in decision.postings:
        effects[Effect("posting", instance.entity, f"{posting.debit} from {posting.credit}", "", posting.amount)] += 1
    for case in decision.opens:
        effects[Effect("case", instance.entity, case.reason, "", case.amount, case.sentence)] += 1
    for wanted in decision.intents:
        if not isinstance(wanted.intent, Reread) and rules is not None:
            effects[_command(wanted.step, wanted.intent, rules)] += 1
    for body in decision.emits:
        effects[Effect("fact", instance.entity, body.fact_type, body.natural_key())] += 1
    effects[Effect("state", instance.entity, decision.to)] += 1
    effects[Effect("rule", instance.entity, decision.rule)] += 1
    return effects


def _command(step: str, intent: Intent, rules: Rules) -> Effect:
    connection = getattr(intent, "connection", "") or rules.serves(intent.entity, intent.operation).connection
    fate = LEAVES[rules.mode(connection, intent.operation, intent.entity)]
    return Effect("command", intent.entity, f"{intent.operation} at {connection}, {fate}", step, amount_of(intent))


def amount_of(intent: Intent) -> Money | None:
    """What a command is about; a journal entry's debits; nothing where no money is named."""
    told = getattr(intent, "amount", None)
    if isinstance(told, Money):
        return told
    if isinstance(intent, BookJournalEntry) and intent.lines:
        debits = [line.balance for line in intent.lines if line.balance.minor > 0]
        return sum(debits, Money.zero(intent.lines[0].balance.currency))
    return None


@dataclass(frozen=True, slots=True)
class Change:
    """What would have followed from a fact (`would`) beside what did (`was`), without what both have in common.

    `rule_was` and `rule_would` explain the two decisions, also where they are alike; empty: nothing does.
    """

    shard: int
    position: int
    subject: str
    type: str
    was: tuple[Effect, ...]
    would: tuple[Effect, ...]
    rule_was: str = ""
    rule_would: str = ""


def change(was: Counter[Effect], would: Counter[Effect]) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """What is only here, and what is only there."""
    return tuple(sorted((was - would).elements(), key=_order)), tuple(sorted((would - was).elements(), key=_order))


def _order(effect: Effect) -> tuple[str, ...]:
    return effect.kind, effect.entity, effect.what, effect.step, str(effect.amount)
