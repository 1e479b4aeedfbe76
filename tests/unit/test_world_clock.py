from datetime import UTC, datetime
from pathlib import Path

import pytest

from nostro.model.failures import LandscapeRefused, OutOfService
from nostro.runtime.clock import WORLD_CLOCK, world_clock


def test_business_time_is_the_database_s_unless_a_world_s_clock_is_named() -> None:
    assert world_clock("test", {}) is None
    assert world_clock("prod", {}) is None


@pytest.mark.parametrize("environment", ["prod", "dev"])
def test_a_world_s_clock_is_refused_where_business_happens_in_earnest(environment: str) -> None:
    with pytest.raises(LandscapeRefused, match=environment):
        world_clock(environment, {WORLD_CLOCK: "/a/clock"})


def test_a_world_s_clock_tells_what_its_file_holds_now_and_fails_loudly_without_it(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    told = world_clock("test", {WORLD_CLOCK: str(file)})
    assert told is not None
    with pytest.raises(OutOfService):
        told()
    for minute in (1, 2):
        file.write_text(f"2026-08-31T06:0{minute}:00+02:00\n")
        assert told() == datetime(2026, 8, 31, 4, minute, tzinfo=UTC)
