import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from nostro.sandbox.bank import AccountSettings, Bank, BankSettings
from nostro.sandbox.faults import FaultPlan, Rates, System
from nostro.sandbox.judgement import intended
from nostro.sandbox.psp import Psp, PspSettings
from nostro.sandbox.run import SandboxSettings, build_server
from nostro.sandbox.server import Server
from nostro.sandbox.stage import START as START_OF_DAYS
from nostro.sandbox.world import World

START = datetime(2026, 8, 31, 8, tzinfo=UTC)
KEY = {"authorization": "Bearer sk_test_sandbox"}
EURO = AccountSettings("DE89370400440532013000", "EUR", "Entity DE", "COBADEFFXXX", "Europe/Berlin")
CARD = {"act": "card_payment", "amount": 9_000, "currency": "eur"}


class Door:
    """The house's endpoint: keeps what comes and answers what it was told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []
        self.answer = "200 OK"

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))}
        self.bodies.append(await reader.readexactly(int(fields["content-length"])))
        self.signatures.append(fields["stripe-signature"])
        writer.write(f"HTTP/1.1 {self.answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()


class Bench:
    """A running sandbox, a client of it, and the door that it delivers to."""

    def __init__(self, client: httpx.AsyncClient, server: Server, door: Door) -> None:
        self.client = client
        self.server = server
        self.door = door

    async def advance(self, seconds: float) -> None:
        (await self.client.post("/world/now", json={"seconds": seconds})).raise_for_status()

    async def act(self, system: str, op: dict[str, Any]) -> dict[str, Any]:
        reply = await self.client.post("/world/acts", json={"system": system, "op": op})
        assert reply.status_code == 200, reply.text
        made: dict[str, Any] = reply.json()
        return made

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - it waits for another process's doing, which sets no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def bench(files: Path, plan: FaultPlan | None = None) -> AsyncIterator[Bench]:
    plan = plan or FaultPlan(seed=1)
    door = Door()
    listener = await asyncio.start_server(door.receive, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    account = PspSettings("de", 1, webhook_url=url, bank_accounts={"eur": EURO.number})
    systems: Mapping[str, System] = {
        "psp/de": Psp(account, FaultPlan(seed=1), START),
        "bank/de": Bank(BankSettings("de", (EURO,), 1), FaultPlan(seed=1), START),
    }
    server = Server(World(1, START, systems, {"psp/de": plan}), files, port=0, pulse_seconds=0.01)
    await server.start()
    base = f"http://127.0.0.1:{server.port}"
    try:
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=5) as client:
            yield Bench(client, server, door)
    finally:
        await server.stop()
        listener.close()


@pytest.mark.asyncio
async def test_a_request_reaches_its_system_under_its_path_and_connections_are_kept(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        sale = await here.act("psp/de", CARD)
        for _ in range(3):
            reply = await here.client.get("/psp/de/v1/payment_intents", params={"limit": 1}, headers=KEY)
            assert [intent["id"] for intent in reply.json()["data"]] == [sale["id"]]
        refused = await here.client.get("/psp/de/v1/payment_intents")
        assert refused.status_code == 401
        assert (await here.client.get("/psp/fr/v1/charges")).status_code == 404


@pytest.mark.asyncio
async def test_a_cut_after_the_effect_closes_the_socket_without_a_word_and_the_effect_is_in_the_books(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, FaultPlan(seed=1, rates=Rates(cut_after=1.0))) as here:
        sale = await here.act("psp/de", CARD)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await here.client.post("/psp/de/v1/refunds", data={"payment_intent": sale["id"]}, headers=KEY)
        books = (await here.client.get("/books/psp/de")).json()
        assert [refund["amount"] for refund in books["refunds"]] == [9_000]


@pytest.mark.asyncio
async def test_a_late_effect_is_absent_until_business_time_has_moved_on(tmp_path: Path) -> None:
    async with bench(tmp_path, FaultPlan(seed=1, rates=Rates(cut_late=1.0))) as here:
        sale = await here.act("psp/de", CARD)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await here.client.post("/psp/de/v1/refunds", data={"payment_intent": sale["id"]}, headers=KEY)
        for seconds, refunds in ((119, 0), (1, 1)):
            await here.advance(seconds)
            assert len((await here.client.get("/books/psp/de")).json()["refunds"]) == refunds


@pytest.mark.asyncio
async def test_faults_are_switched_off_over_the_control_path(tmp_path: Path) -> None:
    async with bench(tmp_path, FaultPlan(seed=1, rates=Rates(error_before=1.0))) as here:
        assert (await here.client.get("/psp/de/v1/charges", headers=KEY)).status_code >= 500
        await here.client.post("/world/faults", json={"off": True})
        assert (await here.client.get("/psp/de/v1/charges", headers=KEY)).status_code == 200
        await here.client.post("/world/faults", json={"system": "psp/de", "rates": {"limited": 1.0}})
        assert (await here.client.get("/psp/de/v1/charges", headers=KEY)).status_code == 429


@pytest.mark.asyncio
async def test_webhooks_arrive_signed_and_come_again_until_they_are_acknowledged(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        here.door.answer = "503 Service Unavailable"
        await here.act("psp/de", CARD)
        await here.advance(5)
        await here.until(lambda: len(here.door.bodies) == 3)
        here.door.answer = "204 No Content"
        await here.advance(310)
        await here.until(lambda: len(here.door.bodies) == 6)
        at, mark = (part.partition("=")[2] for part in here.door.signatures[-1].split(","))
        signed = at.encode() + b"." + here.door.bodies[-1]
        assert mark == hmac.new(b"whsec_sandbox", signed, hashlib.sha256).hexdigest()
        await asyncio.sleep(0.05)
        webhooks = (await here.client.get("/books/psp/de")).json()["webhooks"]
        assert (webhooks["acknowledged"], webhooks["failed_attempts"]) == (3, 3)


@pytest.mark.asyncio
async def test_bank_files_appear_in_the_folder_of_their_bank(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.act("bank/de", {"act": "credit", "account": EURO.number, "amount": 500})
        await here.advance(timedelta(days=1).total_seconds())
        await here.until(lambda: len(list((tmp_path / "de").glob("*.xml"))) == 3)
        kinds = sorted(path.name[:7] for path in (tmp_path / "de").iterdir())
        assert kinds == ["camt052", "camt053", "camt054"]


@pytest.mark.asyncio
async def test_what_the_control_path_cannot_take_is_answered_422_and_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        for path, body in (
            ("/world/now", {"to": "2020-01-01T00:00:00+00:00"}),
            ("/world/acts", {"system": "psp/fr", "op": {}}),
            ("/world/acts", {"system": "psp/de", "op": {"act": "unheard of"}}),
        ):
            assert (await here.client.post(path, json=body)).status_code == 422
        assert (await here.client.get("/world/now")).json()["now"] == START.isoformat()


@pytest.mark.asyncio
async def test_the_two_days_are_lived_over_http_with_webhooks_and_files(tmp_path: Path) -> None:
    door = Door()
    listener = await asyncio.start_server(door.receive, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    settings = SandboxSettings(tmp_path / "files", port=0, webhooks={"de": url, "ch": url}, journal=tmp_path / "j")
    server, scenario = build_server(settings)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
            for hour in range(57):
                to = (START_OF_DAYS + timedelta(hours=hour)).isoformat()
                (await client.post("/world/now", json={"to": to})).raise_for_status()
            while (await client.get("/world/now")).json()["in_flight"]:  # noqa: ASYNC110 - asked as the demo asks it
                await asyncio.sleep(0.01)
            version = (await client.get("/odoo/main/web/version")).json()["version"]
            books = (await client.get("/books")).json()
        told = intended(scenario, server.world)
    finally:
        await server.stop()
        listener.close()
    assert version == "19.0"
    assert books["systems"].keys() == server.world.systems.keys()
    assert len(told["invoices"]) == len(scenario.expected)
    assert len(door.bodies) > 100
    assert {folder.name for folder in (tmp_path / "files").iterdir()} == {"de", "ch", "us"}


@pytest.mark.asyncio
async def test_a_taken_port_is_an_error_at_the_start(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        second = Server(here.server.world, tmp_path, port=here.server.port)
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
