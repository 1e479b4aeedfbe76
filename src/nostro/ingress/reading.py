"""Read: receipts become facts on their way to their subjects, and each receipt ends in one `receipt.read`.

A step handles one batch, at most 500 facts in one database transaction, with a share for every lane. What a crash cuts
off is read again from its beginning: what was routed already is known by its receipt, so nothing is lost, doubled, or
counted as a duplicate.

A claim counts against its receipt as soon as it is made: who is killed by a receipt counts nothing any more. It doesn't
count where its worker lives to say what ended it: the worker's own end, or a database that was away. It does where its
bytes can't be fetched time and again, or its lease was lost while the database was there: what a reader does may have
kept its worker from renewing it.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from nostro.connectors.kit.reading import RejectItem
from nostro.egress.connections import Connections
from nostro.egress.line import Count, silent
from nostro.egress.tracing import UNTRACED, Span, Traces, of_receipt
from nostro.ingress.leases import LEASE, renewed
from nostro.ingress.opened import Opened, Piece
from nostro.ingress.opening import open_all
from nostro.model.clock import Now
from nostro.model.facts import Fact
from nostro.model.facts.house import ToldDifferently
from nostro.model.failures import POISON, BrokenPromise, LostRace, OutOfService, TooLong, name_of
from nostro.model.ids import short_digest
from nostro.processes.kit.process import Process
from nostro.routing.route import Routable, Routed, route, told_name
from nostro.store.arrivals import LANES, lane_number
from nostro.store.blobs import seal_all
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.keys import Keys
from nostro.store.receipts import event_receipt

SQL = Statements("ingress")
BATCH = 500
SHARES = (0.70, 0.25, 0.05)
OPEN_AT_ONCE = (16, 32, 4)
"""Receipts that are open at once, per lane."""
MOST_AT_ONCE = (BATCH, BATCH, 100)
"""Facts of a lane in one step, however much the others leave it: whatever is urgent waits for a step to end."""
RACES = 5
SUSPECT = 3
"""A receipt that was open when more readers than so many ended without a word: one of those that were."""
WEBHOOK = "webhook"
logger = structlog.get_logger("nostro.reading")


class _EndedBefore(BrokenPromise):
    """Another reading of the receipt has ended under this number: the last release gave numbers twice."""


@dataclass(slots=True)
class Readings:
    """The `step(now)` that reads. `lane_full` says whether a lane takes no more facts now; `reads` counts them."""

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    connections: Connections
    lane_full: Callable[[int], bool] = lambda _: False
    reads: Callable[[int, int], None] = lambda _, __: None
    count: Count = silent
    traces: Traces = UNTRACED
    _began: dict[tuple[int, bytes, int], int] = field(default_factory=dict)
    _open: dict[tuple[int, bytes, int], Opened] = field(default_factory=dict)
    _innocent: list[Row] = field(default_factory=list)
    """Claims that are over and don't count; no statement has said so yet."""
    _alone: bool = False
    """Whether a suspect was looked at the last time."""
    _was_away: bool = False
    """Whether the database was away since what is open was held on to."""
    _reached: dict[tuple[int, bytes, int], int] = field(default_factory=dict)
    """How many items of a receipt had been read where it was interrupted: one entry a loss of the database, at most."""

    async def step(self, now: Now) -> int:
        """How many items were routed and receipts ended. A lost race leaves the rest for the next step."""
        async with self._noticing():
            return await self._step(now)

    async def _step(self, now: Now) -> int:
        claims = await self._claim(now)
        try:
            opened = await open_all(self.database, self.keys, self.connections, claims)
        except (OutOfService, CancelledError):
            self._innocent += claims
            raise
        self._open |= {one.key: one for one in opened}
        if self.traces.on:
            begun = {key: self._began.get(key, self.traces.now()) for key in self._open}
            self._began = begun
        async with renewed(self._hold_on, now):
            pieces = await self._look()
            try:
                routed = await self._route(pieces, now) if pieces else 0
            except LostRace as race:
                logger.info("race_lost", sentence=race.sentence, pieces=len(pieces))
                return 0
        return routed + await self._end([opened for opened in self._open.values() if opened.ended], now)

    async def _claim(self, now: Now) -> list[Row]:
        """Goes on holding what is open, and claims more, lane by lane."""
        until = now.machine + LEASE
        async with self.database.transaction() as tx:
            held = {(row.shard, bytes(row.receipt), row.number) for row in await self._hold(tx, until=until)}
            still = {key: opened for key, opened in self._open.items() if key in held}
            lost = [opened.claim for key, opened in self._open.items() if key not in held and self._was_away]
            if innocent := [*self._innocent, *lost]:
                await tx.run(SQL.excuse_readings, **_names(innocent))
            room = self._room(still.values())
            times = {"business": now.business, "machine": now.machine, "until": until}
            wanted = {"lanes": list(room), "limits": list(room.values())}
            claims = await tx.ahead(SQL.claim_readings, **wanted, **times) if room else None
        self._open, self._innocent, self._was_away = still, [], False
        return sorted(claims.rows() if claims else [], key=lambda row: (row.lane, row.run_at, row.shard, row.receipt))

    async def release(self, now: Now) -> None:
        """Lets go of what it has claimed: whoever claims it reads it from its beginning."""
        if claims := [*self._claims(), *self._innocent]:
            async with self.database.transaction() as tx:
                await tx.run(SQL.release_readings, until=now.machine, **_names(claims))
        self._open, self._innocent = {}, []

    def _room(self, still: Iterable[Opened]) -> dict[int, int]:
        """How many more receipts may be open, on the lanes that take facts."""
        taken = Counter(opened.claim.lane for opened in still)
        room = {lane: most - taken[lane] for lane, most in enumerate(OPEN_AT_ONCE)}
        return {lane: more for lane, more in room.items() if more > 0 and not self.lane_full(lane)}

    async def _hold_on(self, at: datetime) -> None:
        async with self._noticing(), self.database.transaction() as tx:
            await self._hold(tx, until=at + LEASE)

    async def _hold(self, tx: Transaction, **until: object) -> list[Row]:
        return await tx.rows(SQL.hold_readings, **until, **_names(self._claims())) if self._open else []

    def _claims(self) -> list[Row]:
        return [opened.claim for opened in self._open.values()]

    @asynccontextmanager
    async def _noticing(self) -> AsyncIterator[None]:
        try:
            yield
        except OutOfService:
            self._was_away = True
            raise

    async def _look(self) -> list[Piece]:
        """The next pieces: every lane has a share that never reaches zero; what it leaves goes to the next ones."""
        pieces: list[Piece] = []
        unused, turn = 0, self._turn()
        for lane, share in enumerate(SHARES):
            unused = min(unused + max(1, int(BATCH * share)), MOST_AT_ONCE[lane])
            for opened in [opened for opened in turn if opened.claim.lane == lane]:
                if unused <= 0:
                    break
                try:
                    seen = await opened.look(unused)
                except OutOfService:
                    self._interrupted(self._open.pop(opened.key))
                    raise
                travels = {self._lane(piece) for piece in seen} - {""}
                if not any(map(self.lane_full, map(lane_number, travels) if travels else [lane])):
                    pieces += seen
                    unused -= sum(max(1, piece.weight) for piece in seen)
                    for piece in seen:
                        self.reads(lane_number(self._lane(piece) or LANES[lane]), piece.weight)
        return pieces

    def _turn(self) -> list[Opened]:
        """All that are open, but for suspects, of which one is looked at alone every other time: whose readers end with
        it takes nobody along who was merely open beside it. Which one is first is another matter after each claim.
        """
        suspects = [opened for opened in self._open.values() if opened.claim.failures > SUSPECT and self._may(opened)]
        others = [opened for opened in self._open.values() if opened.claim.failures <= SUSPECT]
        self._alone = bool(suspects) and not (others and self._alone)
        return [min(suspects, key=_lot)] if self._alone else others

    def _may(self, opened: Opened) -> bool:
        """Whether the lane takes more that it is known to travel on."""
        return not self.lane_full(lane_number("bulk") if opened.bulk else opened.claim.lane)

    def _interrupted(self, opened: Opened) -> None:
        """Its bytes couldn't be fetched, which counts only where it came no further than the last time."""
        before = self._reached.get(opened.key, -1)
        if opened.read > before:
            self._innocent.append(opened.claim)
        self._reached[opened.key] = max(opened.read, before)

    def _lane(self, piece: Piece) -> str:
        """Where subjects begin that it brings: a large receipt's on bulk, else as the landscape says, else empty."""
        if piece.opened.bulk:
            return "bulk"
        connection = self.connections.get(piece.opened.receipt.connection)
        return connection.lanes.get(piece.entity, "") if connection else ""

    async def _route(self, pieces: Sequence[Piece], now: Now) -> int:
        """Raises `LostRace` when somebody else was first more often than is likely."""
        for _ in range(RACES):
            try:
                return await self._attempt(pieces, now)
            except LostRace:
                continue
            except POISON as error:
                if len(pieces) > 1:
                    middle = len(pieces) // 2
                    return await self._route(pieces[:middle], now) + await self._route(pieces[middle:], now)
                return self._poisoned(pieces[0], error)
        message = "Other readings were first each time."
        raise LostRace(message)

    def _poisoned(self, piece: Piece, error: Exception) -> int:
        """An item that the database or its process can't take is a reject; what it said is in the receipt."""
        failure = name_of(error)
        logger.warning("item_poisoned", receipt=piece.opened.receipt.id.hex(), item=piece.number, failure=failure)
        why = error.sentence if isinstance(error, TooLong) else f"Its facts could not be routed ({failure})."
        piece.opened.settle(Piece(piece.opened, piece.number, RejectItem(f"item {piece.number}", why)))
        return 1

    async def _attempt(self, pieces: Sequence[Piece], now: Now) -> int:
        owners = [(piece, fact) for piece in pieces for fact in piece.facts()]
        blobs = await seal_all(self.database, self.keys, [fact for _, fact in owners], now.business)
        began = self.traces.now()
        batch = [
            Routable(fact, blob, piece.addressed_to(), self._lane(piece), piece.opened.claim.run_at)
            for (piece, fact), blob in zip(owners, blobs, strict=True)
        ]
        routed = Routed()
        if batch:
            async with self.database.transaction() as tx:
                routed = await route(tx, self.keys, self.processes, batch, now.business)
        _settle(pieces, owners, routed)
        if self.traces.on:
            self.traces.tell(_routes(owners, began))
        return len(pieces)

    async def _end(self, ended: Sequence[Opened], now: Now) -> int:
        """Ends readings, all in one database transaction; one that can't be ended is tried apart from the others."""
        if not ended:
            return 0
        try:
            await self._close(ended, now)
        except LostRace:
            return 0
        except (_EndedBefore, *POISON) as error:
            if len(ended) > 1:
                return sum([await self._end([opened], now) for opened in ended])
            logger.exception("reading_not_ended", receipt=ended[0].receipt.id.hex(), exc_info=error)
            del self._open[ended[0].key]  # it is tried again when its lease has ended
            if isinstance(error, _EndedBefore):
                async with self.database.transaction() as tx:
                    await tx.run(SQL.renumber_readings, **_names([opened.claim for opened in ended]))
            return 0
        for opened in ended:
            del self._open[opened.key]
            self._reached.pop(opened.key, None)
            self._tell(opened)
        return len(ended)

    async def _close(self, ended: Sequence[Opened], now: Now) -> None:
        facts = {opened.key: _end_fact(opened, now) for opened in ended}
        blobs = await seal_all(self.database, self.keys, list(facts.values()), now.business)
        batch = {key: Routable(fact, blob) for (key, fact), blob in zip(facts.items(), blobs, strict=True)}
        async with self.database.transaction() as tx:
            rows = await tx.rows(SQL.end_readings, **_names([opened.claim for opened in ended]))
            ours = [key for row in rows if (key := (row.shard, bytes(row.receipt), row.number)) in batch]
            routed = await route(tx, self.keys, self.processes, [batch[key] for key in ours], now.business)
            if routed.delivered < len(ours):
                message = "A reading ends that had ended before: what it came to would be kept nowhere."
                raise _EndedBefore(message)
            hints = sorted({(opened.receipt.connection, feed) for opened in ended for feed in opened.tally.hints})
            if hints:
                connections, names = zip(*hints, strict=True)
                await tx.run(SQL.hint_feeds, connections=list(connections), names=list(names), at=now.business)

    def _tell(self, opened: Opened) -> None:
        tally, connection = opened.tally, opened.receipt.connection
        if self.traces.on:
            receipt, told = opened.receipt.id, {"connection": connection, "reading": opened.claim.number}
            told |= {f"items_{fate}": number for fate, number in tally.counts.items()}
            span, parent = of_receipt("read", receipt), of_receipt("receive", receipt)
            self.traces.tell([Span("read", receipt, span, parent, self._began.pop(opened.key, 0), told)])
        for fate, number in sorted(tally.counts.items()):
            self.count("receipt_items", number, connection=connection, fate=fate)
        self.count("unknown_fields", tally.unknown_fields, connection=connection)
        self.count("told_differently", len(tally.differences), connection=connection)
        logger.info(
            "receipt_read",
            receipt=opened.receipt.id.hex(),
            connection=connection,
            kind=opened.receipt.kind,
            reading=opened.claim.number,
            **dict(tally.counts),
            amounts=tally.told(),
        )


def _routes(owners: Sequence[tuple[Piece, Fact]], began: int) -> list[Span]:
    """A span for each receipt of which facts were routed."""
    counts = Counter(piece.opened.receipt.id for piece, _ in owners)
    return [
        Span("route", receipt, of_receipt("route", receipt), of_receipt("read", receipt), began, {"facts": count})
        for receipt, count in counts.items()
    ]


def _lot(opened: Opened) -> bytes:
    return short_digest(opened.receipt.id, str(opened.claim.attempts))


def _names(rows: Sequence[Row]) -> dict[str, list[object]]:
    return {
        "shards": [row.shard for row in rows],
        "receipts": [row.receipt for row in rows],
        "numbers": [row.number for row in rows],
        "attempts": [row.attempts for row in rows],
    }


def _settle(pieces: Sequence[Piece], owners: Sequence[tuple[Piece, Fact]], routed: Routed) -> None:
    """Counts what a committed batch did. A fact that this receipt told in an attempt before this one counts as read."""
    differences = dict(routed.differences)
    fresh = {piece for piece in pieces if not piece.weight}
    for n, (piece, fact) in enumerate(owners):
        opened, key = piece.opened, int.from_bytes(told_name(fact.key)[1][:8], "big")
        if n in differences:
            first = (differences[n].first_receipt or b"").hex()
            opened.tally.differs(ToldDifferently(item=piece.number, natural_key=fact.key, first_receipt=first))
        elif n not in routed.first or (routed.first[n] == opened.receipt.id and key not in opened.told):
            fresh.add(piece)
            opened.told.add(key)
    for piece in pieces:
        piece.opened.settle(piece, known=piece not in fresh)


def _end_fact(opened: Opened, now: Now) -> Fact:
    receipt = opened.receipt
    if receipt.kind == WEBHOOK and receipt.told_differently and not opened.tally.differences:
        # Its items may be ignored, or known by other keys: a person is to see all the same that the event was changed.
        first = event_receipt(receipt.connection, receipt.event_id).hex()
        opened.tally.differs(ToldDifferently(item=0, natural_key=receipt.event_id, first_receipt=first))
    return Fact(
        body=opened.tally.fact(receipt.id, receipt.digest, receipt.connection, opened.claim.number),
        entity=opened.about(),
        origin="engine",
        actor="engine",
        occurred_at=now.business,
        received_at=receipt.received_at,
        receipt=receipt.id,
    )
