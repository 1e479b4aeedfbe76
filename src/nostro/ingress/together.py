"""What comes at the same time is committed together: one database transaction, a statement a table.

Nothing lingers: whoever comes while groups commit is in the next one, and who comes alone commits alone. An answer is
given only after its group's commit. A group that loses a race, or of which the database refuses something, is kept one
by one, so that nobody suffers for a neighbour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from nostro.model.failures import DatabaseUnavailable, LostRace, StatementRefused
from nostro.store.database import Database
from nostro.store.keys import Keys
from nostro.store.receipts import KeptReceipt, Received, keep_all

GROUP = 256
GROUPS_AT_ONCE = 2
"""One prepares while the other is on the disk."""
RACES = 5
COMMIT_SECONDS = 10
"""A group that PostgreSQL doesn't commit within this is given up, so that those behind it have their turn."""


@dataclass(eq=False, slots=True)
class _Waiting:
    received: Received
    body: bytes
    kept: asyncio.Future[KeptReceipt]


@dataclass(slots=True)
class Together:
    """Keeps small receipts in groups."""

    database: Database
    keys: Keys
    _waiting: list[_Waiting] = field(default_factory=list)
    _groups: set[asyncio.Task[None]] = field(default_factory=set)

    async def keep(self, received: Received, body: bytes) -> KeptReceipt:
        """Returns when it is committed. Raises what the database raised."""
        one = _Waiting(received, body, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if sum(not group.done() for group in self._groups) < GROUPS_AT_ONCE:
            group = asyncio.create_task(self._commit_all(), name="receipts together")
            self._groups.add(group)
            group.add_done_callback(self._groups.discard)
        return await one.kept

    async def _commit_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                await self._commit(group)
            except BaseException as failure:  # whatever ends it, whoever waits has to hear of it
                _fail([*group], failure)
                raise

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
