"""What identifies a movement leads to it as long as it holds anything that says so, in whatever order it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nostro.model.facts import EntryReported, Fact
from nostro.model.references import Reference
from nostro.processes.bank_movement import PROCESS
from nostro.processes.kit.process import Begin
from nostro.store.database import Database
from tests.integration import synthetic
from tests.integration.synthetic import House, as_fact, payout
from tests.movements import banking_entity, report
from tests.stories import SmallRules, eur

pytestmark = pytest.mark.asyncio
AMOUNTS = [f"{n}.20" for n in range(1, 9)]


def _told(kind: str, document: str, amount: str, twin: int = 0) -> EntryReported:
    return report(kind, document, amount=eur(amount), ordinal=twin, twin=twin, scheme="unknown")  # type: ignore[arg-type]  # the kinds are literals


async def test_a_movement_keeps_what_another_report_claimed_for_it_and_was_passed_on(database_url: str) -> None:
    """Two equal entries are notified at one instant and decided in either order; the report of both finds both."""
    async with Database(database_url, size=4) as database:
        house = House(database, rules=SmallRules(of=banking_entity()))  # type: ignore[arg-type]  # rules by hand
        house.processes["bank_movement"] = PROCESS
        await house.begin()
        for document in ("N1", "N2"):
            await house.tell([as_fact(_told("notification", document, amount)) for amount in AMOUNTS])
        await house.settle()
        house.later(seconds=1)
        await house.tell([as_fact(_told("report", "R1", amount, twin)) for amount in AMOUNTS for twin in (0, 1)])
        await house.settle()
        taken = await house.all(
            "select subject, count(*) filter (where rule not like 'reported: %') as reports from fact"
            " where process = 'bank_movement' group by 1 order by 1"
        )
    assert [reports for _, reports in taken] == [2] * 2 * len(AMOUNTS)


async def test_what_the_engine_addresses_to_a_subject_claims_nothing_for_it(database_url: str) -> None:
    """A process may have a word on every fact; on which subject a deadline falls due isn't for it to say."""
    asked = list[str]()

    def begins(fact: Fact) -> Begin:
        asked.append(fact.type)
        return Begin("po_1", (Reference.to("part", fact.type),))

    async with Database(database_url, size=4) as database:
        house = House(database)
        house.processes["payout"] = replace(synthetic.PROCESS, begins=begins)
        await house.begin()
        await house.tell([as_fact(payout("po_1"))])
        await house.settle()
        house.later(hours=2)
        await house.tenure.step(house.now)
        await house.settle()
        decided = await house.all("select type, rule from fact where process = 'payout' order by revision")
        claimed = await house.all("select subject, count(*) from reference where kind = 'part' group by 1")
    assert decided == [("payout.reported", "reported"), ("deadline.fell_due", "late")]
    assert (set(asked), claimed) == ({"payout.reported"}, [("po_1", 1)])
