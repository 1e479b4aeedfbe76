"""What is measured when somebody asks for the metrics: an alarm ends when what it was about has ended."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest
import pytest_asyncio

from nostro.engine.checkpoints import Checkpoints
from nostro.gateway.health import Health, build_health_app
from nostro.model.clock import Now
from nostro.runtime.telemetry import Metrics
from nostro.store.audit import Anchor
from nostro.store.sealing import SealKey
from tests.integration.intake_house import IntakeHouse, begun

pytestmark = pytest.mark.asyncio
SEAL = SealKey.from_text(base64.b64encode(b"s" * 32).decode())


@dataclass
class Measured:
    """A house, and what its `/metrics` say now."""

    house: IntakeHouse

    def __post_init__(self) -> None:
        metrics = Metrics()

        async def clock() -> Now:
            return self.house.now

        house = self.house
        health = Health(house.database, house.connections, house.limits, clock, dict, metrics.registry, metrics)
        self.app = build_health_app(health)

    async def of(self, metric: str) -> dict[str, float]:
        """Its values by labels."""
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://health") as client:
            text = (await client.get("/metrics")).text
        told = re.findall(rf"^{metric}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
        return {labels: float(level) for labels, level in told}

    async def unsealed(self) -> float:
        """How long the log has something that is not sealed."""
        return (await self.of("nostro_checkpoint_age_seconds"))[""]


@pytest_asyncio.fixture
async def measured(database_url: str) -> AsyncIterator[Measured]:
    house = await begun(database_url)
    yield Measured(house)
    await house.database.__aexit__()


async def _anchored(_: Anchor, __: datetime) -> None:
    """The anchor stands."""


async def test_a_log_counts_as_unsealed_from_its_oldest_fact_that_is_and_a_quiet_one_does_not(
    measured: Measured,
) -> None:
    """Nothing is signed while nothing is appended: in a quiet minute the newest checkpoint's age says nothing."""
    house = measured.house
    checkpoints = Checkpoints(house.database, SEAL, _anchored)
    house.later(seconds=90)
    assert await measured.unsealed() == 90.0  # from the house's beginning: nothing was ever sealed
    assert await checkpoints.seal(house.now) == 1
    house.later(hours=1)
    assert await measured.unsealed() == 0.0
    await house.take({"payout": "po_1"})
    await house.read_all()
    assert await measured.unsealed() < 1.0
    house.later(seconds=61)
    await house.take({"payout": "po_2"}, {"payout": "po_3"})
    await house.read_all()
    assert 61.0 <= await measured.unsealed() < 62.0
    assert await checkpoints.seal(house.now) == 1
    assert await measured.unsealed() == 0.0


async def test_feeds_and_breakers_are_those_of_connections_in_force(measured: Measured) -> None:
    """Else one that was taken away or renamed is late for ever, and nobody can mend that."""
    house = measured.house
    async with house.database.transaction() as tx:
        for connection in ("till", "gone"):
            for feed in ("events", "folder", "dropped"):
                made = "insert into feed (connection, name, run_at, heartbeat_at) values (%s, %s, %s, %s)"
                await tx.execute(made, (connection, feed, house.now.business, house.now.business))
            made = "insert into breaker (connection, state, failures, until, changed_at) values (%s, 'open', 5, %s, %s)"
            await tx.execute(made, (connection, house.now.business, house.now.business))
    house.later(seconds=10)
    assert await measured.of("nostro_feed_heartbeat_age_seconds") == {
        'connection="till",feed="events"': 10.0,
        'connection="till",feed="folder"': 10.0,
    }
    assert await measured.of("nostro_breaker_open") == {'connection="till"': 1.0}
