import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import END, build_world
from nostro.store.embedded_place import find_place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NOSTRO = (sys.executable, "-m", "nostro.runtime.cli")
KEYS = {"collections", "supplier_payments", "cases", "differences", "effects_asked", "effects_done", "naive"}


class Here:
    """A folder that the demo is started from, with its own data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "XDG_DATA_HOME": str(folder / "data"), "COLUMNS": "200"}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **more}
        return subprocess.run(
            [*NOSTRO, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    folder = tmp_path / "a demo"
    folder.mkdir()
    yield Here(folder)
    for state in folder.glob("data/nostro/*/state/postgresql"):
        shutil.rmtree(find_place(state).home, ignore_errors=True)


@pytest.mark.proof
def test_in_two_days_of_faults_nostro_loses_and_doubles_nothing_and_the_plain_script_does(here: Here) -> None:
    """One run for all that is asked of it: it takes minutes, and test processes share nothing."""
    done = here.run("demo", "--once", "--json")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(done.stdout)
    exactly_one_object_tells_everything(told)
    nothing_is_lost_or_doubled_and_every_difference_has_its_case(told)
    the_plain_script_loses_and_doubles(told["naive"])
    what_only_a_person_can_decide_waits_for_one(told)
    what_is_left_behind_can_be_traced_and_verified(here)


def exactly_one_object_tells_everything(told: dict[str, Any]) -> None:
    assert told.keys() >= KEYS
    assert told["supplier_payments"] == {}
    assert all(isinstance(count, int) for count in told["collections"].values())
    assert all(case.keys() == {"id", "reason", "amount", "entity", "age_s"} for case in told["cases"])


def nothing_is_lost_or_doubled_and_every_difference_has_its_case(told: dict[str, Any]) -> None:
    assert told["differences"] == []
    assert (told["nostro"]["lost"], told["nostro"]["doubled"], told["nostro"]["misdated"]) == (0, 0, 0)
    assert told["effects_asked"] == told["effects_done"] > 100


def the_plain_script_loses_and_doubles(naive: dict[str, Any]) -> None:
    assert naive["lost"] > 0
    assert naive["doubled"] > 0
    assert naive["misdated"] > 0
    assert all(money.keys() == {"value", "currency"} for money in (*naive["lost_amounts"], *naive["doubled_amounts"]))


def what_only_a_person_can_decide_waits_for_one(told: dict[str, Any]) -> None:
    reasons = {(case["entity"], case["reason"]) for case in told["cases"]}
    assert reasons >= {
        ("DE", "paid_twice"),
        ("US", "overpaid"),
        ("DE", "returned_payment"),
        ("US", "chargeback"),
        ("CH", "statement_missing"),
        ("US", "unknown_payer"),
    }


def what_is_left_behind_can_be_traced_and_verified(here: Here) -> None:
    (landscape,) = here.folder.glob("data/nostro/*/landscape")
    (clock,) = here.folder.glob("data/nostro/*/state/world-clock")
    there = {"NOSTRO_LANDSCAPE": str(landscape), "NOSTRO_WORLD_CLOCK": str(clock)}
    traced = here.run("trace", "INV/2026/00001", **there)
    assert traced.returncode == 0, traced.stderr
    assert "payment.captured" in traced.stdout
    for kind, reference in references().items():
        found = here.run("trace", reference, "--json", **there)
        assert found.returncode == 0, (kind, reference, found.stdout, found.stderr)
        assert json.loads(found.stdout)["facts"], kind
    verified = here.run("audit", "verify", **there)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def references() -> dict[str, str]:
    """What a person may have in hand of the demo's days, from the books of the same world without faults."""
    scenario = Scenario(1)
    world = build_world(seed=1, script=scenario.script, webhooks={}, faults=False)
    world.advance(END)
    books = world.books()["systems"]
    paid = next(one for one in books["psp/de"]["balance_transactions"] if one["payout"] and one["type"] == "charge")
    told = next(act for act in scenario.script if act.op.get("end_to_end"))
    entry = world.results[told.name]
    (account,) = books[told.system]["accounts"]
    booked = next(one for one in account["entries"] if one["entry"] == entry["entry"])
    return {
        "balance transaction": paid["id"],
        "charge": paid["source"],
        "payout": paid["payout"],
        "payment intent": books["psp/de"]["charges"][0]["payment_intent"],
        "refund": books["psp/de"]["refunds"][0]["id"],
        "dispute": books["psp/us"]["disputes"][0]["id"],
        "end-to-end id": booked["end_to_end"][0],
        "entry": booked["references"][0],
    }


def test_ctrl_c_ends_it_cleanly_with_130_and_leaves_no_server_behind(here: Here) -> None:
    command = [*NOSTRO, "demo"]
    with subprocess.Popen(
        command, cwd=here.folder, env=here.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(12)
        running.send_signal(signal.SIGINT)
        out, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "Traceback" not in out + told
    assert re.search(r"Interrupted", told)
    assert not list(here.folder.glob("data/nostro/*/state/postgresql/data/postmaster.pid"))
