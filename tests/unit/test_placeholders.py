"""Words that stand where a reference would: two payments that both bear one have nothing in common, in any format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from nostro.model.references import told
from nostro.runtime.json_lines import Lines
from nostro.runtime.output import Output
from tests.fuzz.run import GOLDEN
from tests.golden.test_formats import declared

PLACEHOLDERS = ("NOT PROVIDED", "NOTPROVIDED", "NONREF", "N/A", "/")
NAMED = (
    ("bacs_report/arucs.xml", "X01234-1"),
    ("bacs_standard_18/submission.txt", "INV-0042"),
    ("bai2/statement.bai", "CUST17"),
    ("bai2/statement.bai", "BANK17"),
    *(("camt/camt053.xml", said) for said in ("B-1", "N-1", "E2E-1", "RF18539007547034", "MA-1")),
    *(("cfonb120/statement.cfonb", said) for said in ("E2E-17", "REF-17", "TX-1", "MANDATE-1", "BATCH-1")),
    ("cfonb160/transfers.cfonb", "PAY-17"),
    ("coda/statement.cod", "E2E-17"),
    ("coda/statement.cod", "BANKREF00010000"),
    ("coda/structured_communications.cod", "MANDATE-17"),
    *(("iso20022/between_banks.xml", said) for said in ("E-1", "I-1", "T-1", "MA-1")),
    ("iso20022/pain001.xml", "E-1"),
    ("iso20022/pain002.xml", "E-1"),
    *(("mt/mt940.sta", said) for said in ("E2E-17", "B7-1", "K-17", "M-17")),
    ("mt/of_the_day_and_of_banks.sta", "C11126A1378"),
    ("mt/orders_between_banks.fin", "PAY-1"),
    ("nacha/payroll.ach", "EMPLOYEE-0042"),
    ("ofx/statement.ofx", "F17"),
    ("payment-table/suppliers.csv", "E-1"),
)


@pytest.mark.parametrize("file, reference", NAMED, ids=lambda said: said.replace("/", "-"))
def test_a_placeholder_is_no_reference_in_any_format(file: str, reference: str) -> None:
    raw = (path := GOLDEN / file).read_bytes()
    assert reference in _references(raw, path)
    word = next(one for one in PLACEHOLDERS if len(one) <= len(reference))
    read = _references(raw.replace(reference.encode(), word.ljust(len(reference)).encode()), path)
    assert not {word, word[:-1], *PLACEHOLDERS} & read


def test_what_says_nothing_is_no_reference() -> None:
    nothing = ("", "/", " - ", "***", "000", "NotProvided", "not provided", "N/A", "none")
    assert [told(said) for said in nothing] == [""] * len(nothing)
    named = ("E-1", "0001", "100", "NONE-17", "/7", "A", "Ä")
    assert [told(f" {said} ") for said in named] == list(named)


def _references(raw: bytes, path: Path) -> set[str]:
    out = BytesIO()
    Lines(out, Output(), as_lines=True, declared=declared(path)).file("", partial(_chunks, raw))
    return {said for line in out.getvalue().splitlines() for said in _named(json.loads(line))}


def _chunks(raw: bytes) -> Iterator[bytes]:
    yield raw


def _named(read: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    for one in read if isinstance(read, list) else [read] if isinstance(read, dict) else []:
        if not isinstance(one, dict):
            continue
        known = one.get("references")
        if isinstance(known, dict):
            yield from (said for said in known.values() if isinstance(said, str) and said)
            yield from known["others"].values()
        for member in one.values():
            yield from _named(member)
