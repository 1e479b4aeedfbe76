"""Workers that die and sleep, a partner and both clocks around dispatch on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from nostro.connectors.kit.manifest import Operation
from nostro.egress.connections import OpenConnection
from nostro.engine.dispatch import Dispatcher, House
from nostro.engine.slots import Slots
from nostro.engine.write import DEPARTING
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.canonical import canonical, parse
from nostro.model.clock import Now
from nostro.model.ids import IdempotencyKey, Subject, shard_of
from nostro.model.intents import AnnotatePayment, Intent
from nostro.store.arrivals import LANES
from nostro.store.database import Database, Row, Statement, Statements, Transaction
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from tests.toy_partner import URL, Partner, ToyConfig, connector

START = datetime(2026, 8, 31, 6, tzinfo=UTC)
ENGINE = Statements("engine")
KEYS = Keys({1: b"k" * 32}, SeededEntropy(3))


@asynccontextmanager
async def installed(url: str) -> AsyncIterator[Database]:
    """A database that is Nostro's own."""
    async with Database(url, size=8, by_index=True) as opened:
        await install(opened, KEYS, "test", SeededEntropy(4), START)
        yield opened


class Killed(BaseException):
    """The process is gone."""


class OfALine(AnnotatePayment):
    """An intent that works on a thing which other subjects' intents work on too: the line of its `invoice_number`."""

    @property
    def works_on(self) -> str:
        """The line."""
        return f"line/{self.invoice_number}"


def of_line(number: int) -> OfALine:
    """Work on that line."""
    return OfALine(entity="DE", connection="psp", payment_id="p", invoice_number=str(number))


@dataclass
class World:
    """A database, a partner, and both clocks."""

    database: Database
    does: Operation
    takes_keys: bool = False
    slots: int = 1
    now: Now = field(default_factory=lambda: Now(START, START))
    settled: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """The sentences of outcomes."""
    lane: str = "standard"
    _position: int = 0

    def __post_init__(self) -> None:
        self.partner = Partner(lambda: self.now, self.takes_keys)
        self.connection = OpenConnection(
            "psp", connector(self.does), ToyConfig(), URL, slots=self.slots, concurrency=4 * self.slots
        )

    def later(self, seconds: float) -> None:
        step = timedelta(seconds=seconds)
        self.now = Now(self.now.business + step, self.now.machine + step)

    async def want(
        self,
        subject: str,
        step: str = "annotate",
        *,
        status: str = "ready",
        lane: str = "",
        entity: str = "DE",
        intent: Intent | None = None,
    ) -> str:
        """A command as a decision leaves it; returns its correlation id."""
        self._position += 1
        key = IdempotencyKey("payout", subject, step)
        intent = intent or AnnotatePayment(entity=entity, connection="psp", payment_id=subject, invoice_number="INV/1")
        shared, shard = intent.works_on, Subject("payout", subject).shard
        columns: dict[str, Any] = {
            "shard": shard,
            "key": key.bytes,
            "key_text": key.text,
            "correlation": key.correlation_id,
            "process": "payout",
            "subject": subject,
            "step": step,
            "occurrence": 0,
            "generation": 0,
            "entity": entity,
            "connection": self.connection.id,
            "operation": intent.operation,
            "lane": LANES.index(lane or self.lane),
            "status": status,
            "ordering_key": shared or f"payout/{subject}",
            "order_shard": shard_of(shared) if shared else shard,
            "position": self._position,
            "n": 0,
            "body": canonical(intent),
            "sealed_body": None,
            "data_key": None,
            "bundle": b"b",
            "actor": "engine",
            "since": self.now.business,
            "content": b"c",
        }
        async with self.database.transaction() as tx:
            told = {name: [of] for name, of in columns.items()} | {name: [] for name in DEPARTING}
            await tx.run(ENGINE.open_commands, at=self.now.business, all_fresh=False, dispatches=[None], **told)
        return key.correlation_id

    async def absorb(self) -> int:
        """What the subjects' holders do with outcomes: commands close, or stay with a person."""
        async with self.database.transaction() as tx:
            cursor = await tx.execute(b"delete from arrival returning body, cause_position, actor, receipt")
            rows = await cursor.fetchall()
            for row in rows:
                await self._absorb(tx, row)
        return len(rows)

    async def _absorb(self, tx: Transaction, row: Row) -> None:
        body: Any = parse(row.body)
        key, kind = IdempotencyKey.parse(body["key"]), body["outcome"]["kind"]
        shard = Subject(key.process, key.subject).shard
        self.settled.append((key.correlation_id, kind))
        self.said.append(body["outcome"].get("sentence", ""))
        if kind == "handed_over":
            await tx.run(ENGINE.hand_over_commands, shards=[shard], keys=[key.bytes], notes=["?"])
        else:
            ended = {"shards": [shard], "keys": [key.bytes], "outcomes": [kind], "ids": [b"{}"]}
            await tx.run(ENGINE.settle_commands, at=self.now.business, **ended)

    async def all(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await (await tx.execute(statement.encode())).fetchall()]

    async def run(self, statement: str) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(statement.encode())


@dataclass
class Mortal:
    """The database as a process sees it that may die before or after any commit, or sleep after it.

    `dies_at` counts the instants, whose order a busy machine changes; `dies_after` names one, which stays where it is.
    """

    real: Database
    dies_at: int = 0
    dies_after: Literal["", "effect"] = ""
    sleeps_at: int = 0
    points: int = 0
    dead: bool = False
    asleep: bool = False
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sealed(self) -> int:
        """As the process has seen it."""
        return self.real.sealed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if self.dead:
            raise Killed
        async with self.real.transaction() as tx:
            yield tx
            self.point()
        self.point()
        if self.sleeps_at in (self.points, self.points + 1) and not self.awake.is_set():
            self.asleep = True
            await self.awake.wait()
            self.asleep = False

    async def look(self, statement: Statement, **parameters: object) -> list[Row]:
        """Nothing to die of: it only reads."""
        if self.dead:
            raise Killed
        return await self.real.look(statement, **parameters)

    def point(self, name: str = "") -> None:
        """An instant at which the process may die."""
        self.points += 1
        if self.dead or self.points == self.dies_at or (name and name == self.dies_after):
            self.dead = True
            raise Killed


class Worker:
    """A process: it remembers nothing of the one before it."""

    def __init__(self, world: World, name: str, mortal: Mortal | None = None) -> None:
        self.world = world
        self.stepping: asyncio.Task[int] | None = None
        self.mortal = mortal or Mortal(world.database)
        database: Any = self.mortal
        self.slots = Slots(database, name, {world.connection.id: world.connection})
        entropy = SeededEntropy(int.from_bytes(name.encode(), "big"))
        house = House(database, KEYS, self.slots, lambda *_: self, self.clock, entropy)
        self.dispatcher = Dispatcher(house, world.connection, moment_seconds=0.002)

    async def clock(self) -> Now:
        return self.world.now

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        self.mortal.point()
        reply = await self.world.partner.send(request, timeout_seconds)
        self.mortal.point("effect")
        return reply

    async def poke(self) -> None:
        """A step, for as long as the process is awake."""
        if self.stepping is None or self.stepping.done():
            self.stepping = asyncio.create_task(self.step())
        while not self.stepping.done() and not self.mortal.asleep:
            await asyncio.wait({self.stepping}, timeout=0.001)

    async def step(self) -> int:
        try:
            await self.slots.step(self.world.now)
            work = await self.dispatcher.step(self.world.now)
        except Killed:
            work = 0
        if self.mortal.dead:
            await self.dispatcher.stop(0)
        return work

    async def settle(self) -> None:
        """Steps until there is nothing to do at this instant."""
        while await self.step() + self.dispatcher.running + await self.world.absorb():
            pass
