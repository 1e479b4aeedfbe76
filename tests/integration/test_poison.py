"""An item, a fact, a decision, an exchange or a subject that throws or comes to no end stops nothing but itself.

Each is shown with its cause, and runs again once it is mended.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from nostro.connectors.kit.manifest import Connector, Operation, Order
from nostro.connectors.kit.reading import Item, ReceiptView, RejectItem
from nostro.engine.dispatch import STUMBLES
from nostro.engine.hops import HOPS
from nostro.model.calls import Act, Ask, Message, Wait
from nostro.model.facts import CaseClosed, Fact, PayoutReported
from nostro.model.failures import Endless
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.process import Process
from nostro.projections.worklist import open_cases
from nostro.runtime.watchdog import Watchdog, watched_connector, watched_processes
from nostro.store.database import Database
from tests.dispatch_world import START, Worker, World, installed
from tests.integration.intake_house import IntakeHouse, begun
from tests.integration.intake_house import read as read_lines
from tests.integration.misbehaviour import MISBEHAVIOUR, Wrong, loops, throws
from tests.integration.synthetic import PROCESS, House, as_fact, line, payout
from tests.toy_partner import connector as toy_connector
from tests.toy_partner import operation

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]


@pytest.fixture
def dog() -> Iterator[Watchdog]:
    with Watchdog(limit_seconds=0.3) as watching:
        yield watching


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        yield house


@pytest_asyncio.fixture
async def intake(database_url: str) -> AsyncIterator[IntakeHouse]:
    house = await begun(database_url)
    yield house
    await house.database.__aexit__()


def spoiled(wrong: Wrong, part: str, poison: str = "poison") -> Process:
    """The process, in which one part does wrong about facts of a payout that says so."""
    right = getattr(PROCESS, part) if part != "decide" else PROCESS.versions[0].decide

    def misbehaving(*given: Any) -> Any:  # noqa: ANN401 - whatever the part takes
        told = next(one for one in given if isinstance(one, Fact))
        bad = isinstance(told.body, PayoutReported) and told.body.statement_descriptor == poison
        return wrong() if bad else right(*given)

    version = replace(PROCESS.versions[0], decide=misbehaving)
    return replace(PROCESS, **({part: misbehaving} if part != "decide" else {"versions": (version,)}))


def employ(house: House, process: Process, dog: Watchdog) -> None:
    house.processes.update(watched_processes(dog, {"payout": process}))


async def closed(house: House, case: str) -> None:
    found = next(one for one in await open_cases(house.database) if one.id == case)
    await house.tell([as_fact(CaseClosed(act=f"close-{case}", case=case))], [Subject(found.process, found.subject)])
    await house.settle()


@MISBEHAVIOUR
@pytest.mark.parametrize("part", ["decide", "registers"])
async def test_a_decision_stops_its_own_subject_and_runs_again_once_it_is_mended(
    house: House, dog: Watchdog, wrong: Wrong, cause: str, part: str
) -> None:
    employ(house, spoiled(wrong, part), dog)
    await house.tell([as_fact(payout("po_1", descriptor="poison")), *(as_fact(payout(f"po_{n}")) for n in range(2, 9))])
    await house.settle()
    await house.tell([as_fact(line(f"po_{n}", f"txn_{n}")) for n in range(1, 9)])
    await house.settle()
    assert await house.all("select count(*) from fact where process = 'payout'") == [(14,)]
    [case] = await open_cases(house.database)
    assert (case.subject, case.reason) == ("po_1", "poisoned")
    assert cause in case.sentence
    employ(house, PROCESS, dog)
    await closed(house, case.id)
    rows = await house.all("select type from fact where subject = 'po_1' and type like 'payout%' order by revision")
    assert rows == [("payout.reported",), ("payout.line_reported",)]
    assert await open_cases(house.database) == []


@MISBEHAVIOUR
async def test_a_parked_fact_that_cannot_be_placed_holds_nobody_else_up(
    house: House, dog: Watchdog, capsys: pytest.CaptureFixture[str], wrong: Wrong, cause: str
) -> None:
    def orphaned(told: Fact) -> Any:  # noqa: ANN401 - a beginning, or nothing
        return wrong() if "bad" in told.key else PROCESS.orphaned(told)

    await house.tell([as_fact(line("po_8", "bad")), as_fact(line("po_9", "good"))])
    employ(house, replace(PROCESS, orphaned=orphaned), dog)
    house.later(seconds=90)
    await house.tenure.step(house.now)
    await house.settle()
    rows = await house.all("select subject from fact where process = 'payout' union all select 'parked' from parked")
    assert sorted(rows) == [("nobody's",), ("orphan/payout.line_reported:psp/bad",)]
    assert f"failure={cause}" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["fact", "lookup"])
@pytest.mark.parametrize("damaged", ["not even JSON", '{"entity":"DE"}'])
async def test_what_is_parked_and_does_not_parse_holds_nobody_else_up(house: House, damaged: str, kind: str) -> None:
    await house.tell([as_fact(line("po_8", "bad")), as_fact(line("po_9", "good"))])
    await backed_up(house)
    await house.all(
        f"update parked set arrival = convert_to('{damaged}', 'UTF8'), kind = '{kind}' "
        "where convert_from(arrival, 'UTF8') like '%psp/bad%' returning 1"
    )
    await house.tell([as_fact(payout("po_9"))])
    await house.settle()
    assert await house.all("select subject, type from fact where process = 'payout' order by revision") == [
        ("po_9", "payout.reported"),
        ("po_9", "payout.line_reported"),
    ]
    house.later(seconds=90)
    await house.tenure.step(house.now)
    await house.settle()
    [case] = await open_cases(house.database)
    assert (case.reason, case.process, case.entity) == ("poisoned", "payout", "DE" if "DE" in damaged else "")
    assert f"A {kind} that was parked" in case.sentence
    assert await house.all("select kind, convert_from(arrival, 'UTF8') like '%parked.unreadable%' from parked") == [
        ("poison", True)
    ]
    await closed(house, case.id)
    [again] = await open_cases(house.database)
    assert (again.subject, again.sentence) == (case.subject, case.sentence), "until somebody mends it"
    await house.tell([as_fact(payout("po_8"))])
    await house.settle()
    await put_back(house, case.subject.removeprefix("parked/"))
    await closed(house, again.id)
    assert await open_cases(house.database) == []
    if kind == "fact":
        rows = await house.all("select type from fact where subject = 'po_8' order by revision")
        assert rows == [("payout.reported",), ("payout.line_reported",)]


async def backed_up(house: House) -> None:
    """As a backup has it, restored beside the database."""
    for table in ("parked", "parked_reference"):
        await run(house, f"create schema if not exists backup; create table backup.{table} as table {table}")


async def put_back(house: House, ident: str) -> None:
    """What the runbook says."""
    told = (Path(__file__).parents[2] / "docs/operate/poisoned.md").read_text(encoding="utf-8")
    await run(house, told.partition("    begin;\n")[2].partition("    commit;")[0].replace("ID", ident))


async def run(house: House, statements: str) -> None:
    async with house.database.transaction() as tx:
        await tx.connection.execute(statements.encode())


@MISBEHAVIOUR
async def test_a_fact_that_cannot_be_routed_is_a_reject_of_its_receipt_and_is_read_again(
    intake: IntakeHouse, dog: Watchdog, wrong: Wrong, cause: str
) -> None:
    employ(intake, spoiled(wrong, "begins"), dog)
    kept = await intake.take({"payout": "po_1", "descriptor": "poison"}, {"payout": "po_2"})
    await intake.read_all()
    [end] = await intake.ends()
    assert (end["items"], end["read"], end["rejected"]) == (2, 1, 1)
    assert cause in end["rejects"][0]["why"]
    assert [case.reason for case in await open_cases(intake.database)] == ["rejected_items"]
    employ(intake, PROCESS, dog)
    await read_again(intake, kept.id)
    assert [end["rejected"] for end in await intake.ends()] == [1, 0]
    assert await intake.all("select subject from subject where process = 'payout' order by 1") == [("po_1",), ("po_2",)]
    assert await open_cases(intake.database) == []


async def read_again(intake: IntakeHouse, receipt: bytes) -> None:
    month = "(select month from receipt where id = r.id)"
    await intake.all(
        "insert into reading (shard, receipt, month, lane, number, run_at) "
        f"select shard, id, {month}, 1, 2, received_at from receipt r where id = '\\x{receipt.hex()}' returning 1"
    )
    await intake.read_all()


def ever_more(_: ReceiptView) -> Iterator[Item]:
    for n in itertools.count():
        yield RejectItem(f"item {n}", "again")


def stuck(_: ReceiptView) -> Iterator[Item]:
    yield RejectItem("item 1", "odd")
    loops()


def broken(_: ReceiptView) -> Iterator[Item]:
    yield RejectItem("item 1", "odd")
    throws()


@pytest.mark.parametrize(
    "read, cause", [(broken, "RuntimeError"), (stuck, "interrupted"), (ever_more, "ever more items")]
)
async def test_a_reader_stops_its_own_receipt_and_the_receipt_is_read_again(
    intake: IntakeHouse, dog: Watchdog, read: Callable[[ReceiptView], Iterator[Item]], cause: str
) -> None:
    dog.limit_seconds = 0.03
    right = intake.connections["till"]

    def sometimes(receipt: ReceiptView) -> Iterator[Item]:
        return read(receipt) if b"poison" in receipt.content else read_lines(receipt)

    bad: Connector = watched_connector(dog, replace(right.connector, read=sometimes))
    intake.connections["till"] = replace(right, connector=bad)
    kept = await intake.take({"payout": "po_1", "descriptor": "poison"})
    await intake.take({"payout": "po_2"})
    await intake.read_all()
    ends = {end["receipt"]: end for end in await intake.ends()}
    assert len(ends) == 2, "the other receipt was read"
    assert cause in str(ends.pop(kept.id.hex())["rejects"])
    assert [end["read"] for end in ends.values()] == [1]
    intake.connections["till"] = right
    await read_again(intake, kept.id)
    assert await intake.all("select count(*) from subject where process = 'payout'") == [(2,)]


def misbehaving(manner: str) -> Operation:
    """An exchange that does wrong for the payment that is called `poison`."""
    right = operation("look_up", calls=5)

    def dialogue(orders: Sequence[Order], config: Any) -> Any:  # noqa: ANN401 - a generator, whatever it yields
        if getattr(orders[0].intent, "payment_id", "") != "poison":
            return (yield from right.exchange(orders, config))
        for n in itertools.count():
            match manner:
                case "throws":
                    throws()
                case "loops":
                    loops()
                case "asks":
                    yield Ask(Message("find", {"keys": [f"{n}"]}))
                case "acts":
                    yield Act(Message("do", {"keys": [f"x{n}"]}), f"x{n}")
                case "waits":
                    yield Wait(START - timedelta(days=1))
                case "babbles":
                    yield "hello"

    return replace(right, exchange=dialogue)


@pytest.mark.parametrize(
    "manner, cause",
    [
        ("throws", "RuntimeError"),
        ("loops", "Endless"),
        ("asks", "more than 5 calls"),
        ("acts", "more than 5 calls"),
        ("waits", "more than 5 calls"),
        ("babbles", "yielded str, which is no call"),
    ],
)
async def test_an_exchange_stops_its_own_dispatch_and_goes_on_when_a_person_releases_it(
    database_url: str, dog: Watchdog, manner: str, cause: str
) -> None:
    async with installed(database_url) as database:
        world = World(database, misbehaving(manner))
        right = world.connection
        world.connection = replace(right, connector=watched_connector(dog, right.connector))
        await world.want("poison")
        await world.want("po_2")
        first = Worker(world, "one")
        await first.settle()
        assert sorted(kind for _, kind in world.settled) == ["done", "handed_over"]
        [(note,)] = await world.all("select note from dispatch where status = 'held'")
        assert cause in note
        await first.dispatcher.stop(0)
        world.connection = replace(right, connector=toy_connector(operation("look_up")))
        await world.run("update command_open set status = 'ready', dispatch = null, actor = 'anna'")
        second = Worker(world, "two")
        for _ in range(3):
            world.later(200)
            await second.settle()
        assert sorted(kind for _, kind in world.settled if kind != "handed_over") in (["done"] * 2, ["adopted", "done"])


async def test_a_drive_that_fails_as_nobody_foresaw_is_held_with_its_cause_after_some_tries(database_url: str) -> None:
    async with installed(database_url) as database:
        world = World(database, operation("look_up"))
        await world.want("po_1")
        worker = Worker(world, "one")
        worker.send = throws  # type: ignore[method-assign,assignment]  # a transport that breaks its promise
        for _ in range(STUMBLES):
            await worker.settle()
            world.later(6)
        await worker.settle()
        [(note,)] = await world.all("select note from dispatch where status = 'held'")
        assert note == f"Driving it failed {STUMBLES} times (RuntimeError)."


@MISBEHAVIOUR
async def test_a_state_that_takes_a_fact_in_wrongly_stops_its_own_subject_and_goes_on_after_a_fix(
    house: House, dog: Watchdog, wrong: Wrong, cause: str
) -> None:
    right, both = PROCESS.versions[0], ("po_1", "po_2")
    await house.tell([as_fact(payout(name)) for name in both])
    await house.settle()
    bad = replace(right, evolve=lambda *told: wrong() if "po_1" in told[1].key else right.evolve(*told))
    employ(house, replace(PROCESS, versions=(bad,)), dog)
    await house.tell([as_fact(payout(name, state="pending")) for name in both])
    await house.settle()
    [one] = await open_cases(house.database)
    assert (one.subject, one.reason, cause in one.sentence) == ("po_1", "poisoned", True)
    known = "select subject, count(*) from fact where type = 'payout.reported' group by 1 order by 1"
    assert await house.all(known) == [("po_1", 1), ("po_2", 2)]
    employ(house, PROCESS, dog)
    await closed(house, one.id)
    assert await house.all(known) == [("po_1", 2), ("po_2", 2)]


async def test_of_several_decisions_that_come_to_no_end_one_batch_bears_one(house: House, dog: Watchdog) -> None:
    """Several would last longer than a lease: whoever has the shard next would be as late, and so for ever."""
    employ(house, spoiled(loops, "decide"), dog)
    await house.tell([*(as_fact(payout(f"po_{n}", descriptor="poison")) for n in range(3)), as_fact(payout("po_9"))])
    assert await house.decider.step(house.now) > 0
    assert len(await open_cases(house.database)) == 1
    await house.settle()
    assert len(await open_cases(house.database)) == 3
    assert await house.all("select subject from fact where process = 'payout'") == [("po_9",)]


async def test_subjects_that_tell_each_other_for_ever_are_stopped_after_a_number_of_hops(house: House) -> None:
    version = PROCESS.versions[0]

    def decide(before: Instance, state: State, told: Fact, rules: Rules) -> Decision:
        right = version.decide(before, state, told, rules)
        body = told.body
        if not isinstance(body, PayoutReported) or body.statement_descriptor != "chain":
            return right
        return replace(right, emits=(payout(f"{body.payout_id}+", descriptor="chain"),))

    house.processes["payout"] = replace(PROCESS, versions=(replace(version, decide=decide),))
    await house.tell([as_fact(payout("po_1", descriptor="chain")), as_fact(payout("po_2"))])
    await house.settle()
    [case] = await open_cases(house.database)
    assert case.sentence.startswith(f"{HOPS} facts in a row led to each other")
    assert case.subject == "po_1" + "+" * HOPS
    assert await house.all("select count(*) from fact where process = 'payout'") == [(HOPS + 1,)]
    house.processes["payout"] = PROCESS
    await closed(house, case.id)
    assert await house.all("select count(*) from fact where process = 'payout'") == [(HOPS + 3,)], "and its closing"


async def test_the_watchdog_interrupts_only_what_it_watches(dog: Watchdog) -> None:
    with pytest.raises(Endless):
        dog.call(loops)
    with pytest.raises(Endless):
        await asyncio.to_thread(dog.call, loops)
    assert dog.call(sum, [1, 2]) == 3
    assert dog.call(lambda: dog.call(len, "abc")) == 3, "a section within another is part of it"
    began = time.thread_time()
    while time.thread_time() - began < 0.8:
        sum(range(100))  # outside of any section one may work as long as one likes
    await asyncio.to_thread(dog.call, time.sleep, 0.8)  # sleeping is no work
