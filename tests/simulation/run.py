"""One seed from its beginning to its verdict."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from nostro.sandbox.entropy import chance
from nostro.sandbox.stage import END
from tests.simulation.business import Business
from tests.simulation.database import Connections
from tests.simulation.disturbance import Blow, Swarm
from tests.simulation.life import Course, born
from tests.simulation.loop import VirtualLoop
from tests.simulation.play import CLOSING, Endless, Play
from tests.simulation.world import build


@dataclass(frozen=True, slots=True)
class Plan:
    """A seed, and what of it is left out: numbers of deals, names of faults; `blows` where they aren't the seed's."""

    seed: int
    without_deals: frozenset[int] = frozenset()
    without_faults: frozenset[str] = frozenset()
    blows: tuple[Blow, ...] | None = None


@dataclass(slots=True)
class Verdict:
    """What came of a plan. No flaw: it held."""

    plan: Plan
    flaws: list[str] = field(default_factory=list)
    digest: str = ""
    deals: dict[int, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    blows: tuple[Blow, ...] = ()
    story: list[str] = field(default_factory=list)
    turns: int = 0


def run(plan: Plan, connections: Connections) -> Verdict:
    """Lives through a plan, in a database that it empties first."""
    files = Path(tempfile.mkdtemp(prefix="nostro-simulation-", dir=_fast()))
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.get_loop().set_task_factory(born)
            return runner.run(_live(plan, connections, files))
    finally:
        shutil.rmtree(files, ignore_errors=True)


def _fast() -> str | None:
    """Files of a simulation need no disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of its own is made in it


async def _live(plan: Plan, connections: Connections, files: Path) -> Verdict:
    business = Business(plan.seed, left_out=plan.without_deals)
    codes = tuple(sorted(entity.code for entity in business.companies))
    swarm = Swarm(plan.seed, codes)
    blows = swarm.blows() if plan.blows is None else plan.blows
    world = build(business, swarm.plans(), plan.without_faults)
    drawn = chance(plan.seed, "course")
    course = Course(world, drawn, list(blows), restless=drawn.choice((0.0, 0.1, 0.3)))
    verdict = Verdict(plan, deals=business.stories, blows=blows)
    course.tell = _teller(course, verdict.story)
    play = Play(course, connections, codes, files, plan.seed, workers_wanted=drawn.choice((1, 2, 2, 3)))
    for code in codes:
        (files / code.lower()).mkdir()
    async with play.stack:
        await play.open()
        try:
            await play.live(END)
            for path, faulty in world.faulty.items():
                world.set_faults(path, faulty.plan.off())
            await play.rest(END + CLOSING)
        except Endless as endless:
            course.flaws.append(str(endless))
        verdict.turns = play.turns
        verdict.flaws += course.flaws
    return verdict


def _teller(course: Course, story: list[str]) -> Callable[[str], None]:
    def tell(what: str) -> None:
        business = course.now().business
        story.append(f"{business:%a %H:%M:%S} {what}")

    return tell


__all__ = ["Plan", "Verdict", "run", "timedelta"]
