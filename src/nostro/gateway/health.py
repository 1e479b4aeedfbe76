"""Health and metrics, on a loopback listener of their own: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from nostro.egress.connections import Connections
from nostro.ingress.folders import FEED
from nostro.ingress.limits import Limits, Way
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable
from nostro.store.database import Database, Statements

SQL = Statements("ingress")
AUDIT = Statements("audit")
LATE_SECONDS = 150.0
"""More than the slowest call that a step waits for, twice: a partner that is down makes nobody unready. No step begins
a third one behind two that were slow.
"""
DATABASE_SECONDS = 3


class Gauges(Protocol):
    """The part of the metrics that is set when it is asked for."""

    def put(self, metric: str, level: float, **labels: str) -> None:
        """Sets a gauge."""

    def replace(self, metric: str, rows: Iterable[tuple[Mapping[str, str], float]]) -> None:
        """Sets a gauge anew for all labels."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is asked. `lateness`: seconds since each loop last ended a step, or found out of service what it needs.

    `connections`: those in force. What one left behind that is gone would be late, or broken, for ever.
    """

    database: Database
    connections: Connections
    limits: Limits
    clock: Callable[[], Awaitable[Now]]
    lateness: Callable[[], Mapping[str, float]]
    registry: CollectorRegistry
    gauges: Gauges

    async def alive(self, _: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """503 where work can't go on; quarantine and a missing standby are told, since receipts are still taken in."""
        database = await self._ask()
        late = {loop: round(age, 1) for loop, age in sorted(self.lateness().items()) if age > LATE_SECONDS}
        refused = self.limits.why_not(Way.PUSHED)
        ready = database is not None and not late and not refused
        told = {
            "ready": ready,
            "database": "reached" if database is not None else "unreachable",
            "quarantine": database.quarantine if database else None,
            "recovering_since": _told(database.recovering_since) if database else None,
            "synchronous_standbys": database.standbys if database else None,
            "information": _information(database),
            "late_loops": late,
            "intake": refused or "open",
            "held_back": {} if refused else self.limits.held_back(),
            "readings": self.limits.readings,
            "arrivals": self.limits.arrivals,
        }
        return JSONResponse(told, 200 if ready else 503, headers={"cache-control": "no-store"})

    async def metrics(self, _: Request) -> Response:
        """Prometheus' text format. What only the database knows is asked for now; without it the rest is told."""
        for loop, age in self.lateness().items():
            self.gauges.put("loop_age_seconds", age, loop=loop)
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._measure(await self.clock())
        except (DatabaseUnavailable, TimeoutError):
            pass
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

    async def _ask(self) -> Any:  # noqa: ANN401 - a row
        try:
            async with asyncio.timeout(DATABASE_SECONDS), self.database.transaction() as tx:
                return await tx.row(SQL.standing)
        except (DatabaseUnavailable, TimeoutError):
            return None

    async def _measure(self, now: Now) -> None:
        async with self.database.transaction() as tx:
            standing = await tx.row(SQL.standing)
            commands = await tx.rows(SQL.commands_waiting)
            cases = await tx.rows(SQL.cases_waiting)
            feeds = await tx.rows(SQL.heartbeats, **self._feeds())
            breakers = await tx.rows(SQL.breakers, connections=list(self.connections))
            unsealed = await tx.row(AUDIT.unsealed_since)
        gauges = self.gauges
        gauges.replace("commands_open", [({"connection": r.connection, "state": r.status}, r.count) for r in commands])
        gauges.replace("cases_open", [({"reason": row.reason}, row.count) for row in cases])
        gauges.replace("breaker_open", [({"connection": r.connection}, float(r.state != "closed")) for r in breakers])
        ages = [((now.business - row.heartbeat_at).total_seconds(), row) for row in feeds]
        gauges.replace(
            "feed_heartbeat_age_seconds", [({"connection": row.connection, "feed": row.name}, age) for age, row in ages]
        )
        if standing is not None:
            self.gauges.put("quarantine", 1 if standing.quarantine else 0)
            self.gauges.put("recovering", 1 if standing.recovering_since else 0)
            self.gauges.put("synchronous_standbys", standing.standbys)
            self.gauges.put("backlog", standing.parked, queue="parked")
        since = unsealed.since if unsealed is not None and unsealed.since is not None else now.business
        self.gauges.put("checkpoint_age_seconds", (now.business - since).total_seconds())

    def _feeds(self) -> dict[str, list[str]]:
        """The feeds and watched folders that there are."""
        manifests = {name: one.connector.manifest for name, one in self.connections.items()}
        feeds = [(name, feed) for name, manifest in manifests.items() for feed in manifest.feeds]
        feeds += [(name, FEED) for name, manifest in manifests.items() if manifest.watches_folder]
        return {"connections": [name for name, _ in feeds], "names": [feed for _, feed in feeds]}


def _told(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _information(database: Any) -> list[str]:  # noqa: ANN401 - a row
    if database is None:
        return []
    told = []
    if database.quarantine:
        told.append(f"Quarantine: nothing leaves. {database.quarantine}")
    if database.stopped:
        told.append(
            f"Stopped, since another database is behind them than before: {database.stopped}. See `nostro cases`."
        )
    if database.recovering_since:
        told.append("A recovery is open: every command begins with its look-up. See `nostro recover`.")
    if not database.standbys:
        told.append("There is no synchronous standby: losing this disk loses what was acknowledged.")
    return told


def build_health_app(health: Health) -> Starlette:
    """The application for the loopback listener. It is for the machine's own operators: never bind it elsewhere."""
    return Starlette(
        routes=[
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/metrics", health.metrics),
        ]
    )
