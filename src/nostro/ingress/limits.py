"""How much may wait. Beyond a limit polls and files pause first, then webhooks are told to come back: 503, Retry-After.

Limits are on arrivals per lane, on unread receipts, on commands that haven't ended (for one connection, and in all), on
what is parked and on free disk space; each is a metric. What is critical has its own room: a flood of anything else
doesn't turn it away. Commands that wait for one connection hold back only whoever brings news of nobody but the
companies that it serves: what the others bring is bounded by what waits in all. Runbook: `backlog-full`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from pathlib import Path

from nostro.egress.line import Count, silent
from nostro.model.clock import Now
from nostro.model.failures import BacklogFull
from nostro.store.arrivals import LANES, lane_number
from nostro.store.database import Database, Statements

SQL = Statements("ingress")
EVERY = timedelta(seconds=1)
REST = 10
"""After a measure that took long, so many times as long nothing is measured: counting a million rows is work."""
PAUSE_AT = 0.8
"""Polls and files pause at this part of a limit, so that what can't be put off (webhooks) finds room."""
RETRY_AFTER_SECONDS = 30
CRITICAL, STANDARD = lane_number("critical"), lane_number("standard")


class Way(IntEnum):
    """How pressing a way in is, the most pressing last."""

    PULLED = 0  # polls and files: they wait outside without harm
    PUSHED = 1  # webhooks: their senders come back, for a while
    ACT = 2  # a person waits; it may be what clears the backlog


@dataclass(frozen=True, slots=True)
class Limit:
    """The landscape's limits. Free disk space is watched in `folders`, as far as the database lives on this machine."""

    arrivals: Sequence[int] = (50_000, 200_000, 1_000_000)  # per lane: critical, standard, bulk
    readings: int = 50_000  # all of them; and as many on the critical lane, when others have filled it
    commands: int = 500_000  # that wait to leave over one connection, or for a person first; and as many critical ones
    commands_in_all: int = 2_000_000  # those too that only observe
    parked: int = 500_000
    disk_free_bytes: int = 2 * 1024**3
    folders: Sequence[Path] = ()


@dataclass(slots=True)
class Limits:
    """The `step(now)` that measures each second, and the answers that follow from the newest measure.

    `companies`: of which a connection brings news and whom it serves, by connection.
    """

    database: Database
    limit: Limit = field(default_factory=Limit)
    put: Count = silent
    companies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    arrivals: list[int] = field(default_factory=lambda: [0] * len(LANES))
    readings: int = 0
    urgent_readings: int = 0
    commands: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # by connection: all, and the critical ones
    commands_in_all: tuple[int, int] = (0, 0)
    parked: int = 0
    disk_free_bytes: int | None = None
    _next: datetime | None = None

    async def step(self, now: Now) -> int:
        """Always 0: nothing waits for it."""
        if self._next is not None and now.machine < self._next:
            return 0
        began = asyncio.get_running_loop().time()
        async with self.database.transaction() as tx:
            waiting = {row.lane: row.count for row in await tx.rows(SQL.arrivals_waiting)}
            row = await tx.row(SQL.readings_waiting)
            commands = [*await tx.rows(SQL.commands_ready), *await tx.rows(SQL.commands_at_persons)]
            parked = await tx.row(SQL.parked_waiting)
        self.arrivals = [waiting.get(number, 0) for number in range(len(LANES))]
        self.readings, self.urgent_readings = (row.count, row.urgent) if row else (0, 0)
        self._add_up([(row.connection, row.observed, row.count, row.urgent) for row in commands])
        self.parked = parked.count if parked else 0
        self.disk_free_bytes = await asyncio.to_thread(self._free)
        self._next = now.machine + max(EVERY, REST * timedelta(seconds=asyncio.get_running_loop().time() - began))
        self._tell()
        return 0

    def took(self, lane: int) -> None:
        """Counts a receipt that is about to be kept, so that the limit holds between two measures too."""
        self.readings += 1
        self.urgent_readings += lane == CRITICAL

    def reads(self, lane: int, facts: int) -> None:
        """Counts facts that are about to wait on a lane: the same for what reading brings between two measures."""
        self.arrivals[lane] += facts

    def why_not(self, way: Way, lane: int = STANDARD, source: str = "") -> str:
        """Why nothing may come in that way now from a connection, to be read on that lane; empty: it may.

        No `source`: why nothing may from anybody.
        """
        part = PAUSE_AT if way is Way.PULLED else 1.0
        if self.disk_free_bytes is not None and self.disk_free_bytes * part < self.limit.disk_free_bytes:
            return "The disk is nearly full."
        for number in range(1 if way is Way.ACT or lane == CRITICAL else 2):
            if self.arrivals[number] >= self.limit.arrivals[number] * part:
                return f"The {LANES[number]} lane is full."
        unread = self.urgent_readings if lane == CRITICAL else self.readings
        if way is not Way.ACT and unread >= self.limit.readings * part:
            return "Too many receipts are unread."
        return "" if way is Way.ACT else self._behind(part, source, urgent=lane == CRITICAL)

    def _behind(self, part: float, source: str, *, urgent: bool) -> str:
        """What waits for others: for an outside system that is away, for a person, or for news that never comes."""
        if self.commands_in_all[urgent] >= self.limit.commands_in_all * part:
            return "Too many commands have not ended."
        for connection, waiting in self.commands.items():
            if waiting[urgent] >= self.limit.commands * part and self._ends_at(source, connection):
                return f"Too many commands wait for {connection}."
        return "Too many facts are parked." if not urgent and self.parked >= self.limit.parked * part else ""

    def _ends_at(self, source: str, connection: str) -> bool:
        """Whether all that a source brings may end in commands for a connection: it serves all of its companies."""
        brings = self.companies.get(source, frozenset[str]())
        return bool(brings) and brings <= self.companies.get(connection, frozenset[str]())

    def held_back(self) -> dict[str, str]:
        """The connections from which nothing may come in now though the door is open, and why."""
        told = {source: self.why_not(Way.PUSHED, source=source) for source in sorted(self.companies)}
        return {source: why for source, why in told.items() if why}

    def demand(self, way: Way, lane: int = STANDARD, source: str = "") -> None:
        """Raises `BacklogFull` when nothing may come in that way now from a connection, to be read on that lane."""
        reason = self.why_not(way, lane, source)
        if reason:
            remedy = "Nothing was kept; send it again later."
            raise BacklogFull(reason, remedy, runbook="backlog-full")

    def lane_full(self, lane: int) -> bool:
        """Whether a lane takes no more facts: what would bring them stays unread meanwhile."""
        return self.arrivals[lane] >= self.limit.arrivals[lane]

    def _add_up(self, waiting: Sequence[tuple[str, bool, int, int]]) -> None:
        """Rows of connection, whether they only observe, how many, and how many of them on the critical lane.

        A connection for which nothing waits any more has no row, and is told as 0: it would keep its last measure.
        """
        every, urgent = Counter(dict.fromkeys(self.commands, 0)), Counter[str]()
        for connection, observed, count, critical in waiting:
            every[connection] += 0 if observed else count
            urgent[connection] += 0 if observed else critical
        self.commands = {connection: (count, urgent[connection]) for connection, count in every.items()}
        self.commands_in_all = sum(row[2] for row in waiting), sum(row[3] for row in waiting)

    def _free(self) -> int | None:
        return min((shutil.disk_usage(folder).free for folder in self.limit.folders if folder.exists()), default=None)

    def _tell(self) -> None:
        for number, lane in enumerate(LANES):
            self.put("backlog", self.arrivals[number], queue=f"arrivals_{lane}")
            self.put("backlog_limit", self.limit.arrivals[number], queue=f"arrivals_{lane}")
        self.put("backlog", self.readings, queue="readings")
        self.put("backlog_limit", self.limit.readings, queue="readings")
        for connection, (count, _) in self.commands.items():
            self.put("backlog", count, queue=f"commands_{connection}")
            self.put("backlog_limit", self.limit.commands, queue=f"commands_{connection}")
        self.put("backlog", self.commands_in_all[0], queue="commands")
        self.put("backlog_limit", self.limit.commands_in_all, queue="commands")
        self.put("backlog_limit", self.limit.parked, queue="parked")
        self.put("disk_watermark_bytes", self.limit.disk_free_bytes)
        if self.disk_free_bytes is not None:
            self.put("disk_free_bytes", self.disk_free_bytes)
        for way in Way:
            self.put("intake_refused", 1 if self.why_not(way) else 0, way=way.name.lower())
