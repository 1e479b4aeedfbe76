"""Signed webhooks come in while the door dies by SIGKILL, and now and then the database: a 2xx is a kept receipt."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import psycopg
import pytest

from nostro.model.canonical import canonical
from nostro.sandbox.psp.events import signature
from nostro.sandbox.stage import ENTITIES, START
from tests.crash.processes import BREATH_SECONDS, DOOR, POSTGRESQL, Processes, empty_grounds, processes

ROUNDS = max(3, int(os.environ.get("NOSTRO_CRASH_ROUNDS", "20")) // 4)
SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
SENDERS = 8
DE = ENTITIES[0].psp


@dataclass
class Senders:
    """They send one event after the other, each until it is acknowledged."""

    url: str
    sent: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Event -> the receipt that the door named."""
    unanswered: int = 0
    refused: int = 0
    """503s."""
    stop: bool = False

    async def send(self) -> None:
        """One sender, until `stop`."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            while not self.stop:
                self.sent += 1
                await self._until_acknowledged(client, f"evt_{self.sent:06d}")

    async def _until_acknowledged(self, client: httpx.AsyncClient, event: str) -> None:
        body = canonical({"id": event, "created": int(START.timestamp()), "data": {"object": {"id": event}}})
        headers = {"stripe-signature": signature(body, DE.webhook_secrets, START)}
        while not self.stop and event not in self.acknowledged:
            try:
                reply = await client.post(self.url, content=body, headers=headers)
            except httpx.HTTPError:
                self.unanswered += 1
                await asyncio.sleep(BREATH_SECONDS)
                continue
            assert reply.is_success or reply.status_code == 503, reply.text
            self.refused += reply.status_code == 503
            if reply.is_success:
                self.acknowledged[event] = json.loads(reply.content)["receipt"]


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_what_was_acknowledged_is_in_the_database_whoever_was_killed(tmp_path: Path) -> None:
    asyncio.run(_killed_at_the_door(tmp_path))


async def _killed_at_the_door(folder: Path) -> None:
    grounds, _, _ = empty_grounds(folder, SEED)
    with processes(grounds, START) as house:
        house.start(DOOR)
        senders = Senders(f"http://127.0.0.1:{grounds.door}/in/stripe-{DE.name}")
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(senders.send())
            await _kills(house, senders, Random(SEED))  # noqa: S311 - which instant, not which secret
            senders.stop = True
        house.server.ensure_running()
        kept = await kept_in(house)
    assert len(senders.acknowledged) > SENDERS * ROUNDS
    assert senders.unanswered > 0
    assert {event: kept.get(event) for event in senders.acknowledged} == senders.acknowledged


async def _kills(house: Processes, senders: Senders, chance: Random) -> None:
    """Each time after the door has acknowledged some events since it began, at any instant of half a second."""
    for number in range(ROUNDS + 1):
        enough = len(senders.acknowledged) + SENDERS
        while len(senders.acknowledged) < enough:
            house.supervise()
            await asyncio.sleep(BREATH_SECONDS)
        if number == ROUNDS:
            return
        await asyncio.sleep(chance.random() / 2)
        if number % 3 == 1:
            house.kill(POSTGRESQL, whole=chance.random() < 0.5)
        else:
            house.kill(DOOR)
            house.start(DOOR)


async def kept_in(house: Processes) -> dict[str, str]:
    query = "select event_id, encode(id, 'hex') from receipt where kind = 'webhook' order by 1, 2"
    async with contextlib.AsyncExitStack() as stack:
        connection = await stack.enter_async_context(await psycopg.AsyncConnection.connect(house.server.url()))
        rows = await (await connection.execute(query.encode())).fetchall()
    assert len(rows) == len({event for event, _ in rows})
    return dict(rows)
