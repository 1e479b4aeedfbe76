"""What comes at the same time is committed together: one database transaction, one statement.

Nothing lingers: whoever comes while a group commits is in the next one, and who comes alone commits alone. One group at
a time: a second beside it would only make both smaller, and a group costs as much as twenty receipts in it. An answer
is given only after its group's commit. A group that loses a race, or of which the database refuses something, is kept
one by one, so that nobody suffers for a neighbour.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from nostro.model.failures import DatabaseUnavailable, LostRace, StatementRefused
from nostro.store.database import Database
from nostro.store.keys import Keys
from nostro.store.receipts import KeptReceipt, Received, keep_all

GROUP = 256
GROUP_BYTES = 4 * 1024 * 1024
"""So many receipts and so many bytes in a group at most."""
RACES = 5
COMMIT_SECONDS = 10
"""A group that PostgreSQL doesn't commit within this is given up, so that those behind it have their turn."""


@dataclass(eq=False, slots=True)
class _Waiting:
    received: Received
    body: bytes
    kept: asyncio.Future[KeptReceipt]


class Patience:
    """Fails what nobody answered in time, with one timer for all: a timer each would cost more than its digest."""

    def __init__(self) -> None:
        self._watched: deque[tuple[float, float, asyncio.Future[KeptReceipt]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: asyncio.Future[KeptReceipt], seconds: float) -> None:
        """All are given the same time, so that the first to come is the first to be late."""
        while self._watched and self._watched[0][2].done():
            self._watched.popleft()
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        self._watched.append((until, seconds, future))
        if self._timer is None:
            self._timer = loop.call_at(until, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._watched and (self._watched[0][0] <= now or self._watched[0][2].done()):
            _, seconds, future = self._watched.popleft()
            if not future.done():
                future.set_exception(too_late(seconds))
        self._timer = loop.call_at(self._watched[0][0], self._look) if self._watched else None


def too_late(seconds: float) -> DatabaseUnavailable:
    """What is told to who waited so long."""
    return DatabaseUnavailable(f"PostgreSQL did not commit within {seconds:g} seconds.", "Send it again.")


@dataclass(slots=True)
class Together:
    """Keeps small receipts in groups."""

    database: Database
    keys: Keys
    _waiting: list[_Waiting] = field(default_factory=list)
    _committing: asyncio.Task[None] | None = None
    _patience: Patience = field(default_factory=Patience)

    async def keep(self, received: Received, body: bytes, seconds: float = COMMIT_SECONDS) -> KeptReceipt:
        """Returns when it is committed.

        Raises what the database raised, and `DatabaseUnavailable` when it isn't known to be committed within `seconds`.
        """
        one = _Waiting(received, body, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        self._patience.watch(one.kept, seconds)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all(), name="receipts together")
        return await one.kept

    async def _commit_all(self) -> None:
        while self._waiting:
            group = self._next()
            try:
                await self._commit(group)
            except BaseException as failure:  # whatever ends it, whoever waits has to hear of it
                _fail([*group], failure)
                raise

    def _next(self) -> list[_Waiting]:
        """Who waits longest, as many as a group bears."""
        count, size = 0, 0
        for one in self._waiting[:GROUP]:
            size += len(one.body)
            if count and size > GROUP_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            kept = await self._kept(group)
        except (LostRace, StatementRefused) as failure:
            if len(group) > 1:
                for one in group:
                    await self._commit([one])
            else:
                _fail(group, failure)
        except Exception as failure:  # noqa: BLE001 - whatever it is, each of the group has to hear of it
            _fail(group, failure)
        else:
            for one, receipt in zip(group, kept, strict=True):
                if not one.kept.done():
                    one.kept.set_result(receipt)

    async def _kept(self, group: Sequence[_Waiting]) -> list[KeptReceipt]:
        for _ in range(RACES if len(group) == 1 else 1):
            try:
                async with asyncio.timeout(COMMIT_SECONDS), self.database.transaction() as tx:
                    return await keep_all(tx, self.keys, [(one.received, one.body) for one in group])
            except LostRace as race:
                lost = race
        if len(group) > 1:
            raise lost
        message = "Others kept the same receipt each time."
        raise DatabaseUnavailable(message, "Send it again.")


def _fail(group: Sequence[_Waiting], failure: BaseException) -> None:
    for one in group:
        if not one.kept.done():
            if isinstance(failure, Exception):
                one.kept.set_exception(failure)
            else:
                one.kept.cancel()
