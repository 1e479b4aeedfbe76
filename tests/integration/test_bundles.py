"""Rules that change while facts are queued, workers of different releases beside each other, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.connectors.registry import CONNECTORS
from nostro.engine.activation import activate
from nostro.engine.fitness import demand_versions, fitting_rules
from nostro.engine.replay import Replay
from nostro.engine.walk import Walk
from nostro.governance.bundle import Bundle, Connection, Interface
from nostro.landscape import starting
from nostro.model.canonical import canonical, parse
from nostro.model.facts import Fact
from nostro.model.failures import ReleaseTooOld
from nostro.model.ids import SHARDS
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.machine import Machine
from nostro.store.database import Database
from tests.integration.synthetic import EDGES, MACHINE, PROCESS, House, StillRules, as_fact, line, payout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]
BUNDLES = "select shard, encode(bundle, 'hex'), type from fact order by shard, position"
Reads = Callable[[bytes], StillRules]


@dataclass(frozen=True)
class TableRules(StillRules):
    """Rules that a bundle's content makes."""

    table: dict[str, object] = field(default_factory=dict)


def reading(content: bytes) -> StillRules:
    """Every bundle is understood; its content says in which mode commands are."""
    told = parse(content)
    return TableRules(allowed="observe" if told.get("mode") == "observe" else "act", table=told)


def old_release(content: bytes) -> StillRules:
    """A release that knows no bundle that says `new`."""
    if "new" in parse(content):
        raise ValueError(content)
    return reading(content)


@asynccontextmanager
async def workers(url: str, *reads: Reads) -> AsyncIterator[list[House]]:
    """Workers on one database, each with its own way to understand bundles; the first has begun."""
    async with AsyncExitStack() as stack:
        houses = []
        for number, rules_from in enumerate(reads, 1):
            house = House(
                await stack.enter_async_context(Database(url, size=4, by_index=True)), worker=f"worker-{number}"
            )
            house.decider.rules_from = rules_from
            houses.append(house)
        await houses[0].begin()
        yield houses


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with workers(database_url, reading) as [house]:
        yield house


async def publish(house: House, **content: object) -> str:
    done = await activate(house.database, house.keys, canonical(content), "controller", "a rule changed", house.now)
    return done.digest


async def test_a_publication_that_runs_into_a_deadlock_is_begun_anew(house: House) -> None:
    async with house.database.transaction() as other:
        await other.execute(
            "set local deadlock_timeout = '10min'"
        )  # so that the other one is the first to see the knot
        await other.execute("select from shard where shard = 63 for update")
        published = asyncio.create_task(publish(house, rule="new"))
        await asyncio.sleep(0.3)
        await other.execute("select from shard where shard = 0 for update")
    digest = bytes.fromhex(await published)
    assert (digest,) in await house.all("select digest from bundle")


async def pass_time(*houses: House, seconds: float = 4) -> None:
    """Both clocks go on for all of them, and each minds its shards and decides what it can."""
    for house in houses:
        house.later(seconds=seconds)
    for house in houses:
        await house.tenure.step(house.now)
        await house.decider.step(house.now)


async def share_out(*houses: House) -> None:
    for _ in range(4):
        await pass_time(*houses)


async def test_what_stands_after_the_activation_on_its_shard_is_decided_under_the_new_rules_and_nothing_before(
    house: House,
) -> None:
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(60)])
    await house.settle()
    house.decider.batch_limit = 20
    await house.tell([as_fact(line(f"po_{n}", f"before_{n}")) for n in range(60)])
    await house.decider.step(house.now)
    digest = await publish(house, mode="observe")
    await house.tell([as_fact(line(f"po_{n}", f"after_{n}")) for n in range(60)])
    await house.settle()
    rows = await house.all(BUNDLES)
    for _, of_shard in groupby(rows, key=lambda row: row[0]):
        shard = list(of_shard)
        [at] = [n for n, (_, bundle, kind) in enumerate(shard) if kind == "bundle.activated" and bundle == digest]
        assert {bundle for _, bundle, _ in shard[at:]} == {digest}
        assert digest not in {bundle for _, bundle, _ in shard[:at]}
    commands = await house.all("select distinct encode(bundle, 'hex'), status from command_open")
    assert {(bundle == digest, status) for bundle, status in commands} == {(False, "ready"), (True, "would_do")}, (
        "the rules that are named are those that decided"
    )
    assert await house.all("select count(*) from fact where type = 'bundle.activated'") == [(2 * SHARDS,)]


async def test_replay_decides_each_fact_under_the_rules_that_were_in_force_for_it(house: House) -> None:
    def decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
        told = PROCESS.versions[0].decide(before, state, fact, rules)
        return replace(told, rule=rules.mode("psp", "annotate_payment"))

    house.processes["payout"] = replace(PROCESS, versions=(replace(PROCESS.versions[0], decide=decide),))
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(4)])
    await house.settle()
    await publish(house, mode="observe")
    await house.tell([as_fact(line(f"po_{n}", f"after_{n}")) for n in range(4)])
    await house.settle()
    walk = Walk(house.database, house.keys, house.processes, reading)
    steps = [step for shard in range(SHARDS) async for stretch in walk.shard(shard) for step in stretch]
    assert {step.row.rule for step in steps if step.row.process == "payout"} == {"act", "observe"}
    assert [step.row.subject for step in steps if not step.equal] == []


@pytest.mark.parametrize("seconds", [-1, 0, 1])
async def test_the_bundle_that_was_published_last_is_in_force_on_every_shard_whatever_its_instant(
    house: House, seconds: int
) -> None:
    house.decider.batch_limit = 20
    await publish(house, rule="first")
    await house.decider.step(house.now)
    house.later(seconds=seconds)  # an instant that was read while the other publication held the shards
    last = await publish(house, rule="last")
    house.later(seconds=-seconds)
    await house.settle()
    assert await house.all("select encode(bundle, 'hex'), activations, count(*) from shard group by 1, 2") == [
        (last, 3, SHARDS)
    ]


async def test_a_full_lane_does_not_hold_a_new_rule_up(house: House) -> None:
    house.decider.batch_limit = 20
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(300)])
    digest = await publish(house, mode="observe")
    for _ in range(8):
        await house.decider.step(house.now)
    assert await house.all(f"select count(*) from shard where encode(bundle, 'hex') = '{digest}'") == [(SHARDS,)]
    assert await house.all("select count(*) > 100 from arrival") == [(True,)]


async def test_a_worker_that_was_told_nothing_decides_under_what_its_shards_log_says(database_url: str) -> None:
    async with workers(database_url, reading, reading) as [first, second]:
        await share_out(first, second)
        digest = await publish(second, mode="observe")
        await first.tell([as_fact(payout(f"po_{n}")) for n in range(40)])
        await first.settle()
        await second.settle()
        rows = await first.all("select distinct encode(bundle, 'hex') from fact where process = 'payout'")
        assert rows == [(digest,)]
        assert len(first.tenure.shards) == len(second.tenure.shards) == SHARDS // 2


async def test_a_zombie_decides_nothing_under_the_rules_that_it_remembers(database_url: str) -> None:
    async with workers(database_url, reading, reading) as [zombie, heir]:
        heir.later(seconds=11)
        await heir.tenure.step(heir.now)
        digest = await publish(heir, mode="observe")
        await heir.settle()
        await heir.tell([as_fact(payout("po_1"))])
        assert await zombie.decider.step(zombie.now) == 0
        await heir.settle()
        assert await heir.all("select encode(bundle, 'hex') from fact where process = 'payout'") == [(digest,)]


async def test_an_old_release_leaves_a_new_bundle_to_those_who_understand_it(database_url: str) -> None:
    async with workers(database_url, old_release, reading) as [old, new]:
        await share_out(old, new)
        digest = await publish(new, new=1)
        await new.tell([as_fact(payout(f"po_{n}")) for n in range(40)])
        await share_out(old, new)
        await new.settle()
        assert len(old.tenure.shards) + len(new.tenure.shards) == SHARDS
        assert set(old.tenure.refused) <= set(new.tenure.shards)
        rows = await new.all("select distinct encode(bundle, 'hex') from fact where process = 'payout'")
        assert rows == [(digest,)]
        assert await new.all("select count(*) from fact where process = 'payout'") == [(40,)]
        assert await new.all("select count(*) from exception_case") == [(0,)], "being older is nobody's fault"
        await publish(new, mode="act")
        for _ in range(20):
            await pass_time(old, new)
        assert len(old.tenure.shards) == SHARDS // 2, "with rules that it understands it works again"


async def test_where_nobody_understands_the_rules_everything_waits_and_goes_on_under_the_next(
    database_url: str,
) -> None:
    async with workers(database_url, old_release) as [house]:
        await publish(house, new=1)
        await house.tell([as_fact(payout("po_1"))])
        for _ in range(3):
            await pass_time(house)
        assert house.tenure.refused, "it says so"
        assert await house.all("select count(*) from fact where process = 'payout'") == [(0,)]
        digest = await publish(house, mode="act")
        for _ in range(20):
            await pass_time(house)
        assert await house.all("select encode(bundle, 'hex') from fact where process = 'payout'") == [(digest,)]
        assert await house.all("select count(*) from exception_case") == [(0,)]


def second_version() -> Machine:
    return replace(MACHINE, version=2, edges=dict(EDGES))


async def test_an_instance_goes_on_with_the_version_that_it_began_with(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    [version] = PROCESS.versions
    house.processes["payout"] = replace(PROCESS, versions=(version, replace(version, machine=second_version())))
    await house.tell([as_fact(line("po_1", "txn_1")), as_fact(payout("po_2"))])
    await house.settle()
    rows = await house.all("select subject, version from fact where process = 'payout' order by subject, revision")
    assert rows == [("po_1", 1), ("po_1", 1), ("po_2", 2)]
    _, differences = await Replay(house.database, house.keys, house.processes, reading).run()
    assert differences == [], "replay goes on with it too"


async def test_a_worker_without_an_instances_version_refuses_its_shard_and_nothing_else(database_url: str) -> None:
    async with workers(database_url, reading, reading) as [new, old]:
        [version] = PROCESS.versions
        new.processes["payout"] = replace(PROCESS, versions=(version, replace(version, machine=second_version())))
        await new.tell([as_fact(payout("po_1"))])
        await new.settle()
        new.later(seconds=20)
        old.now = new.now
        await old.tenure.step(old.now)
        assert len(old.tenure.shards) == SHARDS
        await old.tell([as_fact(line("po_1", "txn_1")), as_fact(payout("po_2"))])
        await old.decider.step(old.now)
        assert len(old.tenure.shards) == SHARDS - 1
        rows = await old.all("select subject, version from fact where process = 'payout' order by subject, revision")
        assert rows == [("po_1", 2), ("po_2", 1)]
        await share_out(old, new)
        await new.settle()
        assert await old.all("select count(*) from fact where subject = 'po_1'") == [(2,)]
        assert await old.all("select count(*) from exception_case") == [(0,)]
        assert len(old.tenure.shards) + len(new.tenure.shards) == SHARDS


async def test_what_begins_in_a_process_that_a_worker_lacks_waits_for_one_that_has_it(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    known = house.processes.pop("payout")
    await house.decider.step(house.now)
    assert len(house.tenure.shards) == SHARDS - 1
    assert await house.all("select type from arrival") == [("payout.reported",)]
    assert await house.all("select count(*) from exception_case") == [(0,)]
    house.processes["payout"] = known
    house.later(seconds=90)
    await house.tenure.step(house.now)
    await house.settle()
    assert await house.all("select subject, revision from fact where process = 'payout'") == [("po_1", 1)]


async def test_a_worker_refuses_to_start_while_an_instance_needs_a_version_that_it_lacks(house: House) -> None:
    [version] = PROCESS.versions
    both = {"payout": replace(PROCESS, versions=(version, replace(version, machine=second_version())))}
    house.processes.update(both)
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await demand_versions(house.database, both)
    with pytest.raises(ReleaseTooOld, match=r"1 instances need version 2 of process payout") as refused:
        await demand_versions(house.database, {"payout": PROCESS})
    assert refused.value.runbook == "worker-refuses"
    with pytest.raises(ReleaseTooOld, match=r"process payout"):
        await demand_versions(house.database, {})


POSTING = (Path(starting.__file__ or "").parent / "rules" / "posting.json").read_text()


async def test_a_release_says_what_it_lacks_of_a_bundle() -> None:
    stranger = Connection(id="bank-x", kind="ebics")
    known = Connection(id="psp", kind="stripe", settings={"shiny": True})
    does = Interface(id="books", connection="people", operations=("levitate",))
    given = Bundle(
        environment="test", entities=(), interfaces=(does,), posting=POSTING,
        connections=(stranger, known, Connection(id="people", kind="people")),
    )  # fmt: skip
    with pytest.raises(ReleaseTooOld) as refused:
        fitting_rules(given.content, CONNECTORS)
    assert "connector ebics of connection bank-x" in refused.value.sentence
    assert "the settings of connection psp" in refused.value.sentence
    assert "operation levitate of interface books" in refused.value.sentence
    with pytest.raises(ReleaseTooOld, match="can't be understood by this release"):
        fitting_rules(canonical({**parse(given.content), "newer": 1}), CONNECTORS)


async def test_a_worker_remembers_no_more_bundles_than_it_may(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.engine.decide.BUNDLES", 3)
    for n in range(9):
        await publish(house, rule=n)
        await house.settle()
        await house.tell([as_fact(payout(f"po_{n}"))])
        await house.settle()
    assert await house.all("select count(*) from fact where process = 'payout'") == [(9,)]
    assert len(house.decider._rules) <= 4
