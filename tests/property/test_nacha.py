"""What is written as NACHA is read as it was; and however a file is cut or damaged, nothing is lost silently."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.nacha.entries import is_routing_number
from nostro.formats.nacha.read import NachaItem, read_nacha
from nostro.formats.nacha.write import NachaBatch, write_nacha
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import References, Reject
from tests.unit.test_nacha import payroll
from tests.unit.test_nacha_write import FILE, batch, payment

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)


def words(width: int, *, least: int = 1) -> st.SearchStrategy[str]:
    return st.text(PRINTABLE, min_size=least, max_size=width).map(str.strip).filter(lambda said: len(said) >= least)


ROUTINGS = st.integers(1_000_000, 12_999_999).map(
    lambda number: next(told for digit in range(10) if is_routing_number(told := f"{number:08}{digit}"))
)
PLAIN_ADDENDA = words(80, least=0).filter(lambda said: not any(mark in said for mark in ("RMR", "TXP", "ISA", "TRN")))


@st.composite
def payments(draw: st.DrawFn) -> Instruction:
    code = draw(st.sampled_from(["22", "32", "42", "52", "27", "37", "23", "28", "33", "38"]))
    credit, prenote = code[1] in "23", code[1] in "38"
    party = Party(name=draw(words(16)))
    account = BankAccount(other=draw(words(17)), clearing_id=draw(ROUTINGS))
    text = draw(PLAIN_ADDENDA)
    return payment(
        method="prenote" if prenote else "credit_transfer" if credit else "direct_debit",
        amount=Amount(value=Decimal(0 if prenote else draw(st.integers(1, 10**10 - 1))).scaleb(-2), currency="USD"),
        creditor=party if credit else None,
        creditor_account=account if credit else None,
        debtor=None if credit else party,
        debtor_account=None if credit else account,
        references=References(end_to_end=really_told(draw(words(15, least=0)))),
        remittance=(text,) if text else (),
        others={"transaction_code": code},
    )


BATCHES = st.lists(
    st.builds(
        lambda entry_class, told: batch(*told, entry_class=entry_class),
        st.sampled_from(["CCD", "CTX", "PPD"]),
        st.lists(payments(), min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=3,
)


@given(BATCHES)
def test_what_is_written_is_read_as_it_was(batches: list[NachaBatch]) -> None:
    items = list(read_nacha(write_nacha(FILE, batches)))
    ends = [item for item in items if isinstance(item, MessageEnd)]
    assert [check for end in ends for check in end.checks if not check.ok] == []
    assert [end.items for end in ends] == [len(list(one.payments)) for one in batches]
    written = [payment for one in batches for payment in one.payments]
    for given_one, told in zip(written, (item for item in items if isinstance(item, Instruction)), strict=True):
        receiver = "creditor" if given_one.creditor else "debtor"
        for name in ("method", "amount", receiver, f"{receiver}_account", "remittance"):
            assert getattr(told, name) == getattr(given_one, name), name
        assert told.references.end_to_end == given_one.references.end_to_end


WHOLE = payroll()
ITEMS = list(read_nacha([WHOLE]))


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    yield from (content[start:end] for start, end in itertools.pairwise(places))


def read(content: bytes) -> list[NachaItem] | None:
    try:
        return list(read_nacha([content]))
    except FormatRefused:
        return None


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_where_the_chunks_are_cut_changes_nothing(cuts: list[int]) -> None:
    assert list(read_nacha(pieces(WHOLE, cuts))) == ITEMS
    blocked = b"".join(line.ljust(94) for line in WHOLE.split(b"\n"))
    assert list(read_nacha(pieces(blocked, cuts))) == ITEMS


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_file_gives_what_was_whole_and_says_that_it_was_cut(end: int) -> None:
    items = read(WHOLE[:end])
    if items is None:
        return
    told = [check for item in items if isinstance(item, MessageEnd) for check in item.checks if not check.ok]
    padded = end >= len(WHOLE) - 3 * 95 - 40
    assert padded or told or any(isinstance(item, Reject) for item in items)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8))
def test_damaged_bytes_never_do_more_than_be_refused_or_rejected(place: int, damage: bytes) -> None:
    items = read(WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    if items is not None:
        told = [item for item in items if not isinstance(item, MessageHead | MessageEnd)]
        assert all(isinstance(item, Instruction | Reject) for item in told)
