"""What is written reads as it was told; and however the bytes are cut or damaged, nothing is lost without a word."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.swift_mt.information import SLASH_CODES, read_information
from nostro.formats.swift_mt.read import MtItem, read_mt
from nostro.formats.swift_mt.values import looks_like_iban
from nostro.formats.swift_mt.write_statement import write_mt940
from nostro.formats.swift_mt.write_transfers import write_mt101
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Balance, Entry, References, Reject, Source, StatementEnd, StatementHead
from tests.placeless import placeless

WORDS = (
    st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9().,'+ ]{0,20}[A-Za-z0-9])?", fullmatch=True)
    .map(lambda said: " ".join(said.split()))
    .filter(lambda said: said not in SLASH_CODES)
)
REFERENCES = st.from_regex(r"[A-Z0-9]{1,16}", fullmatch=True).filter(
    lambda said: really_told(said) and said not in SLASH_CODES
)

VALUES = st.integers(1, 10**12).map(lambda minor: Decimal(minor).scaleb(-2))
DAYS = st.dates(date(1990, 1, 1), date(2070, 1, 1))
TYPES = st.sampled_from(["NTRF", "NMSC", "FCHG", "S103", "N192"])


def plain_words(said: str) -> bool:
    """Free of what the reader takes for a tag, a code or a structured reference."""
    return "+" not in said and not said.startswith("RF") and SLASH_CODES.isdisjoint(said.split("/"))


@st.composite
def entries(draw: st.DrawFn, currency: str) -> Entry:
    value_date = draw(DAYS)
    return Entry(
        amount=Amount(value=draw(VALUES), currency=currency),
        direction=draw(st.sampled_from(["credit", "debit"])),
        state="booked",
        reversal=draw(st.booleans()),
        booking_date=draw(st.dates(value_date.replace(day=1), date(value_date.year, value_date.month, 28))),
        value_date=value_date,
        references=References(
            end_to_end=draw(REFERENCES.filter(plain_words)),
            account_servicer=draw(REFERENCES),
            instruction=draw(REFERENCES),
            mandate=draw(st.sampled_from(["", "MA-17"])),
            structured=draw(st.sampled_from(["", "RF18539007547034", "090933755493"])),
        ),
        bank_transaction_code=draw(TYPES),
        remittance=(draw(WORDS.filter(plain_words) | st.just("INV/2026/00012 AND/OR 13")),),
        counterparty=Party(name=draw(WORDS.filter(plain_words))),
        counterparty_account=BankAccount(iban="NL91ABNA0417164300", bic="ABNANL2A"),
        source=Source(where=""),
    )


@st.composite
def statements(draw: st.DrawFn) -> list[StatementHead | Entry | StatementEnd]:
    currency = draw(st.sampled_from(["EUR", "USD", "JPY", "KWD"]))
    told = draw(st.lists(entries(currency), max_size=5))
    if currency == "JPY":
        told = [one.model_copy(update={"amount": Amount(value=one.amount.value * 100, currency="JPY")}) for one in told]
    on, start = draw(DAYS), draw(st.integers(-(10**6), 10**6).map(Decimal))
    opening = Balance(code="OPBD", amount=Amount(value=start, currency=currency), on=on)
    reached = start + sum(one.signed.value for one in told)
    closing = Balance(code="CLBD", amount=Amount(value=reached, currency=currency), on=on)
    head = StatementHead(
        kind="statement",
        statement_id=draw(REFERENCES),
        bank_account=BankAccount(iban="DE89370400440532013000"),
        currency=currency,
        sequence=draw(st.integers(1, 99_999)),
        page=1,
        balances=(opening,),
        source=Source(where=""),
    )
    end = StatementEnd(entries=len(told), rejected=0, balances=(opening, closing), additional=draw(WORDS))
    return [head, *told, end]


def without_place(entry: Entry) -> Entry:
    return entry.model_copy(update={"source": Source(where="")})


@given(st.lists(statements(), min_size=1, max_size=3))
def test_a_written_statement_reads_as_it_was_told(told: list[list[StatementHead | Entry | StatementEnd]]) -> None:
    items = list(read_mt(write_mt940(itertools.chain.from_iterable(told))))
    assert [type(item) for item in items] == [type(item) for one in told for item in one]
    for found, given_item in zip(items, itertools.chain.from_iterable(told), strict=True):
        if isinstance(found, Entry) and isinstance(given_item, Entry):
            assert without_place(found) == given_item
        elif isinstance(found, StatementHead) and isinstance(given_item, StatementHead):
            assert (found.statement_id, found.sequence) == (given_item.statement_id, given_item.sequence)
            assert found.bank_account == given_item.bank_account
            assert placeless(found.opening) == given_item.opening
        elif isinstance(found, StatementEnd) and isinstance(given_item, StatementEnd):
            assert found.entries == given_item.entries
            assert tuple(one.content for one in found.balances) == given_item.balances
            assert found.additional == given_item.additional
            assert all(check.ok for check in found.checks)


NUMBERS = REFERENCES.filter(lambda told: not looks_like_iban(told))
"""Account numbers that are none: what looks like an IBAN is read as one."""


TOWNS = WORDS.filter(lambda said: "," not in said)
ADDRESSES = st.builds(
    Address,
    street=TOWNS,
    building=st.sampled_from(["", "6", "12 b"]),
    town=TOWNS,
    postcode=st.sampled_from(["", "SW1A 1AA", "10115"]),
    country=st.just("GB"),
)


@st.composite
def orders(draw: st.DrawFn) -> list[Instruction]:
    payer = Party(name=draw(WORDS), address=Address(lines=(draw(WORDS), draw(WORDS))))
    account = BankAccount(iban="DE89370400440532013000", bic="COBADEFF")
    on, group = draw(DAYS), draw(REFERENCES)
    return [
        Instruction(
            amount=Amount(value=draw(VALUES), currency=draw(st.sampled_from(["EUR", "USD"]))),
            group=group,
            references=References(instruction=own, end_to_end=draw(st.sampled_from([own, f"E{own}"])), message="M1"),
            execution_date=on,
            debtor=payer,
            debtor_account=account,
            creditor=Party(name=draw(WORDS), address=draw(st.none() | ADDRESSES)),
            creditor_account=BankAccount(other=draw(NUMBERS), clearing_id="FW021000089"),
            charge_bearer=draw(st.sampled_from(["DEBT", "CRED", "SHAR"])),
            remittance=(draw(WORDS),),
            others={"28D": "1/1"},
            source=Source(where=""),
        )
        for own in draw(st.lists(REFERENCES, min_size=1, max_size=8, unique=True))
    ]


@given(orders())
def test_a_written_order_reads_as_it_was_told(told: list[Instruction]) -> None:
    head = MessageHead(kind="payment_initiation", message_id="M1", source=Source(where=""))
    items = list(read_mt(write_mt101(head, told)))
    found = [item.model_copy(update={"source": Source(where="")}) for item in items if isinstance(item, Instruction)]
    assert found == told


WHOLE = b"".join(
    f":20:S{n}\n:25:DE89370400440532013000\n:28C:{n}/1\n:60F:C260831EUR1,\n:61:260831C{n},00NMSCREF{n}//B{n}\n"
    f":86:166?00GUTSCHRIFT?20SVWZ+Invoice {n}?32Customer {n}\n:61:260831D{n},00NMSCNONREF\n:86:free {n}\n"
    ":62F:C260831EUR1,\n-\n".encode()
    for n in (1, 2, 3)
)
ITEMS = list(read_mt([WHOLE]))


def cut(content: bytes, places: list[int]) -> Iterator[bytes]:
    edges = sorted({0, len(content), *(place % len(content) for place in places)})
    yield from (content[start:end] for start, end in itertools.pairwise(edges))


def read(content: bytes) -> list[MtItem] | None:
    try:
        return list(read_mt([content]))
    except FormatRefused:
        return None


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_where_the_chunks_are_cut_changes_nothing(places: list[int]) -> None:
    assert list(read_mt(cut(WHOLE, places))) == ITEMS


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_file_gives_a_prefix_and_says_that_its_end_is_missing(end: int) -> None:
    items = read(WHOLE[:end])
    if items is None:
        return
    entries_read = [item for item in items if isinstance(item, Entry)]
    whole = [item for item in ITEMS if isinstance(item, Entry)]
    assert [one.amount for one in entries_read[:-1]] == [one.amount for one in whole[: max(len(entries_read) - 1, 0)]]
    last = items[-1]
    assert isinstance(last, StatementEnd)
    # A cut within the next message's first tag, or before the last comma, can't be told from the end.
    complete = WHOLE[:end].rstrip(b"-\n:20").endswith((b":62F:C260831EUR1,", b":62F:C260831EUR1"))
    assert complete or any(not check.ok for check in last.checks)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8))
def test_damaged_bytes_never_do_more_than_be_rejected_or_fail_a_check(place: int, damage: bytes) -> None:
    items = read(WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    assert items is not None
    for item in items:
        assert not isinstance(item, Reject) or item.where
        assert not isinstance(item, MessageEnd)


PART_SIGNS = st.text("A1 +\n/äSVWZ", max_size=40)
PART_WORDS = st.sampled_from(
    ["EREF+E2E-1", "SVWZ+INV 1", "DE89370400440532013000", "COBADEFF", "A" * 27, "B" * 35, "/12 34"]
)
PART_NUMBERS = [f"{n:02}" for n in (0, 10, *range(20, 36), 38, 60, 61)]


@given(
    st.dictionaries(st.sampled_from(PART_NUMBERS), PART_SIGNS | PART_WORDS, min_size=1),
    st.sampled_from(["", "166", " 166 "]),
)
def test_numbered_parts_mean_the_same_behind_whichever_separator(parts: dict[str, str], code: str) -> None:
    """Those behind `?` in the standard's order are read by one pattern, all others part by part."""
    told = [code + "".join(f"{sign}{number}{parts[number]}" for number in sorted(parts)) for sign in "?~"]
    by_pattern, part_by_part = (vars(read_information([one])) for one in told)
    assert by_pattern == part_by_part
