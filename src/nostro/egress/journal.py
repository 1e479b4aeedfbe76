"""The journal of Acts, and the fence before it: everything that a slot writes checks in the same database transaction
that the slot is still its own.

What is written at the same time is committed together. A write that the database refuses fails alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter

from nostro.egress.drive import LEFT_SECONDS, Stored
from nostro.model.clock import Now
from nostro.model.failures import LostRace, Quarantined, StatementRefused
from nostro.model.ids import short_digest
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.keys import Keys
from nostro.store.quarantine import quarantine_if_put_back
from nostro.store.receipts import Received, append_small

SQL = Statements("dispatch")
Write = Callable[[Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a connection, one of `of`, as its holder knows it. `token` is the fence."""

    connection: str
    number: int
    of: int
    token: int
    holder: str


@dataclass(eq=False, slots=True)
class _Pending:
    write: Write
    done: bool = False
    failure: Exception | None = None


def names(slot: Slot) -> dict[str, object]:
    """What `fence_slot` asks for."""
    return {"name": slot.connection, "slot": slot.number, "token": slot.token, "holder": slot.holder}


async def fence(tx: Transaction, slot: Slot) -> Row:
    """Holds the slot until the database transaction ends, and tells how the connection stands.

    The database transaction raises `LostRace` when the slot is somebody else's by now.
    """
    return await tx.row(SQL.fence_slot, **names(slot))


async def fence_all(tx: Transaction, slots: Iterable[Slot]) -> None:
    """The same for several, in the order in which they are renewed: else the two could wait for each other."""
    for slot in sorted(set(slots), key=attrgetter("connection", "number", "token")):
        await tx.ahead(SQL.fence_slot, **names(slot))


@dataclass(slots=True)
class FencedWrites:
    """Writes of one slot, committed in groups: whoever comes while a group commits is in the next one."""

    database: Database
    slot: Slot
    _waiting: list[_Pending] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def write(self, write: Write) -> None:
        """Returns when it is committed. Raises what the write, the fence or the database raised."""
        mine = _Pending(write)
        self._waiting.append(mine)
        async with self._turn:
            if not mine.done:
                group, self._waiting = self._waiting, []
                await self._commit(group)
        if mine.failure is not None:
            raise mine.failure

    async def _commit(self, group: list[_Pending]) -> None:
        for pending in group:
            pending.failure = LostRace("The commit was cut off.")
        try:
            await self._together(group)
        except (StatementRefused, LostRace, Quarantined) as failure:
            if len(group) == 1:
                group[0].failure = failure
                return
            for single in group:
                await self._commit([single])
        except Exception as failure:  # noqa: BLE001 - whatever it is, each member of the group has to hear of it
            for pending in group:
                pending.failure = failure
        else:
            for pending in group:
                pending.failure = None
        finally:
            for pending in group:
                pending.done = True

    async def _together(self, group: list[_Pending]) -> None:
        async with self.database.transaction() as tx:
            await tx.ahead(SQL.fence_slot, **names(self.slot))
            for pending in group:
                await pending.write(tx)


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one slot's Acts. `bundle`: the one under which they may leave; None: whatever was published."""

    writes: FencedWrites
    keys: Keys
    bundle: bytes | None = None

    async def write(self, write: Write) -> None:
        """Commits it."""
        await self.writes.write(write)

    async def start(self, shard: int, dispatch: bytes, n: int, digest: bytes, now: Now) -> None:
        """Before an Act's bytes leave.

        Raises `Quarantined` when nothing may leave, `LostRace` when other rules were published since it was loaded,
        `StatementRefused` when the dialogue isn't where its driver read it: somebody else goes on with it, or has ended
        it.
        """
        values = {
            "connection": self.writes.slot.connection,
            "shard": shard,
            "dispatch": dispatch,
            "n": n,
            "month": now.business.date().replace(day=1),
            "call_digest": digest,
            "started_at": now.business,
            "deadline": now.machine + timedelta(seconds=LEFT_SECONDS),
            "bundle": self.bundle,
            "sealed": self.writes.database.sealed,
        }

        async def write(tx: Transaction) -> None:
            await tx.ahead(SQL.start_call, **values)

        try:
            await self.writes.write(write)
        except LostRace:
            async with self.writes.database.transaction() as tx:
                quarantine = (await fence(tx, self.writes.slot)).quarantine
                published = await tx.row(SQL.in_force)
                behind = await quarantine_if_put_back(tx, self.writes.database.sealed)
            if quarantine or behind:
                remedy = "See `nostro recover`, and `nostro cases` for a stopped connection."
                raise Quarantined("Nothing may leave.", remedy) from None
            if self.bundle is not None and (published is None or published.digest != self.bundle):
                raise LostRace("Other rules were published since it was begun.") from None
            raise StatementRefused("The dialogue has gone on without this driver, or has ended.") from None

    def answer(self, shard: int, dispatch: bytes, n: int, target: str, stored: Stored) -> tuple[bytes, Write]:
        """After its reply came, or was proven to come never: the id of the receipt that will hold it, and its write."""
        receipt = short_digest("reply", dispatch, str(n))
        received = Received(
            self.writes.slot.connection,
            "reply",
            stored.at,
            signed=False,
            name=target,
            status=stored.status,
            lane=None,
        )

        async def write(tx: Transaction) -> None:
            await append_small(tx, self.keys, receipt, received, stored.body)
            values = {"shard": shard, "dispatch": dispatch, "n": n, "receipt": receipt, "month": received.month}
            await tx.ahead(SQL.answer_call, **values)

        return receipt, write
