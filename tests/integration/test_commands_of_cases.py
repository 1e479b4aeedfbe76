"""Which command a case stands for: the one behind it that waits, or that failed and can be released for another try."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.model.failures import Refused
from nostro.model.ids import Subject
from nostro.runtime.cli_references import command_of
from nostro.store.database import Database
from tests.dispatch_world import START, Worker, World, installed
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
CASE = Subject("payout", "po_1")
OPENED = (
    "insert into exception_case"
    " (shard, id, process, subject, entity, reason, sentence, candidates, opened_at, position)"
    f" values ({CASE.shard}, 'C-1', 'payout', 'po_1', 'DE', 'booking_failed', 'They said no.', '[]', '{START}', 1)"
)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def test_a_case_leads_to_the_one_that_waits_behind_it_or_failed_and_was_not_asked_for_again(
    database: Database,
) -> None:
    world = World(database, operation("look_up"))
    await world.run(OPENED)
    with pytest.raises(Refused, match="No command waits"):
        await command_of(database, "C-1")
    failed = await world.want("po_1", "first")
    world.partner.fault = lambda request: "refused" if request.url.endswith("/do") else ""
    await Worker(world, "one").settle()
    assert world.settled == [(failed, "failed")]
    assert (await command_of(database, "c-1")).correlation_id == failed
    for spelled in (failed, failed.lower(), "payout/po_1/first/0/0"):
        assert (await command_of(database, spelled)).correlation_id == failed, "it has ended, and can be released"
    other = await world.want("po_1", "second", status="proposed")
    for spelled in (other, "payout/po_1/second/0/0"):
        assert (await command_of(database, spelled)).correlation_id == other
    with pytest.raises(Refused, match="2 commands are behind C-1"):
        await command_of(database, "C-1")
    await world.run("update command_open set status = 'ready', key_text = 'payout/po_1/first/0/1'")
    with pytest.raises(Refused, match="No command waits"):
        await command_of(database, "C-1")
