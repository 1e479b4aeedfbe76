"""Opening and closing a recovery are acts of two persons with the right, and wait for what is not read yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.acts.matter import CloseRecovery, OpenRecovery
from nostro.acts.submit import Desk, Signature
from nostro.connectors.people import CONNECTOR
from nostro.egress.connections import OpenConnection
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.model.failures import ActRefused
from tests.integration.intake_house import IntakeHouse, begun
from tests.integration.synthetic import START
from tests.landscapes import edit, group

pytestmark = pytest.mark.asyncio
OPENING = OpenRecovery(since=START - timedelta(hours=1), epoch=2, kept=0, lost=0)


@dataclass
class Office:
    """A house in quarantine, with a feed, and the desk at which people act."""

    house: IntakeHouse
    desk: Desk

    async def act(self, act: OpenRecovery | CloseRecovery, who: str, reason: str = "the disk was lost") -> None:
        """What follows from it has followed."""
        await self.say(act, who, reason)
        await self.house.read_all()

    async def say(self, act: OpenRecovery | CloseRecovery, who: str, reason: str = "the disk was lost") -> None:
        """Nobody has read it yet."""
        seen = (await self.desk.look(act)).seen
        await self.desk.submit(act, Signature(who, reason), seen, self.house.now.business)

    def closing(self) -> CloseRecovery:
        return CloseRecovery(2, ("psp",), at=self.house.now.business)

    async def run(self, statement: str) -> None:
        async with self.house.database.transaction() as tx:
            await tx.execute(statement.encode())

    async def read_to_its_end(self) -> None:
        """As the next poll leaves it."""
        later = "heartbeat_at + interval '60 seconds'"
        await self.run(f"update feed set rewind_to = null, heartbeat_at = '{START}'")
        await self.run(f"update feed set run_at = {later}")


def rules_in(folder: Path) -> Rules:
    group(folder, "act")
    edit(folder, "people.yaml", "rerun, publish]", "rerun, publish, recover]")
    edit(folder, "people.yaml", "id: treasurer, roles: [treasurer]", "id: treasurer, roles: [treasurer, controller]")
    return Rules.from_bundle(bundle_of(folder, START))


@pytest_asyncio.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    rules = await asyncio.to_thread(rules_in, tmp_path)
    house = await begun(database_url)
    house.connections["people"] = OpenConnection(
        "people", CONNECTOR, CONNECTOR.manifest.config(), entities=rules.users_of("people")
    )
    made = Office(house, Desk(house.database, house.intake, rules))
    await made.run("update deployment set quarantine = 'behind its anchor'")
    await made.run(f"insert into feed values ('psp', 'events', 'c', '{START}')")
    await made.run(f"insert into feed values ('gone', 'events', '', '{START}')")
    yield made
    await house.database.__aexit__(None, None, None)


async def test_the_opening_is_a_fact_of_a_person_and_lifts_the_quarantine(office: Office) -> None:
    await office.act(OPENING, "treasurer")
    assert await office.house.all("select epoch, quarantine from deployment") == [(2, "")]
    facts = "select subject, actor, reason from fact where type = 'recovery.opened'"
    assert await office.house.all(facts) == [("recovery/2/opened", "treasurer", "the disk was lost")]
    assert await office.house.all("select rewind_to from feed where connection = 'psp'") == [(OPENING.since,)]


async def test_only_who_has_the_right_may_open_one_and_only_one_at_a_time(office: Office) -> None:
    with pytest.raises(ActRefused, match="no right to recover"):
        await office.act(OPENING, "clerk")
    await office.act(OPENING, "treasurer")
    with pytest.raises(ActRefused, match="open already"):
        await office.act(OpenRecovery(since=START, epoch=4, kept=0, lost=0), "controller")


async def test_a_second_person_closes_it_once_every_feed_that_is_served_was_read_to_its_end(office: Office) -> None:
    await office.act(OPENING, "treasurer")
    with pytest.raises(ActRefused, match="Not read to their end since the restore: psp events"):
        await office.act(office.closing(), "controller")
    await office.read_to_its_end()
    with pytest.raises(ActRefused, match="cannot recover"):
        await office.act(office.closing(), "treasurer")
    await office.act(office.closing(), "controller", "all was looked up")
    assert await office.house.all("select epoch from deployment") == [(3,)]
    assert await office.house.all("select opened_by, closed_by from recovery") == [("treasurer", "controller")]
    with pytest.raises(ActRefused, match="No recovery is open"):
        await office.act(office.closing(), "controller")


async def test_it_is_not_closed_while_old_receipts_wait_to_be_read(office: Office) -> None:
    await office.act(OPENING, "treasurer")
    await office.read_to_its_end()
    await office.house.take({"payout": "po_1"})
    office.house.later(minutes=11)
    with pytest.raises(ActRefused, match="1 receipts and 0 facts wait"):
        await office.act(office.closing(), "controller")


async def test_a_recovery_is_not_closed_once_another_restore_has_put_the_house_in_quarantine(office: Office) -> None:
    await office.act(OPENING, "treasurer")
    await office.read_to_its_end()
    closing = office.closing()
    await office.run("update deployment set quarantine = 'behind its anchor again'")
    with pytest.raises(ActRefused, match="restored once more"):
        await office.act(closing, "controller")
    await office.run("update deployment set quarantine = ''")
    await office.say(closing, "controller")
    await office.run("update deployment set quarantine = 'behind its anchor again'")
    await office.house.read_all()
    assert await office.house.all("select epoch, quarantine from deployment") == [(2, "behind its anchor again")]
    assert await office.house.all("select closed_by from recovery") == [(None,)], "a word that waited in the backup too"


async def test_after_another_restore_a_recovery_that_was_open_gives_way_to_a_new_one(office: Office) -> None:
    await office.act(OPENING, "treasurer")
    await office.run("update deployment set quarantine = 'behind its anchor again'")
    await office.act(OpenRecovery(since=START, epoch=4, kept=0, lost=0), "controller")
    assert await office.house.all("select epoch, quarantine from deployment") == [(4, "")]
