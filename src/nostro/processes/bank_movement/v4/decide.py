"""The third version's decisions, under whatever rules: what was asked and shown before them the state tells, not they.

Rules that come later ask for nothing in hindsight; what was asked for under earlier ones is awaited until it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nostro.model.facts import DeadlineFellDue, EntryReported, Fact
from nostro.model.outcomes import OutcomeKind
from nostro.processes.bank_movement.v1.decide import Sight, decided, resting
from nostro.processes.bank_movement.v1.decide import standing as standing_v1
from nostro.processes.bank_movement.v1.effects import BOOK, Scene
from nostro.processes.bank_movement.v1.identity import Verdict
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.bank_movement.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.bank_movement.v3.decide import cases as cases_v3
from nostro.processes.bank_movement.v3.identity import judge
from nostro.processes.bank_movement.v3.state import MovementStateV3
from nostro.processes.bank_movement.v4.scene import SceneV4
from nostro.processes.kit.decision import Calls, CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.following import CaseChanges, case_changes
from nostro.processes.kit.machine import Row, edges_of

RESTS = ("booked", "unlisted", "settled")
"""States in which nothing is to be booked any more."""
_MORE: tuple[Row, ...] = (
    (("failed",), ("command.released",), ("booking", "booked", "settled")),
    (("booked",), ("deadline.fell_due",), ("unlisted", "settled")),
)
MACHINE = replace(MACHINE_V3, version=4, edges={**MACHINE_V3.edges, **edges_of(_MORE)})
_KEPT_OUT, _LATE = "movement_not_posted", "statement_line_late"
_SHOWN_IN = {_KEPT_OUT: RESTS, _LATE: ("booking",), "not_in_statement": ("unlisted",)}
"""The cases that hang on rules, and the states that tell of them."""


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and what is awaited next."""

    def judged(known: MovementState, _: EntryReported) -> Verdict:
        assert isinstance(known, MovementStateV3)
        return judge(known, fact)

    return decided(instance, data, fact, rules, Sight(judged, cases, SceneV4, stands, changes))


def stands(instance: Instance, fact: Fact, scene: Scene) -> str:
    """The process state. Where this fact does not lead to what the rules call for, it stays as it is."""
    to = standing(instance.state, scene)
    return to if to in MACHINE.edges[instance.state, fact.type] else instance.state


def standing(at: str, scene: Scene) -> str:
    """The process state that the rules call for, seen from the one that it stands in."""
    if not scene.resolved:
        return standing_v1(scene)
    end = scene.data.steps.end(BOOK)
    asked = end is not None or (at not in RESTS and not scene.still)
    if scene.ended or not asked:
        return resting(scene)
    return "failed" if end is not None and end.kind is OutcomeKind.FAILED else "booking"


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    assert isinstance(scene, SceneV4)
    found, data, end = cases_v3(scene), scene.data, scene.data.steps.end(BOOK)
    for reason in (_LATE, *((_KEPT_OUT,) if end is not None else ())):
        found.pop(reason, None)
    if scene.resolved and data.total and end is None and not scene.known:
        sentence = f"The landscape no longer knows the bank account {data.account}: {scene.signed} is not booked."
        found[_KEPT_OUT] = CaseOpening(_KEPT_OUT, sentence, scene.signed)
    if "booking" in data.passed and end is None and scene.leaves:
        sentence = f"The statement line of {scene.signed} was asked for a day ago and is not booked yet."
        found[_LATE] = CaseOpening(_LATE, sentence, scene.signed)
    return found


def changes(instance: Instance, fact: Fact, to: str, before: Calls, after: Calls) -> CaseChanges:
    """The cases that open and close. Whether a late line was shown before, the mode of now does not say."""
    at, data = instance.state, instance.data
    assert isinstance(data, MovementState)
    was, now = _shown(at, before.cases), _shown(to, after.cases)
    if at == "booking" and "booking" in data.passed and (_LATE not in now or isinstance(fact.body, DeadlineFellDue)):
        was[_LATE] = CaseOpening(_LATE, "")
    return case_changes(was, now)


def _shown(at: str, found: Mapping[str, CaseOpening]) -> dict[str, CaseOpening]:
    return {reason: case for reason, case in found.items() if at in _SHOWN_IN.get(reason, (at,))}
