"""Look-ups of one subject that wait side by side: what is asked last speaks for all when the time of one is over."""

from __future__ import annotations

from typing import Any

import pytest

from nostro.store.database import Database
from tests.money_story import Story, bundle
from tests.money_world import line, payout_told
from tests.movements import report
from tests.stories import eur

pytestmark = pytest.mark.asyncio
_ENTRY: dict[str, Any] = {"amount": eur("98.00"), "servicer_reference": "2026083100017", "end_to_end": "E2E-1"}


@pytest.mark.parametrize("apart", [10, 0])
async def test_the_time_of_an_older_look_up_closes_no_question_that_a_later_one_asks(
    database_url: str, apart: int
) -> None:
    """A notification says little; the statement names the provider, whose payout may be told within two days."""
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        listed = report("statement", "S1", text="STRIPE po_1", invoice_hints=("po_1",), **_ENTRY)
        told = [report("notification", "N1", **_ENTRY), *([] if apart else [listed])]
        await story.tell(*told)
        await story.later(minutes=apart)
        await story.tell(*([listed] if apart else []))
        await story.later(minutes=20 - apart)
        assert await _standing(story) == ["asking"]
        await story.later(hours=3)
        await story.tell(line(4, "charge", eur("100.00")), payout_told(9_800, "paid"))
        await story.later(minutes=1)
        await story.answer()
        assert await _standing(story) == ["settled"]
        assert await story.all("select type from fact where type = 'money.unapplied'") == []
        [row] = await story.all("select count(*) as told from fact where type = 'payout.credited'")
        assert row.told == 1


async def test_the_last_one_whose_time_is_over_is_answered(database_url: str) -> None:
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        await story.tell(report("notification", "N1", **_ENTRY))
        await story.later(minutes=10)
        await story.tell(report("statement", "S1", text="for INV/77", invoice_hints=("INV/77",), **_ENTRY))
        await story.later(minutes=14)
        assert await _standing(story) == ["asking"]
        await story.later(minutes=2)
        await story.answer()
        assert await _standing(story) == ["settled"]
        assert await story.all("select kind from parked where kind = 'lookup' and process = 'bank_movement'") == []


async def _standing(story: Story) -> list[str]:
    return [row.state for row in await story.all("select state from subject where process = 'bank_movement'")]
