"""`replay`: facts through the pure stages on one core, as `nostro replay` takes them: opened, decided, digested.

Each decision has to be found equal to the recorded one, by its digest. No database takes part. There are two logs: what
every process of ours lived (the golden log of many companies), and the six-step process that `engine` measures too,
whose own rules cost next to nothing: it shows what the stages around a process cost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bench.place import Place
from bench.report import Note, Parameters, Report, surroundings
from bench.six_steps import ENTITY, PARTNER, PROCESS, STEPS, OneRule, beginning
from bench.story import KNOWN, lived
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
from nostro.processes.kit.decision import Rules
from nostro.processes.kit.process import Process
from nostro.processes.registry import by_name
from nostro.runtime.memory import settle_memory
from nostro.store.arrivals import Arrival, Blob, arrival_for
from nostro.store.blobs import open_fact
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import DataKey, Keys
from nostro.store.log import FactRow

BUNDLE = b"b" * 32
STRETCH = 700
COMPANIES = 80
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


@dataclass(frozen=True, slots=True)
class Recorded:
    """A log, and all that is needed to take it in again."""

    rows: Sequence[FactRow]
    processes: Mapping[str, Process]
    rules: Mapping[bytes, Rules]
    known: Mapping[bytes, DataKey | None] = field(default_factory=dict)


def six_steps(rows: Sequence[FactRow]) -> Recorded:
    """The log of the six-step process."""
    return Recorded(rows, {PROCESS.name: PROCESS}, {BUNDLE: OneRule()})


def every_process(keys: Keys, companies: int) -> Recorded:
    """The golden log of so many companies: every process of ours."""
    story = lived(keys, companies)
    return Recorded(story.rows, by_name(), story.rules, KNOWN)


def replayed(keys: Keys, log: Recorded) -> float:
    """Seconds of processor that replay needs for this log. Raises `ReplayDiffers` when anything differs."""
    walk = Walk(cast("Any", None), keys, log.processes, lambda _: OneRule(), _rules=dict(log.rules))
    began = time.process_time()
    for row in log.rows:
        step = walk.again(row, open_fact(keys, row, log.known))
        if step is None or not step.equal:
            raise ReplayDiffers(
                f"{row.type} of {row.process}/{row.subject} was replayed otherwise than it was decided."
            )
    return time.process_time() - began


def speed(keys: Keys, log: Recorded, seconds: float) -> float:
    """Facts a second of one core: the log again and again, until the time is over."""
    spent, count, end = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < end or not count:
        spent += replayed(keys, log)
        count += len(log.rows)
    return count / spent


async def replay(_: Place, parameters: Parameters, note: Note) -> Report:
    """The log of every process, then that of the six-step process; live deciding of the latter beside it."""
    settle_memory()  # as a worker does
    report = Report("replay", "facts/s of one core", context=surroundings(parameters, ("pydantic", "orjson")))
    keys = Keys(MASTER, SystemEntropy())
    note("the golden log of many companies is lived")
    real, steps = every_process(keys, COMPANIES), six_steps(await recorded(keys, STRETCH))
    note(f"{len(real.rows)} facts of every process, then {len(steps.rows)} of six steps; {parameters.seconds:g} s each")
    report.ours = speed(keys, real, parameters.seconds)
    report.context["six_step_facts_per_second"] = round(speed(keys, steps, parameters.seconds))
    began = time.process_time()
    live = await recorded(keys, STRETCH)
    report.context["live_deciding_facts_per_second"] = round(len(live) / (time.process_time() - began))
    report.limit("facts/s of every process", report.ours, 50_000, at_least=True)
    report.limit("facts/s of six steps", report.context["six_step_facts_per_second"], 50_000, at_least=True)
    return report
