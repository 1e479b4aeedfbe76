"""A subject's row that was damaged is put back as a backup has it: from before anything was set aside."""

from __future__ import annotations

import pytest

from nostro.model.facts import CaseClosed
from nostro.model.ids import Subject
from nostro.projections.worklist import open_cases
from nostro.store.database import Database
from tests.integration.synthetic import House, as_fact, line, payout

pytestmark = pytest.mark.asyncio


async def test_closing_the_case_lets_go_on_what_was_set_aside_though_the_row_no_longer_says_so(
    database_url: str,
) -> None:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        await house.tell([as_fact(payout("po_1"))])
        await house.settle()
        await run(database, b"create table backup as select * from subject", b"update subject set body = 'x'")
        await house.tell([as_fact(line("po_1", "txn_1"))])
        await house.settle()
        await run(database, b"delete from subject", b"insert into subject select * from backup")
        [case] = await open_cases(database)
        await house.tell([as_fact(CaseClosed(act="close", case=case.id))], [Subject("payout", "po_1")])
        await house.settle()
        assert await house.all("select count(*) from parked") == [(0,)]
        told = await house.all("select type from fact where subject = 'po_1' order by revision")
        assert [kind for (kind,) in told] == ["payout.reported", "case.closed", "payout.line_reported"]
        assert await open_cases(database) == []


async def run(database: Database, *statements: bytes) -> None:
    """What an operator does by hand."""
    async with database.transaction() as tx:
        for statement in statements:
            await tx.execute(statement)
