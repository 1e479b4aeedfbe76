"""What left for a command and what came back, from the journal; and of a call whose reply was lost, what was done then.

Look-ups have no effect and are not journaled. What they found follows from what came after them: a call is sent again
only where it was not found and could not be there any more, and a command ends well without that only where it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nostro.model.ids import SHARDS, Subject, key_bytes
from nostro.model.outcomes import OutcomeKind
from nostro.store.database import Row, Statements, Transaction

SQL = Statements("trace")
NEVER_LEFT = 0
"""The status under which the journal keeps that no byte of a call had left."""
UNSURE = 500
"""From this status on an answer may leave open whether it was done. Sent again, it wasn't always looked up."""
Fate = Literal["answered", "not_sent", "sent_again", "found", "not_found", "handed_over", "looked_up"]


@dataclass(frozen=True, slots=True)
class Called:
    """A call that may have left: `n` of its dialogue, which may speak of several commands that travel together.

    Without `answered_at` no answer came. `target` is known from an answer, or from one to the same call sent again:
    as number `again`. `until`: when an open dialogue goes on.
    """

    at: datetime
    key: str
    n: int
    target: str
    answered_at: datetime | None
    status: int | None
    fate: Fate
    again: int = 0
    until: datetime | None = None


async def calls_of(tx: Transaction, commands: Sequence[Row], handed_over: Collection[str]) -> list[Called]:
    """The calls of commands (rows of `commands_of`). `handed_over`: keys of those that were ever handed to a person."""
    rows = await tx.rows(
        SQL.calls_of,
        key_texts=[row.key_text for row in commands],
        command_shards=[Subject(row.process, row.subject).shard for row in commands],
        keys=[key_bytes(row.key_text) for row in commands],
        dispatches=[row.dispatch for row in commands],
        since=[row.since for row in commands],
        every=list(range(SHARDS)),
    )
    ends = {row.key_text: (row.outcome, row.dispatch) for row in commands}
    return [_called(row, rows, *ends[row.key_text], handed_over=row.key_text in handed_over) for row in rows]


def _called(row: Row, rows: Sequence[Row], outcome: str, newest: bytes | None, *, handed_over: bool) -> Called:
    alike = [
        one for one in rows if (one.key_text, one.dispatch, one.digest) == (row.key_text, row.dispatch, row.digest)
    ]
    target = next((one.target for one in (row, *alike) if one.target), "")
    place = (row.started_at, row.key_text, row.n, target, row.answered_at, row.status)
    again = next((one.n for one in alike if one.n > row.n), 0)
    if row.status == NEVER_LEFT:
        return Called(*place, "not_sent", again)
    if row.status is not None and (row.status < UNSURE or again or outcome == OutcomeKind.FAILED):
        return Called(*place, "answered", again)
    if again:
        return Called(*place, "sent_again", again)
    if handed_over or outcome == OutcomeKind.HANDED_OVER or row.dispatch != newest:
        return Called(*place, "handed_over")
    if outcome in (OutcomeKind.DONE, OutcomeKind.ADOPTED):
        return Called(*place, "found")
    if outcome == OutcomeKind.FAILED:
        return Called(*place, "not_found")
    return Called(*place, "looked_up", until=row.until)
