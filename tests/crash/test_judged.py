"""The judge of a life notices what no life ever shows: what was right is made wrong just before it looks."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from nostro.sandbox.stage import MONDAY, at
from nostro.store.database import Database
from tests.crash.judging import flaws, not_once
from tests.crash.living import Days, days

NOBODYS = "NOSAAAAAAAAAAAAAAAA"
LAST_ACT, CLOSES = at(MONDAY, 7, 40), at(MONDAY, 8, 30)
FORGOTTEN = """
delete from receipt where kind = 'webhook' and connection = 'stripe-de' and event_id = (
    select min(event_id) from receipt where kind = 'webhook' and connection = 'stripe-de') returning event_id"""
NEVER_DONE = f"""
update command_closed set correlation = '{NOBODYS}' where correlation = (
    select min(correlation) from command_closed
    where operation = 'register_customer_payment' and outcome = 'done') returning operation"""
MOVED = "update posting set minor = minor + 1 where (debit like 'psp/DE/%' or credit like 'psp/DE/%') returning 1"
OTHERWISE = "update fact set state_after = 'paid' where type = 'invoice.posted' and state_after = 'open' returning 1"


@pytest.mark.timeout(300)
def test_what_is_lost_doubled_moved_or_decided_otherwise_is_noticed(tmp_path: Path) -> None:
    asyncio.run(_lived_and_broken(tmp_path))


async def _lived_and_broken(folder: Path) -> None:
    async with days(folder, 1, LAST_ACT, CLOSES) as made:
        await made.to(CLOSES)
        await made.judged(MONDAY)
        [(event,)], [(operation,)] = _changed(made, FORGOTTEN), _changed(made, NEVER_DONE)
        async with Database(made.house.url()) as database:
            assert [flaw async for flaw in flaws(database, made.sandbox.world)] == [
                f"closed as done, and not in the outside's books: {operation} {NOBODYS}",
                f"acknowledged and not kept: {event} of stripe-de",
            ]
            outside, key = _with_a_double(made)
            assert f"done 2 times: {key}" in [flaw async for flaw in not_once(database, outside)]
        assert _changed(made, MOVED)
        assert any(one.startswith("held by stripe-de: ours ") for one in await made.differing())
        assert _changed(made, OTHERWISE)
        assert (await asyncio.to_thread(made.house.ask, "replay"))["differing"] > 0


def _changed(made: Days, statement: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(made.house.url()) as connection:
        return connection.execute(statement).fetchall()


def _with_a_double(made: Days) -> tuple[dict[str, Any], str]:
    """The books of all systems with a refund's key, as if somebody had asked a provider twice."""
    outside, key = copy.deepcopy(made.sandbox.world.books()["systems"]), "NOSBBBBBBBBBBBBBBBB"
    for ident in ("re_1", "re_2"):
        outside["psp/de"]["refunds"].append({"id": ident, "metadata": {"nostro_key": key}})
    return outside, key
