"""What a clerk reads of a case: the items that it may be about, as they stand now, and the money that is at stake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from nostro.model.facts import MatchConfirmed
from nostro.model.facts.house import Target
from nostro.model.ids import Subject
from nostro.projections.choices import Choice, confidential
from nostro.projections.trace import subjects_named
from nostro.projections.worklist import OpenCase, case, open_cases
from nostro.runtime.cli_cases import case_told, case_what, matching, ways
from nostro.store.database import Database
from tests.money_story import Story, bundle
from tests.money_world import capture, dispute, invoice, refund
from tests.movements import report
from tests.stories import DAY, eur

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]
DUE = DAY + timedelta(days=14)


@pytest_asyncio.fixture
async def story(database_url: str) -> AsyncIterator[Story]:
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        yield story


async def the_case(story: Story, reason: str) -> OpenCase:
    """The only one of that reason, as the list and as the case itself show it."""
    [found] = [one for one in await open_cases(story.database) if one.reason == reason]
    assert await case(story.database, found.id.lower()) == found
    return found


async def two_items_named(story: Story) -> OpenCase:
    await story.tell(invoice(1, due_on=DUE), invoice(2, partner_id=7, due_on=DUE + timedelta(days=1)))
    await story.tell(report(amount=eur("40.00"), text="both", invoice_hints=("INV/1", "INV/2")))
    await story.answer()
    return await the_case(story, "ambiguous_match")


async def test_a_clerk_sees_number_partner_open_amount_and_due_date_of_every_candidate_as_of_now(story: Story) -> None:
    found = await two_items_named(story)
    assert found.choices == (
        Choice("collection/DE/db/1", "DE", "open", "INV/1", "odoo/1", eur("100.00"), DUE),
        Choice("collection/DE/db/2", "DE", "open", "INV/2", "odoo/7", eur("100.00"), DUE + timedelta(days=1)),
    )
    await story.tell(invoice(2, 2_500, order=2, partner_id=7, due_on=DUE), capture(1, 10_000, 1))
    now = await the_case(story, "ambiguous_match")
    assert "- INV/1, 0.00 EUR open, due" in case_what(now)
    one, other = now.choices
    assert (one.amount, one.state, other.amount, other.day) == (eur("0.00"), "booking", eur("25.00"), DUE)


async def test_the_command_beside_a_candidate_matches_the_money_with_it(story: Story) -> None:
    found = await two_items_named(story)
    assert "- INV/2, 100.00 EUR open, due" in case_what(found)
    told = case_told(found, story.now.business)["choices"]
    assert isinstance(told, list)
    assert told[1]["match"] == f'nostro match {found.id} collection/DE/db/2 --reason "..."'
    name = matching(found, found.choices[1]).split()[3]
    async with story.database.transaction() as tx:
        assert await subjects_named(tx, story.keys, name, ["DE"]) == [Subject("collection", "DE/db/2")]
    target = Target(process="collection", subject="DE/db/2", kind="person", value="")
    await story.person(MatchConfirmed, f"{found.process}/{found.subject}", target=target)
    assert "ambiguous_match" not in [one.reason for one in await open_cases(story.database)]


async def test_money_that_a_number_of_two_items_leads_to_is_told_with_the_numbers_of_the_items(story: Story) -> None:
    await story.tell(capture(1, 4_000, 1))
    await story.later(hours=1)
    await story.tell(invoice(1), invoice(11, number="INV/1", partner_id=2))
    found = await the_case(story, "ambiguous_match")
    assert found.candidates == ("DE/db/1", "DE/db/11")
    assert case_what(found).startswith("ambiguous_match: 40.00 EUR could pay INV/1, INV/1. Say which.")
    assert [one.partner for one in found.choices] == ["odoo/1", "odoo/2"]
    assert found.about == Choice("collection/DE/unapplied/ch_1", "DE", "unapplied", amount=eur("40.00"), day=DAY)


async def test_cases_that_a_deadline_opened_tell_what_money_is_late(story: Story) -> None:
    await story.tell(*(invoice(n) for n in range(1, 5)))
    await story.tell(*(capture(n, 10_000, n) for n in range(2, 5)), capture(5, 3_000, 0))
    await story.answer()
    disputed = dispute(4, 9_000, "open", "withdrawn").body.model_copy(update={"evidence_due_at": "2026-09-10"})
    await story.tell(refund(3, 4_000, "succeeded"), disputed)
    await story.later(hours=1)
    await story.answer()
    await story.tell(capture(1, 10_000, 1))
    for _ in range(3):
        await story.later(days=9)
    late = {one.reason: one.money for one in await open_cases(story.database) if one.amount is None}
    assert late == {
        "booking_late": eur("100.00"),
        "not_paid_out": eur("100.00"),
        "refund_without_credit_note": eur("40.00"),
        "evidence_overdue": eur("90.00"),
        "unapplied_aged": eur("30.00"),
    }


async def test_what_was_told_of_an_unknown_charge_is_the_money_that_its_case_is_about(story: Story) -> None:
    await story.tell(refund(9, 1_500, "succeeded"))
    await story.later(hours=1)
    found = await the_case(story, "unknown_charge")
    assert (found.money, len(ways(found))) == (eur("15.00"), 1)
    await story.tell(dispute(9, 10_000, "open", "withdrawn"))
    await story.later(hours=1)
    assert (await the_case(story, "unknown_charge")).money is None


async def test_names_and_texts_can_be_opened_until_their_person_is_erased(story: Story) -> None:
    await story.tell(invoice(1, partner_name="Customer 042"), invoice(2))
    await story.tell(report(amount=eur("40.00"), text="both", payer="FR7630006000011234567890189"))
    about = [Subject("collection", "DE/db/1"), Subject("collection", "DE/db/2")]
    async with story.database.transaction() as tx:
        assert await confidential(tx, story.keys, about) == {about[0]: {"partner_name": "Customer 042"}}
        await tx.connection.execute(b"update data_key set wrapped = null, destroyed_at = created_at")
        story.keys.forget()
        assert await confidential(tx, story.keys, about) == {}
