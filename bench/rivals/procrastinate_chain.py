"""Procrastinate: a chain of six jobs, each of which defers the next one; one worker of stated concurrency a process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import procrastinate

from bench.six_steps import STEPS
from bench.worker import main, say

BOOKS: dict[str, int] = {}


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Defers first jobs in batches, keeps so many chains under way, and counts by their steps."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=order["url"], max_size=max(4, order["concurrency"] + 4))
    )
    queue, steps, ended, begun = order["process"], 0, 0, 0

    @app.task(name="step", queue=queue)
    async def step(key: str, n: int) -> None:
        nonlocal ended, steps
        steps += 1
        BOOKS.setdefault(f"{key}/{n}", len(BOOKS))
        if n + 1 < STEPS:
            await step.defer_async(key=key, n=n + 1)
        else:
            ended += 1

    async with app.open_async():
        if order["makes_schema"]:
            await app.schema_manager.apply_schema_async()
        say({"ready": True})
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[queue],
                concurrency=order["concurrency"],
                fetch_job_polling_interval=0.2,
                delete_jobs=order["delete_jobs"],
                install_signal_handlers=False,
            )
        )
        begin = time.monotonic() + order["warm"]
        end, before = begin + order["seconds"], -1
        while (now := time.monotonic()) < end:
            if before < 0 and now >= begin:
                before = steps
            missing = order["under_way"] - (begun - ended)
            if missing >= 10:
                await step.batch_defer_async(*({"key": f"{queue}/{begun + n}", "n": 0} for n in range(missing)))
                begun += missing
            await asyncio.sleep(0.02)
        counted = (steps - max(0, before)) / STEPS
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await worker
        return {"instances": counted, "seconds": end - begin}


if __name__ == "__main__":
    main(work)
