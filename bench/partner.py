"""The partner of the six-step process as a system of the sandbox: over HTTP, with books of its own, as a child."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.six_steps import served
from bench.worker import main, say
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.server import Server
from nostro.sandbox.wire import WireReply, WireRequest
from nostro.sandbox.world import World

SYSTEM = "bench/partner"


@dataclass(slots=True)
class Effects:
    """A stand-in that knows one page: the effects by their keys, each done once."""

    effects: dict[str, str] = field(default_factory=dict)
    plan: FaultPlan = field(default_factory=FaultPlan)

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        """Does each effect that it hasn't done yet, and tells the numbers of all."""
        assert now.tzinfo is not None
        told = served(self.effects, orjson.loads(request.body))
        return WireReply(200, {"content-type": "application/json"}, told)

    def changes_books(self, request: WireRequest) -> bool:
        """Every request does."""
        return bool(request.body)

    def apply(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Nobody acts here but the house."""
        raise KeyError(f"{op} at {now}")

    def tick(self, now: datetime) -> None:
        """Nothing is scheduled."""

    def next_due(self) -> datetime | None:
        """Nothing is scheduled."""
        return None

    def books(self) -> dict[str, Any]:
        """The effects' numbers by key."""
        return dict(self.effects)


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Serves until the parent says the end; then tells how many effects its books hold."""
    partner = Effects()
    with tempfile.TemporaryDirectory(prefix="nostro-bench-") as files:
        world = World(seed=0, now=datetime.now(UTC), systems={SYSTEM: partner})
        server = Server(world, Path(files), port=order["port"])
        await server.start()
        say({"ready": True})
        await asyncio.to_thread(sys.stdin.readline)
        await server.stop()
    return {"effects": len(partner.effects), "cpu_seconds": sum(os.times()[:2])}


if __name__ == "__main__":
    main(work)
