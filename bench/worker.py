"""A worker as production runs it, with every loop that an instance needs, serving the six-step process.

Run as a child: the first line on standard input says where and how; the last line asks for its end.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.six_steps import PARTNER, PROCESS, URL, Nothing, OneRule, Partner, connector
from nostro.egress.anchors import Anchors, FolderAnchor
from nostro.egress.connections import OpenConnection
from nostro.egress.http import HttpTransport
from nostro.egress.transport import Transport
from nostro.engine.checkpoints import Checkpoints
from nostro.engine.deadlines import Deadlines
from nostro.engine.decide import Decider
from nostro.engine.dispatch import Dispatcher, House
from nostro.engine.parked import Rejoin
from nostro.engine.slots import Slots
from nostro.engine.tenure import Tenure
from nostro.model.clock import Now
from nostro.runtime.clock import Clock
from nostro.runtime.loops import Loop, Loops
from nostro.runtime.memory import settle_memory
from nostro.runtime.workers import follows_of
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys
from nostro.store.nudges import Nudges
from nostro.store.sealing import SealKey

MASTER = {1: b"m" * 32}
PROCESSES = {"payout": PROCESS}


def rules(_: bytes) -> OneRule:
    """Every bundle says the same."""
    return OneRule()


def loops_of(
    order: dict[str, Any], database: Database, transport: Transport, anchor: Path
) -> tuple[list[Loop], Nudges]:
    """The loops of `runtime.workers` that an instance passes, with the same rests."""
    entropy = SystemEntropy()
    keys, clock = Keys(MASTER, entropy), Clock(database)
    connection = OpenConnection(
        PARTNER,
        connector(order["batch"]),
        Nothing(),
        order["partner"],
        slots=order["slots"],
        concurrency=order["slots"] * order["drives"],
    )
    tenure = Tenure(database, order["worker"], {"payout": 1})
    slots = Slots(database, order["worker"], {PARTNER: connection})
    house = House(database, keys, slots, lambda *_: transport, clock.now, entropy)
    dispatcher = Dispatcher(house, connection)
    exits = {PARTNER: dispatcher}
    decider = Decider(database, keys, PROCESSES, tenure, rules, batch_limit=order["decisions"], exits=exits)
    seal = SealKey(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    steps: list[tuple[str, Callable[[Now], Awaitable[int]], float]] = [
        ("tenure", tenure.step, 1.0),
        ("slots", slots.step, 1.0),
        ("route", Rejoin(database, keys, PROCESSES).step, 1.0),
        ("decide", decider.step, 0.05),
        ("deadlines", Deadlines(database, tenure).step, 1.0),
        (f"dispatch {PARTNER}", dispatcher.step, 0.1),
        ("checkpoints", Checkpoints(database, seal, Anchors([FolderAnchor(anchor)]).put).step, 1.0),
    ]
    nudges = Nudges(database, order["worker"], tenure.holds_all)
    return [Loop(name, step, idle, follows_of(name)) for name, step, idle in steps], nudges


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Until the parent says the end."""
    stop, partner = asyncio.Event(), Partner()
    async with AsyncExitStack() as stack:
        anchor = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nostro-anchor-")))
        database = await stack.enter_async_context(Database(order["url"], size=8))
        transport: Transport = partner
        if order["partner"] != URL:
            transport = await stack.enter_async_context(HttpTransport())
        loops, nudges = loops_of(order, database, transport, anchor)
        asyncio.get_running_loop().create_task(_until_told(stop))
        settle_memory()
        say({"ready": True})
        await Loops(Clock(database), stop, nudges=nudges).run(loops)
    return {"effects": len(partner.books), "calls": partner.calls, "cpu_seconds": sum(os.times()[:2])}


async def _until_told(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.readline)  # a line, or the parent's end
    stop.set()


def say(told: dict[str, Any]) -> None:
    """One line to the parent."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main(job: Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]) -> None:
    """A child's whole life. `profile` in its orders names a file for cProfile's figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30), cache_logger_on_first_use=True)
    order = json.loads(sys.stdin.readline())
    profile = cProfile.Profile() if order.get("profile") else None
    if profile:
        profile.enable()
    answer = asyncio.run(job(order))
    if profile:
        profile.disable()
        profile.dump_stats(order["profile"])
    say(answer)


if __name__ == "__main__":
    main(work)
