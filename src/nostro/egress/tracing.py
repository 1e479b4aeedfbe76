"""Spans from a receipt to the outcomes of what it led to: one trace each, told by every stage through one seam.

Nothing is carried along. A trace is named by the receipt that it began with, a span by what it is about: a receipt, a
position in the log, a command's key. So each stage knows its parent's name, whoever told it and on whichever machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from nostro.model.ids import short_digest
from nostro.store.database import Statements, Transaction

SQL = Statements("tracing")
Stage = Literal["receive", "read", "route", "decide", "dispatch", "call", "outcome"]
Place = tuple[int, int]
"""Shard and position of a fact."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a stage did. `trace`: 16 bytes, `id` and `parent`: 8; `began`: as `Traces.now` said. It ends when told.

    Attributes name and count, they never hold what somebody wrote or whom it is about.
    """

    stage: Stage
    trace: bytes
    id: bytes
    parent: bytes | None
    began: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    failed: bool = False


class Traces(Protocol):
    """Where spans go. While not `on`, stages ask nothing and tell nothing."""

    @property
    def on(self) -> bool:
        """Whether anybody listens."""

    def now(self) -> int:
        """The present instant for `began`."""

    def tell(self, spans: Iterable[Span]) -> None:
        """These have ended now."""


class Untraced:
    """Nobody listens."""

    on = False

    def now(self) -> int:
        """No instant."""
        return 0

    def tell(self, spans: Iterable[Span]) -> None:
        """Goes nowhere."""


UNTRACED = Untraced()


def span_id(*about: str | bytes) -> bytes:
    """The name of a span, by what it is about."""
    return short_digest("span", *about)[:8]


def of_receipt(stage: Stage, receipt: bytes) -> bytes:
    """The span in which a receipt was received, read or routed."""
    return span_id(stage, receipt)


def of_fact(place: Place) -> bytes:
    """The span in which a fact was decided."""
    return span_id("decide", str(place[0]), str(place[1]))


def of_command(key: bytes) -> bytes:
    """The span in which a command was dispatched."""
    return span_id("dispatch", key)


async def roots(tx: Transaction, places: Sequence[Place]) -> dict[Place, bytes]:
    """The traces that facts belong to: the receipt, or else the fact, that their chain of causes began with."""
    asked = sorted(set(places))
    if not asked:
        return {}
    rows = await tx.rows(SQL.roots, shards=[s for s, _ in asked], positions=[p for _, p in asked])
    return {(row.asked_shard, row.asked_position): _root(row) for row in rows}


def _root(row: Any) -> bytes:  # noqa: ANN401 - a row
    if row.receipt is not None:
        return bytes(row.receipt)
    return short_digest(f"{row.type}:{row.natural_key}", f"{row.process}/{row.subject}")
