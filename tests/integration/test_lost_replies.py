"""What `nostro trace` tells of calls whose reply was lost: when they left, to where, and what was done then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.projections.trace import Story, trace
from nostro.runtime.cli_story import draw_story
from nostro.store.database import Database
from tests.dispatch_world import KEYS, START, Worker, World, installed
from tests.landscapes import group
from tests.toy_partner import Fault, operation

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def story_of(world: World, *faults: Fault, later: int = 0) -> Story:
    """One command whose calls with an effect meet these faults, one after the other."""
    met = list(faults)
    world.partner.fault = lambda request: met.pop(0) if met and request.url.endswith("/do") else ""
    correlation = await world.want("po_1")
    worker = Worker(world, "one")
    await worker.settle()
    world.later(later)
    await worker.settle()
    return await trace(world.database, KEYS, correlation, ())


def drawn(story: Story, tmp_path: Path) -> str:
    out = StringIO()
    draw_story(Console(file=out, width=300), story=story, rules=Rules.from_bundle(bundle_of(group(tmp_path), START)))
    return out.getvalue()


async def test_a_lost_reply_whose_effect_is_found_is_told_as_adopted(database: Database, tmp_path: Path) -> None:
    story = await story_of(World(database, operation("look_up")), "cut_after")
    [call] = story.calls
    assert (call.at, call.n, call.answered_at, call.fate) == (START, 1, None, "found")
    [command] = story.commands
    assert command.outcome == "adopted"
    told = drawn(story, tmp_path)
    for words in ("sent: annotate_payment at psp, call 1", command.correlation, "no answer came", "it was done there"):
        assert words in told
    assert told.index("asked: annotate_payment") < told.index("no answer came") < told.index("(adopted)")


async def test_a_lost_reply_whose_effect_is_proven_absent_is_told_with_the_call_that_was_sent_again(
    database: Database, tmp_path: Path
) -> None:
    story = await story_of(World(database, operation("look_up")), "cut_before", later=300)
    first, again = story.calls
    assert (first.fate, first.again, again.n, again.status, again.fate) == ("sent_again", 2, 2, 200, "answered")
    assert first.target == again.target == "do"
    told = drawn(story, tmp_path)
    assert told.index("sent again as call 2") < told.index("sent again: annotate_payment at psp, call 2")


async def test_a_lost_reply_that_still_waits_for_its_look_up_says_until_when(database: Database) -> None:
    [call] = (await story_of(World(database, operation("look_up")), "cut_before")).calls
    assert call.fate == "looked_up"
    assert call.until is not None
    assert call.until > START


async def test_a_lost_reply_that_nobody_can_judge_is_told_as_handed_to_a_person(
    database: Database, tmp_path: Path
) -> None:
    story = await story_of(World(database, operation("person")), "cut_before")
    assert [call.fate for call in story.calls] == ["handed_over"]
    assert "handed to a person" in drawn(story, tmp_path)


async def test_a_call_that_was_put_off_is_told_as_sent_again_without_a_look_up(
    database: Database, tmp_path: Path
) -> None:
    story = await story_of(World(database, operation("look_up")), "busy", later=60)
    assert [(call.status, call.fate, call.again) for call in story.calls] == [
        (429, "answered", 2),
        (200, "answered", 0),
    ]
    told = drawn(story, tmp_path)
    assert "answered: HTTP 429" in told
    assert "looked up" not in told


async def test_what_a_person_lets_go_again_is_told_with_the_call_that_he_had_to_judge(database: Database) -> None:
    world = World(database, operation("person"))
    await story_of(world, "cut_before")
    [(correlation, _)] = world.settled
    await world.run("update command_open set status = 'ready', dispatch = null, actor = 'ana'")
    story = await trace(database, KEYS, correlation, ())
    assert [(call.answered_at, call.fate) for call in story.calls] == [(None, "handed_over")]


async def test_calls_that_were_simply_answered_make_the_story_no_longer(database: Database, tmp_path: Path) -> None:
    story = await story_of(World(database, operation("look_up")))
    assert [(call.status, call.fate) for call in story.calls] == [(200, "answered")]
    assert "call 1" not in drawn(story, tmp_path)
