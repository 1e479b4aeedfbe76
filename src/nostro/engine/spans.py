"""The engine's part of a trace: spans of decisions, of outcomes, and of dispatches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nostro.egress.tracing import Place, Span, of_command, of_fact, of_receipt
from nostro.model.canonical import parse
from nostro.model.facts import CommandSettled
from nostro.model.ids import IdempotencyKey
from nostro.routing.route import HOUSE
from nostro.store.database import Row
from nostro.store.log import FactRow


def decided(rows: Sequence[FactRow], named: Mapping[Place, bytes], began: int) -> Iterator[Span]:
    """A span for each fact that was decided; a command's end is an *outcome*."""
    for row in rows:
        place = (row.shard, row.position)
        if row.process == HOUSE or place not in named:
            continue
        outcome = row.type == CommandSettled.fact_type
        told = {"process": row.process, "subject": row.subject, "fact": row.type, "rule": row.rule}
        told |= {"entity": row.entity, "state": row.state_after, "bundle": row.bundle.hex()[:16]}
        yield Span("outcome" if outcome else "decide", named[place], of_fact(place), _parent(row), began, told)


def _parent(row: FactRow) -> bytes | None:
    """What led to a fact: the dispatch of its command, the decision that told it, or the routing of its receipt."""
    if row.type == CommandSettled.fact_type:
        return of_command(IdempotencyKey.parse(str(parse(row.body)["key"])).bytes)
    if row.cause_shard is not None and row.cause_position is not None:
        return of_fact((row.cause_shard, row.cause_position))
    return of_receipt("route", row.receipt) if row.receipt is not None else None


def dispatched(
    members: Sequence[Row], named: Mapping[Place, bytes], told: Mapping[str, str | int], began: int
) -> Iterator[Span]:
    """A span for each command of a dispatch, in the trace of the decision that wanted it."""
    for row in members:
        place = (row.shard, row.position)
        if place in named:
            about = {**told, "correlation": row.correlation, "entity": row.entity}
            yield Span("dispatch", named[place], of_command(row.key), of_fact(place), began, about)
