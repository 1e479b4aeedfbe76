"""The published rates at hand are read whole, to the last digit."""

from __future__ import annotations

import re
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

from nostro.formats.catalogue import tell
from nostro.model.rates import RateTable
from nostro.model.statements import Reject


def read(path: Path) -> list[RateTable]:
    told = [item for document in tell(lambda: iter([path.read_bytes()]), path.name) for item in document.items]
    assert not [item for item in told if isinstance(item, Reject)], path
    return [item for item in told if isinstance(item, RateTable)]


def test_the_ecb_s_history_in_its_container_has_every_day_and_rate(shared: Path) -> None:
    path = shared / "data" / "fx" / "ecb" / "eurofxref-hist.zip"
    tables = read(path)
    with zipfile.ZipFile(path) as container:
        head, *rows = container.read("eurofxref-hist.csv").decode().splitlines()
    currencies = head.split(",")[1:]
    assert len(tables) == len(rows)
    for table, row in zip(tables, rows, strict=True):
        on, *cells = row.split(",")
        assert table.on == date.fromisoformat(on)
        told = {code: Decimal(cell) for code, cell in zip(currencies, cells, strict=True) if re.match(r"\d", cell)}
        assert {rate.currency: rate.value for rate in table.rates} == told, on
    assert (tables[-1].on, sum(len(table.rates) for table in tables) > 190_000) == (date(1999, 1, 4), True)


def test_the_ecb_s_rates_of_a_day(shared: Path) -> None:
    (table,) = read(shared / "data" / "fx" / "ecb" / "eurofxref.csv")
    assert (table.on, len(table.rates)) == (date(2026, 4, 13), 29)
    assert {rate.quoted for rate in table.rates} == {"currency_for_base"}


def test_the_bnr_s_rates_with_their_multipliers(shared: Path) -> None:
    (day,) = read(shared / "data" / "fx" / "bnr" / "nbrfxrates.xml")
    by_currency = {rate.currency: rate for rate in day.rates}
    assert (by_currency["HUF"].value, by_currency["HUF"].per) == (Decimal("1.2936"), 100)
    assert (by_currency["GBP"].value, by_currency["GBP"].per) == (Decimal("5.8200"), 1)
    year = shared / "data" / "fx" / "bnr" / "nbrfxrates2024.xml"
    tables = read(year)
    assert len(tables) == year.read_bytes().count(b"<Cube date=")
    assert sum(len(table.rates) for table in tables) == year.read_bytes().count(b"<Rate ")
