"""A partner, a journal in memory and both clocks around the shell, for tests without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nostro.connectors.kit.manifest import Operation, Order
from nostro.egress.connections import OpenConnection
from nostro.egress.drive import Entry, Pause, Stored
from nostro.egress.journal import Write
from nostro.egress.line import Line
from nostro.egress.shell import Job, Rested, Shell
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.clock import Now
from nostro.store.database import Transaction
from nostro.store.entropy import SeededEntropy
from tests.toy_partner import URL, Partner, ToyConfig, connector, order

START = datetime(2026, 8, 31, 6, tzinfo=UTC)
NOWHERE: Any = None


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A partner, a journal in memory, both clocks, and the point at which the process dies (0: never)."""

    does: Operation
    takes_keys: bool = False
    orders: Sequence[Order] = (order("NOS1"),)
    look_up_first: bool = False
    now: Now = field(default_factory=lambda: Now(START, START))
    journal: list[Entry] = field(default_factory=list)
    dies_at: int = 0
    points: int = 0
    drives: int = 0

    def __post_init__(self) -> None:
        self.partner = Partner(lambda: self.now, self.takes_keys)
        self.entropy = SeededEntropy(1)

    def point(self, *, at_the_socket: bool = False) -> None:
        """An instant at which the process may die. At the socket no time passes: nothing could be checked after it."""
        del at_the_socket
        self.points += 1
        if self.points == self.dies_at:
            self.die()

    def die(self) -> None:
        """Whatever this process knew is gone."""
        raise Killed

    async def clock(self) -> Now:
        return self.now

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        self.point(at_the_socket=True)
        reply = await self.partner.send(request, timeout_seconds)
        self.point()
        return reply

    async def start(self, shard: int, dispatch: bytes, n: int, digest: bytes, now: Now) -> None:
        assert (shard, dispatch) == (3, b"d")
        self.point()
        self.journal.append(Entry(n, digest, now.business))
        self.point()

    def answer(self, shard: int, dispatch: bytes, n: int, target: str, stored: Stored) -> tuple[bytes, Write]:
        assert (shard, dispatch, target) == (3, b"d", "do")

        async def write(_: Transaction) -> None:
            [entry] = [entry for entry in self.journal if entry.n == n]
            assert entry.stored is None
            entry.stored = stored

        return b"receipt", write

    async def write(self, write: Write) -> None:
        self.point()
        await write(NOWHERE)
        self.point()

    async def drive(self) -> Rested:
        """One drive from the journal, by a process that remembers nothing."""
        self.drives += 1
        connection = OpenConnection("toy", connector(self.does), ToyConfig(), URL)
        journal = [replace(entry, used=False) for entry in self.journal]
        job = Job(3, b"d", self.does, self.orders, journal, START, START, self.look_up_first)
        rested = await Shell(Line(connection, self, self.clock), self, self.entropy, job).run()
        if rested.reply is not None:
            await self.write(rested.reply)
        return rested

    async def settle(self) -> Rested:
        """Drives until it ends, dying where it has to; time goes on in between."""
        for _ in range(100):
            try:
                rested = await self.drive()
            except Killed:
                self.later(15)
                continue
            if not isinstance(rested.end, Pause):
                return rested
            self.now = Now(max(rested.end.until, self.now.business), self.now.machine)
        raise AssertionError("it never ends")

    def later(self, seconds: float) -> None:
        step = timedelta(seconds=seconds)
        self.now = Now(self.now.business + step, self.now.machine + step)
