"""What a connector does besides reading and acting (poll, verify, identify, log in) stops nothing but itself either."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from types import FunctionType
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.responses import Response

from nostro.connectors.kit.manifest import Feed
from nostro.connectors.kit.pins import Identity
from nostro.connectors.registry import CONNECTORS
from nostro.gateway.app import build_app
from nostro.gateway.webhooks import Door
from nostro.ingress.leases import Leases
from nostro.ingress.pins import Pins
from nostro.model.calls import Ask, Exchange, Message
from nostro.model.clock import Now
from nostro.model.failures import FailureKind
from nostro.processes.registry import PROCESSES
from nostro.runtime.watchdog import Watchdog, watched_connector, watched_processes
from tests.integration.misbehaviour import MISBEHAVIOUR, Wrong
from tests.integration.serving import served
from tests.integration.synthetic import START
from tests.integration.test_polls import Feeding, feeding

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def dog() -> Iterator[Watchdog]:
    with Watchdog(limit_seconds=0.3) as watching:
        yield watching


@pytest_asyncio.fixture
async def feed(database_url: str) -> AsyncIterator[Feeding]:
    async with feeding(database_url) as feed:
        yield feed


def employ(feed: Feeding, dog: Watchdog, **changed: Any) -> None:  # noqa: ANN401 - fields of a connector
    """The till's connector, changed and watched; `feeds` go to its manifest."""
    connector = feed.line.connection.connector
    if "feeds" in changed:
        changed["manifest"] = replace(connector.manifest, feeds=changed.pop("feeds"))
    connector = watched_connector(dog, replace(connector, **changed))
    feed.line.connection = replace(feed.line.connection, connector=connector)
    feed.house.connections["till"] = feed.line.connection


@pytest.mark.asyncio
@MISBEHAVIOUR
@pytest.mark.parametrize("part", ["fetch", "page", "refused", "rewound"])
async def test_a_feed_stops_itself_alone_and_is_polled_again_once_it_is_mended(
    feed: Feeding, dog: Watchdog, wrong: Wrong, cause: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    right = feed.line.connection.connector.manifest.feeds["events"]
    bad: Feed = replace(right, **{part: wrong})  # type: ignore[arg-type]  # the part by its name
    employ(feed, dog, feeds={"bad": replace(bad, name="bad"), "events": right})
    feed.till.events.append("one")
    if part == "refused":
        feed.till.broken.append(Response(status_code=403))
    if part == "rewound":
        await feed.house.all(
            "insert into feed (connection, name, run_at, rewind_to) "
            f"select 'till', 'bad', t, t from (select timestamptz '{START}' t) x returning 1"
        )
    assert await feed.polls().step(feed.house.now) == 1, "the other feed is polled"
    rows = await feed.house.all("select name, cursor, failures from feed order by 1")
    assert rows == [("bad", "", 1), ("events", "1", 0)]
    assert feed.house.counted.seen["feed_pages", "till", "bad", "failed"] == 1
    assert f"({cause})" in capsys.readouterr().out
    assert await feed.polls().step(feed.house.now) == 0, "it is not tried again at once"
    employ(feed, dog, feeds={"bad": replace(right, name="bad")})
    feed.till.events.append("two")
    feed.house.later(seconds=6)
    assert await feed.polls().step(feed.house.now) == 1


@pytest.mark.asyncio
@MISBEHAVIOUR
async def test_a_session_that_cannot_be_opened_is_an_outage_of_its_connection(
    feed: Feeding, dog: Watchdog, wrong: Wrong, cause: str
) -> None:
    def log_in(_: object) -> Exchange[Mapping[str, Any]]:
        yield Ask(Message("/events", {"after": ""}))
        session: Mapping[str, Any] = wrong()
        return session

    wire = feed.line.connection.connector.wire
    assert wire is not None
    employ(feed, dog, wire=replace(wire, open_session=log_in))
    answer = await feed.line.ask(Message("/events", {"after": ""}))
    assert (answer.failure, answer.sentence) == (FailureKind.UNAVAILABLE, f"No session could be opened ({cause}).")


@pytest.mark.asyncio
@MISBEHAVIOUR
async def test_who_is_there_is_asked_again_a_minute_later_when_the_asking_fails(
    feed: Feeding, dog: Watchdog, wrong: Wrong, cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def identify(_: object) -> Exchange[Identity | None]:
        yield Ask(Message("/events", {"after": ""}))
        found: Identity | None = wrong()
        return found

    employ(feed, dog, identify=identify)
    house = feed.house
    pins = Pins(house.database, feed.line, Leases(house.database, "worker-1"))
    assert await pins.step(house.now) == 0
    assert await house.all("select failures, run_at from feed") == [(1, START + timedelta(minutes=1))]
    told = capsys.readouterr().out
    assert "pin_failed" in told
    assert cause in told


@pytest.mark.asyncio
@MISBEHAVIOUR
async def test_a_signature_whose_check_fails_is_refused_and_the_door_goes_on(
    feed: Feeding, dog: Watchdog, wrong: Wrong, cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    employ(feed, dog, verify=wrong)
    house = feed.house

    async def clock() -> Now:
        return house.now

    app = build_app(Door(house.connections, house.intake, house.limits, clock))
    async with served(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert (await client.post("/in/till", content=b"{}")).status_code == 401
        assert cause in capsys.readouterr().out
        assert (await client.post("/in/till", content=b"{}")).status_code == 401
    assert await feed.kept() == []


def test_whatever_a_connector_or_process_can_be_asked_is_watched(dog: Watchdog) -> None:
    for connector in CONNECTORS.values():
        assert unwatched(connector, watched_connector(dog, connector)) == []
    processes = {process.name: process for process in PROCESSES}
    for name, watched in watched_processes(dog, processes).items():
        assert unwatched(processes[name], watched) == []


def unwatched(given: Any, watched: Any) -> list[str]:  # noqa: ANN401 - any declared thing
    """The functions that are the same in both, by their names."""
    if isinstance(given, Mapping):
        return [name for key in given for name in unwatched(given[key], watched[key])]
    if isinstance(given, tuple):
        return [name for pair in zip(given, watched, strict=True) for name in unwatched(*pair)]
    if is_dataclass(given):
        pairs = [(one.name, getattr(given, one.name), getattr(watched, one.name)) for one in fields(given)]
        same = [name for name, mine, theirs in pairs if isinstance(mine, FunctionType) and mine is theirs]
        return same + [name for _, mine, theirs in pairs for name in unwatched(mine, theirs)]
    return []
