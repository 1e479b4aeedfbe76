"""The door as production serves it, as a child; or the same server doing one INSERT a request through a pool."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any

from bench.worker import MASTER, main, say
from nostro.connectors.stripe import CONNECTOR
from nostro.connectors.stripe.config import StripeConfig
from nostro.egress.connections import OpenConnection
from nostro.gateway.app import build_app
from nostro.gateway.serving import serve
from nostro.gateway.webhooks import Door
from nostro.ingress.limits import Limit, Limits
from nostro.ingress.receiving import Intake
from nostro.model.ids import short_digest
from nostro.runtime.clock import Clock
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys
from nostro.store.receipts import KeptReceipt, Received

CONNECTION = "stripe-de"
SECRET = "whsec_bench"  # noqa: S105 - of no endpoint
PLAIN = """create table if not exists plain (id bytea primary key, connection text not null, event_id text not null,
body bytea not null, received_at timestamptz not null)"""
INSERT = "insert into plain values (%s, %s, %s, %s, %s) on conflict do nothing"
POOL = 16


@dataclass(frozen=True, slots=True)
class OneInsert(Intake):
    """What one would write first: each request inserts its row in a database transaction of its own."""

    async def take(self, received: Received, body: bytes) -> KeptReceipt:
        """One INSERT."""
        name = short_digest(received.connection, received.event_id)
        row = (name, received.connection, received.event_id, body, received.received_at)
        async with self.database.transaction() as tx:
            await tx.connection.execute(INSERT, row, prepare=True)
        return KeptReceipt(name, new=True)


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Serves until the parent says the end."""
    stop = asyncio.Event()
    async with Database(order["url"], size=POOL) as database:
        keys = Keys(MASTER, SystemEntropy())
        limits = Limits(database, Limit(readings=100_000_000))
        if order["plain"]:
            async with database.transaction() as tx:
                await tx.connection.execute(PLAIN)
        intake = (OneInsert if order["plain"] else Intake)(database, keys, limits)
        connection = OpenConnection(CONNECTION, CONNECTOR, StripeConfig(), secrets={"webhook_secret": SECRET})
        clock = Clock(database)
        door = Door({CONNECTION: connection}, intake, limits, clock.now)
        await limits.step(await clock.now())
        reading = asyncio.create_task(_until_told(stop))
        serving = asyncio.create_task(serve(build_app(door), "127.0.0.1", order["port"], stop))
        say({"ready": True})
        await serving
        await reading
    return {"cpu_seconds": sum(os.times()[:2])}


async def _until_told(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()


if __name__ == "__main__":
    main(work)
