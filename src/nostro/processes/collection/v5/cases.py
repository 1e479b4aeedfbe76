"""The third version's cases; of money that is on its way back they say so."""

from __future__ import annotations

from dataclasses import replace

from nostro.model.money import Money
from nostro.processes.collection.v1.cases import OVER, spare_by_reason, what_is_over
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v3.decide import cases as cases_v3
from nostro.processes.collection.v5.state import CollectionStateV5
from nostro.processes.kit.decision import CaseOpening


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return {reason: on_its_way(scene, case) if reason in OVER else case for reason, case in cases_v3(scene).items()}


def on_its_way(scene: Scene, case: CaseOpening) -> CaseOpening:
    """What is to be done with money that is over depends on whether somebody has asked already to give it back."""
    data, told = scene.data, case.amount
    assert isinstance(data, CollectionStateV5)
    there = spare_by_reason(data, data.spare).get(case.reason, [])
    back = [one for one in there if data.on_its_way_back(one)]
    if not back or told is None:
        return case
    minor = sum(one.over for one in back if one.amount.currency == told.currency)
    if minor == told.minor:
        return replace(case, sentence=f"{what_is_over(data, case.reason, told)} It is on its way back to the payer.")
    part = Money(minor=minor, currency=told.currency)
    return replace(case, sentence=f"{case.sentence} Of it {part} is on its way back to the payer.")
