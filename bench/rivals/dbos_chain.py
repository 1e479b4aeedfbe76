"""DBOS: a workflow of six steps, each a function whose result is checkpointed before the next one begins.

Modes: `threads` starts workflows from as many threads as are under way, `async` from as many tasks, `queue` puts them
into a queue that this process takes from.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSConfig
from sqlalchemy.engine import make_url

from bench.six_steps import STEPS
from bench.worker import main, say

BOOKS: dict[str, int] = {}
QUEUE = "chains"


def _effect(key: str) -> int:
    return BOOKS.setdefault(key, len(BOOKS))


@DBOS.step()
def effect(key: str, n: int) -> int:
    """One effect, by its key."""
    return _effect(f"{key}/{n}")


@DBOS.step()
async def effect_async(key: str, n: int) -> int:
    """The same on the event loop."""
    return _effect(f"{key}/{n}")


@DBOS.workflow()
def chain(key: str) -> int:
    """Six steps, one after the other."""
    return sum(effect(key, n) for n in range(STEPS))


@DBOS.workflow()
async def chain_async(key: str) -> int:
    """The same on the event loop."""
    return sum([await effect_async(key, n) for n in range(STEPS)])


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Launches DBOS, keeps instances under way, and counts those that end within the window."""
    url = make_url(order["url"]).set(drivername="postgresql+psycopg")
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": url.render_as_string(hide_password=False),
        "sys_db_pool_size": max(20, order["under_way"]),
        "log_level": "ERROR",
        "run_admin_server": False,
        "executor_id": order["process"],
    }
    DBOS(config=config)
    DBOS.launch()
    say({"ready": True})
    try:
        if order["mode"] == "async":
            return await _tasks(order)
        return await asyncio.to_thread(_threads, order)
    finally:
        DBOS.destroy()


def _threads(order: dict[str, Any]) -> dict[str, Any]:
    if order["mode"] == "queue":
        DBOS.register_queue(QUEUE, worker_concurrency=order["under_way"], polling_interval_sec=0.05)
    counter = Counter(order)
    threads = [threading.Thread(target=_one, args=(order, counter, n)) for n in range(order["under_way"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.answer()


def _one(order: dict[str, Any], counter: Counter, number: int) -> None:
    start: Callable[[str], Any] = chain
    if order["mode"] == "queue":
        start = lambda key: DBOS.enqueue_workflow(QUEUE, chain, key).get_result()  # noqa: E731
    count = 0
    while counter.going():
        start(f"{order['process']}/{number}/{count}")
        count += 1
        counter.ended()


async def _tasks(order: dict[str, Any]) -> dict[str, Any]:
    counter = Counter(order)

    async def one(number: int) -> None:
        count = 0
        while counter.going():
            await chain_async(f"{order['process']}/{number}/{count}")
            count += 1
            counter.ended()

    await asyncio.gather(*(one(number) for number in range(order["under_way"])))
    return counter.answer()


class Counter:
    """Counts what ends after the warm-up and before the end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.begin = time.monotonic() + float(order["warm"])
        self.end = self.begin + float(order["seconds"])
        self.count = 0

    def going(self) -> bool:
        """Whether another one is to be begun."""
        return time.monotonic() < self.end

    def ended(self) -> None:
        """One has come to its end."""
        if self.begin <= time.monotonic() < self.end:
            self.count += 1

    def answer(self) -> dict[str, Any]:
        """What a child answers."""
        return {"instances": self.count, "seconds": self.end - self.begin}


if __name__ == "__main__":
    main(work)
