"""An Odoo that was copied, neutralised, moved or restored stops its connection until a person has closed the case."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from nostro.connectors.odoo import CONNECTOR
from nostro.connectors.odoo.config import OdooConfig
from nostro.egress.connections import OpenConnection
from nostro.egress.journal import Slot, fence
from nostro.egress.line import Line
from nostro.egress.transport import NoReply
from nostro.ingress import leases, pins
from nostro.ingress.leases import Leases
from nostro.ingress.pins import EVERY, Pins
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.clock import Now
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import OdooBooks, OdooSettings, OdooUser
from nostro.sandbox.wire import WireRequest
from nostro.store.database import Database
from tests.dispatch_world import START, installed
from tests.odoo_house import COMPANIES

pytestmark = pytest.mark.asyncio
URL = "http://odoo.test"
RUNBOOK = Path(__file__).parents[2] / "docs/operate/erp_copied.md"
USERS = (OdooUser("nostro", "key-nostro", admin=True), OdooUser("clerk", "key-clerk"))


@dataclass
class Watched:
    """A connection to a stand-in Odoo, and both clocks."""

    database: Database
    books: OdooBooks
    key: str = "key-nostro"
    url: str = URL
    uuid: str = ""
    away: bool = False
    now: Now = field(default_factory=lambda: Now(START, START))

    async def clock(self) -> Now:
        return self.now

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        if self.away:
            raise NoReply
        assert timeout_seconds
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = WireRequest(request.method, urlsplit(request.url).path, (), headers, request.body)
        assert not self.books.changes_books(asked)
        reply = self.books.handle(asked, self.now.business)
        return HttpReply(reply.status, dict(reply.headers), reply.body)

    def pins(self, worker: str) -> Pins:
        """A worker that has just started."""
        config = OdooConfig(database="odoo", database_uuid=self.uuid)
        connection = OpenConnection("odoo", CONNECTOR, config, self.url, {"api_key": self.key}, calls_per_second=1000)
        return Pins(self.database, Line(connection, self, self.clock), Leases(self.database, worker))

    async def look(self) -> int:
        """The next time that it is due."""
        changed = await self.pins("one").step(self.now)
        self.now = Now(self.now.business + EVERY, self.now.machine + EVERY)
        return changed

    def act(self, act: str, **wish: Any) -> dict[str, Any]:  # noqa: ANN401 - what the stand-in knows
        return self.books.apply({"act": act, **wish}, self.now.business)

    async def all(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await (await tx.execute(query.encode())).fetchall()]

    async def stopped(self) -> str:
        """Why nothing may leave over this connection; over another everything may."""
        slots = {name: Slot(name, 0, 1, 1, "me") for name in ("psp", "odoo")}
        async with self.database.transaction() as tx:
            await tx.execute(
                b"insert into lease select 'slot', name, 0, 1, 'me', 'infinity'"
                b" from unnest(array['psp', 'odoo']) as c (name) on conflict do nothing"
            )
            assert (await fence(tx, slots["psp"])).quarantine == ""
            return str((await fence(tx, slots["odoo"])).quarantine)

    async def close_case(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute("update exception_case set closed_at = opened_at, closed_by = 'ana'")


def books(**changed: Any) -> OdooBooks:  # noqa: ANN401 - settings
    return OdooBooks(replace(OdooSettings(COMPANIES, users=USERS), **changed), FaultPlan(), START)


@pytest_asyncio.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    async with installed(database_url) as database:
        made = Watched(database, books())
        assert await made.look() == 0
        assert await made.stopped() == ""
        yield made


async def test_the_same_database_goes_on(watched: Watched) -> None:
    partner = watched.act("partner", name="Customer 001")["id"]
    watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")
    assert [await watched.look(), await watched.look()] == [0, 0]
    assert await watched.stopped() == ""


async def test_a_neutralised_database_is_stopped_and_stays_so_whoever_closes_the_case(watched: Watched) -> None:
    watched.act("parameter", key="database.is_neutralized", value="true")
    assert await watched.look() == 1
    assert "neutralised" in await watched.stopped()
    assert await watched.all("select reason, subject from exception_case") == [("erp_copied", "connection/odoo")]
    await watched.close_case()
    assert await watched.look() == 1
    assert "neutralised" in await watched.stopped()


async def test_another_uuid_is_stopped_until_the_case_is_closed_and_pinned_from_then_on(watched: Watched) -> None:
    watched.act("parameter", key="database.uuid", value="another")
    assert [await watched.look(), await watched.look()] == [1, 0]
    assert "now another" in await watched.stopped()
    await watched.close_case()
    assert await watched.look() == 1
    assert await watched.stopped() == ""
    assert await watched.look() == 0
    assert await watched.stopped() == ""


async def test_the_landscape_s_own_pin_holds_from_the_first_look_on(watched: Watched) -> None:
    watched.uuid = "the-one-in-the-landscape"
    assert await watched.look() == 1
    assert "The landscape pins" in await watched.stopped()


async def test_the_same_name_at_another_address_may_be_a_copy(watched: Watched) -> None:
    watched.url = "http://staging.test"
    assert await watched.look() == 1
    assert "http://staging.test" in await watched.stopped()


async def test_an_odoo_without_some_of_its_companies_is_stopped(watched: Watched) -> None:
    watched.books = books(companies=COMPANIES[:1])
    assert await watched.look() == 1
    assert "gone" in await watched.stopped()


async def test_without_an_administrator_s_key_the_name_is_not_asked_and_what_was_pinned_stays(watched: Watched) -> None:
    watched.key = "key-clerk"
    assert await watched.look() == 0
    watched.key = "key-nostro"
    watched.act("parameter", key="database.uuid", value="another")
    assert await watched.look() == 1


async def test_an_outage_is_no_flaw(watched: Watched) -> None:
    watched.away = True
    assert await watched.look() == 0
    assert await watched.stopped() == ""
    watched.away = False
    assert await watched.look() == 0


async def test_ids_that_run_backwards_stop_it_and_list_what_is_gone(watched: Watched) -> None:
    partner = watched.act("partner", name="Customer 001")["id"]
    invoices = [
        watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")["id"] for _ in range(3)
    ]
    kept, moved, reopened = invoices  # the second stands for a booking, the third for a reopening's entry
    await watched.look()
    await closed(watched, 5, "NOSAAAA", "reconcile", f'{{"move":{kept}}}')
    await closed(watched, 4, "NOSAAAB", "book_journal_entry", f'{{"move":"{moved}"}}', "adopted")
    await closed(watched, 3, "NOSAAAC", "reopen_invoice", f'{{"move":{kept},"entry":{reopened}}}')
    await closed(watched, 2, "NOSAAAD", "reconcile", f'{{"move":{kept}}}')
    await closed(watched, 1, "NOSAAAE", "book_statement_line", '{"statement_line":"7"}')
    watched.books = books()
    watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")
    assert await watched.look() == 1
    [(reason, told)] = await watched.all("select reason, convert_from(candidates, 'UTF8') from exception_case")
    assert reason == "erp_rolled_back"
    assert json.loads(told) == [
        f"book_journal_entry NOSAAAB (entry {moved}, gone)",
        f"reopen_invoice NOSAAAC (entry {reopened}, gone)",
        "reconcile NOSAAAD (look whether it is there)",
        "book_statement_line NOSAAAE (look whether it is there)",
    ]
    assert "Of our effects 2 can't be found" in await watched.stopped()
    _, select, told = RUNBOOK.read_text(encoding="utf-8").partition("select closed_at")
    statement = select + told.partition(";")[0].replace("2026-08-31 10:00+00", str(watched.now.business - 2 * EVERY))
    names = [row[3] for row in await watched.all(statement)]
    assert names == ["NOSAAAA", "NOSAAAB", "NOSAAAC", "NOSAAAD", "NOSAAAE"], "as the runbook asks for it"


async def test_what_is_gone_is_counted_beyond_what_is_listed(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "LISTED", 2)
    partner = watched.act("partner", name="Customer 001")["id"]
    for _ in range(4):
        watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")
    await watched.look()
    newest = 9_000_000
    for n in range(3):
        await closed(watched, 5 - n, f"NOSAAA{n}", "book_journal_entry", f'{{"move":{newest + n}}}')
    await closed(watched, 1, "NOSAAA9", "book_statement_line", '{"statement_line":"7"}')
    watched.books = books()
    assert await watched.look() == 1
    why = await watched.stopped()
    assert "Of our effects 3 can't be found" in why
    assert "They are 4 in all, of which the first 2 are listed." in why
    [(told,)] = await watched.all("select convert_from(candidates, 'UTF8') from exception_case")
    assert len(json.loads(told)) == 2


async def test_a_reopening_whose_entry_is_gone_stops_it_by_itself(watched: Watched) -> None:
    partner = watched.act("partner", name="Customer 001")["id"]
    kept, entry = (
        watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")["id"] for _ in range(2)
    )
    await watched.look()
    await closed(watched, 1, "NOSAAAA", "reopen_invoice", f'{{"move":{kept},"entry":{entry}}}')
    watched.books = books()
    watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")
    assert await watched.look() == 1
    assert await watched.stopped() != ""


async def closed(
    watched: Watched, minutes_ago: int, correlation: str, operation: str, ids: str, outcome: str = "done"
) -> None:
    """An effect over this connection, as its command has ended."""
    at = watched.now.business - timedelta(minutes=minutes_ago)
    async with watched.database.transaction() as tx:
        await tx.execute(
            "insert into command_closed select 1, %s, %s, 'p/s/t/0/0', %s, 'p', 's', 't', 'DE', 'odoo',"
            " %s, %s, %s, '{}', 1, '', null, %s, %s",
            (correlation.encode(), at.date().replace(day=1), correlation, operation, outcome, ids.encode(), at, at),
        )


async def test_two_workers_do_not_take_a_slow_connection_from_each_other(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The questions last longer than a lease: whoever asks them goes on holding it, and so judges the answers."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=1))
    watched.act("parameter", key="database.uuid", value="another")
    right, asked = watched.send, 0

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.6)
        return await right(request, timeout_seconds)

    watched.send = slow  # type: ignore[method-assign]  # the same Odoo, far away
    began = watched.now
    one = asyncio.create_task(watched.pins("one").step(began))
    await asyncio.sleep(1.3)
    later = timedelta(seconds=1.3)
    assert await watched.pins("two").step(Now(began.business + later, began.machine + later)) == 0
    assert await one == 1
    assert asked == 3, "nobody else asked"
    assert "now another" in await watched.stopped()


@pytest.mark.parametrize("silent", [True, False])
async def test_one_that_says_nothing_or_takes_its_time_is_not_asked_to_the_end(
    watched: Watched, *, silent: bool
) -> None:
    """Else a step lasts so long that its worker is late, and no webhook is let in."""
    right, waited = watched.send, list[float]()

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        waited.append(timeout_seconds - 10)
        watched.now = Now(watched.now.business, watched.now.machine + timedelta(seconds=waited[-1]))
        if silent:
            raise NoReply
        return await right(request, timeout_seconds)

    watched.send = slow  # type: ignore[method-assign]  # the same Odoo, out of breath
    assert await watched.look() == 0
    assert len(waited) == (1 if silent else 2)
    assert await watched.all("select note from feed where name = 'pin'") == [("It could not be asked who it is.",)]


async def test_a_connection_that_is_not_due_costs_no_lease(watched: Watched) -> None:
    due = watched.now
    await watched.look()
    before = await watched.all("select token, until from lease where name = 'odoo/pin'")
    soon = due.business + timedelta(seconds=5)
    assert await watched.pins("two").step(Now(soon, soon + timedelta(minutes=1))) == 0
    assert await watched.all("select token, until from lease where name = 'odoo/pin'") == before


async def test_a_deleted_draft_is_no_restore(watched: Watched) -> None:
    partner = watched.act("partner", name="Customer 001")["id"]
    watched.act("invoice", company="DE", partner=partner, amount="100", date="2026-08-30")
    await watched.look()
    watched.books = books()
    assert await watched.look() == 0
    assert await watched.stopped() == ""
