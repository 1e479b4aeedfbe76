"""Archives at the terminal: what is of no known format beside others is one more thing that can't be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.unit.test_convert_validate import FIELDS, MT940, PAYMENT, typed

STRANGE: Mapping[str, bytes | str] = {
    "hello.txt": b"hello",
    "empty.txt": b"",
    "inner.zip": b"PK\x03\x04 and no more",
    "open.csv": b"Date,Amount\n1/2/2026,5\n",
}


def packed(folder: Path, members: Mapping[str, bytes | str]) -> str:
    with ZipFile(folder / "a.zip", "w") as container:
        for name, content in members.items():
            container.writestr(name, content)
    return str(folder / "a.zip")


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_member_is_a_reject_beside_what_is_read_before_and_behind_it(name: str, tmp_path: Path) -> None:
    file = packed(tmp_path, {"a.sta": MT940, name: STRANGE[name], "b.sta": MT940.replace("00244", "00245")})
    parsed = typed("parse", file, "--rejects")
    kinds = [json.loads(line)["kind"] for line in parsed.stdout.splitlines()]
    assert (parsed.exit_code, kinds) == (1, ["statement", "reject", "statement"])
    found = typed("validate", file, "--json")
    rules = {one["rule"]: one["file"] for one in map(json.loads, found.stdout.splitlines())}
    assert (found.exit_code, rules["readable"]) == (1, f"{file}:{name}")


@pytest.mark.parametrize("command", [("parse",), ("validate",), ("convert", "--to", "camt.053")])
def test_an_archive_of_nothing_known_is_no_file_that_we_know(command: tuple[str, ...], tmp_path: Path) -> None:
    assert typed(command[0], packed(tmp_path, STRANGE), *command[1:]).exit_code == 2


def test_what_is_converted_beside_a_strange_member_is_there_and_the_member_is_said(tmp_path: Path) -> None:
    file = packed(tmp_path, {"hello.txt": b"hello", "a.xml": PAYMENT % FIELDS})
    done = typed("convert", file, "--to", "pain.001")
    assert (done.exit_code, done.stdout.count("<CdtTrfTxInf>")) == (1, 1)
    assert "hello.txt: This is no list of payments: no line names its columns; it is not in the result." in done.stderr


def test_an_unknown_file_among_others_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "a.sta").write_text(MT940, encoding="ascii")
    (tmp_path / "hello.txt").write_text("hello", encoding="ascii")
    assert typed("parse", str(tmp_path)).exit_code == 2
    assert typed("validate", str(tmp_path)).exit_code == 2
