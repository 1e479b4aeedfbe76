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


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = tmp_path_factory.mktemp("a demo")
    yield Here(folder)
    for state in folder.glob("data/nostro/*/state/postgresql"):
        shutil.rmtree(find_place(state).home, ignore_errors=True)


@pytest.fixture(scope="module")
def lived(here: Here) -> dict[str, Any]:
    done = here.run("demo", "--once", "--json", "--seed", "1")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_once_with_json_prints_exactly_one_object_with_everything_in_it(lived: dict[str, Any]) -> None:
    assert lived.keys() >= KEYS
    assert lived["supplier_payments"] == {}
    assert all(isinstance(count, int) for count in lived["collections"].values())
    assert lived["cases"]
    assert all(case.keys() == {"id", "reason", "amount", "entity", "age_s"} for case in lived["cases"])


def test_nostro_loses_and_doubles_nothing_and_every_difference_has_its_case(lived: dict[str, Any]) -> None:
    assert lived["differences"] == []
    assert (lived["nostro"]["lost"], lived["nostro"]["doubled"]) == (0, 0)
    assert lived["effects_asked"] == lived["effects_done"] > 100


def test_the_plain_script_loses_and_doubles_in_the_same_days(lived: dict[str, Any]) -> None:
    naive = lived["naive"]
    assert naive["lost"] > 0
    assert naive["doubled"] > 0
    assert all(money.keys() == {"value", "currency"} for money in (*naive["lost_amounts"], *naive["doubled_amounts"]))


def test_the_situations_of_the_two_days_wait_for_a_person_where_they_have_to(lived: dict[str, Any]) -> None:
    reasons = {(case["entity"], case["reason"]) for case in lived["cases"]}
    assert reasons >= {
        ("DE", "paid_twice"),
        ("US", "overpaid"),
        ("DE", "returned_payment"),
        ("US", "chargeback"),
        ("CH", "statement_missing"),
        ("US", "unknown_payer"),
    }


def test_what_the_demo_leaves_behind_can_be_traced_and_verified(lived: dict[str, Any], here: Here) -> None:
    assert lived
    (landscape,) = here.folder.glob("data/nostro/*/landscape")
    traced = here.run("trace", "INV/2026/00001", NOSTRO_LANDSCAPE=str(landscape))
    assert traced.returncode == 0, traced.stderr
    assert "payment.captured" in traced.stdout
    verified = here.run("audit", "verify", NOSTRO_LANDSCAPE=str(landscape))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_ctrl_c_ends_it_cleanly_with_130_and_another_run_goes_on_beside_a_taken_port(tmp_path: Path) -> None:
    here = Here(tmp_path)
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
