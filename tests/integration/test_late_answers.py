"""A question that is answered when it isn't open any more: one bank credit pays one item."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.model.facts import MatchConfirmed
from nostro.model.facts.house import Target
from nostro.store.database import Database
from tests.money_story import Story, bundle
from tests.money_world import invoice
from tests.movements import report

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]
CREDITED = "select subject from fact where type in ('collection.credited', 'money.unapplied') order by subject"
OPEN = "select reason from exception_case where closed_at is null and process = 'bank_movement'"


@pytest_asyncio.fixture
async def story(database_url: str) -> AsyncIterator[Story]:
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        yield story


async def choose(story: Story, subject: str) -> None:
    (movement,) = await story.all("select subject from subject where process = 'bank_movement'")
    target = Target(process="collection", subject=subject, kind="invoice_number", value="")
    await story.person(MatchConfirmed, f"bank_movement/{movement.subject}", target=target)
    await story.answer()


async def credited(story: Story) -> list[str]:
    return [row.subject for row in await story.all(CREDITED)]


async def test_a_choice_stands_though_the_invoice_that_the_payer_named_comes_later(story: Story) -> None:
    await story.tell(invoice(5))
    await story.tell(report(text="INV/7", invoice_hints=("INV/7",)))
    await choose(story, "DE/db/5")
    await story.later(minutes=5)
    await story.tell(invoice(7))
    await story.answer()
    await story.later(hours=1)
    assert await credited(story) == ["DE/db/5"]


async def test_what_a_statement_leads_to_stands_though_an_older_question_is_answered_and_a_person_says_otherwise(
    story: Story,
) -> None:
    await story.tell(invoice(5, payment_reference="RF18539007547034"))
    await story.tell(report("notification", "R1", end_to_end="INV/7"))
    await story.later(minutes=5)
    await story.tell(report("statement", "S1", end_to_end="INV/7", structured="RF18539007547034"))
    await story.answer()
    await story.tell(invoice(7))
    await story.answer()
    assert await story.all(OPEN) == []
    await choose(story, "DE/db/7")
    assert await credited(story) == ["DE/db/5"]
