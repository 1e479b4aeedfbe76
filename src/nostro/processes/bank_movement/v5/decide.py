"""The fourth version's decisions, except that all of a movement's money is told to somebody once, or is a case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nostro.model.facts import EntryReported, Fact
from nostro.model.facts.house import Target
from nostro.processes.bank_movement.v1.decide import Sight, decided
from nostro.processes.bank_movement.v1.effects import Scene
from nostro.processes.bank_movement.v1.identity import Verdict
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.bank_movement.v3.identity import judge
from nostro.processes.bank_movement.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.bank_movement.v4.decide import cases as cases_v4
from nostro.processes.bank_movement.v4.decide import changes, standing
from nostro.processes.bank_movement.v4.decide import stands as stands_v4
from nostro.processes.bank_movement.v5.scene import SceneV5
from nostro.processes.bank_movement.v5.state import MovementStateV5
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.machine import Row, edges_of

_MORE: tuple[Row, ...] = ((("double",), ("statement.entry_reported",), ("doubtful", "held")),)
MACHINE = replace(MACHINE_V4, version=5, edges={**MACHINE_V4.edges, **edges_of(_MORE)})
_DOUBLE, _SEVERAL, _UNEXPLAINED = "possible_double", "ambiguous_match", "unexplained_debit"


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and what is awaited next."""

    def judged(known: MovementState, _: EntryReported) -> Verdict:
        assert isinstance(known, MovementStateV5)
        return judge(known, fact)

    return decided(instance, data, fact, rules, Sight(judged, cases, SceneV5, stands, changes))


def stands(instance: Instance, fact: Fact, scene: Scene) -> str:
    """The process state: as ever, but a movement that was said to be another one may be doubtful again."""
    return standing(instance.state, scene) if instance.state == "double" else stands_v4(instance, fact, scene)


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    found, data = cases_v4(scene), scene.data
    assert isinstance(data, MovementStateV5)
    if data.relisted and _DOUBLE in found:
        sentence = (
            f"A statement lists a {data.direction} of {data.amount} that was said to be another movement, told again. "
            "If statements list both, it is one of its own. It is not counted or booked before a person decides."
        )
        found[_DOUBLE] = replace(found[_DOUBLE], sentence=sentence)
    if scene.resolved and data.direction == "credit" and len(data.taken_back) > 1:
        sentence = f"A credit of {data.amount} may take back one of {len(data.taken_back)} debits; none was told of it."
        found[_SEVERAL] = CaseOpening(_SEVERAL, sentence, scene.signed, _names(data.taken_back))
    if _SEVERAL in found and data.contested:
        mine = [name for name in found[_SEVERAL].candidates if data.may_be(name.partition("/")[0])]
        found[_SEVERAL] = replace(found[_SEVERAL], candidates=tuple(mine))
    if _UNEXPLAINED in found:
        others = [target for part in data.parts for target in data.targets(part) if not data.may_be(target.process)]
        found[_UNEXPLAINED] = replace(found[_UNEXPLAINED], candidates=_names([*data.taken_back, *others]))
    return found


def _names(targets: Iterable[Target]) -> tuple[str, ...]:
    return tuple(sorted({f"{target.process}/{target.subject}" for target in targets}))
