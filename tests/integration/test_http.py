"""The HTTP client against a real socket: what left, what didn't, and what nobody knows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from nostro.egress import http
from nostro.egress.http import HttpTransport
from nostro.egress.transport import NoReply, NotSent
from nostro.model.calls import HttpReply, HttpRequest

pytestmark = pytest.mark.asyncio
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def partner(answer: Answer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that reads one request a connection and answers as it is told; its URL, and what it read."""
    heard: list[bytes] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)


def says(text: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return answer


async def call(url: str, *, timeout_seconds: float = 5.0, headers: dict[str, str] | None = None) -> HttpReply:
    async with HttpTransport() as transport:
        return await transport.send(HttpRequest("POST", url, headers or {}, b"{}"), timeout_seconds)


async def test_a_reply_comes_back_with_its_header_names_in_lower_case() -> None:
    reply = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"
    async with partner(says(reply)) as (url, heard):
        answered = await call(f"{url}/do", headers={"Idempotency-Key": "NOS1"})
    assert (answered.status, answered.headers["retry-after"], answered.body) == (429, "7", b"{}")
    assert b"Idempotency-Key: NOS1" in heard[0]


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with partner(says(b"HTTP/1.1 302 There\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n")) as (url, heard):
        assert (await call(url)).status == 302
    assert len(heard) == 1


async def test_where_nobody_listens_no_byte_has_left() -> None:
    async with partner(says(b"")) as (url, _):
        pass
    for nowhere in (url, "http://nowhere.invalid/", "ftp://127.0.0.1/", "no url"):
        with pytest.raises(NotSent):
            await call(nowhere)


async def test_what_cannot_be_written_as_a_header_does_not_leave() -> None:
    async with partner(says(b"")) as (url, heard):
        with pytest.raises((NotSent, NoReply)):
            await call(url, headers={"x": "a\nb"})
    assert heard == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nContent-Len", b"hello\r\n\r\n"],
)
async def test_a_call_that_is_cut_after_it_left_has_no_reply(answer: bytes) -> None:
    async with partner(says(answer)) as (url, heard):
        with pytest.raises(NoReply):
            await call(url)
    assert len(heard) == 1


async def test_a_partner_that_says_nothing_or_never_ends_is_given_up_in_time() -> None:
    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def silent(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    for answer in (drips, silent):
        async with partner(answer) as (url, _):
            with pytest.raises(NoReply):
                await asyncio.wait_for(call(url, timeout_seconds=0.2), 8)


async def test_a_body_beyond_the_limit_is_not_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REPLY_BYTES", 1000)
    async with partner(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000)) as (url, _):
        with pytest.raises(NoReply, match="too large"):
            await call(url)


async def test_where_no_tls_comes_about_no_byte_of_the_call_has_left() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no tls")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(NotSent):
            await call(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


async def test_a_call_that_does_not_get_out_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LEAVING_SECONDS", 0.3)

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        async with HttpTransport() as transport:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
            began = asyncio.get_running_loop().time()
            with pytest.raises(NoReply):
                await transport.send(HttpRequest("POST", url, {}, b"x" * 30_000_000), 60)
    assert asyncio.get_running_loop().time() - began < 5
