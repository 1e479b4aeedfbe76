"""How a drive ends in the database: with outcomes for their subjects, or an appointment for the next drive."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.egress.drive import Held, Pause
from nostro.egress.shell import Rested
from nostro.engine.claims import ENGINE
from nostro.engine.endings import Told
from nostro.engine.jobs import Loaded
from nostro.model.base import changed, whole_maker
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import CommandSettled, Fact
from nostro.model.facts.base import Position
from nostro.model.failures import LostRace
from nostro.model.ids import Subject
from nostro.model.outcomes import Outcome, OutcomeKind, handed_over
from nostro.store.arrivals import Blob, arrival_for
from nostro.store.database import Row, Statements, Transaction

SQL = Statements("dispatch")
_settled = whole_maker(CommandSettled)


def outcomes_of(loaded: Loaded, rested: Rested) -> Sequence[Outcome]:
    """One a member; a dispatch that is held hands all of them over."""
    if isinstance(rested.end, Held):
        return [handed_over(rested.end.sentence, rested.end.kind)] * len(loaded.members)
    return () if isinstance(rested.end, Pause) else rested.end.outcomes


def told_by(loaded: Loaded, rested: Rested, connection: str, now: Now) -> list[Told]:
    """An arrival for each member's subject."""
    return [_told(row, outcome, rested.receipt, connection, now) for row, outcome in _settled_by(loaded, rested)]


def _settled_by(loaded: Loaded, rested: Rested) -> list[tuple[Row, Outcome]]:
    """Members that are there still, as far as they have outcomes."""
    pairs = zip(loaded.members, outcomes_of(loaded, rested), strict=not isinstance(rested.end, Pause))
    return [(row, outcome) for row, outcome in pairs if row.key_text is not None]


async def end(tx: Transaction, loaded: Loaded, rested: Rested) -> None:
    """The dispatch's end, or its appointment. Raises `LostRace` when it has ended already."""
    dispatch = loaded.dispatch
    names = {"shard": dispatch.shard, "id": dispatch.id}
    if isinstance(rested.end, Pause):
        if await tx.run(SQL.put_off_dispatch, **names, run_at=rested.end.until) != 1:
            raise LostRace("The dispatch has ended already.")
        return
    held = rested.end if isinstance(rested.end, Held) else None
    status, note = ("held", held.sentence) if held else ("closed", "")
    settled = _settled_by(loaded, rested)
    over = [row for row, outcome in settled if outcome.kind is not OutcomeKind.HANDED_OVER]
    left = [row for row, outcome in settled if outcome.kind is OutcomeKind.HANDED_OVER]
    apart = {"left_shards": [row.shard for row in left], "left": [row.key for row in left]}
    await tx.ahead(SQL.end_dispatch, **names, status=status, note=note, **apart)
    # commands that have ended need no dispatch; what was handed over remembers that it may have been done
    await tx.ahead(SQL.forget_members, command_shards=[row.shard for row in over], keys=[row.key for row in over])


def _told(row: Row, outcome: Outcome, receipt: bytes | None, connection: str, now: Now) -> Told:
    body = _settled(
        {
            "key": row.key_text,
            "step": row.step,
            "occurrence": row.occurrence,
            "generation": row.generation,
            "operation": row.operation,
            "connection": connection,
            "outcome": _in_order(outcome),
        }
    )
    fact = Fact(
        body=body,
        entity=row.entity,
        origin=connection,
        actor=connection,
        on_behalf_of="" if row.actor == ENGINE else row.actor,
        occurred_at=now.business,
        received_at=now.business,
        receipt=receipt,
        cause=Position(row.shard, row.position),
    )
    subject = Subject(row.process, row.subject)
    return Told.of(fact, arrival_for(fact, Blob(canonical(body)), subject, row.lane, now.business))


def _in_order(outcome: Outcome) -> Outcome:
    """With its ids and notes in the order in which whoever reads its canonical bytes finds them."""
    ids, notes = outcome.ids, outcome.notes
    if len(ids) < 2 and len(notes) < 2:
        return outcome
    return changed(outcome, {"ids": dict(sorted(ids.items())), "notes": dict(sorted(notes.items()))})
