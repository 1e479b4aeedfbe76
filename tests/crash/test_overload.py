"""Ten times more comes in than the house can take, while the ERP is down for a while, and it stays itself.

First it is measured what the house takes for good; then it is offered ten times as much. `NOSTRO_OVERLOAD_SECONDS` says
how long: 12 by default. The books of the ERP are the judge of what was lost or doubled.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nostro.egress.breaker import COOL_SECONDS
from nostro.sandbox.bank.camt import Message, write
from nostro.sandbox.bank.ledger import Entry, Transfer
from nostro.sandbox.stage import ENTITIES, MONDAY, ODOO, START
from tests.crash.living import prove
from tests.crash.overload import (
    ARRIVALS,
    BOOKED,
    BULK,
    CALLS_PER_SECOND,
    CH,
    COMMANDS,
    CONNECTIONS,
    CRITICAL,
    READINGS,
    Scene,
    Watch,
    asleep,
    look,
    pressed,
    processors,
    rss,
    scene,
    tell_critical,
    without_erp,
)
from tests.crash.processes import BREATH_SECONDS, DOOR, WORKERS

SECONDS = float(os.environ.get("NOSTRO_OVERLOAD_SECONDS", "12"))
TIMES = 10
"""So much more is offered than is sustainable."""
HEARD_LATE_SECONDS = 0.1
"""So much later the ERP may count a call than it left: it shares two processors with the flood. `heard_late` among the
figures says by how much its process was late at most.
"""
WARM, ENOUGH, A_SECOND = 30, 100, 12
"""Payments: of the measure, what a flood fills at its beginning, and the most that it needs a second."""
UNREAD = READINGS + CONNECTIONS
"""The most receipts unread: a measure overlooks those that are under way at the door."""
OPEN = COMMANDS + UNREAD + len(WORKERS) * ARRIVALS
"""The most commands open: with those of what is on its way when the door closes, unread and read but undecided."""
NEWS_SECONDS = 0.1
"""Between two pieces of critical news."""
FACTS = 2
"""Of a piece of news: itself, and that its receipt was read."""
A_SECONDS_NEWS = int(FACTS / NEWS_SECONDS)
MOST = {
    "readings": UNREAD + 5,  # and a few polls
    "critical": CRITICAL + len(WORKERS) * A_SECONDS_NEWS,  # each learns of the other's by the next measure
    # Each worker counts its own; and what has ended tells it there: receipts, commands.
    "standard": len(WORKERS) * ARRIVALS + UNREAD + OPEN,
    "bulk": len(WORKERS) * (BULK + 100),  # and a step's
    "commands": OPEN,
}
"""What may wait at the most, in rows. Receipts pass it where they have no limit, since nobody reads for a while, and
commands, since the ERP is away; facts only where deciding is slower than reading.
"""
CRITICAL_SECONDS = 5.0
"""The bound for the critical lane's p99, from sending to decided, where the processors work for this house alone; where
they have other work, so many times as much as they do in all for what they do here.
"""
RECOVERING_TIMES = 3
"""So many times as long as it would take by the measured rate the house may take for what is left. It is asked at that
rate and no faster, and refuses up to every other time, since a door that has closed opens by the next measure; and the
machine may have more other work than while the rate was measured.
"""
RSS_GROWTH_BYTES = 96 * 1024**2
ENTRIES = 1_500
VERSIONS, VACUUMED_SECONDS = 8, 120
"""How often a row of a queue is written anew, and when at the latest the database has taken old ones away."""
ROW_BYTES = 2_048
PATIENCE_SECONDS = 120 + 2 * SECONDS
KEPT = "select event_id, encode(id, 'hex') from receipt where kind = 'webhook' and connection = %s"
READ = "select subject from subject where process = 'receipt'"
CASES = "select reason, sentence from exception_case where closed_at is null"


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


async def sustainable(there: Scene) -> tuple[float, dict[str, Any]]:
    """How many payments a second stand in the ERP in the end, while there are always more; and what was sent."""
    events, seen = there.pay(range(WARM)), list[tuple[float, int]]()
    flood = asyncio.create_task(there.flood(events, 1_000, 0))
    until = time.monotonic() + PATIENCE_SECONDS
    while not seen or seen[-1][1] < WARM:
        assert time.monotonic() < until, f"{seen[-1:]} of {WARM} were booked"
        seen.append((time.monotonic(), await there.count(BOOKED)))
        await asyncio.sleep(BREATH_SECONDS)
    steady = [(at, booked) for at, booked in seen if WARM // 5 <= booked <= WARM * 4 // 5]
    (first, few), (last, many) = steady[0], steady[-1]
    return (many - few) / (last - first), await flood


async def quiet(there: Scene) -> float:
    """The critical lane's p99 before the flood."""
    calm = Watch()
    looking = asyncio.create_task(look(there, calm, PATIENCE_SECONDS))
    await tell_critical(there, calm, NEWS_SECONDS, 20)
    calm.stop = True
    await looking
    return calm.p99


async def news(there: Scene, watch: Watch) -> None:
    """At first nobody reads; then there is critical news, a large file, and for a while no ERP."""
    began = time.monotonic()
    async with without_erp(there):
        await pressed(there, watch)
        critical = asyncio.create_task(tell_critical(there, watch, NEWS_SECONDS))
        (there.house.grounds.files / ENTITIES[0].psp.name / "bulk.xml").write_bytes(report())
        await asyncio.sleep(SECONDS / 4)
    watch.away_seconds = time.monotonic() - began
    await critical


async def recovered(there: Scene, left: Sequence[bytes], figures: dict[str, Any]) -> dict[str, Any]:
    """What was refused is taken in, in time for that and for what waits before it, and for the breaker's last rest.

    A breaker that opens for the n-th time in a row rests about as long as all rests before took together: it is at the
    most open for as long as the ERP was away, and its first rest.
    """
    rests, rate = figures["away"] + COOL_SECONDS, figures["sustainable"]
    most_seconds = rests + RECOVERING_TIMES * (len(left) + OPEN) / rate
    figures |= {"left": len(left), "most_recovering": most_seconds}
    try:
        async with asyncio.timeout(most_seconds):
            rest = await there.flood(left, rate, 0) if left else {"acknowledged": {}, "seconds": 0.0}
    except TimeoutError:
        raise AssertionError(f"after {most_seconds:.0f} s it has not recovered: {figures}") from None
    figures["recovered_seconds"] = rest["seconds"]
    return rest


@pytest.mark.timeout(240 + 4 * PATIENCE_SECONDS)
def test_a_house_that_is_flooded_stays_bounded_and_whole_and_recovers_by_itself(tmp_path: Path) -> None:
    asyncio.run(_flooded(tmp_path))


async def _flooded(folder: Path) -> None:
    async with scene(folder, WARM + ENOUGH + int(A_SECOND * SECONDS)) as there:
        calm_seconds = await quiet(there)
        rate, warm = await sustainable(there)
        payments = WARM + ENOUGH + int(min(rate, A_SECOND) * SECONDS)
        before = {name: rss(there.house, name) for name in (DOOR, *WORKERS)}
        watch, events = Watch(), there.pay(range(WARM, payments))
        looking = asyncio.create_task(look(there, watch, PATIENCE_SECONDS))
        await asleep(there)
        worked = processors(there)
        coming = asyncio.create_task(news(there, watch))
        told = await there.flood(events, TIMES * rate, SECONDS)
        in_all, ours = (after - then for after, then in zip(processors(there), worked, strict=True))
        watch.stop = True
        await asyncio.gather(looking, coming)
        left = [each for each in events if json.loads(each)["id"] not in told["acknowledged"]]
        figures = {name: told[name] for name in ("sent", "seconds", "statuses")}
        figures |= {"sustainable": rate, "p99": watch.p99, "quiet": calm_seconds, "most": watch.most, "before": before}
        figures |= {"critical": len(watch.took), "calls_beyond": watch.beyond(CALLS_PER_SECOND)}
        figures["heard_late"] = watch.late_seconds
        figures["others"] = max(1.0, in_all / ours)
        figures["outages"] = there.made.sandbox.world.faulty[ODOO].met["outage"]
        figures["away"] = watch.away_seconds
        rest = await recovered(there, left, figures)
        (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
        _bounded(figures, watch, told)
        left_over = await there.made.settled()
        assert set(left_over.values()) == {0}, left_over
        await _whole(there, warm["acknowledged"] | told["acknowledged"] | rest["acknowledged"], payments)
        await there.made.judged(MONDAY - timedelta(days=1))
        await asyncio.to_thread(prove, there.house)


def _bounded(figures: dict[str, Any], watch: Watch, told: dict[str, Any]) -> None:
    most, before, rate = watch.most, figures["before"], figures["sustainable"]
    assert set(told["statuses"]) == {"200", "503"}, figures
    assert told["without_retry_after"] == watch.refused == 0, figures
    assert told["sent"] >= 0.9 * TIMES * rate * told["seconds"], figures
    assert figures["outages"], figures
    assert watch.p99 <= CRITICAL_SECONDS * figures["others"], figures
    # After a rest a second's worth may go at once; and what left earlier may be heard beside what leaves now.
    assert watch.beyond(CALLS_PER_SECOND) <= CALLS_PER_SECOND * (1 + HEARD_LATE_SECONDS), figures
    assert {name: most[name] for name in MOST if most[name] > MOST[name]} == {}, figures
    # What has not been decided is what came in the time that it takes: so much less than the limit, as it is first.
    assert most["critical"] <= FACTS * CRITICAL_SECONDS * figures["others"] / NEWS_SECONDS, figures
    written = READINGS + ARRIVALS + BULK + COMMANDS + ENTRIES + VACUUMED_SECONDS * rate
    assert most["dead_rows"] <= VERSIONS * written, figures
    assert most["bytes"] <= ROW_BYTES * VERSIONS * written, figures
    assert all(most[name] <= before[name] + RSS_GROWTH_BYTES for name in before), figures


async def _whole(there: Scene, acknowledged: dict[str, str], payments: int) -> None:
    """What was acknowledged is there, was read, and is booked; and nothing became a case."""
    assert len(acknowledged) == payments
    kept = dict(await there.rows(KEPT, f"stripe-{CH.name}"))
    assert {event: kept.get(event) for event in acknowledged} == acknowledged
    read = {row[0] for row in await there.rows(READ)}
    assert set(acknowledged.values()) <= read
    assert await there.count(BOOKED) == payments
    assert await there.rows(CASES) == []
