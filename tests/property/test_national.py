"""However national statements are cut or damaged, their readers say the same, or where they had to stop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nostro.formats.bai2.read import read_bai2
from nostro.formats.cfonb.amounts import signed
from nostro.formats.cfonb.operations import read_cfonb240
from nostro.formats.cfonb.orders import read_cfonb160
from nostro.formats.cfonb.rib import rib
from nostro.formats.cfonb.statement import read_cfonb120
from nostro.formats.coda.read import read_coda
from nostro.formats.norma43 import read_norma43
from nostro.formats.ofx.read import read_ofx
from nostro.formats.qif import read_qif
from nostro.formats.reading import Item
from nostro.formats.tables.cells import number
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.profile import CANONICAL
from nostro.formats.tables.writer import write_csv
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount, plain
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Entry, References, Reject, Source, StatementHead
from tests.statement_texts import Reader, entries
from tests.unit import test_bai2, test_cfonb, test_coda, test_norma43, test_ofx, test_tables


def lines(*given: str) -> bytes:
    return "\r\n".join(given).encode()


BILL = {9: "60", 123: "BANK0017", 163: "INV17"}
WHOLE: dict[Reader, bytes] = {
    read_coda: lines(
        test_coda.HEADER, test_coda.OLD, *(test_coda.movement(f"000{n}", "000000000012500") for n in (1, 2, 3)),
        test_coda.new("000000000137500"), test_coda.trailer(5, "0", "37500"),
    ),
    read_cfonb120: lines(
        test_cfonb.old(), *(test_cfonb.movement("0000000001250{") for _ in range(3)), test_cfonb.further("NPY", "A"),
        test_cfonb.new("0000000013750{"),
    ),
    read_cfonb240: lines(test_cfonb.LIST, test_cfonb.operation(BILL), test_cfonb.closing("000000012500")),
    read_cfonb160: lines(test_cfonb.sender("02"), *[test_cfonb.payment("02", "0000000000012500")] * 3),
    read_norma43: lines(test_norma43.HEADER, *[test_norma43.movement()] * 3, test_norma43.END),
    read_bai2: lines(*test_bai2.TOP, "03,1,USD,010,1000,,/", *["16,195,12500,V,260901,,B,C,TEXT/"] * 3, "49,38500,5/"),
    read_ofx: lines(*(test_ofx.SGML % (test_ofx.MOVEMENT * 3)).split("\n")),
    read_qif: lines("!Type:Bank", *["D2026-08-31", "T1.00", "PCustomer 017", "^"] * 3),
    lambda chunks: read_table(chunks, test_tables.EUROS): lines(*test_tables.TABLE.split("\n")),
}  # fmt: skip
READERS = pytest.mark.parametrize("reader", list(WHOLE))


def read(reader: Reader, content: bytes) -> list[Item] | None:
    try:
        return list(reader([content]))
    except FormatRefused:
        return None


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    yield from (content[start:end] for start, end in itertools.pairwise(places))


@READERS
@settings(max_examples=20)
@given(st.lists(st.integers(min_value=0), max_size=12))
def test_where_the_chunks_are_cut_changes_nothing(reader: Reader, cuts: list[int]) -> None:
    assert list(reader(pieces(WHOLE[reader], cuts))) == list(reader([WHOLE[reader]]))


@READERS
@settings(max_examples=30)
@given(st.integers(0, 5_000))
def test_a_cut_file_gives_the_first_of_its_entries(reader: Reader, end: int) -> None:
    whole = WHOLE[reader]
    some = read(reader, whole[: end % len(whole)])
    if some is not None:
        told = entries(some)
        # The last one may lack what was cut off with it.
        kept = [(entry.amount, entry.direction) for entry in entries(list(reader([whole])))]
        assert [(entry.amount, entry.direction) for entry in told[:-1]] == kept[: max(0, len(told) - 1)]


@READERS
@settings(max_examples=30)
@given(st.integers(0, 5_000), st.binary(max_size=12))
def test_damaged_bytes_never_do_more_than_be_refused_or_rejected(reader: Reader, place: int, damage: bytes) -> None:
    whole = WHOLE[reader]
    place %= len(whole)
    items = read(reader, whole[:place] + damage + whole[place + len(damage) :])
    assert items is None or all(isinstance(item.where, str) for item in items if isinstance(item, Reject))


@given(st.binary(max_size=400))
def test_noise_is_refused_or_rejected_by_every_reader(noise: bytes) -> None:
    for reader in WHOLE:
        read(reader, noise)


@given(st.integers(0, 10**12), st.booleans())
def test_signed_digits_say_every_amount(minor: int, negative: bool) -> None:  # noqa: FBT001 - drawn
    digits = f"{minor:013}"
    last = ("}JKLMNOPQR" if negative else "{ABCDEFGHI")[int(digits[-1])]
    value = signed(digits[:-1] + last, "2", "EUR").value
    assert value == (-1 if negative else 1) * Decimal(minor).scaleb(-2)


@given(st.from_regex(r"[0-9]{5}", fullmatch=True), st.from_regex(r"[0-9A-Z]{11}", fullmatch=True))
def test_the_key_of_a_french_account_makes_it_divisible(bank: str, number_: str) -> None:
    whole = rib(bank, "00001", number_).other
    values = whole.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789"))
    assert int(values) % 97 == 0


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from([".", ","]))
def test_numbers_with_and_without_thousands_are_what_they_were(value: Decimal, mark: str) -> None:
    grouped = f"{value:,.2f}"
    if mark == ",":
        grouped = grouped.translate(str.maketrans(",.", ".,"))
    assert number(grouped, mark) == value
    assert number(plain(value).replace(".", mark), mark) == value


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=20)
NAMED = WORDS.map(really_told)
DRAWN = st.builds(
    Entry,
    amount=st.builds(
        Amount, value=st.decimals(0, 10**9, places=2), currency=st.sampled_from(["EUR", "USD", "GBP"])
    ),
    direction=st.sampled_from(["credit", "debit"]),
    state=st.sampled_from(["booked", "pending", "information", "future"]),
    booking_date=st.dates(date(1980, 1, 1), date(2079, 12, 31)),
    value_date=st.none() | st.dates(date(1980, 1, 1), date(2079, 12, 31)),
    references=st.builds(References, end_to_end=NAMED, account_servicer=NAMED, structured=NAMED, mandate=NAMED),
    bank_transaction_code=WORDS,
    remittance=WORDS.map(lambda words: (words,) if words else ()),
    counterparty=WORDS.map(lambda name: Party(name=name) if name else None),
    counterparty_account=st.sampled_from([None, BankAccount(iban="BE68539007547034", bic="KREDBEBB")]),
    source=st.just(Source(where="x")),
)  # fmt: skip


@given(st.lists(DRAWN, max_size=6))
def test_what_is_written_as_csv_is_read_again(drawn: list[Entry]) -> None:
    account = BankAccount(iban="BE68539007547034")
    head = StatementHead(kind="statement", statement_id="1", bank_account=account, source=Source(where="x"))
    again = entries(list(read_table(write_csv([head, *drawn]), CANONICAL)))
    # A debit of nothing has no sign that could be written.
    expected = [entry.model_copy(update={"direction": "credit"} if not entry.amount.value else {}) for entry in drawn]
    assert [entry.model_copy(update={"source": Source(where="x")}) for entry in again] == expected
