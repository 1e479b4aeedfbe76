"""A house of processes that lives through days of the sandbox's business, and what has to be right at their end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from nostro.egress.drive import WRITE_SECONDS
from nostro.projections.worklist import open_cases, waiting_commands
from nostro.runtime.demo.judge import judge
from nostro.runtime.demo.landscape import LATE_EFFECTS_SECONDS
from nostro.sandbox.judgement import intended
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.server import Server
from nostro.sandbox.stage import MONDAY, ODOO
from nostro.store.database import Database
from tests.crash.judging import flaws
from tests.crash.processes import (
    BREATH_SECONDS,
    DOOR,
    WORKERS,
    Disk,
    Further,
    Processes,
    empty_grounds,
    nothing_further,
    processes,
)
from tests.simulation.handed_over import unexplained
from tests.simulation.judging import UNDER_WAY

LEAP = timedelta(minutes=10)
"""How far business time goes at once when nobody has anything to do."""
PACE = 600
"""How much faster business time runs while somebody has."""
MOMENT = timedelta(seconds=1)
"""How far business goes between two looks at what takes longer than its part of the day."""
SETTLING = timedelta(hours=12)
LOOKS, TURN_SECONDS = 3, 1.0
SLACK_SECONDS = PACE * WRITE_SECONDS + int(LEAP.total_seconds())
"""How far business time can run on between the note that a call begins and its arrival: so much later is it certain
that a call which nobody answered did not happen. In earnest both clocks are one and this is nothing.
"""
BUSY = """
    with shut as (select connection from breaker where state = 'open' and until > %(now)s)
    select (select count(*) from reading where run_at <= %(now)s) + (select count(*) from arrival)
    + (select count(*) from command_open where status = 'ready' and run_at <= %(now)s
       and connection not in (table shut))
    + (select count(*) from dispatch where connection not in (table shut)
       and (status = 'open' or (status = 'waiting' and run_at <= %(now)s)))
    + (select count(*) from feed where run_at <= %(now)s - interval '30 minutes' and connection not in (table shut))
"""
LEFT = {
    "receipts to be read": "select count(*) from reading",
    "arrivals": "select count(*) from arrival",
    "commands under way": UNDER_WAY.format("unsent"),
    "open dispatches": "select count(*) from dispatch where status <> 'closed'",
    "poisoned subjects": "select count(*) from subject where poisoned <> ''",
    "facts set aside for them": "select count(*) from parked where kind = 'poison'",
    "feeds to be polled": """
    select count(*) from feed where run_at <= %(now)s - interval '30 minutes'
    and connection not in (select connection from stop) and (select quarantine from deployment) = ''""",
}
"""A poll that hangs as long as its call may takes seconds, in which hours of business pass: nothing of it is lost."""


@dataclass
class Days:
    """The world, the house in it, and the way through the days."""

    sandbox: Server
    scenario: Scenario
    house: Processes
    closes: datetime
    """When everything that is judged is in."""

    @property
    def now(self) -> datetime:
        """Business time."""
        return self.sandbox.world.now

    def ends_of(self, rounds: int) -> list[datetime]:
        """Instants of business that divide the script into so many parts, each of which begins with some; and the end.

        Raises `AssertionError` when there are more rounds than instants.
        """
        instants = sorted({act.at for act in self.scenario.script})
        assert rounds <= len(instants), f"{rounds} rounds in {len(instants)} instants of business"
        return [*(instants[len(instants) * n // rounds] for n in range(1, rounds)), self.closes]

    async def through(self, happening: Coroutine[None, None, None], until: datetime) -> None:
        """Business goes on while it happens: until then, and until it has passed."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(happening)
            await self.to(until)
            while not task.done():
                await self.to(self.now + MOMENT)

    async def to(self, until: datetime) -> None:
        """Live until then: in leaps while all is quiet, else slowly, and never while the database is away."""
        moved = time.monotonic()
        while self.now < until:
            self.house.supervise()
            things = await self.under_way()
            passed, moved = time.monotonic() - moved, time.monotonic()
            if things is not None:
                due = self.sandbox.world.next_due() or until
                step = min(due - self.now, LEAP, timedelta(seconds=PACE * passed) if things else LEAP)
                self.sandbox.world.advance(min(until, self.now + max(step, timedelta(milliseconds=1))))
                self.house.tell(self.now)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.sandbox.settle(), BREATH_SECONDS)
            await asyncio.sleep(BREATH_SECONDS / 4 if things == 0 else BREATH_SECONDS)

    async def under_way(self, question: str = BUSY) -> int | None:
        """How much the house has to do now; None while nobody can say."""
        try:
            async with await psycopg.AsyncConnection.connect(self.house.url(), connect_timeout=5) as connection:
                row = await (await connection.execute(question.encode(), {"now": self.now})).fetchone()
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            return None
        return int(row[0]) if row else 0

    def happen(self, names: Iterable[str]) -> None:
        """Acts of the scenario, now."""
        acts = {act.name: act for act in self.scenario.script}
        for act in map(acts.__getitem__, names):
            self.sandbox.world.act(act.system, act.op, act.name)

    async def all_up(self, names: Sequence[str]) -> None:
        """Start parts, until they have said that they are up."""
        for name in names:
            self.house.start(name)
        while not all(map(self.house.is_up, names)):
            self.house.supervise()
            await asyncio.sleep(BREATH_SECONDS)

    async def settled(self) -> dict[str, int | None]:
        """Go on until nothing is under way although every loop has had its turn, or too long; what is left then."""
        until, looks = self.now + SETTLING, 0
        while looks < LOOKS:
            left = await self.left()
            looks = 0 if any(each != 0 for each in left.values()) else looks + 1
            if self.now >= until:
                return left
            if looks == 0:
                await self.to(self.now + LEAP)
            await asyncio.sleep(TURN_SECONDS)
        return left

    async def judged(self, until: date) -> None:
        """Everything settles and ends. Nothing is doubled, and nothing lost but what an open case says of just that
        effect that nobody knows it; in no system's books anything stands twice, on no account is another amount, and
        what was acknowledged is kept; and the house's own word is that all is proved.
        """
        left = await self.settled()
        assert set(left.values()) == {0}, left
        async with Database(self.house.url()) as database:
            commands, cases = await waiting_commands(database), await open_cases(database)
        await asyncio.to_thread(self.house.end)
        wish, outside = intended(self.scenario, self.sandbox.world), self.sandbox.world.books()["systems"]
        assert until < MONDAY or any(one["booking_date"] == until.isoformat() for one in wish["movements"])
        verdict = judge(wish, outside[ODOO], until)
        assert (verdict.doubled, verdict.misdated) == ((), ())
        told = [(case.subject, case.reason, case.sentence) for case in cases]
        lost = list(unexplained(verdict.lost, commands, cases))
        assert lost == [], (lost, told)
        async with Database(self.house.url()) as database:
            assert [flaw async for flaw in flaws(database, self.sandbox.world)] == []
        differing = await self.differing()
        assert differing == [], (differing, told)
        await asyncio.to_thread(prove, self.house)

    async def differing(self) -> list[str]:
        """What the house says otherwise than the books of the systems outside."""
        outside = self.sandbox.world.books()["systems"]
        return list(await asyncio.to_thread(self.house.told_by, "tests.crash.judging", outside))

    async def left(self) -> dict[str, int | None]:
        """What should have ended."""
        return {name: await self.under_way(question) for name, question in LEFT.items()}

    async def decided(self) -> int | None:
        """How many facts there are; None while nobody can say."""
        return await self.under_way("select coalesce(sum(position), 0) from shard")


@contextlib.asynccontextmanager
async def days(  # noqa: PLR0913 - a life has this many parts, and those of few are named
    folder: Path,
    seed: int,
    until: datetime,
    closes: datetime,
    parts: Sequence[str] = (DOOR, *WORKERS),
    *,
    disk: Disk = contextlib.nullcontext,
    further: Further = nothing_further,
) -> AsyncIterator[Days]:
    """The morning of the first day: everything starts, and nothing has happened yet. `until`: the end of the script, in
    which `further` things may be written.
    """
    grounds, sandbox, scenario = empty_grounds(folder, seed, until, further)
    connection = grounds.landscape / "connections" / "odoo.yaml"
    for_late = "_seconds: {}\n".format  # not a number by itself, which a port may have in it
    text = connection.read_text()
    assert for_late(LATE_EFFECTS_SECONDS) in text
    connection.write_text(text.replace(for_late(LATE_EFFECTS_SECONDS), for_late(120 + SLACK_SECONDS)))
    with processes(grounds, sandbox.world.now, disk) as house:
        await sandbox.start()
        try:
            for name in parts:
                house.start(name)
            yield Days(sandbox, scenario, house, closes)
        finally:
            await sandbox.stop()


def lives(seed: int, number: int, at_most: int) -> list[tuple[int, int]]:
    """So many of something in lives of at most so many: the seed and the number of each."""
    return [(seed + done // at_most, min(at_most, number - done)) for done in range(0, number, at_most)]


def prove(house: Processes) -> None:
    """The house's own word, by its commands."""
    assert house.run("audit", "verify")["findings"] == []
    assert house.run("replay", "--check")["differences"] == []
    replayed = house.run("replay")
    assert replayed["facts"] > 0
    assert (replayed["differing"], replayed["differences"]) == (0, [])
    sums = house.run("transit")["sums"]
    assert sums
    assert not any(Decimal(money["value"]) for money in sums), sums
    for failure in ("drive_failed", "step_failed"):
        assert house.said(failure) == []
