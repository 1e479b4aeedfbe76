"""Real files, damaged: each reader says what it read and what it could not, ends, and throws nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.fuzz.run import corpus, judge

SECONDS = float(os.environ.get("NOSTRO_FUZZ_SECONDS", "15"))
"""How long, in each of the parts that run side by side; `make fuzz` goes on for as long as one likes."""
PARTS = 2


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_to_a_file_it_is_read_rejected_or_refused(shared: Path, part: int) -> None:
    files, seed, end = corpus(shared / "data"), part, time.monotonic() + SECONDS
    while time.monotonic() < end:
        path = files[seed % len(files)]
        try:
            judge(path, seed)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test looks for
            pytest.fail(f"seed {seed}, {path.name}: {type(error).__name__}: {error}")
        seed += PARTS
    assert seed > len(files) / 10
