"""Polls: page and cursor commit together, failures back off, nothing is asked while too much waits. Real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nostro.connectors.kit.manifest import Access, Feed, Wire
from nostro.egress.http import HttpTransport
from nostro.egress.line import ASK_SECONDS, Line
from nostro.egress.transport import NoReply
from nostro.ingress.leases import Leases
from nostro.ingress.limits import Limit
from nostro.ingress.polls import Polls
from nostro.model.calls import FetchPage, HttpReply, HttpRequest, Message
from nostro.model.clock import Now
from nostro.model.failures import FailureKind
from tests.integration.intake_house import IntakeHouse, begun, till
from tests.integration.serving import served
from tests.integration.synthetic import START

pytestmark = pytest.mark.asyncio


@dataclass
class Till:
    """The outside: numbered events, two a page. `broken` answers are given first."""

    events: list[str] = field(default_factory=list)
    broken: list[Response] = field(default_factory=list)
    asked: int = 0

    async def answer(self, request: Request) -> Response:
        """A page after the cursor."""
        self.asked += 1
        if self.broken:
            return self.broken.pop(0)
        after = int(request.query_params.get("after") or 0)
        page = self.events[after : after + 2]
        told = {"next": str(after + len(page)), "more": len(self.events) > after + 2, "empty": not page}
        return JSONResponse({"events": page, **told})


def render(message: Message, _: str, __: object, access: Access) -> HttpRequest:
    """A GET."""
    return HttpRequest("GET", f"{access.url}{message.target}?after={message.body['after']}", {}, b"")


def understand(_: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
    """200, denied, or not."""
    if reply.status == 403:
        return None, FailureKind.UNAUTHORISED, "They denied it."
    if reply.status != 200:
        return None, FailureKind.UNAVAILABLE, f"They answered {reply.status}."
    return json.loads(reply.body), None, ""


@dataclass
class Feeding:
    """A house that polls a till."""

    house: IntakeHouse
    till: Till
    line: Line

    def polls(self, worker: str = "worker-1") -> Polls:
        """A worker that has just started."""
        house = self.house
        return Polls(
            house.database, self.line, house.intake, Leases(house.database, worker), house.entropy, house.counted
        )

    async def feed(self) -> Mapping[str, Any]:
        """The feed's row."""
        [row] = await self.house.all("select cursor, run_at, heartbeat_at, failures, note from feed")
        return dict(zip(("cursor", "run_at", "heartbeat_at", "failures", "note"), row, strict=True))

    async def kept(self) -> list[tuple[object, ...]]:
        """The pages in the receipt table."""
        return await self.house.all("select kind, name, signed from receipt order by received_at, size")


@asynccontextmanager
async def feeding(url: str) -> AsyncIterator[Feeding]:
    """Over real HTTP."""
    house, till = await begun(url, Limit(readings=2)), Till()

    async def clock() -> Now:
        return house.now

    app = Starlette(routes=[Route("/events", till.answer)])
    async with served(app) as base, HttpTransport() as transport:
        connector = replace(house.connection.connector, wire=Wire(render, understand))
        connection = replace(house.connection, connector=connector, url=base, calls_per_second=10_000.0)
        yield Feeding(house, till, Line(connection, transport, clock))
    await house.database.__aexit__()


@pytest_asyncio.fixture
async def feed(database_url: str) -> AsyncIterator[Feeding]:
    """A till without events."""
    async with feeding(database_url) as feeding_:
        yield feeding_


async def test_every_page_is_kept_with_its_cursor_and_then_the_feed_rests(feed: Feeding) -> None:
    feed.till.events += ["one", "two", "three"]
    polls = feed.polls()
    assert [await polls.step(feed.house.now) for _ in range(3)] == [1, 1, 0]
    assert await feed.kept() == [("poll:events", "/events", True)] * 2
    row = await feed.feed()
    assert (row["cursor"], row["run_at"], feed.till.asked) == ("3", START + timedelta(seconds=60), 2)


async def test_a_feed_behind_one_that_lasted_is_leased_from_when_it_is_polled(feed: Feeding) -> None:
    house = feed.house
    events = house.connection.connector.manifest.feeds["events"]
    two = till(feeds={"events": events, "refunds": replace(events, name="refunds")})
    right, connector = feed.line.transport.send, replace(two, wire=Wire(render, understand))
    others: list[object] = []

    async def slowly(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        if feed.till.asked:
            others.append(await Leases(house.database, "worker-2").take("till", "refunds", house.now))
        house.later(seconds=15)
        return await right(request, timeout_seconds)

    feed.line.connection = replace(feed.line.connection, connector=connector)
    feed.line.transport.send = slowly  # type: ignore[method-assign]  # the same way, slow
    await feed.polls().step(house.now)
    assert (feed.till.asked, others) == (2, [None]), "nobody else takes it while it is polled"


@pytest.mark.parametrize("silent", [True, False])
async def test_a_step_lasts_no_longer_than_one_slow_feed_and_each_other_has_its_turn(
    feed: Feeding, *, silent: bool
) -> None:
    """Else a partner that takes calls and says nothing makes its worker late, and no webhook is let in."""
    house, right, lasted = feed.house, feed.line.transport.send, list[float]()
    events = house.connection.connector.manifest.feeds["events"]

    def slow_feed(name: str) -> Feed:
        return replace(events, name=name, fetch=lambda *_: Message(f"/{name}", {"after": ""}, "GET"))

    async def slowly(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        if request.url.rpartition("/")[2].startswith("events"):
            return await right(request, timeout_seconds)
        house.later(seconds=timeout_seconds)
        if silent:
            raise NoReply("ReadTimeout")
        return HttpReply(200, {}, b'{"events": [], "next": "", "more": true, "empty": true}')

    feeds = {"charges": slow_feed("charges"), "refunds": slow_feed("refunds"), "events": events}
    feed.line.connection = replace(
        feed.line.connection, connector=replace(till(feeds=feeds), wire=Wire(render, understand))
    )
    feed.line.transport.send = slowly  # type: ignore[method-assign]  # the same way, slow for some
    polls = feed.polls()
    for _ in range(6):
        began = house.now.machine
        await polls.step(house.now)
        lasted.append((house.now.machine - began).total_seconds())
        house.later(seconds=1)
    assert max(lasted) == ASK_SECONDS
    assert feed.till.asked == 2, "in its turn, each time"


async def test_an_empty_page_leaves_a_heartbeat_and_no_receipt(feed: Feeding) -> None:
    polls = feed.polls()
    await polls.step(feed.house.now)
    feed.house.later(seconds=60)
    await polls.step(feed.house.now)
    assert await feed.kept() == []
    assert (await feed.feed())["heartbeat_at"] == feed.house.now.business
    assert feed.house.counted.seen["feed_pages", "till", "events", "empty"] == 2


async def test_the_same_bytes_are_the_same_receipt_unless_the_feed_tells_two_events_apart(feed: Feeding) -> None:
    told = {"events": [], "more": True, "empty": False}
    for sweep, receipts in ((False, 1), (True, 3)):
        feed.till.broken += [JSONResponse({**told, "next": "7" if sweep else "1", "sweep": sweep}) for _ in range(2)]
        for _ in range(2):
            await feed.polls().step(feed.house.now)
        assert len(await feed.kept()) == receipts


async def test_a_failed_poll_is_tried_again_later_and_later_and_recovers(feed: Feeding) -> None:
    feed.till.events.append("one")
    feed.till.broken += [Response(status_code=503), Response("no JSON"), JSONResponse({"other": 1})]
    polls, waits = feed.polls(), []
    for failures in (1, 2, 3):
        await polls.step(feed.house.now)
        row = await feed.feed()
        assert (row["failures"], row["cursor"], row["heartbeat_at"]) == (failures, "", None)
        assert row["note"]
        waits.append((row["run_at"] - feed.house.now.business).total_seconds())
        assert await polls.step(feed.house.now) == 0, "not before its time"
        feed.house.later(seconds=waits[-1])
    assert waits == sorted(waits)
    assert all(low <= wait <= 2 * low for wait, low in zip(waits, (2.5, 5, 10), strict=True))
    assert await polls.step(feed.house.now) == 1
    assert (await feed.feed())["failures"] == 0


async def test_a_feed_that_knows_a_way_round_what_it_is_denied_goes_on_at_once_and_tells_it(feed: Feeding) -> None:
    manifest = feed.line.connection.connector.manifest

    def refused(cursor: str, _: object) -> FetchPage | None:
        return FetchPage("1", more=True, empty=True) if cursor == "" else None

    feeds = {"events": replace(manifest.feeds["events"], refused=refused)}
    connector = replace(feed.line.connection.connector, manifest=replace(manifest, feeds=feeds))
    feed.line.connection = replace(feed.line.connection, connector=connector)
    feed.till.events += ["hidden", "two"]
    feed.till.broken += [Response(status_code=403)]
    polls = feed.polls()
    assert [await polls.step(feed.house.now) for _ in range(2)] == [1, 1]
    row = await feed.feed()
    assert (row["cursor"], row["failures"], len(await feed.kept())) == ("2", 0, 1)
    assert feed.house.counted.seen["feed_pages", "till", "events", "refused"] == 1
    assert not feed.line.health.unauthorised, "the key is as good as before"
    feed.till.broken += [Response(status_code=403)]
    feed.house.later(seconds=60)
    await polls.step(feed.house.now)
    assert ((await feed.feed())["cursor"], (await feed.feed())["failures"]) == ("2", 1), "here it knows none"


async def test_a_crash_before_the_commit_fetches_the_page_again_and_keeps_it_once(
    feed: Feeding, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.till.events.append("one")
    with monkeypatch.context() as crash:
        crash.setattr("nostro.ingress.polls.keep", _die)
        with pytest.raises(KeyboardInterrupt):
            await feed.polls().step(feed.house.now)
    assert await feed.kept() == []
    assert (await feed.feed())["cursor"] == ""
    await feed.polls().step(feed.house.now)
    assert len(await feed.kept()) == 1


async def test_a_feed_that_is_rewound_finds_its_pages_known(feed: Feeding) -> None:
    feed.till.events.append("one")
    polls = feed.polls()
    await polls.step(feed.house.now)
    async with feed.house.database.transaction() as tx:
        await tx.execute("update feed set cursor = '', run_at = %s", (START,))
    await polls.step(feed.house.now)
    assert feed.till.asked == 2
    assert len(await feed.kept()) == 1


async def test_two_workers_poll_a_feed_once_and_a_dead_ones_moves(feed: Feeding) -> None:
    feed.till.events.append("one")
    first, second = feed.polls(), feed.polls("worker-2")
    await first.step(feed.house.now)
    feed.house.later(seconds=9)
    assert await second.step(feed.house.now) == 0
    feed.house.later(seconds=60)
    await second.step(feed.house.now)
    assert feed.till.asked == 2


async def test_what_a_worker_gives_back_as_it_ends_is_anothers_at_once(feed: Feeding) -> None:
    leaving, heir = feed.polls().leases, feed.polls("worker-2").leases
    asked = ("till", "events", feed.house.now)
    assert await leaving.take(*asked)
    assert await heir.take(*asked) is None
    feed.house.later(seconds=4)
    asked = ("till", "events", feed.house.now)
    await leaving.release(feed.house.now)
    assert await heir.take(*asked)


async def test_a_page_that_comes_back_after_the_lease_went_to_another_is_not_kept(feed: Feeding) -> None:
    feed.till.events.append("one")
    zombie, heir = feed.polls(), feed.polls("worker-2")
    ask = feed.line.transport.send

    async def slowly(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        reply = await ask(request, timeout_seconds)
        feed.line.transport.send = ask  # type: ignore[method-assign]  # only the first call is slow
        feed.house.later(seconds=11)
        await heir.step(feed.house.now)
        return reply

    feed.line.transport.send = slowly  # type: ignore[method-assign]  # a slow network
    assert await zombie.step(feed.house.now) == 0
    assert len(await feed.kept()) == 1
    assert (await feed.feed())["cursor"] == "1"


async def test_a_poll_that_fails_after_the_lease_went_to_another_delays_nothing(feed: Feeding) -> None:
    zombie, heir = feed.polls(), feed.polls("worker-2")
    ask = feed.line.transport.send

    async def slowly(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        feed.line.transport.send = ask  # type: ignore[method-assign]  # only the first call is slow
        feed.house.later(seconds=11)
        await heir.step(feed.house.now)
        feed.till.broken.append(Response(status_code=500))
        return await ask(request, timeout_seconds)

    feed.line.transport.send = slowly  # type: ignore[method-assign]  # a slow network
    assert await zombie.step(feed.house.now) == 0
    row = await feed.feed()
    assert (row["failures"], row["note"]) == (0, "")
    assert row["run_at"] == feed.house.now.business + timedelta(seconds=60)


async def test_nothing_is_asked_while_the_backlog_is_full(feed: Feeding) -> None:
    for n in range(2):
        await feed.house.take({"payout": f"po_{n}"}, kind="act")
    await feed.house.limits.step(feed.house.now)
    assert await feed.polls().step(feed.house.now) == 0
    assert feed.till.asked == 0


async def test_a_hint_that_comes_during_a_poll_is_not_forgotten(feed: Feeding) -> None:
    polls, send = feed.polls(), feed.line.transport.send

    async def meanwhile(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        reply = await send(request, timeout_seconds)
        feed.house.later(seconds=1)
        await feed.house.take({"hint": "events"}, kind="webhook", signed=False)
        await feed.house.readings.step(feed.house.now)
        feed.till.events.append("one")
        feed.line.transport.send = send  # type: ignore[method-assign]  # only the first call
        return reply

    feed.line.transport.send = meanwhile  # type: ignore[method-assign]  # news that the page just missed
    await polls.step(feed.house.now)
    assert await feed.kept() == [("webhook", "", False)]
    await polls.step(feed.house.now)
    assert len(await feed.kept()) == 2


def _die(*_: object) -> None:
    raise KeyboardInterrupt
