"""Every part that is asked to end is gone in time and in order, also while its database says nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from nostro.runtime.cli import ENDING_SECONDS
from nostro.sandbox.stage import START
from tests.crash.living import days
from tests.crash.processes import DOOR, WORKERS, Processes, children_of

PARTS = (DOOR, *WORKERS)
STARTING_SECONDS = 3.0
SEED = 1


@contextlib.contextmanager
def frozen_database(house: Processes) -> Iterator[None]:
    """PostgreSQL lives, takes connections, and says nothing."""
    number = house.server.process_id()
    assert number is not None
    every = [number, *children_of(number)]
    for each in every:
        house.signal_to(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in every:
            house.signal_to(each, signal.SIGCONT)


def until_up(house: Processes) -> None:
    while not all(map(house.is_up, PARTS)):
        time.sleep(0.05)


def while_they_start(_: Processes) -> None:
    time.sleep(Random(SEED).random() * STARTING_SECONDS)  # noqa: S311 - which instant, not which secret


@pytest.mark.timeout(300)
@pytest.mark.parametrize("begun", [until_up, while_they_start])
def test_all_parts_end_in_order_and_in_time_while_the_database_is_frozen(
    tmp_path: Path, begun: Callable[[Processes], None]
) -> None:
    asyncio.run(_frozen(tmp_path, begun))


async def _frozen(folder: Path, begun: Callable[[Processes], None]) -> None:
    async with days(folder, SEED, START, START) as made:
        await asyncio.to_thread(begun, made.house)
        with frozen_database(made.house):
            asked_at = time.monotonic()
            await asyncio.to_thread(made.house.end)
            assert time.monotonic() - asked_at < ENDING_SECONDS
