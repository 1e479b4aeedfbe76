"""The disk of the database fills while webhooks come in: a 2xx is a kept receipt, and with room again work goes on.

PostgreSQL lies on a small file system of its own, which only root may mount.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.sandbox.stage import START
from nostro.store.embedded_place import Place, find_place
from tests.crash.processes import BREATH_SECONDS, DOOR, Processes, empty_grounds, processes
from tests.crash.test_acknowledged import DE, SEED, SENDERS, Senders, kept_in

ROOM = "220m"
FULL_SECONDS = 4.0
ENOUGH = 40
"""So many acknowledged events before and after show that it works."""


@contextlib.contextmanager
def small_disk(place: Place) -> Iterator[None]:
    """A file system in memory for the database. Skips aloud where it can't be mounted."""
    command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "nostro-small-disk", str(place.home)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT tested: a small file system can't be mounted here, which takes root")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(place.home)], check=True)


@pytest.mark.timeout(240)
def test_what_was_acknowledged_is_kept_although_the_disk_was_full(tmp_path: Path) -> None:
    grounds, _, _ = empty_grounds(tmp_path, SEED)
    (grounds.state / "postgresql").mkdir(mode=0o711)
    place = find_place(grounds.state / "postgresql")
    with processes(grounds, START, small_disk(place)) as house:
        asyncio.run(_filled(house, place))


async def _filled(house: Processes, place: Place) -> None:
    house.start(DOOR)
    senders = Senders(f"http://127.0.0.1:{house.grounds.door}/in/stripe-{DE.name}")
    async with asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(senders.send())
        await _more(house, senders, ENOUGH)
        ballast = place.home / "ballast"
        await asyncio.to_thread(_fill, ballast)
        await asyncio.sleep(FULL_SECONDS)
        stuck = len(senders.acknowledged)
        ballast.unlink()
        await asyncio.to_thread(house.server.ensure_running)
        await _more(house, senders, ENOUGH)
        senders.stop = True
    assert len(senders.acknowledged) > stuck
    kept = await kept_in(house)
    assert {event: kept.get(event) for event in senders.acknowledged} == senders.acknowledged


async def _more(house: Processes, senders: Senders, number: int) -> None:
    until = len(senders.acknowledged) + number
    while len(senders.acknowledged) < until:
        house.supervise()
        await asyncio.sleep(BREATH_SECONDS)


def _fill(ballast: Path) -> None:
    """Until there is no byte left."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)
