"""What has to be right at the end of a life by the books of all systems outside: each effect stands there once, what
was acknowledged is kept, and on each account of a bank or provider is what the house says.

    python -m tests.crash.judging < BOOKS

BOOKS: those of all systems by path, as one JSON object. Prints what differs in the house whose landscape is
`NOSTRO_LANDSCAPE`: by a process of its own, since its release may be another than what stands here.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString

from nostro.landscape.reading import read_landscape
from nostro.runtime.demo.judge import Judgement
from nostro.runtime.demo.proof import differences
from nostro.runtime.demo.summary import KEYED, keys_in, summarise
from nostro.runtime.house import House, open_house
from nostro.sandbox.psp import Psp
from nostro.sandbox.stage import ENTITIES
from nostro.sandbox.world import World
from nostro.store.database import Database, Row

DONE = "select correlation, operation from command_closed where outcome = 'done' order by correlation"
KEPT = "select connection, event_id from receipt where kind = 'webhook'"
KEY_CHARACTERS = 19
Books = Mapping[str, Any]


async def flaws(database: Database, world: World) -> AsyncIterator[str]:
    """What isn't there once, and what was acknowledged and isn't kept, a sentence each."""
    async for flaw in not_once(database, world.books()["systems"]):
        yield flaw
    for connection, event in await not_kept(database, acknowledged(world)):
        yield f"acknowledged and not kept: {event} of {connection}"


async def not_once(database: Database, outside: Books) -> AsyncIterator[str]:
    """Each command that succeeded stands in the outside's books once, under its key, and none stands there twice."""
    found = Counter(keys_in(outside))
    for key, times in sorted(found.items()):
        if times > 1 and len(key) == KEY_CHARACTERS:
            yield f"done {times} times: {key}"
    for correlation, operation in await _rows(database, DONE):
        if operation in KEYED and not found[correlation]:
            yield f"closed as done, and not in the outside's books: {operation} {correlation}"


def acknowledged(world: World) -> Iterator[tuple[str, str]]:
    """Events of which a provider was told that they are kept, each with the connection over which it came."""
    for entity in ENTITIES:
        psp = world.systems[entity.psp_path]
        assert isinstance(psp, Psp)
        yield from ((f"stripe-{entity.psp.name}", event) for event in psp.events.acknowledged)


async def not_kept(database: Database, events: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those without a receipt of the webhook. That a poll has told of one since doesn't count: a 2xx is a receipt."""
    kept = {(row.connection, row.event_id) for row in await _rows(database, KEPT)}
    return sorted(set(events) - kept)


async def differing(house: House, outside: Books) -> list[str]:
    """What is another in our books than in those of the outside, account by account, and no open case explains.

    What is lost or doubled in the ERP isn't asked again: a life's judge does that, and explains less.
    """
    summary = await summarise(house.database, outside, (await house.now()).business)
    found = await differences(house, summary, Judgement((), ()), outside)
    return [f"{one.where}: ours {one.ours}, theirs {one.theirs}" for one in found]


async def _rows(database: Database, query: LiteralString) -> list[Row]:
    async with database.transaction() as tx:
        return await (await tx.execute(query)).fetchall()


async def _differing_here(outside: Books) -> list[str]:
    folder = Path(os.environ["NOSTRO_LANDSCAPE"])
    state = Path(read_landscape(folder).house.state)
    async with open_house(folder, state, working=False) as house:
        return await differing(house, outside)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_differing_here(json.load(sys.stdin)))))
