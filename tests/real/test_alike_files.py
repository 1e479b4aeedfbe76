"""Real messages of ISO 20022: what passes the parser by is what the parser would have told, whole and varied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.twice import differ, varied

FAMILIES = ("camt", "pain", "pacs", "remt")
VARIED_BYTES = 100_000


@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_says_the_same_by_both_ways(shared: Path, family: str) -> None:
    paths = sorted((shared / "data" / "bank" / "iso20022").glob(f"{family}.*/**/*.xml"))
    assert paths
    for seed, path in enumerate(paths):
        raw = path.read_bytes()
        assert not differ(raw, 65_536), path
        if len(raw) < VARIED_BYTES:
            assert not differ(varied(raw, seed)), (path, seed)
