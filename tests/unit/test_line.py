"""A line: sessions that run out, hosts that aren't the connection's, replies that can't be read, its pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from nostro.connectors.kit.manifest import Access, Wire
from nostro.egress import line as module
from nostro.egress.connections import OpenConnection
from nostro.egress.line import Answer, Line, NotReady
from nostro.egress.transport import NoReply, Transport
from nostro.model.calls import Act, Ask, Exchange, HttpReply, HttpRequest, Message, Wait
from nostro.model.clock import Now
from nostro.model.failures import FailureKind
from tests.toy_partner import URL, ToyConfig, connector, operation

AT = datetime(2026, 8, 31, 6, tzinfo=UTC)


async def clock() -> Now:
    return Now(AT, AT)


class Door:
    """A partner that wants a ticket and forgets it when told to."""

    def __init__(self) -> None:
        self.tickets = 0
        self.valid = 0
        self.heard: list[str] = []

    async def send(self, request: HttpRequest, _: float) -> HttpReply:
        path = request.url.removeprefix(URL)
        self.heard.append(path)
        if path == "/login":
            self.tickets += 1
            self.valid = self.tickets
            return HttpReply(200, {}, json.dumps({"ticket": self.tickets}).encode())
        fits = request.headers["ticket"] == str(self.valid)
        return HttpReply(200 if fits else 401, {}, b"{}")


def log_in(_: object) -> Exchange[Mapping[str, Any]]:
    reply = yield Ask(Message("login", {}))
    return reply.content if reply.ok else {}


def render(message: Message, _: str, __: object, access: Access) -> HttpRequest:
    return HttpRequest("POST", f"{access.url}/{message.target}", {"ticket": str(access.session.get("ticket"))}, b"{}")


def line_to(transport: Transport, change: Callable[[Wire], Wire]) -> Line:
    toy = connector(operation("look_up"))
    assert toy.wire is not None
    return Line(OpenConnection("toy", replace(toy, wire=change(toy.wire)), ToyConfig(), URL), transport, clock)


def with_sessions(wire: Wire) -> Wire:
    return replace(wire, render=render, open_session=log_in)


def asked(line: Line) -> Answer:
    return asyncio.run(line.ask(Message("find", {"keys": []})))


def test_a_session_is_opened_once_and_again_after_it_has_run_out() -> None:
    door = Door()
    line = line_to(door, with_sessions)

    async def story() -> list[Answer]:
        answers = [await line.ask(Message("a")), await line.ask(Message("b"))]
        door.valid = 99
        return [*answers, await line.ask(Message("c"))]

    assert [answer.failure for answer in asyncio.run(story())] == [None, None, None]
    assert door.heard == ["/login", "/a", "/b", "/c", "/login", "/c"]


def test_a_session_that_cannot_be_opened_is_told_when_that_begins_and_once_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each call was answered, so that no breaker opens; commands waited for ever and nothing said so."""
    door, well = Door(), False

    def fails(_: object) -> Exchange[Mapping[str, Any]]:
        reply = yield Ask(Message("login", {}))
        return {"ticket": reply.content["ticket" if well else "of anna@example.org"]}

    async def logged(line: Line) -> list[dict[str, Any]]:
        with capture_logs() as logs:
            await line.ask(Message("a"))
            with pytest.raises(NotReady):
                await line.prepare(Message("b"), "key")
        line.forget_session()
        return [dict(line) for line in logs]

    async def story() -> None:
        nonlocal well
        line = line_to(door, lambda wire: replace(wire, render=render, open_session=fails))
        told = {"event": "session_not_opened", "connection": "toy", "log_level": "warning"}
        assert await logged(line) == [{**told, "sentence": "No session could be opened (KeyError)."}]
        assert await logged(line) == []
        monkeypatch.setattr(module, "TOLD_AGAIN_SECONDS", 0.0)
        assert len(await logged(line)) == 2
        monkeypatch.setattr(module, "TOLD_AGAIN_SECONDS", 60.0)
        well = True
        assert (await line.ask(Message("a"))).failure is None
        line.forget_session()
        well = False
        assert len(await logged(line)) == 1, "it begins again"

    asyncio.run(story())


def asks_for_ever(_: object) -> Exchange[Mapping[str, Any]]:
    while True:
        yield Ask(Message("login", {}))


def acts(_: object) -> Exchange[Mapping[str, Any]]:
    yield Act(Message("login", {}), key="key")
    return {}


def waits(_: object) -> Exchange[Mapping[str, Any]]:
    yield Ask(Message("no such path", {}))
    yield Wait(AT)
    return {}


@pytest.mark.parametrize(
    "dialogue, why, calls",
    [
        (asks_for_ever, "It came to no end in 10 calls.", 10),
        (acts, "It yields what is no question.", 0),
        (waits, "They answered 401.", 1),
    ],
)
def test_a_session_is_opened_by_few_questions_and_nothing_else(
    dialogue: Callable[[object], Exchange[Mapping[str, Any]]], why: str, calls: int
) -> None:
    door = Door()
    answer = asked(line_to(door, lambda wire: replace(wire, render=render, open_session=dialogue)))
    assert (answer.failure, answer.sentence) == (FailureKind.UNAVAILABLE, f"No session could be opened. {why}")
    assert len(door.heard) == calls


def test_a_missing_right_is_told_after_one_new_session() -> None:
    door = Door()

    async def never(request: HttpRequest, _: float) -> HttpReply:
        reply = await Door.send(door, request, 1.0)
        return reply if request.url.endswith("/login") else HttpReply(403, {}, b"{}")

    door.send = never  # type: ignore[method-assign]  # whatever the ticket
    assert asked(line_to(door, with_sessions)).failure is FailureKind.UNAUTHORISED
    assert door.heard == ["/login", "/find", "/login", "/find"]


def test_a_call_to_another_host_than_the_connections_does_not_leave() -> None:
    door = Door()

    def elsewhere(message: Message, *_: object) -> HttpRequest:
        return HttpRequest("POST", f"http://partner.test.evil/{message.target}", {}, b"{}")

    answer = asked(line_to(door, lambda wire: replace(wire, render=elsewhere)))
    assert (answer.failure, door.heard) == (FailureKind.INVALID, [])


def test_a_question_without_an_answer_may_be_asked_again() -> None:
    class Deaf:
        async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
            raise NoReply(f"{request.method} {timeout_seconds}")

    class Garbled:
        async def send(self, _: HttpRequest, __: float) -> HttpReply:
            return HttpReply(200, {}, b"<html>")

    for transport in (Deaf(), Garbled()):
        assert asked(line_to(transport, lambda wire: wire)).failure is FailureKind.UNAVAILABLE


def test_a_redirect_is_no_success_whatever_the_connector_makes_of_it() -> None:
    line = line_to(Door(), lambda wire: replace(wire, understand=lambda _, __: ({}, None, "")))
    assert line.understand(Message("do"), HttpReply(302, {}, b""))[1] is FailureKind.AMBIGUOUS


def test_calls_keep_the_connections_pace() -> None:
    toy = connector(operation("look_up"))
    line = Line(OpenConnection("toy", toy, ToyConfig(), URL, calls_per_second=50.0), Door(), clock)

    async def seconds(calls: int) -> float:
        loop = asyncio.get_running_loop()
        line.pace.free_at = loop.time()
        began = loop.time()
        for _ in range(calls):
            await line.pace.turn()
        return loop.time() - began

    assert asyncio.run(seconds(6)) >= 0.1
