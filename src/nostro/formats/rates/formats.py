"""Exchange rates in the catalogue: ECB and BNR proven with published files, the others built from their shape."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from nostro.formats.rates.rates_csv import read_rates_csv, reader_of
from nostro.formats.rates.rates_xml import read_rates_xml
from nostro.formats.reading import Beginning, Format, Reader

_PROVEN = {"Envelope": ("eurofxref", "Cube"), "DataSet": ("bnr.ro", "Cube")}
_OTHERS = {
    "exchangeRateMonthList": ("exchangeRate", "exchangeRate"),
    "wechselkurse": ("admin.ch", "devise"),
    "xmldaily": ("admin.ch", "devise"),
    "monatsmittelkurse": ("admin.ch", "devise"),
    "mittelkurse": ("admin.ch", "devise"),
    "rss": ("SNB", "targetCurrency"),
    "RDF": ("SNB", "targetCurrency"),
    "MessageGroup": ("RXI", "Series"),
}
"""By the root's name: a word that the document says, and an element that it has."""


def _is_xml(beginning: Beginning, marks: Mapping[str, tuple[str, str]]) -> bool:
    elements = beginning.elements
    word, element = marks.get(elements[0] if elements else "", ("", ""))
    return bool(word) and word in beginning.text and element in elements


def _is_csv(beginning: Beginning, *, of_ecb: bool) -> bool:
    first = next((line for line in beginning.lines if line.strip()), "")
    if beginning.is_xml or not first.isprintable() or first.startswith("Date,") != of_ecb:
        return False
    separator = ";" if first.count(";") > first.count(",") else ","
    cells = next(csv.reader([first], delimiter=separator, skipinitialspace=True), [])
    return bool(cells) and reader_of([cell.strip() for cell in cells]) is not None


def _other(name: str, title: str, recognises: Callable[[Beginning], bool], read: Reader) -> Format:
    return Format(name, title, recognises, read, proven=False)


RATES: Sequence[Format] = (
    Format("rates_xml", "Exchange rates of ECB and BNR (XML)", partial(_is_xml, marks=_PROVEN), read_rates_xml),
    Format("rates_csv", "Exchange rates of the ECB (CSV)", partial(_is_csv, of_ecb=True), read_rates_csv),
    _other("rates_xml_others", "Rates of HMRC, BAZG, SNB, Fed (XML)", partial(_is_xml, marks=_OTHERS), read_rates_xml),
    _other("rates_csv_others", "Rates of BoE, HMRC, Fed, SNB (CSV)", partial(_is_csv, of_ecb=False), read_rates_csv),
)
