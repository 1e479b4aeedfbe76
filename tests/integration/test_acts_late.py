"""Words of persons that are read after what they are about has changed: the command left, or was handed over again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nostro.acts.matter import Decide
from nostro.acts.submit import Signature
from nostro.engine.verdicts import VERDICTS
from nostro.model.canonical import canonical
from nostro.model.facts import CommandReleased, CommandSettled
from nostro.model.facts.base import FactBody
from nostro.model.ids import Subject
from nostro.model.outcomes import handed_over
from nostro.store.arrivals import Blob, arrival_for, put
from tests.integration.synthetic import as_fact
from tests.integration.test_acts import KEY, Office, office

__all__ = ["office"]
pytestmark = pytest.mark.asyncio
FIRST, SECOND = b"1" * 16, b"2" * 16


@dataclass(frozen=True)
class Told:
    """An office whose one command goes its way."""

    office: Office

    async def addressed(self, body: FactBody) -> None:
        """A fact comes to the payout."""
        arrival = arrival_for(
            as_fact(body), Blob(canonical(body)), Subject("payout", "po_1"), 1, self.office.house.now.business
        )
        async with self.office.house.database.transaction() as tx:
            await put(tx, [arrival])
        await self.office.house.settle()

    async def leaves_unanswered(self, dispatch: bytes) -> None:
        """The command leaves in a dispatch, and nobody can say whether it was done."""
        async with self.office.house.database.transaction() as tx:
            told = await tx.execute(
                b"update command_open set status = 'dispatched', dispatch = %s where status = 'ready'", (dispatch,)
            )
            assert told.rowcount == 1
        await self.addressed(
            CommandSettled(
                key=KEY,
                step="annotate-txn_1",
                occurrence=0,
                generation=0,
                operation="annotate_payment",
                connection="psp",
                outcome=handed_over("No answer came."),
            )
        )
        assert await self.office.command_status() == "handed_over"

    async def says(self, verdict: str, who: str) -> None:
        """The person's word is kept, and its worker killed before it was read: its lease has to end first."""
        act = Decide(KEY, verdict)  # type: ignore[arg-type]  # one of the four
        seen = (await self.office.desk.look(act)).seen
        await self.office.desk.submit(act, Signature(who, "seen"), seen, self.office.house.now.business)
        async with self.office.house.database.transaction() as tx:
            await tx.execute(b"update reading set until = now() + interval '1000 years'")

    async def read(self) -> None:
        """What was held is read now."""
        async with self.office.house.database.transaction() as tx:
            await tx.execute(b"update reading set until = '-infinity'")
        assert await self.office.house.read_all()


@pytest.mark.parametrize("verdict", ["release", "discard"])
async def test_a_word_about_a_proposal_is_not_heard_once_it_left_by_another_word(office: Office, verdict: str) -> None:
    told = Told(office)
    await told.says(verdict, "treasurer")
    await office.act(Decide(KEY, "release"), "controller")
    await told.leaves_unanswered(FIRST)
    await told.read()
    assert await office.command_status() == "handed_over"
    kept = await office.house.all(
        "select convert_from(body, 'UTF8')::jsonb ->> 'status', actor from fact where type = 'command.released'"
    )
    assert sorted(kept) == [("proposed", "controller"), ("proposed", "treasurer")], "what was said is kept, and when"


@pytest.mark.parametrize("verdict", ["release", "confirm_done", "confirm_not_done"])
async def test_a_word_about_one_try_is_not_heard_of_the_next(office: Office, verdict: str) -> None:
    told = Told(office)
    await office.act(Decide(KEY, "release"), "treasurer")
    await told.leaves_unanswered(FIRST)
    await told.says(verdict, "controller")
    await office.act(Decide(KEY, "release"), "treasurer")
    await told.leaves_unanswered(SECOND)
    await told.read()
    assert await office.command_status() == "handed_over"
    await office.act(Decide(KEY, verdict), "controller")  # type: ignore[arg-type]  # one of the four
    now = "ready" if verdict == "release" else VERDICTS[verdict]
    assert await office.command_status() == now, "what he has seen since is heard"


@pytest.mark.parametrize("verdict", ["release", "discard"])
async def test_a_word_of_which_nobody_wrote_what_was_seen_is_heard_as_ever(office: Office, verdict: str) -> None:
    await Told(office).addressed(CommandReleased(act="ACT1", key=KEY, verdict=verdict))
    assert await office.command_status() == {"release": "ready", "discard": "discarded"}[verdict]


async def test_the_same_person_lets_a_command_go_once_more_after_it_was_handed_over_again(office: Office) -> None:
    told = Told(office)
    await office.act(Decide(KEY, "release"), "treasurer")
    await told.leaves_unanswered(FIRST)
    await office.act(Decide(KEY, "release"), "treasurer")
    await told.leaves_unanswered(SECOND)
    await office.act(Decide(KEY, "release"), "treasurer")
    assert await office.command_status() == "ready"
    assert await office.house.all("select count(*) from fact where type = 'command.released'") == [(3,)]


@pytest.mark.parametrize("last_release_is_gone", [False, True])
async def test_what_was_seen_is_told_once_every_worker_can_read_it(
    office: Office, *, last_release_is_gone: bool
) -> None:
    async with office.house.database.transaction() as tx:
        await tx.execute(b"update deployment set words_as_seen = %s", (last_release_is_gone,))
    await office.act(Decide(KEY, "release"), "treasurer")
    told = "select convert_from(body, 'UTF8')::jsonb ?& '{status, dispatch}' from fact where type = 'command.released'"
    assert await office.house.all(told) == [(last_release_is_gone,)]
    assert await office.command_status() == "ready"
