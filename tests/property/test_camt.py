"""However the bytes are cut or damaged, the reader says the same, or where it had to stop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.iso20022.camt import CamtItem, read_camt
from nostro.model.failures import FormatRefused
from nostro.model.statements import Entry, Reject
from tests.unit.test_camt import balance, document, entry

WHOLE = document(
    balance("OPBD", "100.00"),
    *(entry(f"{number}.00", direction) for number in (1, 2, 3) for direction in ("CRDT", "DBIT")),
    balance("CLBD", "100.00"),
)
ITEMS = list(read_camt([WHOLE]))


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    yield from (content[start:end] for start, end in itertools.pairwise(places))


def read(content: bytes) -> list[CamtItem] | None:
    try:
        return list(read_camt([content]))
    except FormatRefused:
        return None


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_where_the_chunks_are_cut_changes_nothing(cuts: list[int]) -> None:
    assert list(read_camt(pieces(WHOLE, cuts))) == ITEMS


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_document_gives_a_prefix_of_its_entries_and_one_located_reject(end: int) -> None:
    items = read(WHOLE[:end])
    if items is None:
        return
    entries = [item for item in items if isinstance(item, Entry)]
    assert entries == [item for item in ITEMS if isinstance(item, Entry)][: len(entries)]
    assert [isinstance(item, Reject) for item in items].count(True) == 1
    assert isinstance(items[-1], Reject)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8))
def test_damaged_bytes_never_do_more_than_be_refused_or_rejected(place: int, damage: bytes) -> None:
    items = read(WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    assert items is None or all(item is not None for item in items)
