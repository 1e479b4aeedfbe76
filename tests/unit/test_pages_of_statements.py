"""A statement in pages: however it is split, and split otherwise when it comes again, each entry counts once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import pytest

from nostro.model.statements import StatementHead
from tests.series import Series
from tests.unit import test_swift_mt_statement as swift
from tests.unit.test_bank_files import DAY, IBAN, _mt940, _statements, entity, read, reports
from tests.unit.test_camt import HEAD, balance, document, entry
from tests.unit.test_restated_statements import FIRST, TEA, Line, _ntry, bank, booked, mt940, numbered


class Part(NamedTuple):
    """Some lines of a statement, and the balances that they lead from and to."""

    page: int
    last: bool
    lines: Sequence[Line]
    begins: Decimal
    ends: Decimal


def parts(lines: Sequence[Line], ends: Sequence[int]) -> Iterator[Part]:
    """The pages, which end behind so many lines."""
    for page, (start, end) in enumerate(pairwise((0, *ends, len(lines))), 1):
        begins, ended = (Decimal(1000) + sum(line.worth for line in lines[:edge]) for edge in (start, end))
        yield Part(page, end == len(lines), lines[start:end], begins, ended)


def camt_pages(lines: Sequence[Line], *ends: int) -> list[bytes]:
    """A message a page, with interim balances."""
    head = HEAD.replace("</Id><Acct>", "</Id><ElctrncSeqNb>17</ElctrncSeqNb><Acct>")
    found = []
    for part in parts(lines, ends):
        page = f"<PgNb>{part.page}</PgNb><LastPgInd>{str(part.last).lower()}</LastPgInd>"
        opening = balance("OPBD" if part.page == 1 else "ITBD", str(part.begins))
        closing = balance("CLBD" if part.last else "ITBD", str(part.ends))
        told = (f"<StmtPgntn>{page}</StmtPgntn>", opening, closing, *map(_ntry, part.lines))
        found.append(document(*told, head=head))
    return found


def mt940_pages(lines: Sequence[Line], *ends: int, number: str = "17/{page}") -> list[bytes]:
    """A message a page, with 60M and 62M; where its number doesn't tell the page, all in one file."""
    found = []
    for part in parts(lines, ends):
        told = mt940(*part.lines, number=number.format(page=part.page)).decode()
        told = _with_balance(told, "60F" if part.page == 1 else "60M", part.begins)
        found.append(_with_balance(told, "62F" if part.last else "62M", part.ends).encode())
    return found if "page" in number else [b"".join(found)]


def _with_balance(told: str, tag: str, amount: Decimal) -> str:
    return re.sub(f":{tag[:2]}F:(C260831EUR).*", rf":{tag}:\g<1>{amount:.2f}".replace(".", ","), told)


WRITTEN: dict[str, Callable[..., list[bytes]]] = {
    "camt": camt_pages,
    "MT940": mt940_pages,
    "MT940 without page numbers": partial(mt940_pages, number="17"),
    "MT940 with page 1 on each": partial(mt940_pages, number="17/1"),
}


@pytest.mark.parametrize("named", [False, True], ids=["no references", "references"])
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("first", [(2,), (1, 3), ()], ids=str)
@pytest.mark.parametrize("again", [(2,), (1,), (1, 2, 3), ()], ids=str)
def test_however_a_statement_is_split_into_pages_and_told_again_each_entry_counts_once(
    first: tuple[int, ...], again: tuple[int, ...], written: str, *, named: bool
) -> None:
    """Of equal entries on two pages, without references, a person says that they are two: TEA when `first` is (2,)."""
    lines = numbered(FIRST) if named else FIRST
    made = bank(*WRITTEN[written](lines, *first), *reversed(WRITTEN[written](lines, *again)))
    doubts = [TEA.amount] if first == (2,) and not named else []
    assert made.open_cases() == ({"possible_double"} if doubts else set())
    assert sorted([*booked(made), *doubts]) == sorted(line.amount for line in lines), made.story()
    assert made.proof().holds


def _camt_page(number: int, last: str, *inside: str) -> bytes:
    pages = f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>"
    return document("<ElctrncSeqNb>7</ElctrncSeqNb>", pages, *inside)


def test_the_pages_of_a_camt_statement_are_a_chain_by_their_interim_balances() -> None:
    first = _camt_page(1, "false", balance("OPBD", "10.00"), balance("ITBD", "22.34"), entry(more=DAY))
    second = _camt_page(2, "true", balance("ITBD", "22.34"), balance("CLBD", "34.68"), entry(more=DAY))
    wrong = _camt_page(2, "true", balance("ITBD", "22.35"), balance("CLBD", "34.69"), entry(more=DAY))
    for pages, reasons in (
        ((first, second), set()),
        ((second, first), set()),
        ((first, wrong), {"balance_chain_broken"}),
    ):
        series = Series()
        for body in [body for page in pages for body in _statements(read(page))]:
            series.tell(body, datetime(2026, 8, 31, 5, tzinfo=UTC))
        assert set(series.cases) == reasons
    assert {body.to_date for page in (first, second) for body in _statements(read(page))} == {date(2026, 8, 31)}


def test_statements_of_two_bank_accounts_in_one_file_are_two_series() -> None:
    other = "DE75512108001245126199"
    one = entity().bank_accounts[0]
    both = entity().model_copy(
        update={"bank_accounts": (one, one.model_copy(update={"id": "second", "identification": other}))}
    )
    days = [("100,00", "150,00", "7"), ("150,00", "200,00", "8")]
    told = [_mt940(opening, closing, number) for opening, closing, number in days]
    content = b"".join(part for text in told for part in (text, text.replace(IBAN.encode(), other.encode())))
    series = {"main": Series(), "second": Series()}
    bodies = _statements(read(content, both))
    for body in bodies:
        series[body.account].tell(body, datetime(2026, 8, 31, 5, tzinfo=UTC))
    assert [body.account for body in bodies] == ["main", "second"] * 2
    assert [one.cases for one in series.values()] == [{}, {}]
    assert len({report.natural_key() for report in reports(read(content, both))}) == 4


def test_a_whole_statement_on_the_second_page_of_a_message_is_no_second_page() -> None:
    whole = (balance("OPBD", "10.00"), balance("CLBD", "22.34"), entry(more=DAY))
    (received,) = _statements(read(_camt_page(2, "false", *whole)))
    assert (received.page, received.last_page) == (1, True)
    (received,) = _statements(read(_camt_page(2, "false", *whole, entry(more=DAY))))
    assert (received.page, received.last_page) == (2, False)


def test_pages_that_all_tell_the_same_number_are_counted_and_one_that_stands_there_twice_is_not() -> None:
    first = swift.HEAD + ":61:260831C1,NMSCNONREF\n:62M:C260831EUR101,00\n-\n"
    second = first.replace("60F:C260831EUR100", "60M:C260831EUR101").replace("62M:C260831EUR101", "62F:C260831EUR102")
    third = second.replace("101", "102").replace("62F:C260831EUR102", "62F:C260831EUR103")
    middle = second.replace("62F", "62M")
    heads = [item for item in swift.read(first + middle + third + third) if isinstance(item, StatementHead)]
    assert [(one.page, one.last_page) for one in heads] == [(1, False), (2, False), (3, True), (1, True)]
    again = second.replace("/001", "/002").replace("62F", "62M")
    heads = [item for item in swift.read(first + again + again) if isinstance(item, StatementHead)]
    assert [one.page for one in heads] == [1, 2, 2]
    assert len({report.natural_key() for report in reports(read((first + middle + third).encode()))}) == 3


def test_a_page_number_that_no_bank_can_mean_is_none() -> None:
    (received,) = _statements(read(_camt_page(123_456, "true", entry(more=DAY))))
    assert received.page == 1


def test_pages_that_have_no_number_are_counted_as_they_follow_on_each_other() -> None:
    first = swift.HEAD.replace("/001", "") + ":61:260831C1,NMSCNONREF\n:62M:C260831EUR101,00\n-\n"
    middle = first.replace("60F:C260831EUR100", "60M:C260831EUR101")
    last, other = middle.replace("62M", "62F"), middle.replace("00244", "00245")
    heads = [item for item in swift.read(first + middle + last + last + other) if isinstance(item, StatementHead)]
    told = [(one.page, one.last_page) for one in heads]
    assert told == [(None, False), (2, False), (3, True), (None, None), (None, False)]
