"""Replay of large states takes long, in no database transaction: the server ends who idles in one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nostro.engine import walk
from nostro.engine.replay import Check, Replay
from nostro.engine.transition import transition
from nostro.store import database as module
from nostro.store.database import Database
from tests.integration.synthetic import House, as_fact, line, payout

pytestmark = pytest.mark.asyncio
LINES = 25
DAY = "2026-08-31"


def slowly(*given: Any) -> Any:  # noqa: ANN401 - as the real one
    time.sleep(0.02)
    return transition(*given)


async def test_who_takes_long_over_a_stretch_of_the_log_goes_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        await house.tell([as_fact(payout("po_1")), *(as_fact(line("po_1", f"txn_{n}")) for n in range(LINES))])
        await house.settle()
    monkeypatch.setattr(module, "THERE", {**module.THERE, "idle_in_transaction_session_timeout": "300ms"})
    monkeypatch.setattr(walk, "transition", slowly)
    async with Database(database_url, size=4) as database:
        known = (database, house.keys, house.processes, lambda _: house.rules)
        count, differences = await Replay(*known).run()
        assert (count > LINES, differences) == (True, [])
        check = Check(*known)
        assert await check.run(DAY, 1000) == []
        assert check.facts > LINES
        folded = walk.Walk(*known, held=0)
        for shard in range(64):
            async for steps in folded.shard(shard):
                assert all(step.equal for step in steps)
