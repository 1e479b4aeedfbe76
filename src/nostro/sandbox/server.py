"""The sandbox as a process: a world's systems under one port, a control path, webhooks out, bank files into folders.

A small HTTP/1.1 server of our own (h11 reads and writes the protocol), because a cut after the effect must close the
socket without a reply, and an ASGI server always writes one. It listens on loopback only: it is a test bench, and its
control path asks nobody who he is.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import httpx

from nostro.sandbox.faults import Answer, Cut, FaultPlan, Outcome, Rates
from nostro.sandbox.wire import Delivery, FileStep, WireReply, WireRequest
from nostro.sandbox.world import World

PORT = 8480
MAXIMUM_BODY_BYTES = 32 * 1024 * 1024
DELIVERIES_AT_ONCE = 8
DELIVERY_TIMEOUT_SECONDS = 10.0
IDLE_SECONDS = 30.0


@dataclass(slots=True)
class Server:
    """Carries bytes between sockets, folders and one world; `real_clock` lets its time follow the machine's."""

    world: World
    files: Path
    host: str = "127.0.0.1"
    port: int = PORT
    real_clock: bool = False
    pulse_seconds: float = 0.05
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _listener: asyncio.Server | None = None
    _pulse: asyncio.Task[None] | None = None
    _client: httpx.AsyncClient | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)
    _lanes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DELIVERIES_AT_ONCE))

    async def start(self) -> None:
        """Listen and begin to deliver; a taken port raises OSError. Port 0 takes a free one and `port` tells it."""
        self._listener = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        self._client = httpx.AsyncClient(timeout=DELIVERY_TIMEOUT_SECONDS, trust_env=False)
        self._pulse = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Close everything; the world stays as it is."""
        if self._listener is None or self._pulse is None or self._client is None:
            return
        self._listener.close()
        tasks = [self._pulse, *self._connections, *self._in_flight]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def settle(self) -> int:
        """Write what is due by now, deliver what is due, and return when every webhook has been answered.

        Returns how many files and webhooks that were.
        """
        carried = self._carry()
        while self._in_flight:
            await asyncio.wait(self._in_flight)
            carried += self._carry()
        return carried

    # Requests

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError, h11.RemoteProtocolError):
            pass  # the house went away or does not speak HTTP; nobody is left to tell
        except asyncio.CancelledError:
            pass  # the sandbox stops; Python 3.11 would report each open connection as an error
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests on one connection until it is closed, or cut."""
        connection = h11.Connection(h11.SERVER)
        while (request := await _next_request(connection, reader)) is not None:
            outcome = self._answer(request)
            await asyncio.sleep(outcome.delay_seconds)
            if isinstance(outcome, Cut):
                return
            writer.write(_written(connection, outcome.reply))
            await writer.drain()
            if connection.our_state is not h11.DONE:
                await _linger(writer)
                return
            connection.start_next_cycle()

    def _answer(self, request: WireRequest) -> Outcome:
        self._follow_clock()
        first, _, rest = request.path.lstrip("/").partition("/")
        name, _, inner = rest.partition("/")
        path = f"{first}/{name}"
        if path in self.world.systems:
            return self.world.call(path, replace(request, path=f"/{inner}"))
        try:
            reply = control(self.world, request)
            self._carry()
            if request.path != "/world/now":
                return Answer(reply)
            return Answer(_json(200, {**json.loads(reply.body), "in_flight": len(self._in_flight)}))
        except Exception as wrong:  # noqa: BLE001 - whatever an act raises is told to whoever asked for it
            return Answer(_json(422, {"error": f"{type(wrong).__name__}: {wrong}"}))

    # Time, webhooks, files

    def _follow_clock(self) -> None:
        now = datetime.now(UTC)
        if self.real_clock and now > self.world.now:
            self.world.advance(now, noted=False)

    async def _beat(self) -> None:
        while True:
            self._follow_clock()
            self._carry()
            await asyncio.sleep(self.pulse_seconds)

    def _carry(self) -> int:
        """Write the files and set off the webhooks that are due by now; how many they are."""
        files, deliveries = self.world.take_files(), self.world.take_deliveries()
        for step in files:
            write_step(self.files, step)
        for path, delivery in deliveries:
            task = asyncio.create_task(self._deliver(path, delivery))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        return len(files) + len(deliveries)

    async def _deliver(self, path: str, delivery: Delivery) -> None:
        assert self._client is not None
        async with self._lanes:
            try:
                reply = await self._client.post(delivery.url, content=delivery.body, headers=dict(delivery.headers))
                status: int | None = reply.status_code
            except httpx.HTTPError:
                status = None
        self.world.report(path, delivery.reference, status)


def write_step(root: Path, step: FileStep) -> None:
    """Carry out one file step below `root`."""
    folder = root / step.folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / step.name).open("ab") as file:
        file.write(step.content)
    if step.rename_to:
        (folder / step.name).rename(folder / step.rename_to)


# The control path: only the demo, the tests and a person at the bench use it


def control(world: World, request: WireRequest) -> WireReply:
    """`/world/now`, `/world/acts`, `/world/faults`, `/world/results` and `/books`; raises on what can't be taken.

    `/world/now` also tells `in_flight`: webhooks that are due and not answered yet. At 0 the outside has said all that
    it has to say by now.
    """
    told = json.loads(request.body) if request.body else {}
    match request.method, request.path:
        case "GET", "/world/now":
            due = world.next_due()
            return _json(200, {"now": world.now.isoformat(), "next_due": due and due.isoformat()})
        case "POST", "/world/now":
            seconds = told.get("seconds")
            world.advance(world.now + timedelta(seconds=seconds) if seconds else datetime.fromisoformat(told["to"]))
            return _json(200, {"now": world.now.isoformat()})
        case "POST", "/world/acts":
            return _json(200, world.act(told["system"], told["op"], told.get("name", "")))
        case "POST", "/world/faults":
            for path in [told["system"]] if "system" in told else list(world.systems):
                world.set_faults(path, changed(world.faulty[path].plan, told))
            return _json(200, {})
        case "GET", "/world/results":
            return _json(200, world.results)
        case "GET", "/books":
            return _json(200, world.books())
        case "GET", path if path.startswith("/books/"):
            return _json(200, world.systems[path.removeprefix("/books/")].books())
        case _:
            return _json(404, {"error": f"no such page: {request.method} {request.path}"})


def changed(plan: FaultPlan, told: Mapping[str, Any]) -> FaultPlan:
    """A fault plan with other figures: `{"off": true}`, or `{"rates": {"cut_after": 0.1}, "webhook_lost": 0.05}`."""
    if told.get("off"):
        return plan.off()
    rates = Rates(**told["rates"]) if "rates" in told else plan.rates
    shares: dict[str, Any] = {
        name: float(told[name])
        for name in ("webhook_lost", "webhook_doubled", "webhook_late", "file_halved")
        if name in told
    }
    return replace(plan, rates=rates, **shares)


# Bytes


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> WireRequest | None:
    """The next request with its whole body, or None when the other side has closed."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(IDLE_SECONDS):
                connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAXIMUM_BODY_BYTES:
                return None
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            target = urlsplit(head.target.decode("ascii"))
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            query = tuple(parse_qsl(target.query, keep_blank_values=True))
            return WireRequest(head.method.decode(), unquote(target.path), query, headers, bytes(body))
        else:
            return None


def _written(connection: h11.Connection, reply: WireReply) -> bytes:
    own = {name: value for name, value in reply.headers.items() if name != "content-length"}
    headers = [*own.items(), ("content-length", str(len(reply.body)))]
    return b"".join(
        connection.send(event) or b""
        for event in (
            h11.Response(status_code=reply.status, headers=headers),
            h11.Data(data=reply.body),
            h11.EndOfMessage(),
        )
    )


async def _linger(writer: asyncio.StreamWriter) -> None:
    """Close in order: the reply has to arrive before the connection ends."""
    writer.close()
    await writer.wait_closed()


def _json(status: int, body: object) -> WireReply:
    return WireReply(status, {"content-type": "application/json"}, json.dumps(body).encode())
