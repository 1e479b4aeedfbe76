"""What befalls a part of the house: SIGKILL, Ctrl-C or SIGTERM, at work, at rest, while it starts and while it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from random import Random

from tests.crash.processes import BREATH_SECONDS, PARTS, POSTGRESQL, Processes

BLOWS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
OF_POSTGRESQL = (signal.SIGKILL, signal.SIGINT, signal.SIGQUIT)
"""Without SIGTERM, which has it wait for whoever is connected: `restarted_database` asks it to end."""
AGAIN, IMPATIENT = 0.5, 0.25
"""How often the next blow falls on the part that is just starting, and how often a second Ctrl-C on the first."""
STARTING_SECONDS = 3.0


def tell(sentence: str) -> None:
    """How far it has come: `make crash` shows it, also of several at a time, and so does a test that failed."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


async def strike(house: Processes, chance: Random) -> Counter[str]:
    """Strike a part at any instant of the coming second, and often again while it starts; what struck whom."""
    await asyncio.sleep(chance.random())
    name, struck = chance.choice(PARTS), Counter[str]()
    while True:
        struck[await (_at_postgresql(house, chance) if name == POSTGRESQL else _at(house, name, chance))] += 1
        if chance.random() >= AGAIN:
            return struck
        await asyncio.sleep(chance.random() * STARTING_SECONDS)


async def _at_postgresql(house: Processes, chance: Random) -> str:
    """Who misses it first starts it again."""
    while (number := house.server.process_id()) is None:  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(BREATH_SECONDS)
    blow = chance.choice(OF_POSTGRESQL)
    whole = chance.random() < 0.5
    if blow == signal.SIGKILL:
        house.kill(POSTGRESQL, whole=whole)
    else:
        house.signal_to(number, blow)
    return f"{POSTGRESQL} {blow.name}"


async def _at(house: Processes, name: str, chance: Random) -> str:
    blow = chance.choice(BLOWS)
    began = house.is_up(name)
    if blow == signal.SIGKILL:
        house.kill(name)
    else:
        again = chance.random() * STARTING_SECONDS if chance.random() < IMPATIENT else 0.0
        await house.ask_to_end(name, blow, again)
    house.start(name)
    return f"{name} {blow.name}{'' if began else ' while starting'}"
