"""What a benchmark answers, and what it says when it can't run. No test here looks at a figure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from bench import replay as replay_bench
from bench import run
from bench.report import Parameters, Report, keep, percentile
from bench.rivals import sweep
from nostro.model.failures import OutOfService, Refused, ReplayDiffers
from nostro.store.entropy import SeededEntropy
from nostro.store.keys import Keys


def quiet(_: str) -> None:
    """Nobody listens."""


def test_the_object_has_what_scripts_rely_on_and_ratios_follow_from_baselines() -> None:
    report = Report("engine", "instances/s", ours=100.0, baselines={"rival": 8.0})
    report.limit("times rival", 12.5, 20, at_least=True)
    told = report.told()
    assert list(told) == ["bench", "unit", "ours", "baselines", "ratios", "limits", "context"]
    assert told["ratios"] == {"rival": 12.5}
    assert told["limits"]["times rival"] == {"measured": 12.5, "reach": ">= 20", "holds": False}


def test_a_run_is_kept_beside_the_others(tmp_path: Path) -> None:
    file = keep(Report("replay", "facts/s").told(), "replay", tmp_path / "history")
    assert orjson.loads(file.read_bytes())["bench"] == "replay"


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(Refused) as refused:
        run.run("nothing", Parameters(), quiet, None)
    assert "engine" in refused.value.remedy


def test_without_the_extra_a_sentence_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "find_spec", lambda _: None)
    with pytest.raises(OutOfService) as failure:
        run.run("engine", Parameters(), quiet, None)
    assert "make bench-install" in failure.value.remedy


@pytest.mark.parametrize(
    "values,share,expected", [([], 0.99, 0.0), ([3.0], 0.99, 3.0), ([2.0, 1.0, 3.0, 4.0], 0.5, 3.0)]
)
def test_percentiles_are_by_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_the_replayed_log_is_the_one_that_was_decided_live() -> None:
    keys = Keys({1: b"m" * 32}, SeededEntropy(1))
    rows = asyncio.run(replay_bench.recorded(keys, 3))
    assert len(rows) == 21
    assert {row.state_after for row in rows} >= {"step1", "step6", "over"}
    assert replay_bench.replayed(keys, replay_bench.six_steps(rows)) >= 0
    spoilt = [rows[0]._replace(decided=b"another"), *rows[1:]]
    with pytest.raises(ReplayDiffers):
        replay_bench.replayed(keys, replay_bench.six_steps(spoilt))


def test_the_golden_log_is_replayed_as_it_was_decided_by_as_many_companies_as_are_asked_for() -> None:
    keys = Keys({1: b"m" * 32}, SeededEntropy(1))
    one, three = (replay_bench.every_process(keys, companies) for companies in (1, 3))
    assert len(three.rows) == 3 * len(one.rows)
    assert len({(row.process, row.subject) for row in three.rows}) == 3 * len({row.subject for row in one.rows})
    assert {row.process for row in one.rows} == set(one.processes)
    assert any(row.sealed_body for row in one.rows)
    assert replay_bench.replayed(keys, three) >= 0
