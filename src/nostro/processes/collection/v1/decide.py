"""What follows from a fact: the difference between what the state before and the state after call for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from nostro.model.facts import (
    CollectionCredited,
    CollectionCreditNoted,
    CollectionPaidOut,
    CollectionPaymentMoved,
    CollectionReturned,
    CommandSettled,
    DeadlineFellDue,
    DisputeReported,
    Fact,
    FactBody,
    PaymentCaptured,
    PaymentNews,
    PayoutCredited,
)
from nostro.model.payments import Credit
from nostro.model.references import Reference
from nostro.processes.collection.v1.books import postings
from nostro.processes.collection.v1.cases import OVERDUE, cases
from nostro.processes.collection.v1.effects import Scene, wanted
from nostro.processes.collection.v1.machine import MACHINE
from nostro.processes.collection.v1.state import Assignment, CollectionState, News
from nostro.processes.kit.decision import Calls, CaseOpening, Decision, Instance, Lookup, Rules, State, Wanted
from nostro.processes.kit.following import (
    a_day_later,
    acts,
    but,
    called_for,
    case_changes,
    left,
    new_facts,
    new_postings,
    overdue,
    same,
    with_keys,
)
from nostro.processes.kit.machine import Machine

SEARCH_SECONDS = 180 * 86_400
"""How long an item may come after its money and still be found by itself."""


def as_it_is(scene: Scene) -> Scene:
    """The state, seen as it is stored."""
    return scene


class Sight(NamedTuple):
    """What a version sees in a state: the effects that it calls for, its open cases by reason, and what others hear.

    `seen`: the state as these three see it; what is evolved and stored stays as it is. `machine`: where it may stand.
    """

    wants: Callable[[Scene, Iterable[Wanted]], tuple[Wanted, ...]]
    grounds: Callable[[Scene], Mapping[str, CaseOpening]]
    tells: Callable[[Scene], tuple[FactBody, ...]]
    seen: Callable[[Scene], Scene] = as_it_is
    machine: Machine = MACHINE


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, _SIGHT)


def decided(instance: Instance, data: State, fact: Fact, rules: Rules, sight: Sight) -> Decision:
    """The decision, with what a version sees."""
    assert isinstance(data, CollectionState)
    assert isinstance(instance.data, CollectionState)
    entity, subject = rules.entity(instance.entity), instance.subject.id
    before = called_for(instance, rules, lambda data, none: _calls(Scene(subject, entity, rules, data), none, sight))
    scene = Scene(subject, entity, rules, data)
    after = _calls(scene, before, sight) if data is not before.data else before
    pending = data.steps.pending(after.wanted)
    changed = case_changes(before.cases, after.cases)
    to = _within_table(sight.machine, instance.state, fact, standing(scene, pending))
    patient = to == "booking" and isinstance(fact.body, DeadlineFellDue) and not acts(rules, pending)
    return Decision(
        to=to,
        rule=_rule(scene, fact),
        intents=data.steps.fresh(before.wanted, after.wanted),
        emits=new_facts(before.told, after.told),
        lookup=_asks(instance.data, scene),
        opens=(*changed.opens, *(() if patient else overdue(OVERDUE, instance.state, to, fact))),
        closes=(*changed.closes, *left(OVERDUE, instance.state, to)),
        postings=new_postings(before.postings, after.postings),
        due_at=_due(scene, instance.state, to, fact),
        calls=after,
    )


def _calls(scene: Scene, before: Calls, sight: Sight) -> Calls:
    """All that the state calls for. What is known of the state before it is taken over as far as it is the same."""
    data, was = scene.data, before.data
    moved = not isinstance(was, CollectionState) or data.payments is not was.payments or data.credits is not was.credits
    named = postings(data, scene.entity.id) if moved else before.postings
    seen = sight.seen(scene)
    asked = sight.wants(seen, before.wanted)
    return Calls(data, scene.rules, asked, sight.grounds(seen), with_keys(sight.tells(seen)), named)


def standing(scene: Scene, pending: Sequence[Wanted]) -> str:
    """The process state: what has to happen next, else where the item rests."""
    data, asked = scene.data, _asks_more_than_annotations(pending)
    if not data.kind:
        return "noted"
    if data.kind == "unapplied":
        if data.spare:
            return "unapplied"
        return "settling" if asked or _disputed(data) or _held(data) else "applied"
    return "booking" if asked else _resting(scene)


def _resting(scene: Scene) -> str:
    """Where an item rests of which nothing is being booked."""
    data = scene.data
    if any(scene.awaits_provider(p) for p in data.payments):
        return "awaiting_provider"
    if _disputed(data):
        return "disputed"
    if _refunded(data) > sum([note.amount.minor for note in data.credit_notes]):
        return "refund_open"
    if _held(data):
        return "in_transit"
    if data.withdrawn:
        return "withdrawn"
    return "open" if data.outstanding > 0 else "paid"


def _asks_more_than_annotations(pending: Sequence[Wanted]) -> bool:
    return any(not one.step.startswith("annotate-") for one in pending)


def _disputed(data: CollectionState) -> bool:
    return any(not d.decided for p in data.payments for d in p.disputes)


def _held(data: CollectionState) -> bool:
    return any(p.held for p in data.payments)


def _within_table(machine: Machine, at: str, fact: Fact, to: str) -> str:
    """Where to go. A changed rule may call for a state to which this fact does not lead: the next one will."""
    return to if to in machine.edges[at, fact.type] else at


def _refunded(data: CollectionState) -> int:
    """What was refunded of what had cleared the item."""
    return sum([r.share.applied for p in data.payments for r in p.refunds if r.live])


def told(scene: Scene) -> tuple[FactBody, ...]:
    """What others hear from this collection."""
    data = scene.data
    bodies: list[FactBody] = [_passed_on(body, data.item) for body in data.news] if data.item else []
    bodies += [_moved(scene, given) for given in data.assignments if given.to != "refund"]
    bodies += [
        CollectionReturned(
            original_movement=back.name, booked_on=back.returned_on, **same(back, "subject movement amount reason")
        )
        for back in data.recalls
    ]
    if data.kind == "credit_note" and data.reverses and data.total:
        item = f"{scene.entity.id}/{data.database}/{data.reverses}"
        bodies.append(CollectionCreditNoted(subject=item, amount=data.total, **same(data, "move_id number")))
    return tuple(bodies)


_SIGHT = Sight(wanted, cases, told)


def _passed_on(body: News, item: str) -> FactBody:
    return but(body, **{"passed_to" if isinstance(body, PaymentNews) else "subject": item})


def _asks(before: CollectionState, after: Scene) -> Lookup | None:
    """Which item is this money's? An invoice may come long after its payment; other numbers are there or not."""
    leads, entity = after.data.leads, after.entity.id
    if not leads or leads == before.leads:
        return None
    seconds = 0 if after.data.candidates else after.rules.limit("unapplied_search_seconds", entity, SEARCH_SECONDS)
    return Lookup(tuple(Reference(*lead) for lead in leads), seconds, ("collection",))


def _moved(scene: Scene, given: Assignment) -> FactBody:
    """Money that was over here pays another open item, or was a payout all along."""
    one = next(one for one in scene.data.incoming if one.source == given.source)
    to = same(given, "subject amount")
    if given.to == "payout":
        return PayoutCredited(
            payout_id=given.subject, movement=given.name, amount=given.amount, booked_on=one.received_on
        )
    if one.connection:
        told = same(one, "connection payment_id method")
        return CollectionPaymentMoved(
            origin=scene.subject, charge_id=given.name, captured_on=one.received_on, **to, **told
        )
    line = one.statement_line if isinstance(one, Credit) else ""
    return CollectionCredited(movement=given.name, booked_on=one.received_on, statement_line=line, by="person", **to)


def _rule(scene: Scene, fact: Fact) -> str:
    """What explains the decision: the row of the posting policy, or how the command ended."""
    body = fact.body
    if isinstance(body, CommandSettled):
        day = body.outcome.notes.get("date", "")
        return f"{body.step} {body.outcome.kind}" + (f"; the ERP booked it on {day}" if day else "")
    source = _source(body)
    for one in scene.data.incoming if source is not None else ():
        if one.source == source:
            return scene.posting(one).row
    return f"{fact.type} taken in"


def _source(body: FactBody) -> str | None:
    """The charge or movement that a fact tells of."""
    if isinstance(body, PaymentCaptured | CollectionPaidOut):
        return body.charge_id
    return body.movement if isinstance(body, CollectionCredited) else None


def _due(scene: Scene, at: str, to: str, fact: Fact) -> datetime | None:
    """A booking that waits for a person is looked at again; a dispute falls due with its evidence."""
    if to == at == "booking" and isinstance(fact.body, DeadlineFellDue):
        return a_day_later(fact.body)
    return _evidence_due(scene, at, fact) if to == "disputed" else None


def _evidence_due(scene: Scene, at: str, fact: Fact) -> datetime | None:
    """The earliest evidence deadline, when it is news: a deadline that has passed is not set again."""
    if at == "disputed" and not isinstance(fact.body, DisputeReported):
        return None
    disputes = [d for p in scene.data.payments for d in p.disputes if not d.decided and d.evidence_due_at]
    due = min((datetime.fromisoformat(d.evidence_due_at) for d in disputes), default=None)
    return due if due is None or due.tzinfo else due.replace(tzinfo=UTC)
