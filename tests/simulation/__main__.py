"""`make simulate`: thousands of seeds over all cores; a failing one is shrunk, and its story told."""

from __future__ import annotations

import argparse
import atexit
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.simulation.circumstances import Circumstances
from tests.simulation.database import Connections
from tests.simulation.disturbance import Blow
from tests.simulation.place import database, simulation_server
from tests.simulation.run import Plan, Verdict, run
from tests.simulation.shrink import TRIES, Shrinking

KEPT = Path(__file__).with_name("seeds.txt")
INTERRUPTED = 130
HEARING_SECONDS = 0.5


class Outcome(NamedTuple):
    """What is wrong with a seed, how many blows were meant for it, and how many met somebody."""

    seed: int
    flaws: list[str]
    blows: int
    struck: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 everything held, 1 a seed failed, 2 it was asked for what there isn't, 130 it was interrupted."""
    asked = _parsed(arguments)
    try:
        if asked.seed is None:
            return _many(asked)
        return _one(_plan(asked), tries=asked.tries if asked.shrink else 0)
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return INTERRUPTED


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; as many as there are cores")
    parser.add_argument("--collect", type=int, default=1, help="go on until so many seeds have failed")
    parser.add_argument("--keep", type=Path, nargs="?", const=KEPT, help=f"write failing seeds into {KEPT.name}")
    parser.add_argument("--seed", type=int, help="live through this seed alone and tell its story")
    parser.add_argument("--shrink", action="store_true", help="with --seed: leave out what it doesn't need to fail")
    parser.add_argument("--tries", type=int, default=TRIES, help="the shrinker lives through a seed so often at most")
    parser.add_argument("--without-deals", default="", help="with --seed: numbers of deals, with commas between")
    parser.add_argument("--without-faults", default="", help="with --seed: names of faults, with semicolons between")
    parser.add_argument("--blows", help="with --seed: these instead of its own: `12 crash send act; 3 pause ...`")
    told = "with --seed: these instead of its own: `slots 2; people act`"
    parser.add_argument("--circumstances", type=Circumstances.named, help=told)
    return parser.parse_args(arguments)


def _plan(asked: argparse.Namespace) -> Plan:
    return Plan(
        asked.seed,
        frozenset(int(number) for number in asked.without_deals.split(",") if number),
        frozenset(name.strip() for name in asked.without_faults.split(";") if name.strip()),
        None if asked.blows is None else tuple(_blow(text) for text in asked.blows.split(";") if text.strip()),
        asked.circumstances,
    )


def _blow(text: str) -> Blow:
    nth, kind, point = text.split(maxsplit=2)
    return Blow(int(nth), point.strip(), kind)


def _one(plan: Plan, *, tries: int) -> int:
    with simulation_server() as server, database(server, f"simulation_{os.getpid()}") as connections:
        verdict = run(plan, connections)
        if verdict.flaws and tries:
            verdict = Shrinking(lambda one: run(one, connections), verdict, tries).shrink()
    say("\n".join(told(verdict)))
    return 1 if verdict.flaws else 0


def _many(asked: argparse.Namespace) -> int:
    seeds, done, failed = range(asked.first, asked.first + asked.seeds), set[int](), dict[int, str]()
    with _ear() as stopped, simulation_server(), ProcessPoolExecutor(asked.jobs, initializer=_deaf) as pool:
        _live_through(asked, _results(pool, seeds, asked.jobs, stopped), done, failed)
        say(f"\n{interrupted(seeds, done, len(failed))}" if stopped else "")
        pool.shutdown(cancel_futures=True)
    if asked.keep and failed:
        keep_seeds(failed, asked.keep)
    if stopped:
        return INTERRUPTED
    if failed:
        _one(Plan(next(iter(failed))), tries=asked.tries)
    return 1 if failed else 0


def _live_through(
    asked: argparse.Namespace, results: Iterator[Outcome], done: set[int], failed: dict[int, str]
) -> None:
    """Fills in which seeds are done and which of them failed."""
    began, struck, meant = time.monotonic(), 0, 0
    for one in results:
        done.add(one.seed)
        struck, meant = struck + one.struck, meant + one.blows
        if one.flaws:
            failed[one.seed] = one.flaws[0]
            say(f"\nseed {one.seed} fails: {one.flaws[0]}")
        pace = len(done) / (time.monotonic() - began)
        told = f"{len(done)} of {asked.seeds} seeds, {len(failed)} failed, {pace:.2f}/s"
        say(f"\r{told}, {struck} of {meant} blows struck ({struck / max(meant, 1):.0%})", end="")
        if len(failed) >= asked.collect:
            return


@contextmanager
def _ear() -> Iterator[list[int]]:
    """Holds the signal once Ctrl-C was pressed; pressed again, it breaks off where it is.

    An exception out of nowhere could leave the pool's locks held, and the end of it waiting for ever.
    """
    stopped: list[int] = []

    def heard(number: int, _: object) -> None:
        stopped.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, heard)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _deaf() -> None:
    """Ctrl-C goes to every process at the terminal: those that run seeds end theirs, and the first one tells."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def interrupted(seeds: range, done: set[int], failed: int) -> str:
    """How far it had come, and how to go on. Seeds are done in any order: the first that isn't is begun with."""
    first = next((seed for seed in seeds if seed not in done), seeds.stop)
    told = f"Interrupted: {len(done)} of {len(seeds)} seeds are done, {failed} failed"
    return f"{told}; go on with `make simulate FIRST={first} SEEDS={max(seeds.stop - first, 1)}`."


def _results(pool: ProcessPoolExecutor, seeds: range, jobs: int, stopped: Sequence[int]) -> Iterator[Outcome]:
    """In whatever order they come, until it is `stopped`; never more under way than twice as many as processes."""
    wanted = iter(seeds)
    waiting: set[Future[Outcome]] = set()
    while True:
        while len(waiting) < 2 * jobs and (seed := next(wanted, None)) is not None:
            waiting.add(pool.submit(outcome_of, seed))
        if stopped or not waiting:
            return
        ended, waiting = wait(waiting, timeout=HEARING_SECONDS, return_when=FIRST_COMPLETED)
        for future in ended:
            yield future.result()


def outcome_of(seed: int) -> Outcome:
    """A seed lived through in a database of this process."""
    verdict = run(Plan(seed), _mine())
    return Outcome(seed, verdict.flaws, len(verdict.blows), len(verdict.struck))


@cache
def _mine() -> Connections:
    """This process's database; it goes with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    server = stack.enter_context(simulation_server())
    return stack.enter_context(database(server, f"simulation_{os.getpid()}"))


def kept_seeds(file: Path = KEPT) -> list[int]:
    """Seeds that failed once."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def keep_seeds(failed: Mapping[int, str], file: Path = KEPT) -> None:
    """Writes down what failed and how, so that it is run for ever."""
    known = kept_seeds(file)
    with file.open("a", encoding="utf-8") as kept:
        kept.writelines(f"{seed}  {' '.join(flaw.split())}\n" for seed, flaw in failed.items() if seed not in known)


def say(text: str = "", *, end: str = "\n") -> None:
    """To whoever started it."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def told(verdict: Verdict) -> Iterator[str]:
    """The story of a seed for an engineer: what was to happen, what happened step by step, what is wrong."""
    plan = verdict.plan
    yield f"Seed {plan.seed}, digest {verdict.digest[:16]}, {verdict.turns} turns"
    yield "Business:"
    yield from (f"  deal {number}: {deal}" for number, deal in sorted(verdict.deals.items()))
    yield "How the house is run:"
    yield from (f"  {name}: {told}" for name, told in sorted(verdict.circumstances.told().items()))
    yield "What was to disturb it:"
    yield from (f"  {blow}{'' if blow in verdict.struck else ' (nobody came by)'}" for blow in verdict.blows)
    yield from (f"  {fault}" for fault in verdict.faults)
    yield "What happened, on business time:"
    yield from (f"  {line}" for line in verdict.story)
    yield "What was decided:"
    yield from (f"  {line}" for line in verdict.log)
    yield "Open cases:"
    yield from (f"  {case}" for case in verdict.cases)
    yield "What is wrong:" if verdict.flaws else "Everything held."
    yield from (f"  {flaw}" for flaw in verdict.flaws)
    yield f"Again: {again(plan)}"


def again(plan: Plan) -> str:
    """The command that lives through it once more."""
    words = ["python", "-m", "tests.simulation", "--seed", str(plan.seed)]
    if plan.without_deals:
        words += ["--without-deals", ",".join(str(number) for number in sorted(plan.without_deals))]
    if plan.without_faults:
        words += ["--without-faults", ";".join(sorted(plan.without_faults))]
    if plan.blows is not None:
        words += ["--blows", "; ".join(f"{blow.nth} {blow.kind} {blow.point}" for blow in plan.blows)]
    if plan.circumstances is not None:
        words += ["--circumstances", str(plan.circumstances)]
    return shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
