"""Ten times more comes in than the house can take, and it stays itself: bounded, fair to what is critical, and whole.

Door and worker are processes, with limits so low that seconds fill them. `NOSTRO_OVERLOAD_SECONDS` says how long the
flood lasts: 12 by default.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nostro.sandbox.bank.camt import Message, write
from nostro.sandbox.bank.ledger import Entry, Transfer
from nostro.sandbox.stage import ENTITIES, START
from tests.crash.flood import event, exchange, request
from tests.crash.living import LEFT, Days, days
from tests.crash.processes import BREATH_SECONDS, DOOR, WORKERS, Processes
from tests.crash.releases import HERE, changed, copied

SECONDS = float(os.environ.get("NOSTRO_OVERLOAD_SECONDS", "12"))
WORKER = WORKERS[0]
DE, US = ENTITIES[0].psp, ENTITIES[2].psp
"""Who floods, and whose news is critical."""
CONNECTIONS = 48
WARM = 100
READINGS, ARRIVALS, BULK = 200, 200, 500
"""The limits here: receipts unread, facts on the standard lane, facts on the bulk lane."""
BATCH = 500
"""As much more may wait: what one step reads, or what is under way at the door between two measures."""
CRITICAL_SECONDS, TIMES_QUIET = 5.0, 20
"""The bound for the critical lane's p99, from sending to decided, on two quiet cores; where even a quiet house takes
long, so many times its time.
"""
RSS_GROWTH_BYTES = 96 * 1024**2
ENTRIES = 1_500
TIMES = 10
"""So much more is sent than is drained meanwhile."""
PATIENCE_SECONDS = 240 + 2 * SECONDS
CHANGES = {
    "ingress/limits.py": (
        "(50_000, 200_000, 1_000_000)  # per lane: critical, standard, bulk\n    readings: int = 50_000",
        f"(200, {ARRIVALS}, {BULK})\n    readings: int = {READINGS}",
    ),
    "ingress/reading.py": ("OPEN_AT_ONCE = (16, 32, 4)", "OPEN_AT_ONCE = (16, 1, 1)"),
}
"""A worker that opens one ordinary receipt at a time: a flood of ten times what it can take is soon made."""
WAITING = """
    select (select count(*) from reading), (select count(*) from arrival where lane = 0),
      (select count(*) from arrival where lane = 1), (select count(*) from arrival where lane = 2)
"""
DECIDED = "select subject from subject where process = 'payout' and lane = 0"
KEPT = "select event_id, encode(id, 'hex') from receipt where kind = 'webhook' and connection = %s"
READ = "select subject from subject where process = 'receipt'"
ENDED = "select subject from subject where process = 'payout'"
CASES = "select reason, sentence from exception_case"


@dataclass
class Watch:
    """What was seen while it went on: the most of everything, and how long critical news took."""

    most: dict[str, int] = field(default_factory=dict)
    sent: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    stop: bool = False

    def saw(self, name: str, count: int) -> None:
        """Keep the most."""
        self.most[name] = max(count, self.most.get(name, 0))


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

    async def flood(self, events: int, seconds: float) -> dict[str, Any]:
        """A flood to its end."""
        words = (self.url(DE.name), DE.webhook_secrets[0], START.isoformat(), CONNECTIONS, events, seconds)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.crash.flood", *map(str, words)), cwd=HERE, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await child.communicate()
        assert child.returncode == 0
        return dict(json.loads(told))

    async def drained(self) -> None:
        """Nothing is under way any more."""
        until = time.monotonic() + PATIENCE_SECONDS
        while any(left := [row[0] for query in LEFT.values() for row in await self.rows(query)]):
            assert time.monotonic() < until, f"it did not drain: {dict(zip(LEFT, left, strict=True))}"
            self.house.supervise()
            await asyncio.sleep(BREATH_SECONDS)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Door and worker with low limits; one provider's news is critical. Business time stands still."""
    async with days(folder, 1, START, START, ()) as made:
        source = await asyncio.to_thread(copied, folder / "low")
        changed(source, CHANGES)
        cards = made.house.grounds.landscape / "interfaces" / f"cards-{US.name}.yaml"
        cards.write_text(f"{cards.read_text()}lane: critical\n")
        made.house.sources = dict.fromkeys((DOOR, WORKER, ""), source)
        for name in (DOOR, WORKER):
            made.house.start(name)
        while not all(map(made.house.is_up, (DOOR, WORKER))):
            made.house.supervise()
            await asyncio.sleep(BREATH_SECONDS)
        async with await psycopg.AsyncConnection.connect(made.house.url(), autocommit=True) as eyes:
            yield Scene(made, eyes)


def report() -> bytes:
    """An intraday report so large that it is read on the bulk lane; all of its entries are pending."""
    account = ENTITIES[0].account
    entries = [
        Entry(
            account,
            (Transfer(100 + n, end_to_end=f"E2E-{n:06}"),),
            ("PMNT", "RCDT", "ESCT"),
            "credit",
            START,
            credit=True,
            number=n,
        )
        for n in range(ENTRIES)
    ]
    return write(Message("052", account, "M-BULK", "R-BULK", START, (START, START), entries))


async def tell_critical(there: Scene, watch: Watch, rest: float, most: int = 0) -> None:
    """One critical event after the other, with a rest between them; none waits for the one before to be decided."""
    reader, writer = await asyncio.open_connection("127.0.0.1", there.house.grounds.door)
    while not watch.stop and not (most and len(watch.sent) >= most):
        ident = f"c{rest}n{len(watch.sent):05}".replace(".", "")
        watch.sent[f"po_{ident}"] = time.monotonic()
        sent = request(there.url(US.name), US.webhook_secrets[0], START, event(ident, "usd"))
        status, _, _ = await exchange(reader, writer, sent)
        watch.refused += status != 200
        await asyncio.sleep(rest)
    writer.close()


async def look(there: Scene, watch: Watch) -> None:
    """Until everything critical that was sent is decided and the flood is over."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not watch.stop or len(watch.took) + watch.refused < len(watch.sent):
        assert time.monotonic() < until, f"undecided: {watch.sent.keys() - watch.took.keys()}"
        there.house.supervise()
        for (subject,) in await there.rows(DECIDED):
            ident = str(subject).rpartition("/")[2]
            if ident in watch.sent and ident not in watch.took:
                watch.took[ident] = time.monotonic() - watch.sent[ident]
        [waiting] = await there.rows(WAITING)
        for name, number in zip(("readings", "critical", "standard", "bulk"), waiting, strict=True):
            watch.saw(name, number)
        for name in (DOOR, WORKER):
            watch.saw(name, rss(there.house, name))
        await asyncio.sleep(BREATH_SECONDS)


def rss(house: Processes, name: str) -> int:
    """Bytes of a process in memory."""
    with suppress(OSError):
        lines = Path(f"/proc/{house.running[name].pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
    return 0


async def quiet(there: Scene) -> tuple[float, dict[str, Any], float]:
    """Before the flood: how long critical news takes, what was sent, and how many receipts a second go through."""
    calm = Watch()
    looking = asyncio.create_task(look(there, calm))
    await tell_critical(there, calm, 0.1, 10)
    calm.stop = True
    await looking
    began = time.monotonic()
    warm = await there.flood(WARM, 0)
    await there.drained()
    return max(calm.took.values()), warm, len(warm["acknowledged"]) / (time.monotonic() - began)


@pytest.mark.timeout(240 + 4 * PATIENCE_SECONDS)
def test_a_house_that_is_flooded_stays_bounded_and_whole_and_recovers_by_itself(tmp_path: Path) -> None:
    asyncio.run(_flooded(tmp_path))


async def _flooded(folder: Path) -> None:
    async with scene(folder) as there:
        calm_seconds, warm, drain = await quiet(there)
        before = {name: rss(there.house, name) for name in (DOOR, WORKER)}
        watch = Watch()
        looking = asyncio.create_task(look(there, watch))
        critical = asyncio.create_task(tell_critical(there, watch, 0.1))
        (there.house.grounds.files / DE.name / "bulk.xml").write_bytes(report())
        told = await there.flood(0, SECONDS)
        watch.stop = True
        left = sum(count for (count,) in await there.rows("select count(*) from reading where lane = 1"))
        await asyncio.gather(looking, critical)
        await there.drained()
        took = sorted(watch.took.values())
        p99 = took[int(len(took) * 0.99)]
        drained = len(told["acknowledged"]) - left
        figures = {
            "drain": drain,
            "sent": told["sent"],
            "drained": drained,
            "seconds": told["seconds"],
            "p99": p99,
            "quiet": calm_seconds,
            "most": watch.most,
        }
        figures |= {"statuses": told["statuses"], "before": before, "critical": len(took)}
        (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
        assert set(told["statuses"]) == {"200", "503"}, told["statuses"]
        assert told["without_retry_after"] == watch.refused == 0
        assert told["sent"] >= TIMES * drained, figures
        assert p99 <= max(CRITICAL_SECONDS, TIMES_QUIET * calm_seconds), figures
        assert watch.most["readings"] <= READINGS + BATCH, figures
        assert watch.most["standard"] <= ARRIVALS + BATCH, figures
        assert watch.most["bulk"] <= BULK + BATCH, figures
        assert all(watch.most[name] <= before[name] + RSS_GROWTH_BYTES for name in before), figures
        await _whole(there, warm["acknowledged"] | told["acknowledged"])
        await asyncio.to_thread(there.house.end)
        assert there.house.said("step_failed") == []


async def _whole(there: Scene, acknowledged: dict[str, str]) -> None:
    """What was acknowledged is there, was read and decided; and nothing became a case."""
    kept = dict(await there.rows(KEPT, f"stripe-{DE.name}"))
    assert {event: kept.get(event) for event in acknowledged} == acknowledged
    read = {row[0] for row in await there.rows(READ)}
    assert set(acknowledged.values()) <= read
    ended = {row[0] for row in await there.rows(ENDED)}
    assert {f"stripe-{DE.name}/{name.replace('evt_', 'po_')}" for name in acknowledged} <= ended
    assert await there.rows(CASES) == []
