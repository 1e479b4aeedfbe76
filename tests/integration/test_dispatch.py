"""Dispatch on a real database: whatever dies, whenever, each command has one effect, in its order, and one outcome."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
import pytest_asyncio

from nostro.connectors.kit.manifest import Operation
from nostro.egress.connections import OpenConnection
from nostro.engine.dispatch import Dispatcher, House
from nostro.engine.slots import Slots
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.canonical import canonical, parse
from nostro.model.clock import Now
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.intents import AnnotatePayment
from nostro.store.arrivals import LANES
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from tests.toy_partner import URL, Fault, Partner, ToyConfig, connector, operation

pytestmark = pytest.mark.asyncio
START = datetime(2026, 8, 31, 6, tzinfo=UTC)
ENGINE = Statements("engine")
Way = Literal["look_up", "their_key", "person"]


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A database, a partner, and both clocks."""

    database: Database
    does: Operation
    takes_keys: bool = False
    slots: int = 1
    now: Now = field(default_factory=lambda: Now(START, START))
    settled: list[tuple[str, str]] = field(default_factory=list)
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
        self, subject: str, step: str = "annotate", *, status: str = "ready", lane: str = "", entity: str = "DE"
    ) -> str:
        """A command as a decision leaves it; returns its correlation id."""
        self._position += 1
        key = IdempotencyKey("payout", subject, step)
        intent = AnnotatePayment(entity=entity, connection="psp", payment_id=subject, invoice_number="INV/1")
        columns: dict[str, Any] = {
            "shard": Subject("payout", subject).shard,
            "key": key.bytes,
            "key_text": key.text,
            "correlation": key.correlation_id,
            "process": "payout",
            "subject": subject,
            "step": step,
            "occurrence": 0,
            "generation": 0,
            "entity": entity,
            "connection": "psp",
            "operation": "annotate_payment",
            "lane": LANES.index(lane or self.lane),
            "status": status,
            "ordering_key": f"payout/{subject}",
            "position": self._position,
            "n": 0,
            "body": canonical(intent),
            "sealed_body": None,
            "data_key": None,
            "bundle": b"b",
            "actor": "engine",
        }
        async with self.database.transaction() as tx:
            await tx.run(ENGINE.open_commands, at=self.now.business, **{name: [of] for name, of in columns.items()})
        return key.correlation_id

    async def absorb(self) -> int:
        """What the subjects' holders do with outcomes: commands close, or stay with a person."""
        async with self.database.transaction() as tx:
            cursor = await tx.connection.execute(b"delete from arrival returning body, cause_position, actor, receipt")
            rows = await cursor.fetchall()
            for row in rows:
                await self._absorb(tx, row)
        return len(rows)

    async def _absorb(self, tx: Transaction, row: Row) -> None:
        body: Any = parse(row.body)
        key, kind = IdempotencyKey.parse(body["key"]), body["outcome"]["kind"]
        shard = Subject(key.process, key.subject).shard
        self.settled.append((key.correlation_id, kind))
        if kind == "handed_over":
            await tx.run(ENGINE.hand_over_commands, shards=[shard], keys=[key.bytes], notes=["?"])
        else:
            ended = {"shards": [shard], "keys": [key.bytes], "outcomes": [kind], "ids": [b"{}"]}
            await tx.run(ENGINE.settle_commands, at=self.now.business, **ended)

    async def all(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await (await tx.connection.execute(statement.encode())).fetchall()]

    async def run(self, statement: str) -> None:
        async with self.database.transaction() as tx:
            await tx.connection.execute(statement.encode())


@dataclass
class Mortal:
    """The database as a process sees it that may die before or after any commit, or sleep after it."""

    real: Database
    dies_at: int = 0
    sleeps_at: int = 0
    points: int = 0
    dead: bool = False
    asleep: bool = False
    awake: asyncio.Event = field(default_factory=asyncio.Event)

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

    def point(self) -> None:
        """An instant at which the process may die."""
        self.points += 1
        if self.dead or self.points == self.dies_at:
            self.dead = True
            raise Killed


class Worker:
    """A process: it remembers nothing of the one before it."""

    def __init__(self, world: World, name: str, mortal: Mortal | None = None) -> None:
        self.world = world
        self.stepping: asyncio.Task[int] | None = None
        self.mortal = mortal or Mortal(world.database)
        database: Any = self.mortal
        self.slots = Slots(database, name, {"psp": world.connection})
        entropy = SeededEntropy(int.from_bytes(name.encode(), "big"))
        house = House(database, KEYS, self.slots, lambda *_: self, self.clock, entropy)
        self.dispatcher = Dispatcher(house, world.connection, moment_seconds=0.002)

    async def clock(self) -> Now:
        return self.world.now

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        self.mortal.point()
        reply = await self.world.partner.send(request, timeout_seconds)
        self.mortal.point()
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
            await self.dispatcher.stop()
        return work

    async def settle(self) -> None:
        """Steps until there is nothing to do at this instant."""
        while await self.step() + self.dispatcher.running + await self.world.absorb():
            pass


KEYS = Keys({1: b"k" * 32}, SeededEntropy(3))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=8) as opened:
        await install(opened, KEYS, "test", SeededEntropy(4), START)
        yield opened


async def test_a_command_leaves_and_its_outcome_comes_back_addressed_to_its_subject(database: Database) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1")
    worker = Worker(world, "one")
    while not await world.all("select 1 from arrival"):
        await worker.step()
    [row] = await world.all(
        "select process, subject, type, origin, actor, cause_position, lane, receipt is not null from arrival"
    )
    assert row == ("payout", "po_1", "command.settled", "psp", "psp", 1, 1, True)
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"]
    assert await world.all("select outcome, dispatch is not null from command_closed") == [("done", True)]
    assert await world.all("select kind, status, signed from receipt") == [("reply", 200, False)]
    assert await world.all("select count(*) from dispatch") == [(0,)], "the journal stays, the dispatch has ended"
    assert await world.all("select n, reply_receipt is not null from attempt_call") == [(1, True)]


async def test_commands_that_wait_for_a_person_do_not_leave(database: Database) -> None:
    world = World(database, operation("look_up"))
    for status in ("would_do", "proposed", "handed_over"):
        await world.want(status, status=status)
    await Worker(world, "one").settle()
    assert world.partner.calls == []


async def test_nothing_leaves_in_quarantine(database: Database) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1")
    await world.run("update deployment set quarantine = 'behind its anchor'")
    worker = Worker(world, "one")
    await worker.settle()
    assert world.partner.calls == []
    await world.run("update deployment set quarantine = ''")
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"]


async def test_of_an_ordering_key_only_the_oldest_open_command_leaves(database: Database) -> None:
    world = World(database, operation("look_up", batch=10))
    first, second = await world.want("po_1", "a"), await world.want("po_1", "b")
    other = await world.want("po_2", "a")
    await Worker(world, "one").settle()
    assert sorted(world.partner.order[:2]) == sorted([first, other])
    assert world.partner.order[2:] == [second]


async def test_an_unknown_outcome_blocks_its_own_key_and_nothing_else(database: Database) -> None:
    world = World(database, operation("person"))
    first, second = await world.want("po_1", "a"), await world.want("po_1", "b")
    other = await world.want("po_2", "a")
    world.partner.fault = lambda request: "cut_before" if first.encode() in request.body else ""
    await Worker(world, "one").settle()
    assert dict(world.settled) == {first: "handed_over", other: "done"}
    assert await world.all("select correlation, status from command_open order by position") == [
        (first, "handed_over"),
        (second, "ready"),
    ]


async def test_a_batch_holds_commands_of_one_operation_and_entity(database: Database) -> None:
    world = World(database, operation("look_up", batch=3))
    for n in range(4):
        await world.want(f"po_{n}")
    await world.want("po_9", entity="CH")
    await Worker(world, "one").settle()
    assert sorted(len(set(body)) for body in world.partner.bodies if body) == [1, 1, 3]


async def test_bulk_does_not_starve_critical_and_critical_does_not_starve_bulk(database: Database) -> None:
    world = World(database, operation("person"))
    for n in range(60):
        await world.want(f"bulk_{n}", lane="bulk")
    for n in range(60):
        await world.want(f"critical_{n}", lane="critical")
    await Worker(world, "one").settle()
    subjects = {row[0]: row[1] for row in await world.all("select correlation, subject from command_closed")}
    lanes = [subjects[key].split("_")[0] for key in world.partner.order]
    assert lanes[:40].count("critical") >= 30
    assert lanes[:40].count("bulk") >= 1


async def test_a_released_command_that_may_have_been_done_begins_with_its_look_up(database: Database) -> None:
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    world.partner.fault = lambda request: "locked_out" if request.url.endswith("/do") else ""
    worker = Worker(world, "one")
    await worker.settle()
    assert world.settled == [(key, "handed_over")]
    world.partner.fault = lambda _: ""
    world.partner.calls.clear()
    await world.run("update command_open set status = 'ready', dispatch = null, actor = 'ana'")
    world.later(60)
    await worker.settle()
    assert "/do" not in world.partner.calls
    world.later(200)
    await worker.settle()
    assert world.settled[1:] == [(key, "done")]
    assert await world.all("select count(*) from dispatch") == [(0,)]


async def test_while_a_recovery_is_open_every_command_begins_with_its_look_up(database: Database) -> None:
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    world.partner.effects[key] = 1
    await world.want("po_2")
    await world.run("update deployment set epoch = 2")
    worker = Worker(world, "one")
    await worker.settle()
    assert "/do" not in world.partner.calls
    world.later(200)
    await worker.settle()
    assert sorted(kind for _, kind in world.settled) == ["adopted", "done"]


async def test_a_dead_workers_dispatch_moves_once_its_lease_and_its_calls_deadline_have_passed(
    database: Database,
) -> None:
    world = World(database, operation("their_key"), takes_keys=True)
    await world.want("po_1")
    dead = Worker(world, "one", Mortal(database, dies_at=8))  # slots 1-2, claim 3-4, start 5-6, write 7, effect, 8
    await dead.step()
    while not dead.mortal.dead:
        await dead.step()
    assert world.partner.effects.total() == 1
    await world.run(f"update attempt_call set deadline = '{START + timedelta(seconds=60)}'")
    heir = Worker(world, "two")
    for _ in range(6):
        await heir.settle()
        world.later(9)
        assert await world.all("select status from dispatch") == [("open",)]
    world.later(9)
    await heir.settle()
    assert [kind for _, kind in world.settled] == ["done"]
    assert world.partner.effects.total() == 1


async def test_a_zombie_that_wakes_after_its_lease_sends_nothing_and_writes_nothing(database: Database) -> None:
    world = World(database, operation("person"))
    await world.want("po_1")
    zombie = Worker(world, "one", Mortal(database, sleeps_at=6))
    while zombie.mortal.points < 6:
        await zombie.step()
    heir = Worker(world, "two")
    for _ in range(4):
        world.later(5)
        await heir.settle()
    assert [kind for _, kind in world.settled] == ["handed_over"]
    zombie.mortal.awake.set()
    while zombie.dispatcher.running:
        await zombie.step()
    assert world.partner.calls == []
    assert [kind for _, kind in world.settled] == ["handed_over"]
    assert await world.all("select count(*) from attempt_call where reply_receipt is not null") == [(0,)]


async def test_two_workers_share_the_slots(database: Database) -> None:
    world = World(database, operation("look_up"), slots=4)
    one, two = Worker(world, "one"), Worker(world, "two")
    await world.run(
        f"insert into worker (id, started_at, seen_at, versions) select x, '{START}', '{START}', '' "
        "from unnest(array['one', 'two']) x"
    )
    for worker in (one, two, one, two):
        await worker.step()
        world.later(2)
    assert [len(worker.slots.held("psp", world.now)) for worker in (one, two)] == [2, 2]


async def test_after_failures_in_a_row_the_breaker_opens_and_one_prober_closes_it(database: Database) -> None:
    world = World(database, operation("look_up"))
    for n in range(12):
        await world.want(f"po_{n}")
    world.partner.fault = lambda _: "unsent"
    worker, other = Worker(world, "one"), Worker(world, "two")
    await worker.settle()
    assert await world.all("select state, failures from breaker") == [("open", 1)]
    attempts = len(world.partner.calls)
    await other.settle()
    assert len(world.partner.calls) == attempts
    world.partner.fault = lambda _: ""
    world.later(16)
    await worker.slots.step(world.now)
    assert await worker.dispatcher._begin(worker.dispatcher._seats[0], world.now) == 1
    assert await world.all("select state from breaker") == [("half_open",)]
    for _ in range(6):
        await worker.settle()
        world.later(8)
    assert await world.all("select state from breaker") == [("closed",)]
    assert [kind for _, kind in world.settled] == ["done"] * 12


async def test_a_missing_right_hands_over_and_opens_the_breaker(database: Database) -> None:
    world = World(database, replace(operation("look_up"), batch=1))
    for n in range(3):
        await world.want(f"po_{n}")
    world.partner.fault = lambda _: "locked_out"
    await Worker(world, "one").settle()
    assert await world.all("select state from breaker") == [("open",)]
    assert {kind for _, kind in world.settled} == {"handed_over"}


async def test_a_dispatch_that_cannot_be_read_is_handed_over_and_stops_nothing_else(database: Database) -> None:
    world = World(database, operation("look_up"))
    broken, whole = await world.want("po_1"), await world.want("po_2")
    await world.run("update command_open set body = '{}' where subject = 'po_1'")
    await Worker(world, "one").settle()
    assert dict(world.settled) == {broken: "handed_over", whole: "done"}


FAULTS: Sequence[Fault] = (
    "",
    "",
    "",
    "",
    "busy",
    "unsent",
    "cut_before",
    "cut_after",
    "cut_late",
    "broken",
    "nonsense",
)


@pytest.mark.parametrize("way", ["look_up", "their_key"])
@pytest.mark.parametrize("block", range(5))
async def test_every_schedule_of_deaths_sleeps_and_faults_ends_in_one_effect_a_key(
    database: Database, way: Way, block: int
) -> None:
    for seed in range(block * 6, block * 6 + 6):
        await live(World(database, operation(way, batch=1 + seed % 3), way == "their_key", slots=1 + seed % 2), seed)


async def live(world: World, seed: int) -> None:
    """Two places for workers, in which one dies, sleeps or is replaced at any time; then quiet until all is done."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    wanted = [await world.want(f"s{seed}_{n // 2}", f"step{n % 2}") for n in range(8)]
    world.partner.fault = lambda _: chance.choice(FAULTS)
    workers: list[Worker] = []
    sleepers: list[Worker] = []

    def hire() -> Worker:
        fate = chance.randrange(3)
        at = chance.randrange(3, 40)
        mortal = Mortal(world.database, dies_at=at if fate == 0 else 0, sleeps_at=at if fate == 1 else 0)
        return Worker(world, f"w{seed}-{chance.random()}", mortal)

    workers = [hire(), hire()]
    for _ in range(60):
        place = chance.randrange(2)
        await workers[place].poke()
        await world.absorb()
        if workers[place].mortal.dead or workers[place].mortal.asleep or chance.random() < 0.05:
            sleepers.append(workers[place])
            workers[place] = hire()
        if chance.random() < 0.5:
            world.later(chance.choice([1, 3, 11, 40]))
    world.partner.fault = lambda _: ""
    last = Worker(world, f"last{seed}")
    old = [*sleepers, *workers]
    for _ in range(200):
        for worker in old:
            worker.mortal.awake.set()
            await worker.dispatcher._moment()
        await last.settle()
        if not await world.all("select 1 from command_open limit 1"):
            break
        world.later(5)
    for worker in (*old, last):
        await worker.dispatcher.stop()
        await asyncio.gather(*[worker.stepping] if worker.stepping else [])
    check(world, seed, wanted)
    await world.run("truncate command_open, dispatch, dispatch_member, lease, breaker, arrival")


def check(world: World, seed: int, wanted: Sequence[str]) -> None:
    assert world.partner.catch_up() == dict.fromkeys(wanted, 1), seed
    assert sorted(key for key, _ in world.settled) == sorted(wanted), seed
    assert {kind for _, kind in world.settled} <= {"done", "adopted"}, seed
    for first, second in zip(wanted[::2], wanted[1::2], strict=True):
        assert world.partner.order.index(first) < world.partner.order.index(second), seed
