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
AGAIN, ANOTHER, IMPATIENT = 0.5, 0.5, 0.25
"""How often another blow follows; how often that falls on any part, not on the one that is just starting; and how often
a second Ctrl-C follows on the first.
"""
STARTING_SECONDS = 3.0


def tell(sentence: str) -> None:
    """How far it has come: `make crash` shows it, also of several at a time, and so does a test that failed."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


async def strike(house: Processes, chance: Random) -> Counter[str]:
    """SIGKILL a part at any instant of the coming second, and often strike again while it starts; what struck whom."""
    await asyncio.sleep(chance.random())
    name = chance.choice(PARTS)
    struck = Counter([await _killed(house, name, chance)])
    while chance.random() < AGAIN:
        await asyncio.sleep(chance.random() * STARTING_SECONDS)
        name = chance.choice(PARTS) if chance.random() < ANOTHER else name
        struck[await (_at_postgresql(house, chance) if name == POSTGRESQL else _at(house, name, chance))] += 1
    return struck


async def _killed(house: Processes, name: str, chance: Random) -> str:
    """One that lives: who has ended by itself, as its database was away, is first started again by his supervisor."""
    began, whole = house.is_up(name), chance.random() < 0.5
    while not house.kill(name, whole=whole):
        await asyncio.sleep(BREATH_SECONDS)
        began = house.is_up(name)
    if name != POSTGRESQL:
        house.start(name)
    return _said(name, signal.SIGKILL, began=began)


async def _at_postgresql(house: Processes, chance: Random) -> str:
    """Who misses it first starts it again."""
    while (number := house.server.process_id()) is None:  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(BREATH_SECONDS)
    blow = chance.choice(OF_POSTGRESQL)
    if blow == signal.SIGKILL:
        return await _killed(house, POSTGRESQL, chance)
    house.signal_to(number, blow)
    return _said(POSTGRESQL, blow)


async def _at(house: Processes, name: str, chance: Random) -> str:
    blow = chance.choice(BLOWS)
    if blow == signal.SIGKILL:
        return await _killed(house, name, chance)
    began = house.is_up(name)
    again = chance.random() * STARTING_SECONDS if chance.random() < IMPATIENT else 0.0
    await house.ask_to_end(name, blow, again)
    house.start(name)
    return _said(name, blow, began=began)


def _said(name: str, blow: signal.Signals, *, began: bool = True) -> str:
    return f"{name} {blow.name}{'' if began else ' while starting'}"
