"""Documents that are longer than what is held of them: what stands behind is told before, in flat memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.reading import Item
from nostro.formats.writing import Order, written
from nostro.runtime.json_lines import Lines
from nostro.runtime.output import Output
from tests.unit.test_conversions import NOW


def long_mt940(entries: int) -> bytes:
    """A page of an MT940 that others follow, so long that its end is not known when its entries begin."""
    lines = "".join(f":61:2611{1 + at % 27:02}C1,00NMSCNONREF//{at}\n:86:text {at}\n" for at in range(entries))
    opening = ":20:S1\n:25:DE89370400440532013000\n:28C:9/1\n:60F:C261030EUR100,00\n"
    return f"{opening}{lines}:62M:C261127EUR{100 + entries},00\n-\n".encode()


def read_long(entries: int) -> Iterator[Item]:
    (told,) = tell(lambda: iter([long_mt940(entries)]))
    return told.items


@pytest.mark.parametrize("entries", [9, 12_000])
def test_the_last_day_and_page_that_stand_behind_the_entries_are_told_before_them(entries: int) -> None:
    source = partial(read_long, entries)
    content = b"".join(written("camt.053", source(), Order(NOW, lambda _: None, source=source)))
    told = content[: content.index(b"<Ntry>")].decode()
    assert "<FrDtTm>2026-10-30T00:00:00</FrDtTm><ToDtTm>2026-11-27T23:59:59</ToDtTm>" in told
    assert "<PgNb>1</PgNb><LastPgInd>false</LastPgInd>" in told
    assert b":62M:C261127" in b"".join(written("mt940", source(), Order(NOW, lambda _: None, source=source)))
    out = io.BytesIO()
    Lines(out, Output()).file("s.sta", lambda: iter([long_mt940(entries)]))
    shown = json.loads(out.getvalue())
    assert (shown["to_date"], shown["last_page"], len(shown["entries"])) == ("2026-11-27", False, entries)
