"""The second version's decisions, with effects and grounds for cases that it passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nostro.model.facts import Fact
from nostro.model.money import Money
from nostro.processes.collection.v1.decide import Sight, decided
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.collection.v2.decide import cases as cases_v2
from nostro.processes.collection.v3.effects import wanted
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V2, version=3, case_reasons=MACHINE_V2.case_reasons | {"returned_more"})
_OVER = ("paid_twice", "overpaid")


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, Sight(wanted, cases))


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    known = cases_v2(scene, wanted)
    known |= {reason: _told(scene, known[reason]) for reason in _OVER if reason in known}
    return known | {case.reason: case for case in _more(scene)}


def _told(scene: Scene, case: CaseOpening) -> CaseOpening:
    """What is to be done with money that is over depends on who had paid the item."""
    data, amount = scene.data, case.amount
    if data.outstanding > 0:
        sentence = f"{amount} came in for {data.number} while that was paid. It is open again: match it with it."
    elif data.elsewhere:
        sentence = (
            f"{amount} more came in than {data.number} asked for: somebody had paid it in the ERP. If that was this "
            f"very money, registered by hand, give nothing back: cancel it there and match this with {data.number}. "
            "Else give it back, or match it with another item."
        )
    else:
        return case
    return replace(case, sentence=sentence)


def _more(scene: Scene) -> Iterator[CaseOpening]:
    for one in scene.data.credits:
        if one.over < 0:
            more = Money(minor=-one.over, currency=one.amount.currency)
            sentence = f"{more} more went back of {one.amount} than had come: the bank's charges, as a rule. Book it."
            yield CaseOpening("returned_more", sentence, more)
