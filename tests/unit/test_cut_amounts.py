"""A file that is cut within an amount tells no other amount: its last digits lack, and nobody would notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from nostro.formats.catalogue import FORMATS, recognise
from nostro.formats.nacha.read import read_nacha
from nostro.formats.reading import Beginning, Format
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.money import Amount
from nostro.model.statements import Entry, Reject
from tests.fuzz.run import GOLDEN

FAMILIES = (
    "bacs_standard_18", "bai2", "cfonb120", "cfonb160", "cfonb240", "coda", "lockbox", "mt", "nacha", "norma43",
    "ofx", "qif",
)  # fmt: skip
FILES = [
    path
    for family in FAMILIES
    for path in sorted((GOLDEN / family).iterdir())
    if path.suffix not in (".jsonl", ".yaml") and path.stat().st_size < 2_000
]


def _amounts(known: Format, raw: bytes, *kinds: type[Entry | Instruction | Reject]) -> set[Amount]:
    found: set[Amount] = set()
    try:
        for item in known.read([raw]):
            if isinstance(item, kinds) and item.amount is not None:
                found.add(item.amount)
    except FormatRefused:
        pass
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_cut_file_tells_no_amount_that_the_whole_one_does_not_tell(path: Path) -> None:
    raw = path.read_bytes()
    known = recognise(Beginning(raw, path.name))
    assert known in FORMATS
    assert known is not None
    whole = _amounts(known, raw, Entry, Instruction, Reject)
    assert whole
    strange = {length: _amounts(known, raw[:length], Entry, Instruction) - whole for length in range(2, len(raw), 3)}
    assert {length: told for length, told in strange.items() if told} == {}


def test_a_contra_record_that_is_cut_before_it_says_so_is_no_payment() -> None:
    raw = (GOLDEN / "bacs_standard_18" / "submission.txt").read_bytes()
    known = recognise(Beginning(raw))
    assert known is not None
    at = raw.index(b"CONTRA")
    cut = list(known.read([raw[: at + 3]]))
    rejects = [item.why for item in cut if isinstance(item, Reject)]
    assert "the record ends before it says whether it is a contra record" in rejects


def test_what_came_back_is_no_new_payment_where_the_file_is_cut_before_it_says_so() -> None:
    raw = (GOLDEN / "nacha" / "returns_changes_acknowledgements.ach").read_bytes()
    payments: list[Instruction] = []
    for length in range(200, len(raw), 7):
        payments += [item for item in read_nacha([raw[:length]]) if isinstance(item, Instruction)]
    assert payments
    assert all(item.returned is not None and len(item.returned.code) == 3 for item in payments)
