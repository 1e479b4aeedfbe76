"""One seed from its beginning to its verdict."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nostro.sandbox.entropy import chance
from nostro.sandbox.stage import END
from nostro.sandbox.world import World
from tests.places import quick_folder
from tests.simulation.business import Business
from tests.simulation.circumstances import PLAIN, Circumstances
from tests.simulation.database import Connections
from tests.simulation.disturbance import Blow, Chosen, Swarm
from tests.simulation.houses import Houses
from tests.simulation.judging import cases_of, digest, flaws, log_of
from tests.simulation.life import Course, born
from tests.simulation.logs import HEARD, listening
from tests.simulation.loop import VirtualLoop
from tests.simulation.play import CLOSING, Endless, Play
from tests.simulation.world import build


@dataclass(frozen=True, slots=True)
class Plan:
    """A seed, and what of it is left out: numbers of deals, names of faults.

    `blows` and `circumstances` where they aren't the seed's.
    """

    seed: int
    without_deals: frozenset[int] = frozenset()
    without_faults: frozenset[str] = frozenset()
    blows: tuple[Blow, ...] | None = None
    circumstances: Circumstances | None = None


@dataclass(slots=True)
class Verdict:
    """What came of a plan. No flaw: it held."""

    plan: Plan
    flaws: list[str] = field(default_factory=list)
    digest: str = ""
    deals: dict[int, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    circumstances: Circumstances = PLAIN
    blows: tuple[Blow, ...] = ()
    struck: tuple[Blow, ...] = ()
    """Those that met somebody: the others waited for an instant that never came."""
    story: list[str] = field(default_factory=list)
    turns: int = 0
    cases: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    passed: dict[str, int] = field(default_factory=dict)


def run(plan: Plan, connections: Connections) -> Verdict:
    """Lives through a plan, in a database that it empties first."""
    files, verdict = Path(tempfile.mkdtemp(prefix="nostro-simulation-", dir=quick_folder())), Verdict(plan)
    try:
        with listening(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.get_loop().set_task_factory(born)
            runner.run(_live(plan, verdict, connections, files))
    except Exception as error:  # noqa: BLE001 - one seed must not end the run of all the others; and it can be shrunk
        verdict.flaws.append(f"broken off: {error!r}")
    finally:
        shutil.rmtree(files, ignore_errors=True)
    return verdict


async def _live(plan: Plan, verdict: Verdict, connections: Connections, files: Path) -> None:
    business = Business(plan.seed, left_out=plan.without_deals)
    codes = tuple(sorted(entity.code for entity in business.companies))
    swarm = Swarm(plan.seed, codes)
    world = build(business, swarm.plans(), plan.without_faults)
    drawn = chance(plan.seed, "course")
    told = Circumstances.drawn(plan.seed) if plan.circumstances is None else plan.circumstances
    given_back = business.card_is_over and bool(told.people)
    blows = swarm.blows(given_back=given_back) if plan.blows is None else plan.blows
    course = Course(world, drawn, list(blows), restless=drawn.choice((0.0, 0.1, 0.3)))
    verdict.deals, verdict.blows, verdict.circumstances = business.stories, blows, told
    course.tell = _teller(course, verdict.story)
    HEARD.set(partial(_hear, course))
    workers = drawn.choice((1, 2, 2, 3))
    houses = Houses(connections, course, codes, files, plan.seed, told)
    play = Play(course, connections, houses, workers_wanted=max(workers, 2) if told.release else workers)
    try:
        async with play.stack:
            await play.open()
            await _to_the_end(play, business, world)
    finally:
        verdict.flaws += course.flaws
        verdict.turns, verdict.digest = play.turns, digest(connections, world, verdict.story)
        verdict.faults = [fault for one in world.faulty.values() if isinstance(one, Chosen) for fault in one.faults]
        verdict.cases, verdict.log = cases_of(connections), log_of(connections)
        verdict.passed, verdict.struck = dict(course.passed), tuple(course.struck)


async def _to_the_end(play: Play, business: Business, world: World) -> None:
    try:
        await play.live(END)
        for path, faulty in world.faulty.items():
            world.set_faults(path, faulty.plan.off())
        play.course.follow()
        await play.rest(END + CLOSING)
    except Endless as endless:
        play.course.flaws.append(str(endless))
    else:
        await play.close()
        play.course.flaws += [flaw async for flaw in flaws(play, business, world)]


def _teller(course: Course, story: list[str]) -> Callable[[str], None]:
    def tell(what: str) -> None:
        business = course.now().business
        story.append(f"{business:%a %H:%M:%S} {what}")

    return tell


def _hear(course: Course, level: str, sentence: str) -> None:
    """What the house logs belongs to the story; what it calls an error is one."""
    course.tell(f"  {sentence}")
    course.logged.append(sentence)
    if level in ("error", "critical"):
        course.flaws.append(f"logged as an error: {sentence}")
