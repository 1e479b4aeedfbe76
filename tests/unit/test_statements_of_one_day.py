"""Statements that nothing but their days and balances tells apart: several of one day are several."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit import test_cfonb as cfonb
from tests.unit import test_norma43 as norma43
from tests.unit.test_bank_files import entity, read, reports


def _norma43(opening: str, closing: str) -> str:
    header = norma43.HEADER.replace("00000000100000", opening)
    last = norma43.closing(("00000", "0" * 14), ("00001", "00000000012500"), closing)
    return f"{header}\n{norma43.movement()}\n{last}\n"


def _cfonb(opening: str, closing: str) -> str:
    balances = [f"{amount[:-1]}{{" for amount in (opening, closing)]
    return f"{cfonb.old(balances[0])}\n{cfonb.movement('0000000001250{')}\n{cfonb.new(balances[1])}\n"


@pytest.mark.parametrize(
    "written, account",
    [(_norma43, "ES9121000418450200051332"), (_cfonb, "FR7630006000011234567890189")],
    ids=["Norma 43", "CFONB 120"],
)
def test_equal_entries_of_two_statements_of_a_day_are_two_and_a_copy_tells_nothing_new(
    written: Callable[[str, str], str], account: str
) -> None:
    first = written("00000000100000", "00000000112500")
    second = written("00000000112500", "00000000125000")
    keys = [
        report.natural_key()
        for told in (first, second, first)
        for report in reports(read(told.encode(), entity(account)))
    ]
    assert len(keys) == 3
    assert (keys[0] == keys[2], keys[0] == keys[1]) == (True, False)
    together = reports(read((first + second).encode(), entity(account)))
    assert [report.natural_key() for report in together] == keys[:2]
