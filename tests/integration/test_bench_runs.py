"""The larger benchmarks run from beginning to end, as small as they can be. No test here looks at a figure."""

from __future__ import annotations

import pytest

from bench import run
from bench.report import Parameters

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]
SMALL = Parameters(
    seconds=1.0,
    warm_seconds=0.0,
    long_seconds=0.0,
    instances=200,
    facts=1000,
    workers=(1,),
    under_way=20,
    rivals="none",
)
LIMITS = {
    "engine": {
        "one instance alone, ms (median)",
        "p99 of a step at half load, s",
        "last quarter to first of a short run (the promise: --long-seconds 600)",
    },
    "inflight": {
        "replies/s decided",
        "worker's memory, MB",
        "p99 of replies, s",
        "p99 of replies while deadlines fall due, s",
        "p99 of the critical lane, s",
        "p99 of the critical lane while deadlines fall due, s",
        "the last deadline, s",
        "trace, ms (median)",
    },
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_benchmark_answers_with_each_of_its_promises_and_where_they_were_measured(name: str) -> None:
    [told] = run.run(name, SMALL, lambda _: None, None)
    assert told["bench"] == name
    assert told["ours"] > 0
    assert set(told["limits"]) == LIMITS[name]
    assert {"cores", "fdatasync", "versions", "settings", "commit"} <= told["context"].keys()
    assert told["context"]["versions"]["postgresql"]
