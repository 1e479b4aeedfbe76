"""Receipts become facts: the item equation, crashes, leases, lanes; on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from nostro.connectors.kit.reading import Item, ReceiptView
from nostro.ingress.limits import Limit
from nostro.ingress.opening import ATTEMPTS
from nostro.ingress.reading import SQL
from nostro.model.facts import RerunAsked
from nostro.projections.trace import trace
from tests.integration.intake_house import IntakeHouse, begun, read
from tests.integration.synthetic import as_fact

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[IntakeHouse]:
    """A house that has taken in nothing yet."""
    house = await begun(database_url)
    yield house
    await house.database.__aexit__()


def payouts(first: int, last: int) -> list[dict[str, Any]]:
    """Lines with payouts, both ends included."""
    return [{"payout": f"po_{n}", "net": "1.50"} for n in range(first, last + 1)]


async def facts(house: IntakeHouse) -> int:
    """How many payouts the log knows."""
    [(count,)] = await house.all("select count(*) from fact where type = 'payout.reported'")
    return int(str(count))


async def test_items_are_read_duplicate_ignored_or_rejected_and_add_up_by_count_and_amount(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 2))
    await house.read_all()
    await house.take(*payouts(2, 3), {"kind": "chatter", "net": "7"}, b"\xff", {"net": "0.05"})
    await house.read_all()
    first, second = await house.ends()
    assert (first["items"], first["read"], first["amounts"]["read"]) == (2, 2, {"EUR credit": "3.00"})
    assert [second[fate] for fate in ("items", "read", "duplicate", "ignored", "rejected")] == [5, 1, 1, 1, 2]
    assert second["amounts"] == {
        "items": {"EUR credit": "10.05"},
        "read": {"EUR credit": "1.50"},
        "duplicate": {"EUR credit": "1.50"},
        "ignored": {"EUR credit": "7"},
        "rejected": {"EUR credit": "0.05"},
    }
    assert [(r["item"], r["why"]) for r in second["rejects"]] == [(4, "It is no JSON."), (5, "It says nothing.")]
    assert await house.all("select count(*) from reading") == [(0,)]
    assert await house.all("select reason from exception_case") == [("rejected_items",)]


async def test_a_reader_that_makes_another_amount_of_an_item_than_it_tells_is_a_case(house: IntakeHouse) -> None:
    await house.take({"payout": "po_1", "net": "1.50", "misread": True}, {"payout": "po_2", "net": "-2"})
    await house.read_all()
    [end] = await house.ends()
    assert end["amounts"]["items"] == {"EUR credit": "1.50", "EUR debit": "2"}
    assert end["amounts"]["read"] == {"EUR credit": "10.00", "EUR debit": "2.00"}
    assert await house.all("select reason from exception_case") == [("equation_broken",)]


async def test_a_fact_bears_its_receipt_its_item_and_who_said_it(house: IntakeHouse) -> None:
    kept = await house.take({"kind": "chatter"}, *payouts(1, 1))
    await house.read_all()
    rows = await house.all("select receipt, item, origin, actor, entity from fact where type = 'payout.reported'")
    assert rows == [(kept.id, 2, "till", "till", "DE")]


async def test_what_an_event_told_is_traced_by_the_id_that_its_sender_gave_it(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 1), kind="webhook", event="evt_1")
    await house.read_all()
    story = await trace(house.database, house.keys, "evt_1", ("other", "till"))
    assert "payout.reported" in {fact.type for fact in story.facts}
    assert not (await trace(house.database, house.keys, "evt_1", ("other",))).subjects


async def test_the_same_fact_twice_in_one_receipt_is_one_read_and_one_duplicate(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 1), *payouts(1, 1))
    await house.read_all()
    [end] = await house.ends()
    assert (end["items"], end["read"], end["duplicate"]) == (2, 1, 1)
    assert await facts(house) == 1


async def test_a_key_that_was_told_with_another_content_is_listed_and_never_dropped(house: IntakeHouse) -> None:
    first = await house.take({"payout": "po_1"})
    await house.take({"payout": "po_1", "descriptor": "changed"})
    await house.read_all()
    _, end = await house.ends()
    [told] = end["told_differently"]
    assert (told["item"], told["first_receipt"], end["duplicate"]) == (1, first.id.hex(), 1)
    assert await house.all("select reason from exception_case") == [("told_differently",)]


@pytest.mark.parametrize("other", [{"kind": "chatter", "n": 2}, {"payout": "po_2"}], ids=["ignored", "another object"])
async def test_an_event_that_comes_again_with_another_content_is_a_case_whatever_is_in_it(
    house: IntakeHouse, other: dict[str, object]
) -> None:
    first = await house.take({"kind": "chatter", "n": 1}, kind="webhook", event="evt_1")
    await house.take({"kind": "chatter", "n": 1}, kind="webhook", event="evt_1")
    await house.take(other, kind="webhook", event="evt_1")
    await house.read_all()
    before, end = await house.ends()
    assert before["told_differently"] == []
    assert end["told_differently"] == [{"item": 0, "natural_key": "evt_1", "first_receipt": first.id.hex()}]
    assert await house.all("select reason from exception_case") == [("told_differently",)]


async def test_a_page_that_is_fetched_again_may_say_more_than_before(house: IntakeHouse) -> None:
    for lines in (payouts(1, 1), payouts(1, 2)):
        await house.take(*lines, kind="poll:events", event="after 7")
    await house.read_all()
    assert await house.all("select count(*) from exception_case") == [(0,)]


async def test_a_reader_that_throws_rejects_its_receipt_where_it_threw_and_stops_nothing_else(
    house: IntakeHouse,
) -> None:
    await house.take({"throw": True})
    await house.take(*payouts(1, 2), {"throw": True}, *payouts(3, 3))
    await house.take(*payouts(4, 4))
    await house.read_all()
    ends = await house.ends()
    assert [(e["items"], e["read"], e["rejected"]) for e in ends] == [(1, 0, 1), (3, 2, 1), (1, 1, 0)]
    assert [e["rejects"][0]["where"] for e in ends[:2]] == ["whole receipt", "after item 2"]
    assert "RuntimeError" in ends[0]["rejects"][0]["why"]
    assert await facts(house) == 3


async def test_what_could_not_be_read_is_read_again_after_a_fix_and_its_case_closes(house: IntakeHouse) -> None:
    kept = await house.take(*payouts(1, 1), {"throw": True})
    fixed = house.connection.connector
    house.connections["till"] = replace(house.connection, connector=replace(fixed, read=_broken))
    await house.read_all()
    assert await house.all("select reason from exception_case where closed_at is null") == [("unreadable",)]
    house.connections["till"] = replace(house.connection, connector=replace(fixed, read=_mended))
    await house.tell([as_fact(RerunAsked(receipt=kept.id.hex(), act="act-1"))])
    await house.read_all()
    assert [(e["reading"], e["read"], e["rejected"]) for e in await house.ends()] == [(1, 0, 1), (2, 1, 0)]
    assert await house.all("select count(*) from exception_case where closed_at is null") == [(0,)]
    assert await facts(house) == 1


async def test_a_reading_whose_end_is_told_already_stops_no_other_and_ends_under_another_number(
    house: IntakeHouse,
) -> None:
    kept = await house.take(*payouts(1, 1))
    await house.read_all()
    again = "insert into reading (shard, receipt, month, lane, number, run_at)"
    await house.all(f"{again} select shard, id, month, 1, 1, received_at from receipt returning 1")
    await house.take(*payouts(2, 2))
    await house.read_all()
    assert [end["reading"] for end in await house.ends()] == [1, 1]
    assert await house.all("select receipt, number from reading") == [(kept.id, 2)]
    house.later(seconds=11)
    await house.read_all()
    assert [end["reading"] for end in await house.ends()] == [1, 1, 2]
    assert await house.all("select count(*) from reading") == [(0,)]


async def test_a_worker_that_dies_in_the_middle_loses_doubles_and_miscounts_nothing(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 700), *payouts(1, 1))
    assert 0 < await house.readings.step(house.now) < 700
    await house.settle()
    house.readings = house.make_readings()
    assert await house.readings.step(house.now) == 0, "the lease of the dead one holds"
    house.later(seconds=11)
    await house.read_all()
    [end] = await house.ends()
    assert (end["items"], end["read"], end["duplicate"]) == (701, 700, 1)
    assert await facts(house) == 700


async def test_a_worker_that_ends_lets_go_of_what_it_reads(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 700))
    assert 0 < await house.readings.step(house.now) < 700
    await house.readings.release(house.now)
    house.readings = house.make_readings()
    assert await house.readings.step(house.now)
    await house.read_all()
    assert await facts(house) == 700


async def test_a_reader_whose_lease_went_to_another_ends_nothing(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 700))
    zombie, heir = house.readings, house.make_readings()
    await zombie.step(house.now)
    house.later(seconds=11)
    while await heir.step(house.now):
        pass
    await house.read_all()
    [end] = await house.ends()
    assert end["read"] == await facts(house) == 700


async def test_an_unsigned_sender_tells_no_facts_but_its_hint_brings_the_poll_forward(house: IntakeHouse) -> None:
    async with house.database.transaction() as tx:
        await tx.execute(
            "insert into feed (connection, name, run_at) values ('till', 'events', %s)", (house.now.business,)
        )
        await tx.execute("update feed set run_at = run_at + interval '1 hour'")
    await house.take({"payout": "po_1"}, {"hint": "events"}, kind="webhook", signed=False)
    await house.read_all()
    [end] = await house.ends()
    assert (end["read"], end["rejected"], end["ignored_kinds"]) == (0, 1, {"hint": 1})
    assert await facts(house) == 0
    assert await house.all("select run_at from feed") == [(house.now.business,)]


async def test_what_the_manifest_does_not_declare_is_no_ignored_item(house: IntakeHouse) -> None:
    await house.take({"kind": "surprise"}, {"payout": "po_1", "entity": "FR"})
    await house.read_all()
    [end] = await house.ends()
    assert [reject["where"] for reject in end["rejects"]] == ["kind surprise", "entity FR"]


async def test_an_item_that_the_database_refuses_is_rejected_and_its_neighbours_are_read(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 5), {"payout": "po_\0"}, *payouts(6, 9))
    await house.read_all()
    [end] = await house.ends()
    assert (end["read"], end["rejected"], end["rejects"][0]["where"]) == (9, 1, "item 6")
    assert await facts(house) == 9


async def test_an_act_goes_to_the_subject_that_it_names(house: IntakeHouse) -> None:
    await house.take(*payouts(1, 1))
    await house.read_all()
    await house.take({"close": "case-1", "to": ["payout", "po_1"]}, kind="act")
    await house.read_all()
    rows = await house.all("select process, subject, actor, reason from fact where type = 'case.closed'")
    assert rows == [("payout", "po_1", "anna", "seen")]


async def test_a_receipt_of_more_than_1000_items_travels_on_the_bulk_lane_and_waits_while_that_is_full(
    house: IntakeHouse,
) -> None:
    full = True
    house.readings = house.make_readings(lambda lane: full and lane == 2)
    await house.take(*payouts(1, 1001))
    await house.take(*payouts(2000, 2999))
    while await house.readings.step(house.now):
        pass
    assert await house.all("select lane, count(*) from arrival where process = 'payout' group by lane") == [(1, 1000)]
    full = False
    while await house.readings.step(house.now):
        pass
    rows = await house.all("select lane, count(*) from arrival where process = 'payout' group by lane order by lane")
    assert rows == [(1, 1000), (2, 1001)]


async def test_a_lane_gets_no_more_than_its_limit_and_the_receipt_that_fills_it_between_two_measures(
    house: IntakeHouse,
) -> None:
    house.limits.limit = Limit(arrivals=(250, 250, 250))
    house.readings = house.make_readings(house.limits.lane_full, house.limits.reads)
    for first in range(0, 1000, 100):
        await house.take(*payouts(first, first + 99))
    while await house.readings.step(house.now):
        pass
    assert await house.all("select count(*) from arrival where process = 'payout'") == [(300,)]


@pytest.mark.parametrize("lane, number", [("critical", 0), ("", 1), ("bulk", 2)])
async def test_subjects_begin_on_the_lane_that_the_landscape_gives_and_stay_on_it(
    house: IntakeHouse, lane: str, number: int
) -> None:
    house.use_lanes({"DE": lane} if lane else {"CH": "critical"})
    await house.take(*payouts(1, 3))
    await house.read_all()
    assert await house.all("select distinct lane from subject where process = 'payout'") == [(number,)]
    house.use_lanes({"DE": "standard"})
    await house.take(
        {"payout": "po_1", "descriptor": "again"}, {"payout": "po_4"}, {"close": "c", "to": ["payout", "po_1"]}
    )
    while await house.readings.step(house.now):
        pass
    rows = await house.all("select subject, lane from arrival where process = 'payout' order by 1")
    assert rows == [("po_1", number), ("po_4", 1)]


async def test_more_than_1000_items_travel_on_the_bulk_lane_whatever_the_landscape_says(house: IntakeHouse) -> None:
    house.use_lanes({"DE": "critical"})
    await house.take(*payouts(1, 1001))
    while await house.readings.step(house.now):
        pass
    assert await house.all("select lane, count(*) from arrival where process = 'payout' group by lane") == [(2, 1001)]


async def test_what_the_landscape_sends_to_the_bulk_lane_waits_while_that_is_full(house: IntakeHouse) -> None:
    house.use_lanes({"DE": "bulk"})
    house.readings = house.make_readings(lambda lane: lane == 2)
    await house.take(*payouts(1, 3))
    while await house.readings.step(house.now):
        pass
    assert await house.all("select count(*) from arrival") == [(0,)]


async def test_a_receipt_in_parts_is_streamed_to_its_reader(house: IntakeHouse) -> None:
    padding = "x" * 1000
    kept = await house.take(*[{"payout": f"po_{n}", "padding": padding} for n in range(2500)])
    assert await house.all("select count(*) from receipt_part") == [(3,)]
    await house.read_all()
    [end] = await house.ends()
    assert (end["receipt"], end["read"], end["rejected"]) == (kept.id.hex(), 2500, 0)


async def test_a_receipt_in_parts_of_which_the_last_is_hidden_is_no_shorter_one(house: IntakeHouse) -> None:
    """Each part is bound to its place; how many there are is only a number in the row."""
    await house.take(*payouts(1, 3), {"kind": "chatter", "text": "x" * (1 << 20)}, *payouts(4, 5))
    assert await house.all("select parts from receipt") == [(2,)]
    async with house.database.transaction() as tx:
        await tx.execute(b"update receipt set parts = 1")
    await house.read_all()
    [end] = await house.ends()
    assert (end["read"], end["rejected"]) == (3, 1)
    assert "not all that was kept" in end["rejects"][0]["why"]
    assert await house.all("select reason from exception_case") == [("rejected_items",)]


async def test_a_receipt_without_connection_is_a_reject_and_so_is_one_that_ends_every_worker(
    house: IntakeHouse,
) -> None:
    await house.take(*payouts(1, 1))
    await house.take(*payouts(2, 2))
    async with house.database.transaction() as tx:
        await tx.execute("update reading set failure = %s", ("|" * ATTEMPTS,))
    house.readings = house.make_readings()
    del house.connections["till"]
    await house.take(*payouts(3, 3))
    await house.read_all()
    whys = {end["rejects"][0]["why"] for end in await house.ends()}
    assert whys == {"Reading it ended 20 times without a result.", "The landscape has no connection till."}


def _broken(_: ReceiptView) -> Iterator[Item]:
    raise KeyError("amount")


def _mended(receipt: ReceiptView) -> Iterator[Item]:
    yield next(read(receipt))


async def test_who_claims_readings_reads_no_whole_queue_for_them(house: IntakeHouse) -> None:
    """Whatever PostgreSQL plans without knowing the limits: a backlog must not slow down what works it off."""
    async with house.database.transaction() as tx:
        await tx.execute(
            "insert into reading (shard, receipt, month, lane, number, run_at) select mod(n, 64), int4send(n),"
            " '2026-08-01', mod(n, 3), 0, '2026-08-31Z'::timestamptz + n * interval '1 s'"
            " from generate_series(1, 100000) n"
        )
        await tx.execute("analyze reading")
        numbers = count(1)
        claim = re.sub(r"%\(\w+\)s", lambda _: f"${next(numbers)}", SQL.claim_readings.text.decode())
        rows = await (await tx.execute(("explain (generic_plan) " + claim).encode())).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "reading_due" in plan
    assert "Seq Scan on reading" not in plan
