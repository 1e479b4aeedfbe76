"""What identifies a movement leads to it as long as it holds anything that says so, in whatever order it is told."""

from __future__ import annotations

import pytest

from nostro.model.facts import EntryReported
from nostro.processes.bank_movement import PROCESS
from nostro.store.database import Database
from tests.integration.synthetic import House, as_fact
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
