"""From a claimed reading to an open receipt: its bytes, its connection, its reader."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import structlog

from nostro.connectors.kit.reading import Item, ReceiptView, RejectItem
from nostro.egress.connections import Connections, OpenConnection
from nostro.ingress.opened import WHOLE, Opened
from nostro.ingress.tally import admitted
from nostro.model.failures import OutOfService
from nostro.store.database import Database, Row
from nostro.store.keys import Keys
from nostro.store.receipts import Receipt, demand_whole, find_all, opened_inline, part

ATTEMPTS = 20
"""A receipt whose reading ended so often without a result (a killed worker, no memory left) is a reject. Ends that are
no doing of the receipt's don't count: see `reading`.
"""
CLAIMS = 50 * ATTEMPTS
"""So often it is claimed, whatever was told of how that ended."""
PART_SECONDS = 60
ACT = "act"
TOO_LARGE = "file:too_large"
"""Stands for a file that is above its connection's limit: the bytes of the receipt say so to a person."""
logger = structlog.get_logger("nostro.reading")


async def open_all(database: Database, keys: Keys, connections: Connections, claims: Iterable[Row]) -> list[Opened]:
    """Open receipts for claims, in the same order. One whose receipt is gone is told and left."""
    wanted = list(claims)
    if not wanted:
        return []
    async with database.transaction() as tx:
        receipts = await find_all(tx, [bytes(claim.receipt) for claim in wanted])
    opened = []
    for claim in wanted:
        receipt = receipts.get(bytes(claim.receipt))
        if receipt is None:
            logger.error("receipt_missing", receipt=bytes(claim.receipt).hex(), month=str(claim.month))
            continue
        opened.append(_open(_Bytes(database, keys, receipt), connections.get(receipt.connection), claim))
    return opened


@dataclass(slots=True)
class _Bytes:
    """A receipt's bytes for a reader that runs in a thread; the parts come through the loop that made this."""

    database: Database
    keys: Keys
    receipt: Receipt
    interruptions: list[OutOfService] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, a part at a time; may be asked for again. Raises `SealBroken` at the end of what isn't all."""
        if not self.receipt.parts:
            yield opened_inline(self.keys, self.receipt)
            return
        hasher = self.keys.fingerprinting()
        for number in self.receipt.pieces:
            piece = self._wait_for(number)
            hasher.update(piece)
            yield piece
        demand_whole(self.receipt, hasher.digest())

    def _wait_for(self, number: int) -> bytes:
        try:
            return asyncio.run_coroutine_threadsafe(self._fetch(number), self.loop).result(PART_SECONDS)
        except (concurrent.futures.CancelledError, TimeoutError) as error:
            message = "A part of the receipt couldn't be fetched in time."
            interruption = OutOfService(message)
            self.interruptions.append(interruption)
            raise interruption from error
        except OutOfService as interruption:
            self.interruptions.append(interruption)
            raise

    async def _fetch(self, number: int) -> bytes:
        async with self.database.transaction() as tx:
            return await part(tx, self.keys, self.receipt, number)


def _open(held: _Bytes, connection: OpenConnection | None, claim: Row) -> Opened:
    receipt = held.receipt
    ignored = connection.connector.manifest.ignored if connection else frozenset[str]()
    entities = frozenset(entity.id for entity in connection.entities) if connection else frozenset[str]()
    speaks_for = None if receipt.kind == ACT else entities  # whom a person may speak for, `acts` has checked
    return Opened(
        claim=claim,
        receipt=receipt,
        entity=next(iter(entities)) if len(entities) == 1 else "",
        items=_read(held, connection, claim),
        admit=lambda item: admitted(item, signed=receipt.signed, ignored=ignored, entities=speaks_for),
        interruptions=held.interruptions,
    )


def _read(held: _Bytes, connection: OpenConnection | None, claim: Row) -> Iterator[Item]:
    receipt = held.receipt
    if claim.failures > ATTEMPTS or claim.attempts > CLAIMS:
        times = CLAIMS if claim.attempts > CLAIMS else ATTEMPTS
        yield RejectItem(WHOLE, f"Reading it ended {times} times without a result.")
    elif connection is None:
        yield RejectItem(WHOLE, f"The landscape has no connection {receipt.connection}.")
    elif receipt.erased:
        yield RejectItem(WHOLE, "It was erased; its digest remains.")
    elif receipt.kind == TOO_LARGE:
        yield RejectItem("whole file", b"".join(held.chunks()).decode())
    else:
        view = ReceiptView(
            id=receipt.id.hex(),
            connection=receipt.connection,
            kind=receipt.kind,
            name=receipt.name,
            received_at=receipt.received_at,
            chunks=held.chunks,
            config=connection.config,
            entities=connection.entities,
            zones=connection.zones,
        )
        yield from connection.connector.read(view)
