"""After a restore: what may have been done in the lost life is looked up, whatever the database knows of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.egress.anchors import Anchors, FolderAnchor
from nostro.egress.drive import Stored
from nostro.egress.journal import FencedWrites, Journal
from nostro.engine.checkpoints import Checkpoints
from nostro.engine.recover import serve_recovery
from nostro.model.facts import Fact, RecoveryClosed, RecoveryOpened
from nostro.model.failures import DatabaseRestored, DatabaseUnavailable, LostRace, OutOfService
from nostro.runtime.house import _demand_anchors
from nostro.store.audit import Anchor, Verdict, verify
from nostro.store.database import Database
from nostro.store.quarantine import Newest, guard, newest_shared, quarantine_if_behind
from tests.dispatch_world import KEYS, START, Mortal, Worker, World, installed
from tests.integration.synthetic import House, as_fact, payout
from tests.integration.test_audit import SEAL
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio


MEMBERS = "select 1 from dispatch_member m join attempt_call a on a.shard = m.shard and a.dispatch = m.dispatch"
EVERYBODY_ELSE = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


async def transacted(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(b"select")


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def opened(world: World, epoch: int = 2) -> None:
    """A person's act has come into the log."""
    body = RecoveryOpened(act="ACT1", epoch=epoch, since=START, kept=0, lost=0)
    await serve(world, body, "ana")


async def closed(world: World, epoch: int = 2) -> None:
    await serve(world, RecoveryClosed(act="ACT2", epoch=epoch), "ben")


async def serve(world: World, body: RecoveryOpened | RecoveryClosed, actor: str) -> None:
    at = world.now.business
    fact = Fact(body=body, entity="DE", origin="people", actor=actor, reason="why", occurred_at=at, received_at=at)
    async with world.database.transaction() as tx:
        await serve_recovery(tx, fact, body, world.now)


async def test_what_the_lost_life_had_done_is_found_although_its_dispatch_knows_nothing_of_it(
    database: Database,
) -> None:
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    world.partner.fault = lambda _: "unsent"
    worker = Worker(world, "one")
    await worker.step()
    await worker.step()
    assert await world.all("select status from command_open") == [("dispatched",)]
    world.partner.fault = lambda _: ""
    world.partner.effects[key] = 1
    await worker.dispatcher.stop(0)
    await opened(world)
    world.partner.calls.clear()
    await Worker(world, "two").settle()
    assert "/do" not in world.partner.calls
    assert world.settled == [(key, "adopted")]
    assert world.partner.effects[key] == 1


@pytest.mark.parametrize("apart", [True, False])
async def test_what_a_recovery_leaves_behind_is_still_known_until_its_command_has_ended(
    database: Database, *, apart: bool
) -> None:
    """Its calls are found by its commands, and it goes with them."""
    world = World(database, operation("their_key"), takes_keys=True)
    await world.run(f"update deployment set members_in_dispatch = {not apart}")
    key = await world.want("po_1")
    dead = Worker(world, "one", Mortal(database, dies_after="effect"))
    while not dead.mortal.dead:
        await dead.step()
    await opened(world)
    assert await world.all(MEMBERS) == [(1,)]
    await Worker(world, "two").settle()
    assert (world.settled, world.partner.effects[key]) == ([(key, "done")], 1)
    assert await world.all("select 1 from dispatch union all select 1 from dispatch_member") == []


async def test_what_is_not_found_is_sent_once_its_absence_is_proven(database: Database) -> None:
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    await opened(world)
    worker = Worker(world, "one")
    await worker.settle()
    world.later(60)
    await worker.settle()
    assert "/do" not in world.partner.calls
    world.later(200)
    await worker.settle()
    assert (world.settled, world.partner.effects[key]) == ([(key, "done")], 1)


async def test_a_release_from_before_the_restore_does_not_count_where_nothing_can_be_looked_up(
    database: Database,
) -> None:
    world = World(database, operation("person"))
    key = await world.want("po_1")
    await world.run("update command_open set actor = 'ana'")
    await opened(world)
    worker = Worker(world, "one")
    await worker.settle()
    assert (world.settled, world.partner.calls) == ([(key, "handed_over")], [])
    await world.run("update command_open set status = 'ready', dispatch = null, actor = 'ben'")
    await worker.settle()
    assert (world.settled[1:], world.partner.effects[key]) == ([(key, "done")], 1)


async def test_a_release_within_a_recovery_is_held_once_before_it_counts(database: Database) -> None:
    world = World(database, operation("person"))
    await opened(world)
    key = await world.want("po_1")
    await world.run("update command_open set actor = 'ana'")
    await Worker(world, "one").settle()
    assert (world.settled, world.partner.calls) == ([(key, "handed_over")], [])


async def test_for_an_hour_after_the_closing_everything_is_still_looked_up(database: Database) -> None:
    world = World(database, operation("look_up"))
    await opened(world)
    await closed(world)
    assert await world.all("select epoch, quarantine from deployment") == [(3, "")]
    world.later(3600)
    key = await world.want("po_1")
    worker = Worker(world, "one")
    await worker.settle()
    assert "/do" not in world.partner.calls
    world.later(1)
    later = await world.want("po_2")
    await worker.settle()
    assert world.settled == [(later, "done")]
    world.later(200)
    await worker.settle()
    assert world.settled[1:] == [(key, "done")]


async def test_whoever_drives_a_dispatch_at_the_opening_can_not_write_its_end(database: Database) -> None:
    world = World(database, operation("look_up"))
    slots = Worker(world, "one").slots
    await slots.step(world.now)
    [slot] = slots.held("psp", world.now)
    journal = Journal(FencedWrites(database, slot), KEYS)
    await opened(world)
    with pytest.raises(LostRace):
        await journal.start(0, b"d", 1, b"digest", world.now)
    with pytest.raises(LostRace):
        await journal.write(journal.answer(0, b"d", 1, "/do", Stored(200, b"", START))[1])


async def test_an_opening_that_comes_too_late_changes_nothing(database: Database) -> None:
    world = World(database, operation("look_up"))
    await opened(world, 4)
    await opened(world, 2)
    await closed(world, 2)
    assert await world.all("select epoch from deployment") == [(4,)]
    assert await world.all("select epoch, opened_by, closed_by from recovery") == [(4, "ana", None)]


async def test_feeds_are_rewound_and_not_caught_up(database: Database) -> None:
    world = World(database, operation("look_up"))
    await world.run(f"insert into feed values ('psp', 'events', 'c', '{START}', '{START}')")
    await opened(world)
    assert await world.all("select rewind_to, heartbeat_at from feed") == [(START, None)]


async def test_a_later_recovery_reads_no_feed_from_later_than_one_that_it_still_has_to_be_read_for(
    database: Database,
) -> None:
    """A feed whose other side is away is read for the first recovery only when it is back."""
    world = World(database, operation("look_up"))
    await world.run(f"insert into feed values ('psp', 'events', 'c', '{START}', '{START}')")
    await opened(world)
    world.later(86_400)
    body = RecoveryOpened(act="ACT3", epoch=4, since=world.now.business, kept=0, lost=0)
    await serve(world, body, "ana")
    assert await world.all("select rewind_to from feed") == [(START,)]


HEADS = """
    (select key::int as shard, split_part(value, ':', 1)::bigint as position,
        decode(split_part(value, ':', 2), 'hex') as leaf
    from checkpoint, jsonb_each_text(convert_from(heads, 'UTF8')::jsonb) where number = %(after)s) as head
"""
CUT = (
    f"delete from fact using {HEADS} where fact.shard = head.shard and fact.position > head.position",
    f"update shard set position = head.position, head = head.leaf from {HEADS} where shard.shard = head.shard",
    "delete from checkpoint where number > %(after)s",
)


@dataclass
class Sealed:
    """A house whose log is sealed and anchored in a folder."""

    house: House
    anchors: Anchors

    async def business(self, *names: str) -> None:
        """Some facts, and a checkpoint."""
        await self.house.tenure.step(self.house.now)
        await self.house.tell([as_fact(payout(name)) for name in names])
        await self.house.settle()
        await self.seal()

    async def seal(self) -> int:
        self.house.later(seconds=5)
        return await Checkpoints(self.house.database, SEAL, self.anchors.put).step(self.house.now)

    async def lose(self, after: int) -> None:
        """As a restore leaves it: checkpoints and facts behind one are gone. The heads are those that it sealed."""
        for statement in CUT:
            async with self.house.database.transaction() as tx:
                await tx.execute(statement.encode(), {"after": after})
        self.house.tenure.shards.clear()
        self.house.later(seconds=60)
        await self.house.tenure.step(self.house.now)

    async def recovery(self, body: RecoveryOpened | RecoveryClosed, actor: str) -> None:
        at = self.house.now.business
        fact = Fact(body=body, entity="DE", origin="people", actor=actor, reason="why", occurred_at=at, received_at=at)
        await self.house.tenure.step(self.house.now)
        await self.house.tell([fact])
        await self.house.settle()

    async def verdict(self) -> Verdict:
        [(deployment,)] = await self.house.all("select id from deployment")
        assert isinstance(deployment, bytes)
        public = SEAL.private.public_key()
        return await verify(self.house.database, deployment, public, self.anchors.readable())


def begun(folder: Path) -> Anchors:
    """A folder for anchors in which there are none yet."""
    place = FolderAnchor(folder)
    place.begin()
    return Anchors([place])


@pytest_asyncio.fixture
async def sealed(database_url: str, tmp_path: Path) -> AsyncIterator[Sealed]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        made = Sealed(house, begun(tmp_path))
        await made.business("po_1")
        await made.business("po_2")
        await made.business("po_3")
        yield made


async def test_a_cut_is_a_finding_until_a_second_person_has_closed_the_recovery_and_told_for_ever(
    sealed: Sealed,
) -> None:
    database = sealed.house.database
    await sealed.lose(after=1)
    assert await quarantine_if_behind(database, (await sealed.anchors.newest()).anchor)
    assert await sealed.seal() == 0
    assert {finding.kind for finding in (await sealed.verdict()).findings} == {"anchor"}
    assert await newest_shared(database, sealed.anchors.readable()) == 1
    await sealed.recovery(RecoveryOpened(act="A", epoch=2, since=START, kept=1, lost=3), "ana")
    assert await quarantine_if_behind(database, (await sealed.anchors.newest()).anchor) == ""
    await sealed.business("po_2")
    assert [finding.kind for finding in (await sealed.verdict()).findings] == ["cut_off"]
    await sealed.recovery(RecoveryClosed(act="B", epoch=2), "ben")
    await sealed.business("po_4")
    assert await quarantine_if_behind(database, (await sealed.anchors.newest()).anchor) == ""
    verdict = await sealed.verdict()
    assert verdict.findings == ()
    assert [(c.epoch, c.kept, c.lost, c.anchors, c.by, c.closed) for c in verdict.cuts] == [(2, 1, 3, 2, "ana", True)]


async def test_nobody_begins_to_work_where_the_anchors_are_away_since_a_restore_would_not_be_noticed(
    sealed: Sealed, tmp_path: Path
) -> None:
    database, anchors = sealed.house.database, Anchors(sealed.anchors.places)
    [file] = [folder.file for folder in anchors.folders]
    await sealed.lose(after=1)
    away = file.rename(tmp_path / "away")
    assert await anchors.newest() == Newest(None)
    with pytest.raises(OutOfService, match=r"Checkpoint 1 was anchored outside, and .*anchors\.jsonl is not there"):
        await _demand_anchors(database, anchors)
    assert not file.exists()
    away.rename(file)
    await _demand_anchors(database, anchors)
    assert await quarantine_if_behind(database, (await anchors.newest()).anchor)


async def test_the_anchors_file_is_made_before_anything_is_anchored(database_url: str, tmp_path: Path) -> None:
    anchors = Anchors([FolderAnchor(tmp_path / "new" / "anchors")])
    async with Database(database_url, size=2) as database:
        house = House(database)
        await house.begin()
        made = Sealed(house, anchors)
        await _demand_anchors(database, anchors)
        await made.business("po_1")
    assert [anchor.number for anchor in anchors.readable()] == [1]


async def test_an_anchor_that_no_recovery_explains_stays_a_finding(sealed: Sealed) -> None:
    await sealed.lose(after=1)
    await sealed.recovery(RecoveryOpened(act="A", epoch=2, since=START, kept=1, lost=3), "ana")
    await sealed.recovery(RecoveryClosed(act="B", epoch=2), "ben")
    await sealed.business("po_4")
    await sealed.anchors.put(Anchor(90, b"x" * 32, epoch=3), datetime(2026, 8, 31, tzinfo=UTC))
    [finding] = (await sealed.verdict()).findings
    assert (finding.kind, finding.where) == ("anchor", "checkpoint 90")


async def test_the_later_life_s_anchor_is_the_newest_whatever_its_number(tmp_path: Path) -> None:
    anchors = begun(tmp_path)
    at = datetime(2026, 8, 31, tzinfo=UTC)
    for number, epoch in ((57, 1), (41, 2), (40, 2)):
        await anchors.put(Anchor(number, bytes([number]) * 32, epoch), at)
    newest = (await anchors.newest()).anchor
    assert newest is not None
    assert newest.rank == (2, 41)
    first = json.loads((tmp_path / "anchors.jsonl").read_bytes().splitlines()[0])
    assert first["epoch"] == 1


async def until_told(database: Database) -> None:
    """A connection that was lent a moment ago is not looked at again: it only breaks."""
    for _ in range(3):
        try:
            await transacted(database)
        except DatabaseRestored:
            raise
        except DatabaseUnavailable:
            continue


async def test_a_process_under_which_the_database_was_restored_gets_no_connection_any_more(sealed: Sealed) -> None:
    known = sealed.house.database
    async with Database(known.url, size=2) as database:
        database.guard = guard(sealed.anchors.newest, "")
        await transacted(database)
        await sealed.lose(after=1)
        await sealed.house.all(EVERYBODY_ELSE)
        with pytest.raises(DatabaseRestored):
            await until_told(database)
    [(why,)] = await sealed.house.all("select quarantine from deployment")
    assert "checkpoint 3" in str(why)


async def test_a_process_that_began_in_the_quarantine_goes_on(sealed: Sealed) -> None:
    await sealed.lose(after=1)
    why = await quarantine_if_behind(sealed.house.database, (await sealed.anchors.newest()).anchor)
    async with Database(sealed.house.database.url, size=2) as database:
        database.guard = guard(sealed.anchors.newest, why)
        await transacted(database)
    assert why
