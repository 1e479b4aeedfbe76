"""The webhook door over real HTTP: what is acknowledged is kept, and nothing else is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from nostro.connectors.stripe import CONNECTOR as STRIPE
from nostro.connectors.stripe.config import StripeConfig
from nostro.egress.connections import OpenConnection
from nostro.gateway.app import build_app
from nostro.gateway.health import Health, build_health_app
from nostro.gateway.serving import serve
from nostro.gateway.webhooks import Door
from nostro.ingress.limits import Limit
from nostro.model.clock import Now
from nostro.model.failures import OutOfService
from nostro.runtime.telemetry import Metrics
from tests.integration.intake_house import ENTITY, IntakeHouse, begun, till
from tests.integration.serving import served

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[IntakeHouse]:
    """A house with a connection that signs (`till`) and one that can't (`mute`)."""
    house = await begun(database_url, Limit(readings=30))
    mute = replace(house.connection, id="mute", connector=replace(till(), verify=None))
    house.connections |= {
        "mute": mute,
        "deaf": replace(house.connection, id="deaf", connector=till(takes_webhooks=False)),
    }
    yield house
    await house.database.__aexit__()


@pytest_asyncio.fixture
async def client(house: IntakeHouse) -> AsyncIterator[httpx.AsyncClient]:
    """A client at the door."""

    async def clock() -> Now:
        return house.now

    door = Door(house.connections, house.intake, house.limits, clock, house.counted)
    async with served(build_app(door)) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


def signed(body: bytes, event: str = "evt_1", key: str = "k") -> dict[str, str]:
    """The headers of a sender that knows the key."""
    return {"X-Signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest(), "X-Event": event}


async def kept(house: IntakeHouse) -> list[tuple[object, ...]]:
    """What is in the receipt table."""
    return await house.all("select connection, event_id, signed from receipt order by received_at, event_id")


BODY = json.dumps({"payout": "po_1"}).encode()


async def test_a_signed_webhook_is_kept_before_it_is_acknowledged_and_then_read(
    house: IntakeHouse, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/in/till", content=BODY, headers=signed(BODY))
    assert answer.status_code == 200
    assert await house.all("select encode(id, 'hex') from receipt") == [(answer.json()["receipt"],)]
    await house.read_all()
    assert await house.all("select subject from fact where type = 'payout.reported'") == [("po_1",)]


async def test_a_delivery_that_comes_again_is_acknowledged_and_kept_once(
    house: IntakeHouse, client: httpx.AsyncClient
) -> None:
    posts = [client.post("/in/till", content=BODY, headers=signed(BODY)) for _ in range(5)]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert await kept(house) == [("till", "evt_1", True)]
    other = json.dumps({"payout": "po_2"}).encode()
    assert (await client.post("/in/till", content=other, headers=signed(other))).status_code == 200
    assert len(await kept(house)) == 2, "the same event with another content is kept beside the first"


@pytest.mark.parametrize(
    "path, headers, status",
    [
        ("/in/till", signed(BODY, key="guessed"), 401),
        ("/in/till", {}, 401),
        ("/in/nobody", signed(BODY), 404),
        ("/in/deaf", signed(BODY), 404),
        ("/in/till/guessed", signed(BODY), 404),
        ("/in/mute", {}, 404),
        ("/in/mute/guessed", {}, 404),
        ("/in/", signed(BODY), 404),
        ("/in//till", signed(BODY), 404),
        ("/in/mute/unguessable/more", {}, 404),
        ("/", {}, 404),
        ("/docs", {}, 404),
        ("/openapi.json", {}, 404),
    ],
)
async def test_who_proves_nothing_leaves_nothing(
    house: IntakeHouse, client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await client.post(path, content=BODY, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert await kept(house) == []


async def test_the_door_takes_nothing_but_posts(client: httpx.AsyncClient) -> None:
    answer = await client.get("/in/till")
    assert (answer.status_code, answer.json()["title"]) == (405, "Method Not Allowed")


async def test_what_nobody_expected_is_told_as_a_problem_and_the_door_goes_on(
    house: IntakeHouse, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(BODY.decode())

    with monkeypatch.context() as patch:
        patch.setattr(type(house.limits), "demand", broken)
        answer = await client.post("/in/till", content=BODY, headers=signed(BODY))
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert "po_1" not in answer.text
    assert (await client.post("/in/till", content=BODY, headers=signed(BODY))).status_code == 200


async def test_a_body_over_the_limit_is_413_and_not_kept(house: IntakeHouse, client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100_000

    for content in (b"x" * 4097, b"x" * 5_000_000, chunks()):
        assert (await client.post("/in/till", content=content)).status_code == 413
    right = b"x" * 4096
    assert (await client.post("/in/till", content=right, headers=signed(right))).status_code == 200
    assert len(await kept(house)) == 1


async def test_a_signed_body_that_can_not_be_read_is_acknowledged_and_becomes_a_case(
    house: IntakeHouse, client: httpx.AsyncClient
) -> None:
    body = b"\xff\x00 broken"
    assert (await client.post("/in/till", content=body, headers=signed(body))).status_code == 200
    await house.read_all()
    assert await house.all("select reason from exception_case") == [("unreadable",)]


async def test_a_sender_that_can_not_sign_gives_a_hint_once_a_minute(
    house: IntakeHouse, client: httpx.AsyncClient
) -> None:
    for seconds in (0, 1, 61):
        house.later(seconds=seconds)
        assert (await client.post("/in/mute/unguessable", content=BODY)).status_code == 200
    rows = await kept(house)
    assert [(connection, proved) for connection, _, proved in rows] == [("mute", False)] * 2
    await house.read_all()
    assert await house.all("select count(*) from fact where type = 'payout.reported'") == [(0,)]


async def test_a_full_backlog_is_503_with_retry_after_and_what_was_acknowledged_before_is_kept(
    house: IntakeHouse, client: httpx.AsyncClient
) -> None:
    for n in range(30):
        await client.post("/in/till", content=BODY, headers=signed(BODY, f"evt_{n}"))
    await house.limits.step(house.now)
    answer = await client.post("/in/till", content=BODY, headers=signed(BODY, "evt_31"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert len(await kept(house)) == 30
    await house.read_all()
    house.later(seconds=2)
    await house.limits.step(house.now)
    assert (await client.post("/in/till", content=BODY, headers=signed(BODY, "evt_31"))).status_code == 200
    assert house.counted.seen["webhooks", "till", "503"] == 1


async def test_without_its_database_the_door_says_503_and_takes_in_again_when_it_is_back(
    house: IntakeHouse, client: httpx.AsyncClient, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.ingress.receiving.COMMIT_SECONDS", 1)
    name = house.database.url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false'.encode())
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        answer = await client.post("/in/till", content=BODY, headers=signed(BODY))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        admin.execute(f'alter database "{name}" allow_connections true'.encode())
    answers = [503]
    while answers[-1] == 503 and len(answers) < 40:  # a sender comes back until it is heard
        answers.append((await client.post("/in/till", content=BODY, headers=signed(BODY))).status_code)
    assert answers[-1] == 200
    assert await kept(house) == [("till", "evt_1", True)]


async def test_stripes_signature_is_checked_with_every_secret_and_within_its_tolerance(
    house: IntakeHouse, client: httpx.AsyncClient
) -> None:
    secrets = {"webhook_secret": "whsec_old", "webhook_secret_2": "whsec_new"}
    config = StripeConfig(livemode=False)
    house.connections["stripe"] = OpenConnection("stripe", STRIPE, config, secrets=secrets, entities=(ENTITY,))
    body = b'{"id": "evt_1", "object": "event", "created": 1, "data": {"object": {"id": "x", "object": "y"}}}'
    at = int(house.now.business.timestamp())

    async def post(secret: str, when: int) -> int:
        mark = hmac.new(secret.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={when},v1={mark}"}
        return (await client.post("/in/stripe", content=body, headers=headers)).status_code

    assert [await post(secret, at) for secret in ("whsec_old", "whsec_new", "whsec_guess")] == [200, 200, 401]
    with capture_logs() as logs:
        assert [await post("whsec_new", at - 301), await post("whsec_guess", at)] == [401, 401]
    assert [(line["event"], line["answer"], line["sentence"]) for line in logs] == [
        ("webhook_refused", 401, "The signature is stale: the request may be a replay."),
        ("webhook_refused", 401, "The signature is wrong."),
    ]
    assert "whsec" not in repr(logs)
    assert await kept(house) == [("stripe", "evt_1", True)]


async def test_a_port_that_somebody_uses_is_refused_and_not_shared(house: IntakeHouse) -> None:
    door = Door(house.connections, house.intake, house.limits, _never)
    async with served(build_app(door)) as url:
        with pytest.raises(OutOfService, match="can't be opened"):
            await serve(build_app(door), "127.0.0.1", int(url.rpartition(":")[2]), asyncio.Event())


async def _never() -> Now:
    raise AssertionError


async def test_health_says_what_works_and_metrics_say_how_much_waits(house: IntakeHouse) -> None:
    metrics, late = Metrics(), {"decide": 1.0}

    async def clock() -> Now:
        return house.now

    house.limits.put = metrics.put
    await house.limits.step(house.now)
    health = Health(house.database, house.connections, house.limits, clock, lambda: late, metrics.registry, metrics)
    async with served(build_health_app(health)) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.get("/readyz")
        told: dict[str, Any] = answer.json()
        assert (answer.status_code, told["database"], told["quarantine"]) == (200, "reached", "")
        assert any("synchronous standby" in sentence for sentence in told["information"])
        late["decide"] = 151.0
        assert (await client.get("/readyz")).status_code == 503
        text = (await client.get("/metrics")).text
        assert 'nostro_backlog_limit{queue="readings"} 30.0' in text
        assert 'nostro_loop_age_seconds{loop="decide"} 151.0' in text
        assert "nostro_quarantine 0.0" in text
