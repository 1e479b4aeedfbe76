"""A case says what is so now: whatever opened, changed and closed it, and in however few batches that was decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import chain

import pytest
import pytest_asyncio

from nostro.model.clock import Now
from nostro.model.facts import CaseClosed, Fact
from nostro.routing.route import Routable, route
from nostro.store.blobs import seal_all
from nostro.store.database import Database
from tests.money_story import Story, bundle
from tests.money_world import capture, dispute, invoice, refund

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]
PAID = (invoice(1), capture(1, 10_000, 1))
SECOND = capture(2, 3_000, 1)
BACK = (refund(2, 1_000, "succeeded", ident=1), refund(2, 2_000, "succeeded", ident=2))
THIRD = capture(3, 700, 1)


@pytest_asyncio.fixture
async def story(database_url: str) -> AsyncIterator[Story]:
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        yield story


async def told(story: Story, *facts: Fact) -> None:
    """One after the other, and decided in one batch."""
    for one in facts:
        later = story.now.business + timedelta(milliseconds=1)
        story.now = Now(later, later)
        (blob,) = await seal_all(story.database, story.keys, [one], later)
        async with story.database.transaction() as tx:
            await route(tx, story.keys, story.processes, [Routable(one, blob)], later)
    await story.settle()


@pytest.mark.parametrize(
    "batches, cases",
    [
        (((*PAID, SECOND), BACK[:1]), [("paid_twice", 2_000, True)]),
        (((*PAID, SECOND, BACK[0]),), [("paid_twice", 2_000, True)]),
        (((*PAID, SECOND, *BACK),), [("paid_twice", 2_000, False)]),
        (((*PAID, SECOND), BACK), [("paid_twice", 2_000, False)]),
        (((*PAID, SECOND), (*BACK, THIRD)), [("paid_twice", 2_000, False), ("paid_twice", 700, True)]),
    ],
    ids=["changed", "changed at once", "closed at once", "closed", "opened anew"],
)
async def test_a_case_says_what_is_so_after_all_that_was_decided(
    story: Story, batches: Sequence[Sequence[Fact]], cases: Sequence[tuple[str, int, bool]]
) -> None:
    for batch in batches:
        await told(story, *batch)
    rows = await story.all("select reason, minor, closed_at is null from exception_case order by position")
    assert [tuple(row) for row in rows] == list(cases)
    (text,) = chain(*await story.all("select max(sentence) from exception_case where closed_at is null"))
    assert not any(is_open for *_, is_open in cases) or f"{cases[-1][1] / 100:.2f} EUR" in text


async def test_a_case_that_a_person_closed_is_opened_again_for_another_ground(story: Story) -> None:
    await told(story, invoice(1), capture(1, 6_000, 1), capture(2, 4_000, 1), dispute(2, 4_000, "open", "withdrawn"))
    (case,) = chain(*await story.all("select id from exception_case where reason = 'chargeback'"))
    await story.person(CaseClosed, "collection/DE/db/1", case=case)
    await told(story, dispute(1, 6_000, "open", "withdrawn"))
    rows = await story.all(
        "select minor, closed_at is null from exception_case where reason = 'chargeback' order by position"
    )
    assert [tuple(row) for row in rows] == [(4_000, False), (10_000, True)]
