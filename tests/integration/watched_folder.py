"""A house with a folder that it watches, for tests of what comes in by files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from nostro.ingress.folders import Folders
from nostro.ingress.leases import Leases
from nostro.ingress.limits import Limit
from nostro.model.clock import Now
from tests.integration.intake_house import IntakeHouse, TillConfig, begun

LINE = b'{"payout": "po_1"}'


@dataclass
class Watch:
    """A house with a folder that it watches."""

    house: IntakeHouse
    folder: Path
    folders: Folders

    async def look(self, *, seconds: float = 2) -> int:
        """Some time later: how many files were taken. A look that lasts is waited for."""
        taken = await self.step(seconds=seconds)
        looks = self.folders._looks
        return taken + await looks.all_of(list(looks._under_way.values()), 30)

    async def step(self, *, seconds: float = 2) -> int:
        """The same, and a look that lasts goes on."""
        self.house.later(seconds=seconds)
        await self.house.limits.step(self.house.now)
        return await self.folders.step(self.house.now)

    async def kept(self) -> list[tuple[object, ...]]:
        """What is in the receipt table."""
        return await self.house.all("select name, size from receipt order by name, size")

    def taken(self) -> list[str]:
        """What was moved away."""
        return sorted(path.name for path in self.folder.glob("taken/*/*"))


def watcher(house: IntakeHouse, worker: str = "worker-1", *, settle: timedelta = timedelta(0)) -> Folders:
    """A worker that has just started. `settle`: none, since two looks tell all where nobody writes meanwhile."""
    leases = Leases(house.database, worker)

    async def clock() -> Now:
        return house.now

    return Folders(
        house.database, house.connections, house.intake, leases, house.limits, clock, settle=settle, count=house.counted
    )


@asynccontextmanager
async def watching(url: str, place: Path) -> AsyncIterator[Watch]:
    """An empty folder, watched."""
    house = await begun(url, Limit(readings=3))
    folder = place / "from the bank"
    folder.mkdir()
    house.connections["till"] = replace(house.connection, config=TillConfig(folder=str(folder)))
    watch = Watch(house, folder, watcher(house))
    yield watch
    await watch.folders.stop()
    await house.database.__aexit__()
