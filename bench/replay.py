"""`replay`: facts through the pure stages on one core, as `nostro replay` takes them: opened, decided, digested.

The log is made in memory by the live stages, so that replay has to find every decision equal; no database takes part.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bench.place import Place
from bench.report import Note, Parameters, Report, surroundings
from bench.six_steps import ENTITY, PARTNER, PROCESS, STEPS, OneRule, beginning
from bench.worker import MASTER
from nostro.engine.batch import Batch
from nostro.engine.deciding import Deciding
from nostro.engine.tenure import HeldShard
from nostro.engine.walk import Walk
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import CommandSettled, Fact
from nostro.model.failures import ReplayDiffers
from nostro.model.ids import SHARDS, IdempotencyKey, Subject
from nostro.model.outcomes import done
from nostro.processes.kit.decision import Instance
from nostro.store.arrivals import Arrival, Blob, arrival_for
from nostro.store.blobs import open_fact
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys
from nostro.store.log import FactRow

BUNDLE = b"b" * 32
STRETCH = 700
AT = datetime(2026, 8, 31, 6, tzinfo=UTC)


def arrivals(number: int) -> list[Arrival]:
    """The seven facts of one instance, as they arrive."""
    subject = Subject(PROCESS.name, f"po_{number:09}")
    facts = [beginning(subject.id, AT)]
    for n in range(1, STEPS + 1):
        step = f"annotate-{n}"
        key = IdempotencyKey(subject.process, subject.id, step)
        body = CommandSettled(
            key=key.text,
            step=step,
            occurrence=0,
            generation=0,
            operation="annotate_payment",
            connection=PARTNER,
            outcome=done(effect=number),
        )
        facts.append(Fact(body, ENTITY, PARTNER, PARTNER, AT, AT + timedelta(seconds=n)))
    return [arrival_for(fact, Blob(canonical(fact.body)), subject, 1, fact.received_at) for fact in facts]


def deciding(keys: Keys) -> Deciding:
    """The live stage, with its own shards and nothing written yet."""
    shards = {n: HeldShard(n, 1, 0, bytes(32), BUNDLE, 1) for n in range(SHARDS)}
    return Deciding(keys, {PROCESS.name: PROCESS}, {}, {BUNDLE: OneRule()}, shards, Batch(), Now(AT, AT), AT)


async def recorded(keys: Keys, instances: int) -> list[FactRow]:
    """The log of so many instances, in the order in which their steps interleave."""
    live = deciding(keys)
    told = [arrivals(number) for number in range(instances)]
    for step in range(STEPS + 1):
        for one in told:
            await live.take(cast("Any", None), one[step])
    return live.batch.facts


def replayed(keys: Keys, rows: Sequence[FactRow]) -> float:
    """Seconds of processor that replay needs for these rows. Raises `ReplayDiffers` when anything differs."""
    walk = Walk(cast("Any", None), keys, {PROCESS.name: PROCESS}, lambda _: OneRule(), _rules={BUNDLE: OneRule()})
    instances: dict[Subject, Instance] = {}
    began = time.process_time()
    for row in rows:
        subject = Subject(row.process, row.subject)
        step = walk.take(row, open_fact(keys, row, {}), instances.get(subject) or walk.new(row))
        if not step.equal:
            raise ReplayDiffers(f"{row.type} of {subject} was replayed otherwise than it was decided.")
        instances[subject] = step.after
    return time.process_time() - began


async def replay(_: Place, parameters: Parameters, note: Note) -> Report:
    """Stretches of the log again and again, until the time is over; live deciding beside it."""
    report = Report("replay", "facts/s of one core", context=surroundings(parameters, ("pydantic", "orjson")))
    keys = Keys(MASTER, SystemEntropy())
    rows = await recorded(keys, STRETCH)
    note(f"{len(rows)} facts a stretch, for {parameters.seconds:g} s")
    spent, count = 0.0, 0
    end = time.monotonic() + parameters.seconds
    while time.monotonic() < end:
        spent += replayed(keys, rows)
        count += len(rows)
    report.ours = count / spent
    began = time.process_time()
    live = await recorded(keys, STRETCH)
    report.context["live_deciding_facts_per_second"] = round(len(live) / (time.process_time() - began))
    report.limit("facts/s", report.ours, 50_000, at_least=True)
    return report
