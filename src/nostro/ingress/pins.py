"""Pins: every few minutes a connection is asked which database is behind it.

A database that was copied, neutralised, replaced or restored to an earlier moment is stopped: nothing is read from it
and nothing is sent to it until a person has closed the case. Closing says that what is there now is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from nostro.connectors.kit.pins import Identity, Pin, differences
from nostro.egress.connections import OpenConnection
from nostro.egress.line import Line
from nostro.ingress.leases import Leased, Leases
from nostro.model.calls import Ask, Exchange, Reply
from nostro.model.canonical import canonical, parse
from nostro.model.clock import Now
from nostro.model.failures import LostRace, OutOfService
from nostro.model.ids import Subject, case_id
from nostro.store.database import Database, Row, Statements, Transaction

SQL = Statements("pins")
FEED = "pin"
EVERY = timedelta(minutes=5)
AGAIN = timedelta(minutes=1)
CALLS = 10
PATIENCE = timedelta(seconds=60)
"""Where answers took longer than this no other question is asked: the last one may take as long, and a step that lasts
makes its worker late.
"""
LISTED = 200
REMEMBERED = timedelta(days=62)
"""So far back effects are held against an Odoo whose ids run backwards."""
COPIED, ROLLED_BACK = "erp_copied", "erp_rolled_back"
logger = structlog.get_logger("nostro.pins")


@dataclass(slots=True)
class Pins:
    """The `step(now)` that looks who is there, on one connection."""

    database: Database
    line: Line
    leases: Leases

    async def step(self, now: Now) -> int:
        """1 when it stopped or freed the connection."""
        if not self.line.may(now) or FEED in await self.leases.resting(self.connection.id, now):
            return 0
        leased = await self.leases.take(self.connection.id, FEED, now)
        if leased is None or leased.run_at > now.business:
            return 0
        async with self.leases.kept(self.connection.id, FEED, now):
            return await self._look(leased, now)

    async def _look(self, leased: Leased, now: Now) -> int:
        """Asks, and judges the answer, while the lease is kept: three slow questions last longer than it."""
        seen = await self._ask(now)
        if seen is None:
            await self.leases.delay(leased, now.business + AGAIN, "It could not be asked who it is.")
            return 0
        try:
            async with self.database.transaction() as tx:
                return await self._judge(tx, leased, seen, now.business)
        except LostRace as race:
            logger.info("pin_not_kept", connection=self.connection.id, sentence=race.sentence)
            return 0

    @property
    def connection(self) -> OpenConnection:
        """The connection that is looked at."""
        return self.line.connection

    async def _judge(self, tx: Transaction, leased: Leased, seen: Identity, at: datetime) -> int:
        pin = Pin.model_validate(parse(leased.cursor.encode())) if leased.cursor else Pin()
        stop = await tx.row(SQL.stop, connection=self.connection.id)
        if stop is not None and stop.waits:
            return await self._kept(tx, leased, pin, at, changed=0)
        if stop is not None:
            await tx.run(SQL.free, connection=self.connection.id)
            logger.warning("connection_freed", connection=self.connection.id)
            pin = Pin()
        why = list(differences(pin, self.connection.url, seen))
        gone = await self._gone(tx, pin, seen, at)
        if why or gone:
            await self._stop(tx, why, gone, at)
            return await self._kept(tx, leased, pin, at, changed=1)
        changed = int(stop is not None)
        return await self._kept(tx, leased, pin.moved_on(self.connection.url, seen), at, changed=changed)

    async def _kept(self, tx: Transaction, leased: Leased, pin: Pin, at: datetime, *, changed: int) -> int:
        await self.leases.advance(tx, leased, canonical(pin).decode(), at + EVERY, at)
        return changed

    async def _gone(self, tx: Transaction, pin: Pin, seen: Identity, at: datetime) -> Sequence[Row]:
        """Effects of ours whose ids are newer than the newest there is: it was restored to before them. And what was
        done since the first of those.
        """
        if seen.newest >= pin.seen.newest:
            return ()
        since = at - REMEMBERED
        names = {"connection": self.connection.id, "newest": seen.newest, "since": since, "month": since.date()}
        return await tx.rows(SQL.effects_beyond, **names, limit=LISTED)

    async def _stop(self, tx: Transaction, why: Sequence[str], gone: Sequence[Row], at: datetime) -> None:
        subject = Subject("house", f"connection/{self.connection.id}")
        reason = COPIED if why else ROLLED_BACK
        told = " ".join(why) or _told(gone)
        sentence = f"{self.connection.id} is stopped. {told}"
        redo = [f"{row.operation} {row.correlation} ({_place(row)})" for row in gone]
        case = case_id(str(subject), reason, at.isoformat())
        await tx.run(
            SQL.open_case,
            shard=subject.shard,
            id=case,
            process=subject.process,
            subject=subject.id,
            reason=reason,
            sentence=sentence,
            candidates=canonical(redo),
            at=at,
        )
        await tx.run(
            SQL.set_stop, connection=self.connection.id, why=sentence, shard=subject.shard, case_id=case, at=at
        )
        logger.error("connection_stopped", connection=self.connection.id, reason=reason, sentence=sentence)

    async def _ask(self, now: Now) -> Identity | None:
        """None when it can't be reached or is slow, which is no flaw, or when the connector fails, which is told."""
        identify = self.connection.connector.identify
        assert identify is not None
        try:
            return await _answered(self.line, identify(self.connection.config), now.machine + PATIENCE)
        except OutOfService:
            raise
        except Exception as error:  # a connector may throw what it likes
            logger.warning("pin_failed", connection=self.connection.id, exc_info=error)
            return None


def _told(gone: Sequence[Row]) -> str:
    """What is gone, and how much of it is listed."""
    of = gone[0]
    cut = of.affected > len(gone)
    more = f" They are {of.affected} in all, of which the first {len(gone)} are listed." if cut else ""
    return (
        f"Of our effects {of.lost} can't be found any more: it was restored to an earlier moment. What else was done "
        f"since the first of them may be gone as well, and is listed with them.{more}"
    )


def _place(row: Row) -> str:
    """Of an effect that may have to be done again."""
    return f"entry {row.entry}, gone" if row.gone else "look whether it is there"


async def _answered(line: Line, exchange: Exchange[Identity | None], until: datetime) -> Identity | None:
    """Drives an exchange of questions; one that wants to wait has met an outage. `until`: in machine time."""
    try:
        call = next(exchange)
        for _ in range(CALLS):
            if not isinstance(call, Ask):
                return None
            answer = await line.ask(call.message)
            at = await line.clock()
            call = exchange.send(Reply(answer.content, at.business, answer.failure, answer.sentence))
            if at.machine > until:
                return None
    except StopIteration as end:
        found: Identity | None = end.value
        return found
    finally:
        exchange.close()
    return None
