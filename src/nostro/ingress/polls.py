"""Polls: feeds with cursors behind every webhook, so that lost news is found.

A page's receipt and the next cursor commit together: a crash fetches the page again, and the same bytes again are the
same receipt. An empty page leaves a heartbeat only. A failed poll is tried again later and later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from nostro.connectors.kit.manifest import Feed
from nostro.ingress.leases import Leased, Leases
from nostro.ingress.limits import Way
from nostro.ingress.receiving import Intake
from nostro.ingress.sources import Count, Source, silent
from nostro.model.calls import FetchPage, Message, Reply
from nostro.model.clock import Now
from nostro.model.failures import FailureKind, LostRace
from nostro.store.database import Database
from nostro.store.entropy import Entropy
from nostro.store.receipts import KeptReceipt, Received, keep, lane_for

RETRY_SECONDS = 5
RETRY_AT_MOST_SECONDS = 900
logger = structlog.get_logger("nostro.polls")


class Answer(Protocol):
    """What a poll brought: the reply as its connector understands it, and its bytes as they came."""

    @property
    def reply(self) -> Reply:
        """Parsed content, or a failure."""

    @property
    def body(self) -> bytes:
        """The bytes."""


Ask = Callable[[Message, Now], Awaitable[Answer]]


@dataclass(slots=True)
class Polls:
    """The `step(now)` that polls the due feeds of one connection, a page of each. Others' slowness is not its own."""

    database: Database
    source: Source
    ask: Ask
    intake: Intake
    leases: Leases
    entropy: Entropy
    count: Count = silent

    async def step(self, now: Now) -> int:
        """How many pages with something in them were kept. Nothing is asked while the backlog is full."""
        kept = 0
        for feed in self.source.connector.manifest.feeds.values():
            if self.intake.limits.why_not(Way.PULLED):
                break
            leased = await self.leases.take(self.source.name, feed.name, now)
            if leased is not None and leased.run_at <= now.business:
                kept += await self._poll(feed, leased, now)
        return kept

    async def _poll(self, feed: Feed, leased: Leased, now: Now) -> int:
        message = feed.fetch(leased.cursor, self.source.config, now.business)
        answer = await self.ask(message, now)
        reply = answer.reply
        if reply.failure is not None:
            return await self._fail(feed, leased, reply.failure, reply.sentence, reply.at)
        try:
            page = feed.page(leased.cursor, reply.content, self.source.config)
        except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
            sentence = f"The page is not of the expected form ({type(error).__name__})."
            return await self._fail(feed, leased, FailureKind.INVALID, sentence, reply.at)
        return await self._keep(feed, leased, message, page, answer)

    async def _keep(self, feed: Feed, leased: Leased, message: Message, page: FetchPage, answer: Answer) -> int:
        at = answer.reply.at
        kind = f"poll:{feed.name}"
        received = Received(
            self.source.name, kind, at, signed=True, name=message.target, lane=lane_for(kind, len(answer.body))
        )
        run_at = at if page.more else at + timedelta(seconds=feed.every_seconds)
        kept: KeptReceipt | None = None
        try:
            async with self.database.transaction() as tx:
                await self.leases.advance(tx, leased, page.cursor, run_at, at)
                if not page.empty:
                    kept = await keep(tx, self.intake.keys, received, answer.body)
        except LostRace as race:
            logger.info("page_not_kept", connection=self.source.name, feed=feed.name, sentence=race.sentence)
            return 0
        if kept is not None:
            self.intake.tell(received, kept)
        self._count(feed, "empty" if kept is None else "page")
        return int(kept is not None or page.more)

    async def _fail(self, feed: Feed, leased: Leased, kind: FailureKind, sentence: str, at: datetime) -> int:
        seconds = min(RETRY_AT_MOST_SECONDS, RETRY_SECONDS * 2 ** min(leased.failures, 10))
        run_at = at + timedelta(seconds=seconds * (0.5 + self.entropy.uniform() / 2))
        await self.leases.delay(leased, run_at, f"{kind}: {sentence}")
        logger.warning("poll_failed", connection=self.source.name, feed=feed.name, failure=kind, sentence=sentence)
        self._count(feed, "failed")
        return 0

    def _count(self, feed: Feed, fate: str) -> None:
        self.count("feed_pages", connection=self.source.name, feed=feed.name, fate=fate)
