"""A worker as production wires it (`runtime.workers`), all its loops, limits and the watchdog, serving the six steps.

Run as a child: the first line on standard input says where and how; the last line asks for its end.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.six_steps import PARTNER, PROCESS, URL, Nothing, OneRule, Partner, connector
from nostro.egress.anchors import Anchors, FolderAnchor
from nostro.egress.connections import OpenConnection
from nostro.egress.http import HttpTransport
from nostro.egress.transport import Transport
from nostro.runtime.clock import Clock
from nostro.runtime.house import House
from nostro.runtime.memory import settle_memory
from nostro.runtime.workers import Wiring
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.install import Deployment
from nostro.store.keys import Keys
from nostro.store.sealing import SealKey

MASTER = {1: b"m" * 32}
PROCESSES = {"payout": PROCESS}


def rules(_: bytes) -> OneRule:
    """Every bundle says the same."""
    return OneRule()


def house_of(order: dict[str, Any], database: Database, state: Path) -> House:
    """A house with one partner and one process; it has no landscape, which nothing that works asks for."""
    entropy, anchor = SystemEntropy(), FolderAnchor(state)
    anchor.begin()
    connection = OpenConnection(
        PARTNER,
        connector(order["batch"]),
        Nothing(),
        order["partner"],
        slots=order["slots"],
        concurrency=order["slots"] * order["drives"],
    )
    return House(
        folder=state,
        state=state,
        land=cast("Any", None),
        database=database,
        keys=Keys(MASTER, entropy),
        entropy=entropy,
        clock=Clock(database),
        deployment=Deployment(b"", "test", 1, ""),
        quarantine="",
        anchors=Anchors([anchor]),
        seal_key=SealKey(Ed25519PrivateKey.from_private_bytes(b"s" * 32)),
        rules=cast("Any", OneRule()),
        connections={PARTNER: connection},
        processes=PROCESSES,
    )


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Until the parent says the end."""
    stop, partner = asyncio.Event(), Partner()

    @asynccontextmanager
    async def memory() -> AsyncIterator[Transport]:
        yield partner

    def carrier() -> AbstractAsyncContextManager[Transport]:
        return memory() if order["partner"] == URL else HttpTransport()

    async with AsyncExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nostro-bench-")))
        database = await stack.enter_async_context(Database(order["url"], size=8, by_index=True))
        house = house_of(order, database, state)
        wiring = Wiring(house, order["worker"], timedelta(0), stack, carrier=carrier, rules_from=rules)
        worker = await wiring.worker()
        asyncio.get_running_loop().create_task(_until_told(stop))
        settle_memory()
        await worker.run(stop, lambda: say({"ready": True}))
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
