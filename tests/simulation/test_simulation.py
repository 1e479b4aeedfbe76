"""The whole house from seeds. `make simulate SEEDS=10000` runs thousands; what fails there is kept and run here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.simulation.__main__ import kept_seeds
from tests.simulation.business import Business
from tests.simulation.circumstances import CHOICES, PLAIN
from tests.simulation.database import Connections
from tests.simulation.disturbance import AT_REFUNDS, Swarm
from tests.simulation.run import Plan, Verdict, run

FIRST, SEEDS, GROUP = 1, int(os.environ.get("NOSTRO_SIMULATION_SEEDS", "200")), 5
ALL_CIRCUMSTANCES = (4, 11, 28, 399)
"""Between them they meet every circumstance."""
pytestmark = pytest.mark.timeout(600)
PRINT_DIGEST = """
import sys
from tests.simulation.place import database, simulation_server
from tests.simulation.run import Plan, run
with simulation_server() as server, database(server, sys.argv[2]) as connections:
    for seed in sys.argv[1].split(","):
        print(run(Plan(int(seed)), connections).digest)
"""


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, GROUP))
def test_whatever_happens_the_ten_guarantees_hold(first: int, connections: Connections) -> None:
    seeds = [seed for seed in range(first, first + GROUP) if not Business(seed).card_is_over]
    held({seed: run(Plan(seed), connections) for seed in seeds})


@pytest.mark.parametrize("point", AT_REFUNDS)
def test_what_people_give_back_is_paid_out_once_whatever_happens_around_its_bytes(
    point: str, connections: Connections
) -> None:
    """The other seeds of the same. Some workers die between a refund's start and its bytes, some before its reply."""
    verdicts = {seed: run(Plan(seed), connections) for seed in _given_back(point)}
    held(verdicts)
    refunds = sum(verdict.passed.get("send refund", 0) for verdict in verdicts.values())
    struck = [blow.kind for verdict in verdicts.values() for blow in verdict.struck if blow.point == point]
    assert refunds >= struck.count("crash") >= SEEDS // 100, (refunds, struck)


def _given_back(point: str) -> list[int]:
    """Seeds in whose world people may give back money, with something that happens there to whoever does it."""
    seeds = [seed for seed in range(FIRST, FIRST + SEEDS) if Business(seed).card_is_over]
    aimed = {seed: {blow.point for blow in Swarm(seed, ()).blows(given_back=True)} for seed in seeds}
    return [seed for seed in seeds if point in aimed[seed]]


def held(verdicts: Mapping[int, Verdict]) -> None:
    """In each of these seeds everything held."""
    failed = {seed: verdict.flaws for seed, verdict in verdicts.items() if verdict.flaws}
    assert not failed, f"see its story: python -m tests.simulation --shrink --seed {min(failed)}"


@pytest.mark.parametrize("seed", kept_seeds())
def test_a_seed_that_failed_once_holds_for_ever(seed: int, connections: Connections) -> None:
    assert [run(Plan(seed, circumstances=told), connections).flaws for told in (None, PLAIN)] == [[], []]


def test_the_same_seed_is_the_same_run_byte_for_byte_in_any_process(connections: Connections) -> None:
    """In another order, after other seeds, and with strings that hash otherwise; whatever is done to the house."""
    verdicts = [run(Plan(seed), connections) for seed in ALL_CIRCUMSTANCES]
    assert {name for verdict in verdicts for name in verdict.circumstances.told()} == set(CHOICES)
    seeds = ",".join(str(seed) for seed in reversed(ALL_CIRCUMSTANCES))
    here = [verdict.digest for verdict in reversed(verdicts)]
    assert [_elsewhere(seeds, hash_seed) for hash_seed in ("1", "2")] == [here] * 2


def _elsewhere(seeds: str, hash_seed: str) -> list[str]:
    """The digests that another process comes to."""
    command = [sys.executable, "-c", PRINT_DIGEST, seeds, f"test_{os.getpid()}_elsewhere"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()
