"""A house that is flooded: door and workers as processes, a provider's payments, and who watches all of it.

Limits are so low that seconds fill them, business time runs like the machine's, and the ERP takes so many calls a
second: what it takes is all that the house can get rid of.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import psycopg

from nostro.sandbox.faults import Outage
from nostro.sandbox.psp import Psp
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import ENTITIES, ODOO, START
from tests.crash.flood import event, exchange, request
from tests.crash.living import Days, days
from tests.crash.processes import BREATH_SECONDS, DOOR, WORKERS, Processes
from tests.crash.releases import HERE, changed, copied

CH, US = ENTITIES[1].psp, ENTITIES[2].psp
"""Who floods, and whose news is critical."""
CONNECTIONS = 16
"""Of the flood. As many requests may be under way at the door while it measures."""
CALLS_PER_SECOND, SLOTS = 60, 2
"""What the ERP takes, over both workers."""
READINGS, CRITICAL, ARRIVALS, BULK, COMMANDS = 50, 200, 50, 150, 25
"""The limits here: receipts unread, facts on the critical, standard and bulk lane, commands for one connection."""
TICK_SECONDS = 0.01
FULL_SECONDS, FULL_PATIENCE_SECONDS = 2.0, 30.0
"""So long the flood goes on at a limit that is reached; and how long it may take until then."""
CHANGES = {
    "ingress/limits.py": (
        "(50_000, 200_000, 1_000_000)  # per lane: critical, standard, bulk\n    readings: int = 50_000",
        f"({CRITICAL}, {ARRIVALS}, {BULK})\n    readings: int = {READINGS}",
    ),
}
FEWER_COMMANDS = {"ingress/limits.py": ("commands: int = 500_000", f"commands: int = {COMMANDS}")}
QUEUES = ["reading", "arrival", "command_open", "dispatch", "dispatch_member", "parked", "deadline"]
WAITING = """
    select (select count(*) from reading), (select count(*) from arrival where lane = 0),
      (select count(*) from arrival where lane = 1), (select count(*) from arrival where lane = 2),
      (select count(*) from command_open where connection = 'odoo' and status = 'ready')
"""
SIZES = """
    select sum(pg_total_relation_size(relid))::bigint, sum(n_dead_tup)::bigint from pg_stat_user_tables
    where relname = any(%s)
"""
DECIDED = "select subject from subject where process = 'payout' and lane = 0 and subject = any(%s)"
HOLDING = """
    select count(*) from pg_stat_activity
    where backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()
"""
READY = "select count(*) from command_open where connection = 'odoo' and status = 'ready'"
KNOWN = "select count(*) from subject where process = 'collection'"
BOOKED = "select count(*) from command_closed where connection = 'odoo' and operation = 'register_customer_payment'"


@dataclass
class Watch:
    """What was seen while it went on: the most of everything, and how long critical news took."""

    most: dict[str, int] = field(default_factory=dict)
    sent: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    calls: list[tuple[float, int]] = field(default_factory=list)
    """When the ERP had been called how often."""
    refused: int = 0
    away_seconds: float = 0.0
    """How long the ERP took no call."""
    late_seconds: float = 0.0
    """By how much at most this process was late, in which the ERP hears of calls: it shares two processors."""
    stop: bool = False

    def saw(self, name: str, count: int) -> None:
        """Keep the most."""
        self.most[name] = max(count, self.most.get(name, 0))

    @property
    def p99(self) -> float:
        """Of the critical news, from sending to decided."""
        took = sorted(self.took.values())
        return took[int(len(took) * 0.99)]

    def beyond(self, rate: float) -> float:
        """By how many calls the ERP was called more than a rate allows, at most, in any span of time."""
        over = [count - rate * at for at, count in self.calls]
        return max(each - least for each, least in zip(over, accumulate(over, min), strict=True))


@dataclass
class Scene:
    """The house, and the one connection by which the test looks into its database."""

    made: Days
    eyes: psycopg.AsyncConnection[Any]

    @property
    def house(self) -> Processes:
        """The processes."""
        return self.made.house

    def url(self, name: str) -> str:
        """Where a provider's webhooks go."""
        return f"http://127.0.0.1:{self.house.grounds.door}/in/stripe-{name}"

    async def rows(self, query: str, *given: object) -> list[Any]:
        """What the database says."""
        return await (await self.eyes.execute(query.encode(), given)).fetchall()

    async def count(self, query: str) -> int:
        """One number that it says."""
        return int((await self.rows(query))[0][0])

    def pay(self, numbers: Iterable[int]) -> list[bytes]:
        """So many invoices are paid by card; the events that the provider tells of it, each once."""
        psp = self.made.sandbox.world.systems[ENTITIES[1].psp_path]
        assert isinstance(psp, Psp)
        before = len(psp.events.events)
        self.made.happen(f"card/CH-C-{number:03d}" for number in numbers)
        told = psp.events.events[before:]
        return [json.dumps(each).encode() for each in told if each["type"] == "charge.succeeded"]

    async def flood(self, events: Sequence[bytes], rate: float, seconds: float) -> dict[str, Any]:
        """A flood to its end."""
        words = (self.url(CH.name), CH.webhook_secrets[0], self.made.now.isoformat(), CONNECTIONS, rate, seconds)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.crash.flood", *map(str, words)),
            cwd=HERE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            told, _ = await child.communicate(b"\n".join(events))
        finally:
            with suppress(ProcessLookupError):
                child.kill()
        assert child.returncode == 0
        return dict(json.loads(told))


@asynccontextmanager
async def scene(folder: Path, invoices: int) -> AsyncIterator[Scene]:
    """Door and workers with low limits; one provider's news is critical. Nothing goes wrong by itself."""
    async with days(folder, 1, START, START, ()) as made:
        made.scenario = Scenario(1, -(-invoices // 8))
        source = await asyncio.to_thread(copied, folder / "low")
        changed(source, CHANGES)
        changed(source, FEWER_COMMANDS)
        _landscape(made.house.grounds.landscape)
        made.house.sources = dict.fromkeys((DOOR, *WORKERS, ""), source)
        for path, faulty in made.sandbox.world.faulty.items():
            made.sandbox.world.set_faults(path, replace(faulty.plan.off(), webhook_lost=1.0))
        made.happen(f"{kind}CH-C-{number:03d}" for number in range(invoices) for kind in ("partner/", ""))
        await made.all_up((DOOR, *WORKERS))
        async with await psycopg.AsyncConnection.connect(made.house.url(), autocommit=True) as eyes:
            there = Scene(made, eyes)
            passing = asyncio.create_task(_time_passes(made))
            try:
                while await there.count(KNOWN) < invoices:
                    made.house.supervise()
                    await asyncio.sleep(BREATH_SECONDS)
                yield there
            finally:
                passing.cancel()


def _landscape(landscape: Path) -> None:
    cards = landscape / "interfaces" / f"cards-{US.name}.yaml"
    cards.write_text(f"{cards.read_text()}lane: critical\n")
    odoo = landscape / "connections" / "odoo.yaml"
    odoo.write_text(
        f"{odoo.read_text()}slots: {SLOTS}\ncalls_per_second: {CALLS_PER_SECOND}\nconcurrency: {8 * SLOTS}\n"
    )


async def _time_passes(made: Days) -> None:
    """Business time runs as fast as the machine's."""
    at, began = made.now, time.monotonic()
    while True:
        now = at.fromtimestamp(at.timestamp() + time.monotonic() - began, at.tzinfo)
        made.sandbox.world.advance(max(made.now, now))
        made.house.tell(made.now)
        await asyncio.sleep(BREATH_SECONDS)


async def tell_critical(there: Scene, watch: Watch, rest: float, most: int = 0) -> None:
    """One critical event after the other, with a rest between them; none waits for the one before to be decided."""
    reader, writer = await asyncio.open_connection("127.0.0.1", there.house.grounds.door)
    while not watch.stop and not (most and len(watch.sent) >= most):
        ident = f"c{most}n{len(watch.sent):05}"
        watch.sent[f"po_{ident}"] = time.monotonic()
        sent = request(there.url(US.name), US.webhook_secrets[0], there.made.now, event(ident, "usd"))
        status, _, _ = await exchange(reader, writer, sent)
        watch.refused += status != 200
        await asyncio.sleep(rest)
    writer.close()


async def look(there: Scene, watch: Watch, patience_seconds: float) -> None:
    """Until everything critical that was sent is decided and the flood is over."""
    until = time.monotonic() + patience_seconds
    being_late = asyncio.create_task(_late(watch))
    try:
        await _look(there, watch, until)
    finally:
        being_late.cancel()


async def _late(watch: Watch) -> None:
    """How late this process is, for good."""
    while True:
        due = time.monotonic() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        watch.late_seconds = max(watch.late_seconds, time.monotonic() - due)


async def _look(there: Scene, watch: Watch, until: float) -> None:
    while not watch.stop or len(watch.took) + watch.refused < len(watch.sent):
        undecided = sorted(watch.sent.keys() - watch.took.keys())
        assert time.monotonic() < until, f"undecided: {undecided}"
        there.house.supervise()
        for (subject,) in await there.rows(DECIDED, [f"stripe-{US.name}/{ident}" for ident in undecided]):
            ident = str(subject).rpartition("/")[2]
            watch.took[ident] = time.monotonic() - watch.sent[ident]
        await _measure(there, watch)
        await asyncio.sleep(BREATH_SECONDS)


async def _measure(there: Scene, watch: Watch) -> None:
    watch.calls.append((time.monotonic(), there.made.sandbox.world.faulty[ODOO].met.total()))
    [waiting] = await there.rows(WAITING)
    [sizes] = await there.rows(SIZES, QUEUES)
    names = ("readings", "critical", "standard", "bulk", "commands", "bytes", "dead_rows")
    for name, number in zip(names, (*waiting, *sizes), strict=True):
        watch.saw(name, number)
    for name in (DOOR, *WORKERS):
        watch.saw(name, rss(there.house, name))


def processors(there: Scene) -> tuple[float, float]:
    """Seconds that the processors have worked so far: for whom ever, and for the house, its flood and this test."""
    busy = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    children = getrusage(RUSAGE_CHILDREN)
    ours = there.house.processor_seconds() + time.process_time() + children.ru_utime + children.ru_stime
    return (sum(busy[:3]) + sum(busy[5:8])) / os.sysconf("SC_CLK_TCK"), ours


@asynccontextmanager
async def without_erp(there: Scene) -> AsyncIterator[None]:
    """It refuses meanwhile, and until somebody has noticed."""
    world = there.made.sandbox.world
    faulty = world.faulty[ODOO]
    away = Outage(there.made.now, there.made.now + timedelta(days=1), refused=True)
    world.set_faults(ODOO, replace(faulty.plan, outages=(away,)))
    yield
    while not faulty.met["outage"]:  # noqa: ASYNC110 - a counter sets no event
        await asyncio.sleep(BREATH_SECONDS)
    world.set_faults(ODOO, replace(faulty.plan, outages=()))


async def asleep(there: Scene) -> None:
    """The workers stand still, with nothing left to send: that would keep the door shut. And between two transactions:
    what a frozen one has locked might hold up the door.
    """
    while await there.count(READY):  # noqa: ASYNC110 - a row sets no event
        await asyncio.sleep(BREATH_SECONDS)
    holding = True
    while holding:
        _signal(there, signal.SIGSTOP)
        await asyncio.sleep(BREATH_SECONDS)
        if holding := await there.count(HOLDING) > 0:
            awake(there)
            await asyncio.sleep(BREATH_SECONDS)


def awake(there: Scene) -> None:
    """They work on where they were."""
    _signal(there, signal.SIGCONT)


def _signal(there: Scene, what: signal.Signals) -> None:
    for name in WORKERS:
        there.house.running[name].send_signal(what)


async def pressed(there: Scene, watch: Watch) -> None:
    """The door takes what it may while nobody reads, and is flooded on when that is reached."""
    until = time.monotonic() + FULL_PATIENCE_SECONDS
    while watch.most["readings"] < READINGS:
        assert time.monotonic() < until, watch.most
        await asyncio.sleep(BREATH_SECONDS)
    await asyncio.sleep(FULL_SECONDS)
    awake(there)


def rss(house: Processes, name: str) -> int:
    """Bytes of a process in memory."""
    with suppress(OSError):
        lines = Path(f"/proc/{house.running[name].pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
    return 0
