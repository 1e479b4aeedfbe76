"""`inflight`: a worker beside a million instances that wait and ten million facts of history, autovacuum on.

Replies come at 1,000 a second: each that is sent to an instance in its first step brings five more, as its other steps
are asked for and answered. In the middle 10,000 deadlines fall due at once. One instance in a hundred is critical.
Those that are answered and those that fall due lie scattered among all that wait, as neighbours would share pages.
What had to wait is told by when its decision was committed, of which the server keeps the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from math import gcd
from statistics import median

from bench.cpu import cpu_seconds, peak_megabytes
from bench.engine import PACKAGES, Shape, start_workers, stop
from bench.feed import Feed
from bench.past import FACTS_AN_INSTANCE, past, progress, waiting
from bench.place import Place
from bench.report import Note, Parameters, Report, surroundings
from bench.six_steps import ENTITY, PARTNER, PROCESS, STEPS
from nostro.model.canonical import canonical
from nostro.model.facts import CommandSettled, Fact
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.outcomes import done
from nostro.projections.trace import trace
from nostro.store.arrivals import Arrival, Blob, arrival_for, put
from nostro.store.database import Database
from nostro.store.keys import Keys

REPLIES_A_SECOND = 1000
APART = timedelta(seconds=STEPS / REPLIES_A_SECOND)
"""Between two first replies. What waited is counted from when each was due to come, not from when it was put."""
SETTINGS = {"track_commit_timestamp": "on"}
DUE_AT_MOST = 10_000
TRACES = 20
LATE = """
select coalesce(percentile_cont(0.99) within group (
  order by extract(epoch from pg_xact_commit_timestamp(f.xmin) - received_at)), 0)
from fact f join subject s using (shard, process, subject) where f.type = 'command.settled'
  and f.position < 1000000000 and s.lane = {lane}
"""
MEANWHILE = """ and received_at between (select min(occurred_at) from fact where type = 'deadline.fell_due')
  and (select max(pg_xact_commit_timestamp(xmin)) from fact where type = 'deadline.fell_due')
"""
"""What came from when the deadlines fell due until the last of them was decided: a part of the whole that its p99 may
hide.
"""
NOW_DUE = """update deadline d set due_at = clock_timestamp()
from unnest(%s::smallint[], %s::text[]) as named (shard, subject)
where d.shard = named.shard and d.process = 'payout' and d.subject = named.subject"""
DUE = """
select coalesce(max(extract(epoch from pg_xact_commit_timestamp(xmin) - occurred_at)), 0) from fact
where type = 'deadline.fell_due'
"""


async def inflight(here: Place, parameters: Parameters, note: Note) -> Report:
    """Fills the house, lets replies and deadlines come, and looks what they had to wait."""
    report = Report("inflight", "replies/s", context=surroundings(parameters, PACKAGES))
    url = here.database("inflight")
    falling = _falling(parameters.instances)
    due = len(falling)
    moved = min(int(REPLIES_A_SECOND / STEPS * parameters.seconds), parameters.instances - due)
    answered = list(islice(_scattered(parameters.instances, set(falling)), moved))
    async with Database(url, size=4) as database:
        feed = Feed(database)
        await feed.install()
        bundle = bytes(await feed.one("select digest from bundle"))
        at = datetime.now(UTC)
        await asyncio.to_thread(past, url, parameters.facts, at, bundle, progress(note, "facts", parameters.facts))
        told = progress(note, "instances", parameters.instances)
        await asyncio.to_thread(waiting, url, parameters.instances, at, bundle, told)
        [worker] = start_workers(here, url, Shape(1))
        await asyncio.sleep(max(2.0, parameters.warm_seconds))
        note(f"{moved * STEPS} replies, and {due} deadlines at once")
        before = cpu_seconds(worker.process.pid), cpu_seconds(here.server.process_id() or 0)
        began = time.monotonic()
        await _replies(feed, answered, falling, parameters.seconds)
        await _decided(feed, moved * STEPS + due)
        report.ours = moved * STEPS / (time.monotonic() - began)
        after = cpu_seconds(worker.process.pid), cpu_seconds(here.server.process_id() or 0)
        memory = peak_megabytes(worker.process.pid)
        traces = [await _traced(database, feed.keys, name) for name in _looked_at(answered, falling, parameters)]
        report.limit("replies/s decided", report.ours, 0.95 * REPLIES_A_SECOND, at_least=True)
        report.limit("worker's memory, MB", memory, 300)
        for lane, whose in ((1, "replies"), (0, "the critical lane")):
            late = LATE.format(lane=lane)
            report.limit(f"p99 of {whose}, s", float(await feed.one(late)), 1.0)
            report.limit(f"p99 of {whose} while deadlines fall due, s", float(await feed.one(late + MEANWHILE)), 1.0)
        report.limit("the last deadline, s", float(await feed.one(DUE)), 10.0)
        report.limit("trace, ms (median)", 1000 * median(traces), 100)
        stop(here, worker)
    here.drop(url)
    each = [round(1000 * (last - first) / (moved * STEPS + due), 3) for last, first in zip(after, before, strict=True)]
    report.context["cpu_ms_per_decision"] = dict(zip(("worker", "postgresql"), each, strict=True))
    report.context["scaled"] = {"instances": parameters.instances, "facts": parameters.facts, "deadlines": due}
    return report


def _falling(instances: int) -> range:
    """The instances whose deadlines fall due, evenly among all; none of them is critical."""
    apart = max(10, instances // DUE_AT_MOST)
    return range(apart // 2, instances, apart)


def _scattered(instances: int, without: Container[int]) -> Iterator[int]:
    """All the other instances, each far from the one before."""
    stride = next(n for n in count(int(instances * 0.618)) if gcd(n, instances) == 1)
    return (number for n in range(instances) if (number := n * stride % instances) not in without)


def _looked_at(answered: Sequence[int], falling: Sequence[int], parameters: Parameters) -> Iterator[str]:
    """Instances that were answered just now, that fell due, that nobody touched, and that are over: as many of each."""
    touched = {*answered, *falling}
    quiet = range(0, parameters.instances, parameters.instances // 997 or 1)
    over = parameters.facts // FACTS_AN_INSTANCE
    of_each = (
        (f"wait_{number:09}" for number in answered[::-1]),
        (f"wait_{number:09}" for number in falling),
        (f"wait_{number:09}" for number in quiet if number not in touched),
        (f"old_{number:09}" for number in range(0, over, over // TRACES or 1)),
    )
    return (name for names in of_each for name in islice(names, TRACES // len(of_each)))


async def _replies(feed: Feed, numbers: Sequence[int], falling: Sequence[int], seconds: float) -> None:
    """Answers the first steps of these evenly; halfway the deadlines of those fall due."""
    began, start, sent, fallen = time.monotonic(), datetime.now(UTC), 0, False
    names = [f"wait_{number:09}" for number in falling]
    shards = [Subject(PROCESS.name, name).shard for name in names]
    while sent < len(numbers):
        passed = time.monotonic() - began
        if not fallen and passed >= seconds / 2:
            fallen = True
            async with feed.database.transaction() as tx:
                await tx.execute(NOW_DUE, (shards, names))
        due = min(len(numbers), int(passed * REPLIES_A_SECOND / STEPS)) - sent
        if due > 0:
            rows = [_reply(numbers[n], start + n * APART) for n in range(sent, sent + due)]
            async with feed.database.transaction() as tx:
                await put(tx, rows)
            sent += due
        await asyncio.sleep(0.02)


def _reply(number: int, at: datetime) -> Arrival:
    subject = Subject(PROCESS.name, f"wait_{number:09}")
    key = IdempotencyKey(subject.process, subject.id, "annotate-1")
    body = CommandSettled(
        key=key.text,
        step=key.step,
        occurrence=0,
        generation=0,
        operation="annotate_payment",
        connection=PARTNER,
        outcome=done(effect=number),
    )
    lane = 0 if number % 100 == 0 else 1
    return arrival_for(Fact(body, ENTITY, PARTNER, PARTNER, at, at), Blob(canonical(body)), subject, lane, at)


async def _decided(feed: Feed, count: int, limit_seconds: float = 300.0) -> None:
    end = time.monotonic() + limit_seconds
    while await feed.facts() < count and time.monotonic() < end:  # noqa: ASYNC110 - another process moves the log
        await asyncio.sleep(0.2)


async def _traced(database: Database, keys: Keys, name: str) -> float:
    began = time.monotonic()
    told = await trace(database, keys, name, ())
    assert told.facts or told.commands, name
    return time.monotonic() - began
