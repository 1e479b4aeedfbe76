"""Polls: feeds with cursors behind every webhook, so that lost news is found.

A page's receipt and the next cursor commit together: a crash fetches the page again, and the same bytes again are the
same receipt. An empty page leaves a heartbeat only. A failed poll is tried again later and later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from nostro.connectors.kit.manifest import Feed
from nostro.connectors.kit.reading import why
from nostro.egress.connections import OpenConnection
from nostro.egress.line import Count, Line, silent
from nostro.ingress.leases import Leased, Leases
from nostro.ingress.limits import Way
from nostro.ingress.receiving import Intake
from nostro.model.calls import FetchPage
from nostro.model.clock import Now
from nostro.model.failures import FailureKind, LostRace, OutOfService
from nostro.store.database import Database
from nostro.store.entropy import Entropy
from nostro.store.receipts import KeptReceipt, Received, keep, lane_for

RETRY_SECONDS = 5
RETRY_AT_MOST_SECONDS = 900
TURN = timedelta(seconds=20)
"""A turn that has lasted so long begins no other feed: a partner that takes calls and says nothing is waited for a
minute each time, and a step that lasts makes its worker late.
"""
logger = structlog.get_logger("nostro.polls")


@dataclass(slots=True)
class Polls:
    """The `step(now)` that polls the due feeds of one connection, a page of each, so that no other waits for it.

    `line` is for polls alone: a slow page holds up no command.
    """

    database: Database
    line: Line
    intake: Intake
    leases: Leases
    entropy: Entropy
    count: Count = silent
    _ended_at: str = field(default="", init=False)
    """The feed that made the last turn too long."""

    async def step(self, now: Now) -> int:
        """How many pages with something in them were kept. Nothing is asked while the backlog is full."""
        kept, ends = 0, now.machine + TURN
        if not self.line.may(now):
            return 0
        resting = await self.leases.resting(self.connection.id, now)
        for feed in self._in_turn():
            if feed.name in resting:
                continue
            if self.intake.limits.why_not(Way.PULLED, source=self.connection.id):
                break
            leased = await self.leases.take(self.connection.id, feed.name, now)
            if leased is not None and leased.run_at <= now.business and not leased.stopped:
                kept += await self._poll(feed, leased, now)
                now = await self.line.clock()  # a page may last longer than a lease
                if now.machine >= ends:
                    self._ended_at = feed.name
                    break
        return kept

    def _in_turn(self) -> list[Feed]:
        """After a turn that one of them ended, the one behind it is the first: each has its turn."""
        feeds = list(self.connection.connector.manifest.feeds.values())
        begin = [feed.name for feed in feeds].index(self._ended_at) + 1 if self._ended_at else 0
        self._ended_at = ""
        return feeds[begin:] + feeds[:begin]

    async def _poll(self, feed: Feed, leased: Leased, now: Now) -> int:
        """A page of a feed. Whatever is wrong with one feed, the connection's others are polled."""
        try:
            async with self.leases.kept(self.connection.id, feed.name, now):
                return await self._turn(feed, _rewound(feed, leased), now)
        except OutOfService:  # what all feeds stand on is away: that is no feed's fault
            raise
        except Exception as flaw:  # noqa: BLE001 - a connector may throw what it likes
            told = f"Cursor or page is not of the expected form. {why(flaw)}"
            return await self._fail(feed, leased, told, (await self.line.clock()).business)

    async def _turn(self, feed: Feed, leased: Leased, now: Now) -> int:
        config = self.connection.config
        message = feed.fetch(leased.cursor, config, now.business)
        answer = await self.line.ask(message)
        at = (await self.line.clock()).business
        denied = answer.reply is not None and answer.failure is FailureKind.UNAUTHORISED
        if denied and (beyond := feed.refused(leased.cursor, config)) is not None:
            return await self._go_round(feed, leased, beyond, _Page(message.target, b"", at))
        if answer.reply is None or answer.failure is not None:
            return await self._fail(feed, leased, f"{answer.failure}: {answer.sentence}", at)
        page = feed.page(leased.cursor, answer.content, config)
        return await self._keep(feed, leased, page, _Page(message.target, answer.reply.body, at))

    async def _go_round(self, feed: Feed, leased: Leased, page: FetchPage, came: _Page) -> int:
        """What was refused holds up nothing else; it is told. It says nothing about the connection's key."""
        self.line.health.unauthorised = False
        target = came.target.partition("?")[0]
        logger.warning("poll_refused", connection=self.connection.id, feed=feed.name, target=target)
        return await self._keep(feed, leased, page, came, "refused")

    async def _keep(self, feed: Feed, leased: Leased, page: FetchPage, came: _Page, fate: str = "empty") -> int:
        kind = f"poll:{feed.name}"
        lane = lane_for(kind, len(came.body))
        received = Received(
            self.connection.id, kind, came.at, signed=True, name=came.target, event_id=page.event, lane=lane
        )
        run_at = came.at if page.more else came.at + timedelta(seconds=feed.every_seconds)
        kept: KeptReceipt | None = None
        began = self.intake.traces.now()
        try:
            async with self.database.transaction() as tx:
                await self.leases.advance(tx, leased, page.cursor, run_at, came.at)
                if not page.empty:
                    kept = await keep(tx, self.intake.keys, received, came.body)
        except LostRace as race:
            return self._not_kept(feed, race)
        if kept is not None:
            self.intake.tell(received, kept, began)
        self._count(feed, fate if kept is None else "page")
        return int(kept is not None or page.more)

    async def _fail(self, feed: Feed, leased: Leased, sentence: str, at: datetime) -> int:
        seconds = min(RETRY_AT_MOST_SECONDS, RETRY_SECONDS * 2 ** min(leased.failures, 10))
        run_at = at + timedelta(seconds=seconds * (0.5 + self.entropy.uniform() / 2))
        try:
            await self.leases.delay(leased, run_at, sentence)
        except LostRace as race:
            return self._not_kept(feed, race)
        logger.warning("poll_failed", connection=self.connection.id, feed=feed.name, sentence=sentence)
        self._count(feed, "failed")
        return 0

    def _not_kept(self, feed: Feed, race: LostRace) -> int:
        """Another worker polls the feed by now, and says how it went."""
        logger.info("page_not_kept", connection=self.connection.id, feed=feed.name, sentence=race.sentence)
        return 0

    @property
    def connection(self) -> OpenConnection:
        """The connection that is polled."""
        return self.line.connection

    def _count(self, feed: Feed, fate: str) -> None:
        self.count("feed_pages", connection=self.connection.id, feed=feed.name, fate=fate)


def _rewound(feed: Feed, leased: Leased) -> Leased:
    """Where a recovery wants the feed read again; kept with the first page that comes."""
    if leased.rewind_to is None:
        return leased
    return replace(leased, cursor=feed.rewound(leased.cursor, leased.rewind_to.astimezone(UTC)))


class _Page(NamedTuple):
    target: str
    body: bytes
    at: datetime
