"""What follows from a fact: the difference between what the state before and the state after call for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nostro.model.facts import DeadlineFellDue, EntryReported, Fact, LookupAnswered, MatchConfirmed
from nostro.model.outcomes import OutcomeKind
from nostro.processes.bank_movement.v1.cases import cases
from nostro.processes.bank_movement.v1.effects import BOOK, Scene, leads, lookup, postings, told, wanted
from nostro.processes.bank_movement.v1.identity import PROBES, Verdict, judge
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.kit.decision import Calls, Decision, Instance, Lookup, Rules, State
from nostro.processes.kit.following import (
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
Judge = Callable[[MovementState, EntryReported], Verdict]
"""Whose a report is."""


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and what is awaited next."""
    return decided(instance, data, fact, rules, judge)


def decided(instance: Instance, data: State, fact: Fact, rules: Rules, judged: Judge) -> Decision:
    """The decision, as a version judges whose a report is."""
    assert isinstance(data, MovementState)
    assert isinstance(instance.data, MovementState)
    if isinstance(fact.body, EntryReported) and (verdict := judged(instance.data, fact.body)) is not Verdict.MINE:
        return _passed_on(instance, fact.body, verdict)
    entity, subject = rules.entity(instance.entity), instance.subject.id
    before = called_for(
        instance, rules, lambda data, none: _calls(Scene(subject, entity, rules, data, data.shares), none)
    )
    scene = Scene(subject, entity, rules, data, data.shares)
    after = _calls(scene, before) if data is not before.data else before
    changed = case_changes(before.cases, after.cases)
    to = standing(scene)
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


def _calls(scene: Scene, before: Calls) -> Calls:
    """All that the state calls for: nothing before its first report."""
    if scene.data.amount is None:
        return Calls(scene.data, scene.rules, (), {}, (), {})
    heard = with_keys(told(scene))
    return Calls(scene.data, scene.rules, wanted(scene, before.wanted), cases(scene), heard, postings(scene))


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
    if data.stated or not scene.house_account.statement_expected_by:
        return "settled"
    return "unlisted" if "statement" in data.passed else "booked"


def _passed_on(instance: Instance, body: EntryReported, verdict: Verdict) -> Decision:
    """The report tells of another movement: the next slot is asked, and what it claimed here is given back."""
    probe = body.probe + 1
    doubts = dict.fromkeys(
        body.doubts if verdict is Verdict.OTHER and probe < PROBES else (*body.doubts, instance.subject.id)
    )
    contrary = body.contrary or verdict is Verdict.CONTRARY
    onward = but(body, probe=probe, doubts=tuple(doubts), contrary=contrary)
    return Decision(instance.state, f"reported: {verdict}", emits=(onward,), disowns=True, calls=instance.calls)


def _asks(instance: Instance, to: str, after: Scene, fact: Fact) -> Lookup | None:
    """A look-up when asking begins, after each answer, and when a report brings references that were not asked yet."""
    if to != "asking":
        return None
    assert isinstance(instance.data, MovementState)
    before = Scene(after.subject, after.entity, after.rules, instance.data, instance.data.shares)
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
