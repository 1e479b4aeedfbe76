"""How a drive ends in the database: outcomes on their way to their subjects, or an appointment for the next drive."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.egress.drive import Held, Pause
from nostro.egress.shell import Rested
from nostro.engine.claims import ENGINE
from nostro.engine.jobs import Loaded
from nostro.model.base import maker
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import CommandSettled, Fact
from nostro.model.facts.base import Position
from nostro.model.failures import LostRace
from nostro.model.ids import Subject
from nostro.model.outcomes import Outcome, OutcomeKind, handed_over
from nostro.store.arrivals import Arrival, Blob, arrival_for, put_ahead
from nostro.store.database import Row, Statements, Transaction

SQL = Statements("dispatch")
_settled = maker(CommandSettled)


def outcomes_of(loaded: Loaded, rested: Rested) -> Sequence[Outcome]:
    """One a member; a dispatch that is held hands all of them over."""
    if isinstance(rested.end, Held):
        return [handed_over(rested.end.sentence, rested.end.kind)] * len(loaded.members)
    return () if isinstance(rested.end, Pause) else rested.end.outcomes


async def end(tx: Transaction, loaded: Loaded, rested: Rested, connection: str, now: Now) -> None:
    """One arrival a member and the dispatch's end. Raises `LostRace` when it has ended already."""
    dispatch = loaded.dispatch
    names = {"shard": dispatch.shard, "id": dispatch.id}
    if isinstance(rested.end, Pause):
        if await tx.run(SQL.put_off_dispatch, **names, run_at=rested.end.until) != 1:
            raise LostRace("The dispatch has ended already.")
        return
    held = rested.end if isinstance(rested.end, Held) else None
    status, note = ("held", held.sentence) if held else ("closed", "")
    pairs = [
        (row, outcome)
        for row, outcome in zip(loaded.members, outcomes_of(loaded, rested), strict=True)
        if row.key_text is not None
    ]
    over = [row for row, outcome in pairs if outcome.kind is not OutcomeKind.HANDED_OVER]
    await tx.ahead(SQL.end_dispatch, **names, status=status, note=note)
    await put_ahead(tx, [_arrival(row, outcome, rested.receipt, connection, now) for row, outcome in pairs])
    # commands that have ended need no dispatch; what was handed over remembers that it may have been done
    await tx.ahead(SQL.forget_members, command_shards=[row.shard for row in over], keys=[row.key for row in over])


def _arrival(row: Row, outcome: Outcome, receipt: bytes | None, connection: str, now: Now) -> Arrival:
    body = _settled(
        {
            "key": row.key_text,
            "step": row.step,
            "occurrence": row.occurrence,
            "generation": row.generation,
            "operation": row.operation,
            "connection": connection,
            "outcome": outcome,
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
    return arrival_for(fact, Blob(canonical(body)), Subject(row.process, row.subject), row.lane, now.business)
