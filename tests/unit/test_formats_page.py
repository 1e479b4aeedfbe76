"""The page of formats tells code that works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nostro.formats.validating import Flaw
from nostro.model.failures import FormatRefused
from tests.unit.test_parse import TOLD

PAGE = Path(__file__).parents[2] / "docs/look-up/formats.md"


def test_the_library_call_reads_a_statement_writes_another_and_judges_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("statement.sta").write_text(TOLD.replace("EUR1062,", "EUR1063,"), encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    with pytest.raises(FormatRefused, match=r"lead to 1062\.0, told is 1063"):
        exec(code, names)  # noqa: S102 - our own page
    assert "125 EUR credit MT940[1]/61[1]" in capsys.readouterr().out
    Path("statement.sta").write_text(TOLD, encoding="utf-8")
    exec(code, names)  # noqa: S102 - our own page
    assert Path("statement.xml").read_bytes().count(b"<Ntry>") == 4
    assert names["refused"] == []
    assert all(isinstance(one, Flaw) for one in names["findings"])
