"""What `make simulate` does with a seed in which a guarantee is really broken."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.run import ROOT, broken_source
from tests.mutants.table import MUTANTS
from tests.simulation.__main__ import INTERRUPTED, again, interrupted, keep_seeds, kept_seeds
from tests.simulation.circumstances import Circumstances
from tests.simulation.disturbance import Blow
from tests.simulation.run import Plan, Verdict
from tests.simulation.shrink import TRIES, Shrinking

SEED = 17
"""Four deals, and a story of 300 lines: where money enters no ledger, it is missing whatever is left out of that."""
SHORT = 180
INTERRUPTION = r"Interrupted: \d+ of 500 seeds are done, 0 failed; go on with `make simulate FIRST=\d+ SEEDS=\d+`\."
RUN = Circumstances(slots="2", rate="1", people="act", recovery="open")
BLOWS = tuple(Blow(nth, "send act", "crash") for nth in range(1, 9))


@pytest.mark.timeout(300)
def test_a_broken_guarantee_ends_in_1_is_kept_and_is_told_as_a_short_story(tmp_path: Path) -> None:
    kept = tmp_path / "seeds.txt"
    [mutant] = [one for one in MUTANTS if one.name == "money_without_a_home"]
    with broken_source(mutant) as folder:
        done = simulated(folder, "--first", str(SEED), "--seeds", "1", "--tries", "8", "--keep", str(kept))
        assert done.returncode == 1, done.stderr
        story = done.stdout.partition(f"\nSeed {SEED}, ")[2].splitlines()
        assert len(story) < SHORT
        assert story[story.index("How the house is run:") + 1] == "What was to disturb it:"
        assert story[story.index("What is wrong:") + 1].startswith("  differs: ")
        assert kept.read_text(encoding="utf-8").startswith(f"{SEED}  differs: ")
        assert kept_seeds(kept) == [SEED]
        words = shlex.split(story[-1].removeprefix("Again: "))
        assert words[:3] == ["python", "-m", "tests.simulation"]
        assert simulated(folder, *words[3:]).stdout.endswith(f"{story[-1]}\n")


@pytest.mark.timeout(120)
def test_ctrl_c_ends_in_130_with_one_sentence_that_tells_how_to_go_on() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--jobs", "2", "--first", "1", "--seeds", "500"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        told = ""
        while "3 of 500 seeds" not in told:
            told += running.stdout.read(1)
        os.killpg(running.pid, signal.SIGINT)
        out, errors = running.communicate()
    assert (running.returncode, errors) == (INTERRUPTED, "")
    assert re.fullmatch(INTERRUPTION, out.splitlines()[-1])
    assert len([line for line in out.splitlines() if line]) <= 2  # what was being told of the pace, and the sentence


def test_the_first_seed_that_is_not_done_is_the_one_to_go_on_with() -> None:
    assert interrupted(range(5, 15), {5, 6, 8}, 1) == (
        "Interrupted: 3 of 10 seeds are done, 1 failed; go on with `make simulate FIRST=7 SEEDS=8`."
    )


def simulated(source: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, with another source of the house."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--jobs", "1", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_seed_is_kept_once(tmp_path: Path) -> None:
    kept = tmp_path / "seeds.txt"
    keep_seeds({4: "lost: a payment"}, kept)
    keep_seeds({4: "lost: a payment", 9: "doubled:\ntwice"}, kept)
    assert kept.read_text(encoding="utf-8") == "4  lost: a payment\n9  doubled: twice\n"


def lived(plan: Plan, *, turns: int = 300) -> Verdict:
    """Fails with deal 2, the fifth blow, one fault and a rate together; otherwise where there is no deal at all."""
    deals = {number: f"deal {number}" for number in range(5) if number not in plan.without_deals}
    blows = BLOWS if plan.blows is None else plan.blows
    faults = [
        name for name in ("odoo POST /a #1", "odoo POST /a #2", "psp GET /b #1") if name not in plan.without_faults
    ]
    told = RUN if plan.circumstances is None else plan.circumstances
    fails = 2 in deals and BLOWS[4] in blows and "odoo POST /a #2" in faults and told.rate == "1"
    flaws = ["lost: 10 EUR"] * fails + ["broken: nothing to judge"] * (not deals)
    names = [f"{name}: cut" for name in faults]
    return Verdict(plan, flaws, deals=deals, faults=names, circumstances=told, blows=blows, turns=turns)


def test_a_failing_seed_shrinks_to_what_it_needs_to_fail_in_the_same_way() -> None:
    least = Shrinking(lived, lived(Plan(7))).shrink()
    assert (set(least.deals), least.blows) == ({2}, (BLOWS[4],))
    assert least.plan.without_faults == {"odoo POST /a #1", "psp GET /b #1"}
    assert least.circumstances == Circumstances(rate="1")
    assert least.flaws == ["lost: 10 EUR"]
    assert "--without-deals 0,1,3,4" in again(least.plan)
    assert again(least.plan).endswith("--circumstances 'rate 1'")


@pytest.mark.parametrize("turns, runs", [(0, TRIES), (20_000, 5)])
def test_the_shrinker_ends_whatever_a_seed_does(turns: int, runs: int) -> None:
    tried: list[Plan] = []

    def needs_everything(plan: Plan) -> Verdict:
        tried.append(plan)
        return Verdict(plan, turns=turns)

    whole = Verdict(Plan(7), ["lost: 10 EUR"], deals=dict.fromkeys(range(200), "a deal"))
    assert Shrinking(needs_everything, whole).shrink() == whole
    assert len(tried) == runs
