from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import shared_beside


def test_only_a_shared_folder_with_data_in_it_holds_the_real_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "nostro"
    (tmp_path / "shared" / "photos").mkdir(parents=True)
    monkeypatch.setenv("NOSTRO_REQUIRE_SHARED", "0")
    with pytest.raises(pytest.skip.Exception, match="NOT tested"):
        shared_beside(repository)
    monkeypatch.setenv("NOSTRO_REQUIRE_SHARED", "1")
    with pytest.raises(pytest.fail.Exception, match="demands it"):
        shared_beside(repository)
    (tmp_path / "shared" / "data").mkdir()
    assert shared_beside(repository) == tmp_path / "shared"
