"""A word that came to nothing can be said again by the same person; twice before it is heard, it is one act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from nostro.acts.matter import Act, Close, Decide
from nostro.acts.submit import Signature, Submitted
from nostro.engine.activation import activate
from nostro.engine.modes import Modes
from nostro.model.canonical import canonical
from nostro.model.failures import ActRefused
from nostro.processes import collection
from tests.integration.misbehaviour import throws
from tests.integration.test_acts import KEY, Office, office
from tests.integration.test_acts_four_eyes import Office as Books
from tests.integration.test_acts_four_eyes import office as books
from tests.integration.test_as_seen import MUCH_MORE, OVER, card, paid_twice, told
from tests.integration.test_modes import reading

__all__ = ["books", "office"]
pytestmark = pytest.mark.asyncio
RELEASE = Decide(KEY, "release")
STANDING = """select s.poisoned, c.minor from subject s join exception_case c using (shard, process, subject)
  where s.process = 'collection' and c.reason = 'paid_twice' and c.closed_at is null"""
Publish = Callable[[str], Awaitable[None]]


async def says(office: Office | Books, act: Act, who: str, times: int = 1) -> list[Submitted]:
    """So often, and then it is read and decided."""
    seen = (await office.desk.look(act)).seen
    at = office.house.now.business
    said = [await office.desk.submit(act, Signature(who, "seen"), seen, at) for _ in range(times)]
    await office.house.read_all()
    return said


def publishing(office: Office) -> Publish:
    """What puts another mode in force, for what is decided from then on."""
    house, count = office.house, iter(range(99))
    house.decider.rules_from = reading

    async def publish(mode: str) -> None:
        rules = canonical({"mode": mode, "n": str(next(count))})
        await activate(house.database, house.keys, rules, "controller", "rule", house.now)
        await house.settle()

    return publish


async def test_a_word_that_the_rules_did_not_let_through_is_said_again(office: Office) -> None:
    publish = publishing(office)
    seen = (await office.desk.look(RELEASE)).seen
    first = await office.desk.submit(RELEASE, Signature("treasurer", "seen"), seen, office.house.now.business)
    await publish("observe")
    await office.house.read_all()
    assert await office.command_status() == "proposed"
    await publish("propose")
    [second] = await says(office, RELEASE, "treasurer")
    assert (first.new, second.new) == (True, True)
    assert await office.command_status() == "ready"


async def test_what_was_let_go_and_kept_back_by_other_rules_is_let_go_again_however_often(office: Office) -> None:
    publish = publishing(office)
    modes = Modes(office.house.database, office.house.tenure, office.house.decider.rules_of)
    for _ in range(3):
        [said] = await says(office, RELEASE, "treasurer")
        assert (said.new, await office.command_status()) == (True, "ready")
        for mode in ("observe", "propose"):
            await publish(mode)
            await modes.step(office.house.now)


@pytest.mark.parametrize("damaged", [b"x", b"[]"])
async def test_a_case_is_not_closed_while_no_word_reaches_its_subject(books: Books, damaged: bytes) -> None:
    await paid_twice(books)
    [(body,)] = await books.house.all("select body from subject where process = 'collection'")
    await changed(books, damaged)
    await told(books.house, card(3, MUCH_MORE))
    close = await poisoned(books)
    with pytest.raises(ActRefused, match=r"stored state of collection/DE/db/1 can't be understood"):
        await says(books, close, "controller")
    await changed(books, body)
    await says(books, close, "controller")
    assert await books.house.all(STANDING) == [("", OVER + MUCH_MORE)]


async def test_a_close_that_was_set_aside_itself_is_said_again(books: Books) -> None:
    await paid_twice(books)
    processes, sound = books.house.processes, collection.PROCESS
    processes["collection"] = replace(sound, versions=tuple(replace(one, decide=throws) for one in sound.versions))
    await told(books.house, card(3, MUCH_MORE))
    close = await poisoned(books)
    for _ in range(2):
        await says(books, close, "controller")
        assert await poisoned(books) == close
    processes["collection"] = sound
    [last] = await says(books, close, "controller")
    assert last.new
    assert await books.house.all(STANDING) == [("", OVER + MUCH_MORE)]
    assert await books.house.all("select count(*) from parked") == [(0,)]


async def test_the_same_words_before_they_are_heard_are_one_act(books: Books) -> None:
    await paid_twice(books)
    [(case,)] = await books.house.all("select id from exception_case")
    said = await says(books, Close(str(case)), "clerk", times=3)
    assert [one.new for one in said] == [True, False, False]


async def poisoned(books: Books) -> Close:
    """What closes the open case about the collection's being set aside."""
    [(case,)] = await books.house.all("select id from exception_case where reason = 'poisoned' and closed_at is null")
    return Close(str(case))


async def changed(books: Books, body: object) -> None:
    """The collection's stored state."""
    async with books.house.database.transaction() as tx:
        await tx.execute(b"update subject set body = %s where process = 'collection'", (body,))
