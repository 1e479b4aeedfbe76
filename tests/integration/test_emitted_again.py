"""What a subject tells another one is told once, whatever it says the second time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nostro.engine.write import REUSED_KEY
from nostro.model.facts import Fact, PayoutLineReported
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.store.database import Database
from tests.integration.synthetic import PROCESS, House, as_fact, line, payout

pytestmark = pytest.mark.asyncio
VERSION = PROCESS.versions[0]
HEARD = "select convert_from(body, 'UTF8') like '%first%' as first from fact where subject = 'po_2'"


def decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
    """Each line of a payout tells another one what it says."""
    told, body = VERSION.decide(before, state, fact, rules), fact.body
    said = [payout("po_2", descriptor=body.source_id)] if isinstance(body, PayoutLineReported) else []
    return replace(told, emits=tuple(said), lookup=None)


async def test_a_fact_that_a_subject_tells_again_otherwise_is_a_case_and_the_first_one_stands(
    database_url: str,
) -> None:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        house.processes["payout"] = replace(PROCESS, versions=(replace(VERSION, decide=decide),))
        await house.tell([as_fact(payout("po_1"))])
        await house.settle()
        for n, said in enumerate(("first", "first", "second")):
            assert await house.all("select subject from exception_case") == []
            await house.tell([as_fact(line("po_1", f"txn_{n}", source=said))])
            await house.settle()
            assert await house.all(HEARD) == [(True,)]
        [case] = await house.all("select subject, reason, sentence from exception_case")
    assert case[:2] == ("po_1", REUSED_KEY)
    assert str(case[2]).startswith("payout.reported ")
