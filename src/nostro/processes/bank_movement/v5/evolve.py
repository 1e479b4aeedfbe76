"""Facts into state, as the third version does it; and nothing is told away twice."""

from __future__ import annotations

from nostro.model.facts import EntryReported, Fact, LookupAnswered, MatchConfirmed
from nostro.model.facts.house import Target
from nostro.processes.bank_movement.routing import begins
from nostro.processes.bank_movement.v1.state import Answer
from nostro.processes.bank_movement.v3.evolve import evolve as evolve_v3
from nostro.processes.bank_movement.v5.state import CHOSEN, MovementStateV5
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. A fact that says nothing to the state leaves it."""
    assert isinstance(data, MovementStateV5)
    match fact.body:
        case LookupAnswered() as body if not _still_asked(data, body):
            return data
        case MatchConfirmed(target=target) if data.booked and not data.doubtful:
            return _chosen(data, target)
        case EntryReported():
            return _reported(data, evolve_v3(data, fact), fact)
    return evolve_v3(data, fact)


def _still_asked(data: MovementStateV5, body: LookupAnswered) -> bool:
    """Whether the question is open yet: a person or another look-up may have answered it."""
    return not body.targets or (body.targets[0].kind, body.targets[0].value) in data.open_leads


def _reported(before: MovementStateV5, after: State, fact: Fact) -> State:
    """A statement that lists what a person took for another movement told again says that it may be two."""
    assert isinstance(after, MovementStateV5)
    if before.amount is None and after.amount is not None and (begin := begins(fact)):
        return but(after, subject=begin.subject)
    if before.verdict == "double" and after.stated and not before.stated:
        return but(after, verdict="", chosen=None, contrary=True, relisted=True)
    return after


def _chosen(data: MovementStateV5, target: Target) -> MovementStateV5:
    """A person says whose money it is where nobody was told yet that it is his."""
    if not _may_choose(data, target):
        return data
    if target.process == "bank_movement":
        return but(data, chosen=target, asked=True)
    meant = set(_meant(data, target))
    if not meant:
        return data
    lead = (CHOSEN, str(sum(answer.lead[0] == CHOSEN for answer in data.answers)))
    parts = [but(part, leads=(*part.leads, lead)) if n in meant else part for n, part in enumerate(data.parts)]
    answers = (*data.answers, Answer(lead=lead, targets=(target,)))
    return but(data, chosen=target, asked=True, parts=tuple(parts), answers=answers)


def _may_choose(data: MovementStateV5, target: Target) -> bool:
    """Whether nobody was told of what is chosen. Unapplied money is matched at the collection that it has become."""
    now = data.counted
    assert isinstance(now, MovementStateV5)
    if not data.counts or now.banks_own or len(now.taken_back) == 1 or target.subject == data.subject:
        return False
    if target.process == "bank_movement":
        mine = not now.shares and (now.direction == "debit" or bool(now.original))
    else:
        mine = now.may_be(target.process) and (target.process, target.subject) not in now.shares
    return mine and _waits(now)


def _waits(now: MovementStateV5) -> bool:
    if now.direction == "debit":
        return now.unsaid(now.shares) > 0
    several = now.contested or len(now.taken_back) > 1
    return several or (not now.shares and now.steps.end("book") is None)


def _meant(data: MovementStateV5, target: Target) -> range | list[int]:
    """The parts that the choice is for: what is contested where it is a candidate; else the only such part; else what
    nobody has. None of them, where it can't be said.
    """
    now = data.counted
    assert isinstance(now, MovementStateV5)
    if now.original or now is not data:
        return range(len(data.parts))
    found = [now.targets(part) for part in data.parts]
    contested = [n for n, targets in enumerate(found) if len(targets) > 1]
    named = [n for n in contested if (target.process, target.subject) in {(t.process, t.subject) for t in found[n]}]
    if contested:
        return named or (contested if len(contested) == 1 else [])
    return [n for n, targets in enumerate(found) if not any(now.may_be(t.process) for t in targets)]
