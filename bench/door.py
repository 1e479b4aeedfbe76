"""The door as production serves it, as a child; or the same door, keeping each request by a statement of its own.

What differs is one object, what commits: verification, limits, counters, the receipt's bytes and the answer are the
same code. It keeps either the receipt's whole row (digests, the body sealed under a data key of its own), or what one
would write first, the body in clear.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import fields
from typing import Any

from psycopg_pool import AsyncConnectionPool

from bench.worker import MASTER, main, say
from nostro.connectors.stripe import CONNECTOR
from nostro.connectors.stripe.config import StripeConfig
from nostro.egress.connections import OpenConnection
from nostro.gateway.app import build_app
from nostro.gateway.serving import serve
from nostro.gateway.webhooks import Door
from nostro.ingress.limits import Limit, Limits
from nostro.ingress.receiving import Intake
from nostro.ingress.together import Together
from nostro.model.ids import shard_of
from nostro.runtime.clock import Clock
from nostro.runtime.memory import settle_memory
from nostro.runtime.telemetry import Metrics, configure_logs
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys
from nostro.store.receipts import KeptReceipt, Receipt, Received, event_receipt, sealed_under_own_key

CONNECTION = "stripe-de"
COLUMNS = tuple(column.name for column in fields(Receipt))
SECRET = "whsec_bench"  # noqa: S105 - of no endpoint
IN_CLEAR = """create table if not exists in_clear (id bytea primary key, connection text not null,
event_id text not null, body bytea not null, received_at timestamptz not null)"""
INSERTS = {
    "the receipt": f"insert into receipt ({', '.join(COLUMNS)}) values ({', '.join(['%b'] * len(COLUMNS))}) on conflict do nothing",  # noqa: S608, E501 - our own names
    "in clear": "insert into in_clear values (%b, %b, %b, %b, %b) on conflict do nothing",
}


class OneInsert(Together):
    """Each request inserts its row by itself, in one round trip: the connections of the pool commit by themselves."""

    def __init__(self, database: Database, keys: Keys, pool: AsyncConnectionPool[Any], what: str) -> None:
        super().__init__(database, keys)
        self.pool, self.what, self.insert = pool, what, INSERTS[what].encode()

    async def keep(self, received: Received, body: bytes, seconds: float = 10) -> KeptReceipt:
        """One INSERT."""
        name = event_receipt(received.connection, received.event_id)
        if self.what == "in clear":
            row: tuple[object, ...] = (name, received.connection, received.event_id, body, received.received_at)
        else:
            row = self._row(name, received, body)
        async with asyncio.timeout(seconds), self.pool.connection() as connection:
            cursor = await connection.execute(self.insert, row, prepare=True)
        return KeptReceipt(name, new=cursor.rowcount == 1)

    def _row(self, name: bytes, received: Received, body: bytes) -> tuple[object, ...]:
        """In the columns' order."""
        sealed, wrapped = sealed_under_own_key(self.keys, name, body)
        what = (name, received.month, received.connection, received.kind, received.name, received.event_id)
        how = (self.keys.fingerprint(body), len(body), 0, sealed, wrapped, self.keys.master, received.signed)
        return (shard_of(name), *what, *how, received.status, received.correlation, received.received_at)


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Serves until the parent says the end, wired as `nostro serve` is.

    `keeps`: what is inserted, request by request; empty: our way.
    """
    stop = asyncio.Event()
    configure_logs(level="CRITICAL")  # a request that is kept is no line anyway; those refused under kills are counted
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(order["url"], size=8, by_index=True))
        keys, metrics = Keys(MASTER, SystemEntropy()), Metrics()
        limits = Limits(database, Limit(readings=100_000_000), metrics.put)
        intake = Intake(database, keys, limits, metrics.count)
        if order["keeps"]:
            pool = await stack.enter_async_context(_pool(order["url"], order["pool"]))
            async with pool.connection() as connection:
                await connection.execute(IN_CLEAR)
            object.__setattr__(intake, "_together", OneInsert(database, keys, pool, order["keeps"]))
        connection = OpenConnection(CONNECTION, CONNECTOR, StripeConfig(), secrets={"webhook_secret": SECRET})
        clock = Clock(database)
        door = Door({CONNECTION: connection}, intake, limits, clock.now, metrics.count, metrics.time)
        await limits.step(await clock.now())
        reading = asyncio.create_task(_until_told(stop))
        serving = asyncio.create_task(serve(build_app(door), "127.0.0.1", order["port"], stop))
        settle_memory()
        say({"ready": True})
        await serving
        await reading
    return {"cpu_seconds": sum(os.times()[:2])}


def _pool(url: str, size: int) -> AsyncConnectionPool[Any]:
    kwargs = {"autocommit": True, "options": "-c timezone=UTC"}
    return AsyncConnectionPool(url, min_size=size, max_size=size, open=False, kwargs=kwargs)


async def _until_told(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()


if __name__ == "__main__":
    main(work)
