"""Files of our own, of every format and oddity, damaged: they are read, rejected or refused."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz.damage import DAMAGES
from tests.fuzz.judging import lived_through
from tests.fuzz.run import judge, ours

SEEDS = 3


@pytest.mark.parametrize("path", ours(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_whatever_happens_to_a_file_of_ours_it_is_read_rejected_or_refused(path: Path) -> None:
    whole = path.read_bytes()
    for seed in range(SEEDS):
        for name, damage in DAMAGES.items():
            lived_through(damage(whole, Random(f"{name}/{seed}")), path.name)  # noqa: S311 - to be repeated, not secret
        judge(path, seed)
