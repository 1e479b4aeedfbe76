import io
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nostro.egress.http import HttpTransport
from nostro.egress.line import Line
from nostro.model.failures import OutOfService, Refused
from nostro.runtime.clock import machine_now
from nostro.runtime.demo import observe
from nostro.runtime.demo.landscape import Grounds
from nostro.runtime.demo.place import SERVER, prepared
from nostro.sandbox.run import SandboxSettings, build_server
from nostro.sandbox.server import Server
from nostro.sandbox.stage import ODOO, START
from nostro.store.embedded_place import find_place


@pytest.fixture
def grounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grounds]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with prepared(0x5000, 0x5100) as made:
        yield made
    server = made.state / SERVER
    if server.is_dir():
        shutil.rmtree(find_place(server).home, ignore_errors=True)


@asynccontextmanager
async def somebodys_odoo(folder: Path, version: int) -> AsyncIterator[tuple[Server, str]]:
    server, _ = build_server(SandboxSettings(folder, port=0, odoo_version=version, faults=False))
    server.world.advance(START + timedelta(hours=2))
    await server.start()
    try:
        yield server, f"http://127.0.0.1:{server.port}/{ODOO}"
    finally:
        await server.stop()


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("version", [18, 19])
async def test_an_odoo_is_read_its_invoices_are_paid_in_the_sandbox_and_nothing_is_written_to_it(
    version: int, grounds: Grounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "key-nostro")
    async with somebodys_odoo(tmp_path / "files", version) as (server, url):
        before = json.dumps(server.world.systems[ODOO].books(), default=str)
        odoo = observe.YourOdoo(url, "odoo", "env:KEY", "nostro" if version == 18 else "")
        seen = await observe.watch(grounds, odoo, seed=1, told=lambda _share: None)
        assert json.dumps(server.world.systems[ODOO].books(), default=str) == before
    assert {company.name for company in seen.companies} == {"Entity DE", "Entity CH", "Entity US"}
    assert seen.read == seen.paid > 0
    money = [one for one in seen.intents if one.operation in ("register_customer_payment", "book_statement_line")]
    assert len(money) == seen.paid
    assert {one.policy_row for one in money} == {"card-at-capture", "transfer-when-booked"}
    told: dict[str, Any] = observe.as_object(seen)
    assert told["left_out"] == observe.LeftOut(companies=0, invoices=0)
    assert told["questions_asked"] > len(seen.companies)


@pytest.mark.asyncio
@pytest.mark.parametrize("version", [18, 19])
async def test_an_administrators_key_observes_the_companies_in_which_he_works(version: int, tmp_path: Path) -> None:
    """He sees the others too, and Odoo refuses to work in them."""
    async with somebodys_odoo(tmp_path / "files", version) as (server, url):
        server.world.act(ODOO, {"act": "hide_company", "login": "admin", "company": "Entity DE"})
        odoo = observe.YourOdoo(url, "odoo", "key-admin", "admin" if version == 18 else "")
        async with HttpTransport() as transport:
            companies, _, left_out = await observe._read(Line(odoo.connection(), transport, machine_now))
    assert {company.name for company in companies} == {"Entity CH", "Entity US"}
    assert left_out.companies == 0, "what he may not work in is not his to leave out"


@pytest.mark.asyncio
async def test_what_is_above_the_limits_is_counted_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "COMPANIES", 2)
    monkeypatch.setattr(observe, "INVOICES", 3)
    async with somebodys_odoo(tmp_path / "files", 19) as (server, url):
        moves = server.world.systems[ODOO].books()["moves"]
        invoices = [move for move in moves if (move["move_type"], move["state"]) == ("out_invoice", "posted")]
        there = sum(float(move["amount_residual"]) > 0 for move in invoices)
        async with HttpTransport() as transport:
            line = Line(observe.YourOdoo(url, "odoo", "key-nostro").connection(), transport, machine_now)
            companies, looked_at, left_out = await observe._read(line)
    assert (len(companies), len(looked_at)) == (2, 3)
    assert left_out == observe.LeftOut(companies=1, invoices=there - 3)
    seen = observe.Seen(url, companies, 3, 3, [], START, left_out, questions=7)
    console = Console(file=io.StringIO(), width=200)
    observe.draw(seen, console)
    page = console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert f"1 more companies and {there - 3} more open invoices were left out" in page


@pytest.mark.asyncio
async def test_an_odoo_that_cannot_be_read_is_a_failure_with_a_sentence(grounds: Grounds, tmp_path: Path) -> None:
    async with somebodys_odoo(tmp_path / "files", 19) as (_, url):
        with pytest.raises(OutOfService, match="can't be read"):
            await observe.watch(grounds, observe.YourOdoo(url, "odoo", "no such key"), seed=1, told=lambda _: None)


@pytest.mark.parametrize("missing", ["url", "database", "key"])
def test_observing_without_address_database_or_key_is_refused(missing: str) -> None:
    given = {"url": "https://odoo.example.com", "database": "production", "key": "env:ODOO_KEY", missing: ""}
    with pytest.raises(Refused):
        observe.YourOdoo(**given).connection()
