"""The first version's decisions with more grounds for cases, and with amounts where it told none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from nostro.model.facts import Fact
from nostro.model.intents import Intent, Reconcile
from nostro.model.money import Money
from nostro.processes.collection.v1.cases import cases as cases_v1
from nostro.processes.collection.v1.decide import Sight, decided, told
from nostro.processes.collection.v1.effects import Scene, plain_step, wanted
from nostro.processes.collection.v1.machine import MACHINE as MACHINE_V1
from nostro.processes.collection.v2.state import CollectionStateV2
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State, Wanted
from nostro.processes.kit.following import with_worth

MACHINE = replace(
    MACHINE_V1,
    version=2,
    case_reasons=MACHINE_V1.case_reasons | {"registered_twice", "asks_for_less", "went_back_twice"},
)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, _SIGHT)


def cases(scene: Scene, wants: Callable[[Scene], tuple[Wanted, ...]]) -> dict[str, CaseOpening]:
    """The open grounds, by reason. `wants`: the effects that the state calls for."""
    return valued(scene, cases_v1(scene), wants) | {case.reason: case for case in more(scene)}


def valued(
    scene: Scene, known: Mapping[str, CaseOpening], wants: Callable[[Scene], tuple[Wanted, ...]]
) -> dict[str, CaseOpening]:
    """The cases; those about bookings say what was to be booked."""
    steps = scene.data.steps
    return with_worth(known, steps, wants(scene) if steps.troubled else (), partial(_worth, scene))


_SIGHT = Sight(wanted, lambda scene: cases(scene, wanted), told)


def more(scene: Scene) -> Iterator[CaseOpening]:
    """The grounds that the first version passed over."""
    data = scene.data
    assert isinstance(data, CollectionStateV2)
    if data.twice:
        named, amount = ", ".join(one.payment for one in data.twice), data.twice[-1].amount
        sentence = (
            f"The ERP holds {amount} of {data.number} twice: payment {named} beside ours. Cancel one of them there."
        )
        yield CaseOpening("registered_twice", sentence, amount)
    if data.given_up:
        over, cleared = (Money(minor=minor, currency=data.currency) for minor in (data.given_up, data.cleared))
        sentence = f"{cleared} had cleared {data.number}, which was changed and asks for {data.total} now."
        sentence += f" {over} is the customer's: an open credit in the ERP."
        yield CaseOpening("asks_for_less", sentence, over)
    for one in data.payments:
        if one.over < 0:
            lost = Money(minor=-one.over, currency=one.amount.currency)
            sentence = (
                f"{lost} more went back of {one.source} than it had brought: refunded, and lost to a dispute. Book it."
            )
            yield CaseOpening("went_back_twice", sentence, lost)


def _worth(scene: Scene, one: Wanted) -> Money | None:
    """An effect's amount: its own, that of the credit that it matches, or what its entry debits."""
    intent: Intent = one.intent
    if isinstance(intent, Reconcile):
        credits_ = [c for c in scene.data.credits if one.step == f"reconcile-{plain_step(c.source)}"]
        return Money(minor=credits_[0].applied, currency=credits_[0].amount.currency) if credits_ else None
    lines = [line.balance for line in getattr(intent, "lines", ()) if line.balance.minor > 0]
    amount: Money | None = getattr(intent, "amount", lines[0] if len(lines) == 1 else None)
    return amount
