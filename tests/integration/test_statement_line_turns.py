"""Several invoices that one collective credit pays: an Odoo that refuses matches of one line at once never has to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from nostro.connectors.odoo import CONNECTOR
from nostro.connectors.odoo.config import OdooConfig
from nostro.egress.connections import OpenConnection
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.intents import Reconcile
from nostro.sandbox.wire import WireRequest
from nostro.store.database import Database, Statements
from tests.dispatch_world import Worker, World, installed, of_line
from tests.odoo_house import House
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
DEMO = Statements("demo")
_INVOICES = 6


@dataclass
class BusyOdoo:
    """The sandbox's Odoo, where a call takes a while. As in the real one (four threads that match one line: one does,
    three are told that it is matched already), a call that changes what another one is changing is refused.
    """

    house: House
    refused: int = 0
    _under_way: Counter[int] = field(default_factory=Counter)

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """A transport."""
        assert timeout_seconds > 0
        changed = self._changed(request)
        if any(self._under_way[line] for line in changed):
            self.refused += 1
            told = "You are trying to reconcile some entries that are already reconciled."
            return HttpReply(422, {}, json.dumps({"name": "odoo.exceptions.UserError", "message": told}).encode())
        with self._held(changed):
            await asyncio.sleep(0.02)
            told_headers = {name.lower(): value for name, value in request.headers.items()}
            wired = WireRequest(request.method, urlsplit(request.url).path, (), told_headers, request.body)
            reply = self.house.books.handle(wired, self.house.now)
        return HttpReply(reply.status, reply.headers, reply.body)

    @contextmanager
    def _held(self, lines: Sequence[int]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - contextlib names the type
        self._under_way.update(lines)
        try:
            yield
        finally:
            self._under_way.subtract(lines)

    def _changed(self, request: HttpRequest) -> Sequence[int]:
        changes = request.url.endswith(("account.move.line/reconcile", "account.move.line/write"))
        return json.loads(request.body)["ids"] if changes else ()


async def test_matches_of_one_line_take_turns_over_all_shards_slots_and_workers(database_url: str) -> None:
    odoo = BusyOdoo(House(19))
    house = odoo.house
    line = house.statement_line(100.0 * _INVOICES)
    invoices = [house.invoice(100) for _ in range(_INVOICES)]
    async with installed(database_url) as database:
        await _match(database, odoo, line["id"], invoices)
    assert odoo.refused == 0
    assert {house.move(invoice)["payment_state"] for invoice in invoices} == {"paid"}
    receivable = house.find("account.move.line", ["move_id", "=", line["move_id"]], ["reconciled", "=", True])
    assert [row["amount_residual"] for row in receivable] == [0.0]


async def _match(database: Database, odoo: BusyOdoo, line: int, invoices: Sequence[int]) -> None:
    world = World(database, operation("look_up"))
    config = OdooConfig(database="odoo")
    secrets = {"api_key": odoo.house.key}
    world.connection = OpenConnection("odoo", CONNECTOR, config, "http://odoo", secrets, slots=4, concurrency=8)
    world.partner = odoo  # type: ignore[assignment]  # another transport
    for invoice in invoices:
        await world.want(f"DE/db/{invoice}", intent=Reconcile(entity="DE", move_id=invoice, statement_line=line))
    workers = [Worker(world, "one"), Worker(world, "two")]
    while len(world.settled) < len(invoices):
        for worker in workers:
            await worker.step()
        world.later(1)
        await world.absorb()
    for worker in workers:
        await worker.dispatcher.stop()
    assert {kind for _, kind in world.settled} == {"done"}


async def test_what_may_not_leave_before_a_person_has_spoken_is_not_under_way(database_url: str) -> None:
    """Behind what was handed over waits what is of its subject or works on the same thing, and what waits for those."""
    async with installed(database_url) as database:
        world = World(database, operation("person"))
        first = await world.want("po_1", "a", intent=of_line(1))
        world.partner.fault = lambda request: "cut_before" if first.encode() in request.body else ""
        worker = Worker(world, "one")
        await worker.settle()
        assert dict(world.settled) == {first: "handed_over"}
        await world.want("po_1", "b")
        await world.want("po_2", "a", intent=of_line(1))
        await world.want("po_2", "b")
        await world.want("po_3", "a", status="proposed")
        await world.want("po_3", "b")
        await worker.settle()
        assert await unsent(database) == 0
        free = await world.want("po_4", "a", intent=of_line(2)), await world.want("po_4", "b")
        assert await unsent(database) == 2
        await worker.settle()
        assert [correlation for correlation, _ in world.settled] == [first, *free]
        assert await unsent(database) == 0


async def unsent(database: Database) -> int:
    """How many commands are still to be sent, or on their way."""
    async with database.transaction() as tx:
        row = await tx.row(DEMO.under_way)
        return int(row.unsent) if row else 0
