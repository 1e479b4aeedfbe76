"""The second version's decisions, except about what a restated statement tells."""

from __future__ import annotations

from dataclasses import replace

from nostro.model.facts import EntryReported, Fact
from nostro.processes.bank_movement.v1.cases import cases as cases_v1
from nostro.processes.bank_movement.v1.decide import Sight, decided
from nostro.processes.bank_movement.v1.effects import Scene
from nostro.processes.bank_movement.v1.identity import Verdict
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.bank_movement.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.bank_movement.v3.identity import judge
from nostro.processes.bank_movement.v3.state import MovementStateV3
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V2, version=3, case_reasons=MACHINE_V2.case_reasons | {"entry_restated"})


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and what is awaited next."""

    def judged(known: MovementState, _: EntryReported) -> Verdict:
        assert isinstance(known, MovementStateV3)
        return judge(known, fact)

    return decided(instance, data, fact, rules, Sight(judged, cases))


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    found, data = cases_v1(scene), scene.data
    assert isinstance(data, MovementStateV3)
    if data.known is not None and (doubt := found.pop("possible_double", None)):
        more = scene.signed - (data.known if data.direction == "credit" else -data.known)
        sentence = (
            f"A statement tells a {data.direction} of {data.amount} where one of {data.known} was known. The latter "
            "counts; the new one is not counted or booked before a person decides."
        )
        found["entry_restated"] = CaseOpening("entry_restated", sentence, more, doubt.candidates)
    return found
