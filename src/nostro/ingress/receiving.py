"""Taking in: one function for every way in. What it returns is committed: the sender may be answered.

What is small is committed together with what comes at the same time (`together`); what isn't has a database
transaction of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from nostro.egress.line import Count, silent
from nostro.egress.tracing import UNTRACED, Span, Traces, of_receipt
from nostro.ingress.limits import Limits, Way
from nostro.ingress.together import Together, too_late
from nostro.model.failures import DatabaseUnavailable, LostRace
from nostro.store.arrivals import lane_number
from nostro.store.database import Database, Transaction
from nostro.store.keys import Keys
from nostro.store.receipts import INLINE_BYTES, Chunks, KeptReceipt, Received, keep, keep_stream, lane_for

WAYS: Final = {"webhook": Way.PUSHED, "act": Way.ACT}
RACES = 5
COMMIT_SECONDS = 10
logger = structlog.get_logger("nostro.receiving")


@dataclass(frozen=True, slots=True)
class Intake:
    """Keeps receipts, as far as the limits allow."""

    database: Database
    keys: Keys
    limits: Limits
    count: Count = silent
    traces: Traces = UNTRACED
    _together: Together = field(init=False)

    def __post_init__(self) -> None:
        """Nothing waits yet."""
        object.__setattr__(self, "_together", Together(self.database, self.keys))

    async def take(self, received: Received, body: bytes) -> KeptReceipt:
        """Keeps bytes that are in memory.

        Raises `BacklogFull` when the limits say no, `DatabaseUnavailable` when it isn't known to be kept within 10 s:
        the sender tells it again, and a second time it is the same receipt.
        """
        began = self.traces.now()
        lane = lane_for(received.kind, len(body), received.lane)
        laned = received if lane == received.lane else replace(received, lane=lane)
        self._demand(laned)
        if len(body) > INLINE_BYTES:
            return await self._alone(laned, body)
        kept = await self._together.keep(laned, body, COMMIT_SECONDS)
        self.tell(laned, kept, began)
        return kept

    async def _alone(self, received: Received, body: bytes) -> KeptReceipt:
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                return await self._commit(received, lambda tx: keep(tx, self.keys, received, body))
        except TimeoutError as error:
            raise too_late(COMMIT_SECONDS) from error

    async def take_stream(self, received: Received, chunks: Chunks, size: int) -> KeptReceipt:
        """Keeps `size` bytes that are read twice, a chunk at a time, however many they are. Raises as `take`."""
        laned = replace(received, lane=lane_for(received.kind, size))
        self._demand(laned)
        return await self._commit(laned, lambda tx: keep_stream(tx, self.keys, laned, chunks))

    def _demand(self, received: Received) -> None:
        """Raises `BacklogFull` when nothing of this kind may come in now; what may is counted at once."""
        lane = lane_number(received.lane or "standard")
        self.limits.demand(WAYS.get(received.kind, Way.PULLED), lane, received.connection)
        self.limits.took(lane)

    def tell(self, received: Received, kept: KeptReceipt, began: int) -> None:
        """Counts, logs and traces a receipt that is committed. `began`: when it came in, by `traces.now()`.

        A line a receipt is for debugging: where thousands come in a second, writing it costs as much as keeping one.
        """
        fate = "new" if kept.new else "known"
        fate = "different" if kept.told_differently else fate
        kind = received.kind.partition(":")[0]
        self.count("receipts", connection=received.connection, kind=kind, fate=fate)
        logger.debug("receipt_kept", receipt=kept.id.hex(), connection=received.connection, kind=kind, fate=fate)
        if self.traces.on and kept.new:
            told = {"connection": received.connection, "kind": received.kind}
            self.traces.tell([Span("receive", kept.id, of_receipt("receive", kept.id), None, began, told)])

    async def _commit(
        self, received: Received, keeping: Callable[[Transaction], Awaitable[KeptReceipt]]
    ) -> KeptReceipt:
        began = self.traces.now()
        for _ in range(RACES):
            try:
                async with self.database.transaction() as tx:
                    kept = await keeping(tx)
            except LostRace:
                continue
            self.tell(received, kept, began)
            return kept
        message = "Others kept the same receipt each time."
        raise DatabaseUnavailable(message, "Send it again.")
