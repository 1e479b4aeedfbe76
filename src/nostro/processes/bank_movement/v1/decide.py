"""What follows from a fact: the difference between what the state before and the state after call for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from nostro.model.facts import DeadlineFellDue, EntryReported, Fact, LookupAnswered, MatchConfirmed
from nostro.model.money import Money
from nostro.model.outcomes import OutcomeKind
from nostro.model.unchanging import unchanging
from nostro.processes.bank_movement.v1.cases import cases
from nostro.processes.bank_movement.v1.effects import BOOK, Scene, leads, lookup, postings, scene_of, told, wanted
from nostro.processes.bank_movement.v1.identity import PROBES, Judge, Verdict, judge, or_restated
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.kit.decision import Calls, CaseOpening, Decision, Instance, Lookup, Rules, State
from nostro.processes.kit.following import (
    CaseChanges,
    a_day_later,
    but,
    called_for,
    case_changes,
    new_facts,
    new_postings,
    with_keys,
)

_STATEMENT_DAYS = 3
"""Bank business days within which a statement has to list what was notified as booked."""
Grounds = Callable[[Scene], dict[str, CaseOpening]]
"""What a person has to look at."""


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and what is awaited next."""
    return decided(instance, data, fact, rules, _SIGHT)


def _stands(_: Instance, __: Fact, scene: Scene) -> str:
    return standing(scene)


def _changes(_: Instance, __: Fact, ___: str, before: Calls, after: Calls) -> CaseChanges:
    return case_changes(before.cases, after.cases)


@unchanging(frozen=True, slots=True)
class Sight:
    """What a version sees otherwise: whose a report is, and what a person has to look at.

    `scene`: what surrounds a movement; `stands`: where it stands after a fact; `changes`: its cases that open and
    close with the way to there.
    """

    judge: Judge
    cases: Grounds
    scene: type[Scene] = Scene
    stands: Callable[[Instance, Fact, Scene], str] = _stands
    changes: Callable[[Instance, Fact, str, Calls, Calls], CaseChanges] = _changes


_SIGHT = Sight(or_restated(judge), cases)


def decided(instance: Instance, data: State, fact: Fact, rules: Rules, sight: Sight) -> Decision:
    """The decision, as a version sees it."""
    assert isinstance(data, MovementState)
    assert isinstance(instance.data, MovementState)
    if isinstance(fact.body, EntryReported) and (verdict := sight.judge(instance.data, fact.body)) is not Verdict.MINE:
        return _passed_on(instance, fact.body, verdict)
    calls = partial(_calls, instance, rules, sight)
    before = called_for(instance, rules, calls)
    after = calls(data, before) if data is not before.data else before
    scene = scene_of(instance, rules, data, sight.scene)
    to = sight.stands(instance, fact, scene)
    changed = sight.changes(instance, fact, to, before, after)
    return Decision(
        to=to,
        rule=_rule(scene, fact),
        intents=data.steps.fresh(before.wanted, after.wanted),
        emits=new_facts(before.told, after.told),
        lookup=_asks(instance, to, scene, fact),
        opens=changed.opens,
        closes=changed.closes,
        postings=new_postings(before.postings, after.postings),
        due_at=_due(instance.state, to, scene, fact),
        calls=after,
    )


def _calls(instance: Instance, rules: Rules, sight: Sight, data: MovementState, before: Calls) -> Calls:
    """All that the state calls for: nothing before its first report."""
    if data.amount is None:
        return Calls(data, rules, (), {}, (), {})
    scene = scene_of(instance, rules, data, sight.scene)
    heard = with_keys(told(scene))
    return Calls(data, rules, wanted(scene, before.wanted), sight.cases(scene), heard, postings(scene))


def standing(scene: Scene) -> str:
    """The process state: what is awaited next."""
    data, end = scene.data, scene.data.steps.end(BOOK)
    if data.verdict == "double":
        return "double"
    if not data.booked:
        return "vanished" if "vanish" in data.passed else "pending"
    if data.doubtful:
        return "held" if "doubt" in data.passed else "doubtful"
    if not scene.resolved:
        return "asking"
    if not scene.ended and not scene.still:
        return "failed" if end is not None and end.kind is OutcomeKind.FAILED else "booking"
    return resting(scene)


def resting(scene: Scene) -> str:
    """Where a movement stands of which nothing is to be booked any more."""
    if scene.data.stated or not scene.awaits_statement:
        return "settled"
    return "unlisted" if "statement" in scene.data.passed else "booked"


def _passed_on(instance: Instance, body: EntryReported, verdict: Verdict) -> Decision:
    """The report tells of another movement: the next slot is asked, and what it claimed here is given back."""
    probe = body.probe + 1
    doubts = dict.fromkeys(
        body.doubts if verdict is Verdict.OTHER and probe < PROBES else (*body.doubts, instance.subject.id)
    )
    contrary, known = body.contrary or verdict is Verdict.CONTRARY, body.known or _known(instance, body, verdict)
    onward = but(body, probe=probe, doubts=tuple(doubts), contrary=contrary, known=known)
    return Decision(instance.state, f"reported: {verdict}", emits=(onward,), disowns=True, calls=instance.calls)


def _known(instance: Instance, body: EntryReported, verdict: Verdict) -> Money | None:
    """The amount of the movement that the report contradicts in just that; nothing, if it is no doubt."""
    assert isinstance(instance.data, MovementState)
    amount = instance.data.amount
    if amount is None or amount == body.amount:
        return body.known
    return amount if verdict is Verdict.CONTRARY else Money.zero(amount.currency)


def _asks(instance: Instance, to: str, after: Scene, fact: Fact) -> Lookup | None:
    """A look-up when asking begins, after each answer, and when a report brings references that were not asked yet."""
    if to != "asking":
        return None
    assert isinstance(instance.data, MovementState)
    before = scene_of(instance, after.rules, instance.data)
    known = set(leads(before)) if instance.state == "asking" else set()
    return lookup(after) if isinstance(fact.body, LookupAnswered) or set(leads(after)) - known else None


def _due(was: str, to: str, scene: Scene, fact: Fact) -> datetime | None:
    if to == "booked" and was != "booked":
        return _statement_due(scene)
    return a_day_later(fact.body) if to == was == "booking" and isinstance(fact.body, DeadlineFellDue) else None


def _statement_due(scene: Scene) -> datetime | None:
    """When the statement is overdue, by the bank's calendar; None where the bundle's calendar does not reach."""
    rule = scene.house_account.statement_rule(scene.entity.zone)
    try:
        return scene.rules.cut_off(rule, scene.day, _STATEMENT_DAYS).at if rule else None
    except LookupError:
        return None


def _rule(scene: Scene, fact: Fact) -> str:
    body = fact.body
    if isinstance(body, LookupAnswered):
        found = sorted({target.kind for target in body.targets})
        return f"reference: {', '.join(found)}" if found else "reference: none led anywhere in time"
    if isinstance(body, MatchConfirmed) and scene.data.verdict == "" and scene.data.chosen != body.target:
        return "match not taken: somebody was told already that it is theirs, or it can't be"
    if isinstance(body, EntryReported):
        return f"{body.kind}; posting policy {scene.posting.row}" if scene.data.counts else f"{body.kind}; not counted"
    return ""
