"""What counts against a receipt whose reading came to no end, and what doesn't; on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.ingress import opening, reading
from nostro.ingress.opened import Opened, Piece
from nostro.ingress.opening import ATTEMPTS
from nostro.ingress.reading import Readings
from nostro.model.failures import DatabaseUnavailable
from nostro.store.database import Database
from tests.integration.intake_house import IntakeHouse, begun

pytestmark = pytest.mark.asyncio
OFTEN = ATTEMPTS + 2
MANY = [{"payout": f"po_{n}", "net": "1.50"} for n in range(1001)]
"""So many travel on the bulk lane: open for as long as that is full."""
IN_PARTS = [{"kind": "chatter", "text": "x" * (1 << 20)}] * 2
OVER = 31
"""So many seconds after a step its leases have ended, also where it was slow: they are renewed while it lasts."""


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[IntakeHouse]:
    """A house that has taken in nothing yet."""
    house = await begun(database_url)
    yield house
    await house.database.__aexit__()


def waiting(house: IntakeHouse) -> Readings:
    """A worker that has just started, while the bulk lane takes nothing more."""
    return house.make_readings(lambda lane: lane == 2)


async def counted(house: IntakeHouse) -> tuple[int, int]:
    """Claims of the one receipt, and how many count against it."""
    [(claims, counting)] = await house.all("select attempts, length(failure) from reading")
    return int(str(claims)), int(str(counting))


async def read_whole(house: IntakeHouse) -> None:
    """A worker that may bring its facts brings all of them."""
    house.readings = house.make_readings()
    await house.read_all()
    [end] = await house.ends()
    assert (end["items"], end["read"], end["rejected"]) == (1001, 1001, 0)


async def test_a_worker_that_ends_by_itself_counts_nothing_against_what_it_was_reading(house: IntakeHouse) -> None:
    await house.take(*MANY)
    for claims in range(1, OFTEN + 1):
        worker = waiting(house)
        await worker.step(house.now)
        assert await counted(house) == (claims, 1)
        await worker.release(house.now)
        assert await counted(house) == (claims, 0), "the fence never goes back"
    await read_whole(house)


async def test_one_that_is_cut_short_while_it_opens_what_it_claimed_gives_that_back_too(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take(*MANY)

    async def cut_short(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(reading, "open_all", cut_short)
        for claims in range(1, OFTEN + 1):
            worker = waiting(house)
            with pytest.raises(asyncio.CancelledError):
                await worker.step(house.now)
            await worker.release(house.now)
            assert await counted(house) == (claims, 0)
    await read_whole(house)


async def away(*_: object) -> None:
    """A database of which nothing can be had."""
    raise DatabaseUnavailable("It went away.", "Wait.")


async def test_a_database_that_goes_away_counts_nothing_against_what_was_claimed_just_then(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take(*MANY)
    worker = waiting(house)
    for claims in range(1, OFTEN + 1):
        with monkeypatch.context() as patch:
            patch.setattr(opening, "find_all", away)
            with pytest.raises(DatabaseUnavailable):
                await worker.step(house.now)
        assert await counted(house) == (claims, 1)
        await worker.step(house.now)
        assert await counted(house) == (claims, 0), "free when its lease has ended"
        house.later(seconds=OVER)
    await read_whole(house)


async def test_bytes_that_can_not_be_fetched_count_nothing_once(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take(*IN_PARTS)
    with monkeypatch.context() as patch:
        patch.setattr(opening, "part", away)
        with pytest.raises(DatabaseUnavailable):
            await house.readings.step(house.now)
    await house.readings.step(house.now)
    assert await counted(house) == (1, 0)
    house.later(seconds=OVER)
    await house.read_all()
    [end] = await house.ends()
    assert (end["items"], end["ignored"]) == (2, 2)


async def test_bytes_that_can_never_be_fetched_are_set_aside_in_the_end(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take(*IN_PARTS)
    monkeypatch.setattr(opening, "part", away)
    for claims in range(1, ATTEMPTS + 2):
        with pytest.raises(DatabaseUnavailable):
            await house.readings.step(house.now)
        await house.readings.step(house.now)
        assert await counted(house) == (claims, claims - 1), "the first one may have been an outage"
        house.later(seconds=OVER)
    await house.read_all()
    [end] = await house.ends()
    assert end["rejects"][0]["why"] == f"Reading it ended {ATTEMPTS} times without a result."


async def test_what_another_takes_while_the_database_is_away_from_its_reader_counts_for_the_other_alone(
    house: IntakeHouse,
) -> None:
    await house.take(*MANY)
    here, away = house.database, Database(house.database.url)
    first, second = waiting(house), waiting(house)
    await first.step(house.now)
    for claims in range(2, OFTEN + 2):
        first.database = away
        with pytest.raises(DatabaseUnavailable):
            await first.step(house.now)
        house.later(seconds=OVER)
        await second.step(house.now)
        assert await counted(house) == (claims, 2)
        first.database = here
        await first.step(house.now)
        assert await counted(house) == (claims, 1)
        first, second = second, first
    await first.release(house.now)
    await read_whole(house)


async def test_a_database_that_is_away_when_a_lease_is_to_be_renewed_is_noticed_too(house: IntakeHouse) -> None:
    await house.take(*MANY)
    here, away = house.database, Database(house.database.url)
    first, second = waiting(house), waiting(house)
    await first.step(house.now)
    first.database = away
    with pytest.raises(DatabaseUnavailable):
        await first._hold_on(house.now.machine)
    first.database = here
    house.later(seconds=OVER)
    await second.step(house.now)
    await first.step(house.now)
    assert await counted(house) == (2, 1)


async def test_a_reader_that_is_killed_counts_and_the_receipt_is_set_aside_in_the_end(house: IntakeHouse) -> None:
    await house.take(*MANY)
    for claims in range(1, ATTEMPTS + 1):
        await waiting(house).step(house.now)
        assert await counted(house) == (claims, claims)
        house.later(seconds=OVER)
    house.readings = house.make_readings()
    await house.read_all()
    [end] = await house.ends()
    assert end["rejects"][0]["why"] == f"Reading it ended {ATTEMPTS} times without a result."
    assert await house.all("select reason from exception_case") == [("unreadable",)]


class Killed(BaseException):
    """The process is gone."""


async def lives_on(worker: Readings, house: IntakeHouse) -> None:
    """Until something ends it."""
    while True:
        await worker.step(house.now)


async def test_a_receipt_that_kills_its_readers_takes_nobody_along(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are claimed together, and the oldest kills before anything of the others is routed."""
    killer = (await house.take({"payout": "po_killer", "net": "1.50"})).id
    for n in range(5):
        await house.take({"payout": f"po_{n}", "net": "1.50"})
    look = Opened.look

    async def looked(opened: Opened, wanted: int) -> list[Piece]:
        if opened.receipt.id == killer and opened.claim.failures <= ATTEMPTS:
            raise Killed
        return await look(opened, wanted)

    monkeypatch.setattr(Opened, "look", looked)
    for _ in range(ATTEMPTS):
        with pytest.raises(Killed):
            await lives_on(house.make_readings(), house)
        house.later(seconds=OVER)
    house.readings = house.make_readings()
    await house.read_all()
    ends = [(end["receipt"] == killer.hex(), end["rejected"]) for end in await house.ends()]
    assert sorted(ends) == [*[(False, 0)] * 5, (True, 1)]


async def test_a_receipt_whose_readers_are_ended_because_of_it_does_not_go_round_for_ever(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each lives to say that it was ended by others."""
    monkeypatch.setattr(opening, "CLAIMS", 7)
    await house.take(*MANY)
    for _ in range(7):
        worker = waiting(house)
        await worker.step(house.now)
        await worker.release(house.now)
    house.readings = house.make_readings()
    await house.read_all()
    [end] = await house.ends()
    assert end["rejects"][0]["why"] == "Reading it ended 7 times without a result."


async def test_a_suspect_whose_lane_is_full_holds_up_no_other(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_lot", lambda opened: opened.claim.run_at)
    await house.take(*MANY)
    await house.take({"payout": "po_1", "net": "1.50"})
    async with house.database.transaction() as tx:
        await tx.execute(b"update reading set failure = '||||'")
    worker = waiting(house)
    for _ in range(4):
        await worker.step(house.now)
    await house.settle()
    assert [end["read"] for end in await house.ends()] == [1]


async def taken_over(house: IntakeHouse) -> Readings:
    """A worker from which another one has taken what it was reading."""
    await house.take(*MANY)
    first, second = waiting(house), waiting(house)
    await first.step(house.now)
    house.later(seconds=OVER)
    await second.step(house.now)
    return first


async def test_a_lease_that_is_lost_while_the_database_is_there_counts(house: IntakeHouse) -> None:
    """What the receipt made its reader do may have kept it from renewing."""
    first = await taken_over(house)
    await first.step(house.now)
    await first.release(house.now)
    assert await counted(house) == (2, 2)


async def test_a_worker_gives_back_no_claim_but_its_own(house: IntakeHouse) -> None:
    first = await taken_over(house)
    await first.release(house.now)
    assert await counted(house) == (2, 2)
    assert await waiting(house).step(house.now) == 0
    assert await counted(house) == (2, 2), "the second one has it"
