"""Questions that follow each other: as many as a credit has invoices, a day equal movements; within a bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nostro.engine import hops
from nostro.engine.hops import HOPS
from nostro.model.facts import CaseClosed, Fact, LookupAnswered, PayoutReported
from nostro.model.facts.bank import EntryPart
from nostro.model.ids import Subject
from nostro.model.references import Reference
from nostro.processes.kit.decision import Decision, Instance, Lookup, Rules, State
from nostro.projections.worklist import open_cases
from nostro.store.database import Database
from tests.integration.synthetic import PROCESS, House, as_fact, payout
from tests.money_story import Story, bundle
from tests.money_world import TOTAL, invoice, money
from tests.movements import report

pytestmark = pytest.mark.asyncio


async def test_a_collective_credit_finds_each_of_its_invoices_however_many_they_are(database_url: str) -> None:
    many = range(1, HOPS + 3)
    parts = tuple(EntryPart(amount=money(TOTAL), invoice_hints=(f"INV/{n}",)) for n in many)
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        await story.tell(*(invoice(n) for n in many))
        await story.tell(report(amount=money(TOTAL * len(many)), text="collective", parts=parts))
        await story.answer()
        assert await story.all("select reason from exception_case where closed_at is null") == []
        states = await story.all("select state from subject where process = 'collection' group by state")
    assert [row.state for row in states] == ["paid"]


async def test_each_of_a_days_equal_movements_counts_however_many_they_are(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is told by itself, and passed on from one to the next until it finds its place."""
    monkeypatch.setattr(hops, "HOPS", 4)
    monkeypatch.setattr(hops, "QUESTION", 5)
    many = range(8)
    async with Database(database_url, size=4) as database:
        story = Story(database)
        await story.begin(bundle())
        fee: dict[str, Any] = {"amount": money(35), "direction": "debit", "text": "fee"}
        named: list[dict[str, Any]] = [{"document": f"N{n}", "servicer_reference": f"2026083100{n:03}"} for n in many]
        await story.tell(*(report("notification", **fee, **name) for name in named))
        rows = await story.all("select state, poisoned from subject where process = 'bank_movement'")
    assert [tuple(row) for row in rows] == [("booking", "")] * len(many)


async def test_a_subject_that_asks_anew_with_each_answer_is_stopped(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins anew when a person has closed its case."""
    monkeypatch.setattr(hops, "QUESTIONS", 5)
    version = PROCESS.versions[0]

    def decide(before: Instance, state: State, told: Fact, rules: Rules) -> Decision:
        right = version.decide(before, state, told, rules)
        asks = isinstance(told.body, PayoutReported | LookupAnswered) and before.revision < 7
        return replace(right, lookup=Lookup((Reference.to("psp", "po_1"),), 60, ("payout",)) if asks else None)

    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        house.processes["payout"] = replace(PROCESS, versions=(replace(version, decide=decide),))
        await house.tell([as_fact(payout("po_1"))])
        await house.settle()
        assert await house.all("select sentence like '5 questions in a row%' from exception_case") == [(True,)]
        assert await house.all("select count(*) from fact where type = 'lookup.answered'") == [(4,)], (
            "the fifth is set aside"
        )
        [case] = await open_cases(database)
        await house.tell([as_fact(CaseClosed(act="close", case=case.id))], [Subject("payout", "po_1")])
        await house.settle()
        assert await open_cases(database) == []
        assert await house.all("select count(*) from fact where type = 'lookup.answered'") == [(6,)]
