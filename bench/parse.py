"""`parse`: files to canonical objects, beside what others make of the same bytes, in seconds of processor.

Rivals read what they can hold: pyiso20022 builds the whole document in memory, so it gets a file of 100 entries
whatever ours is. `lxml-walk` visits every element, reads its text and builds nothing: the least that a reader over lxml
could cost.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from lxml import etree

from bench.files import CAMT_ENTRY_BYTES, NACHA_BLOCK, camt053, invoice, mt940, nacha, pieces
from bench.memory import measured_apart
from bench.report import Note, Parameters, Report, surroundings
from nostro.formats.einvoice.rules import validate
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.nacha.read import read_nacha
from nostro.formats.swift_mt.read import read_mt
from nostro.model.failures import OutOfService
from nostro.model.messages import Instruction
from nostro.model.statements import Entry

SMALL, LARGE = 100, 100_000
GIGABYTE = 1_000_000_000
MT940_ENTRIES, NACHA_ENTRIES, INVOICES = 10_000, 500_000, 1_000
PACKAGES = ("lxml", "pydantic", "pyiso20022", "mt-940")
FULL_SECONDS = 20.0
"""With fewer seconds a figure, the large files are smaller in proportion."""
Work = Callable[[], int]


def parse(parameters: Parameters, note: Note) -> Iterator[Report]:
    """One report a file."""
    scale = min(1.0, parameters.seconds / FULL_SECONDS)
    rivals = parameters.rivals != "none"
    yield _camt("camt.053 of 100 entries", SMALL, rivals, parameters, note)
    yield _camt("camt.053 of 100,000 entries", int(LARGE * scale), rivals, parameters, note)
    yield _gigabyte(int(GIGABYTE * scale / CAMT_ENTRY_BYTES), parameters, note)
    yield _mt940(rivals, parameters, note)
    yield _nacha(int(NACHA_ENTRIES * scale) // NACHA_BLOCK * NACHA_BLOCK, parameters, note)
    yield _invoices(parameters, note)


def _camt(name: str, entries: int, rivals: bool, parameters: Parameters, note: Note) -> Report:  # noqa: FBT001 - asked for or not
    report = Report(f"parse {name}", "entries/s", context=surroundings(parameters, PACKAGES))
    raw, small = b"".join(camt053(entries)), b"".join(camt053(SMALL))
    sides: dict[str, Work] = {"ours": lambda: _entries(read_camt(pieces(iter((raw,)))))}
    sides["lxml-walk"] = lambda: _walk(raw, entries)
    if rivals:
        sides["pyiso20022"] = _pyiso20022(small)
    note(f"{name}: {entries} entries, {len(raw) / 1e6:.0f} MB")
    rates = best(sides, parameters.seconds)
    report.ours = rates.pop("ours")
    report.baselines = rates
    report.limit("of lxml-walk", report.ours / rates["lxml-walk"], 0.4, at_least=True)
    if rivals:
        report.limit("times pyiso20022", report.ours / rates["pyiso20022"], 10, at_least=True)
    return report


def best(sides: Mapping[str, Work], seconds: float) -> dict[str, float]:
    """Each side's best rate by seconds of processor, in turns, so that a noisy neighbour meets all of them."""
    rates, end = dict.fromkeys(sides, 0.0), time.monotonic() + seconds
    while True:
        for name, work in sides.items():
            began = time.process_time()
            count = work()
            rates[name] = max(rates[name], count / (time.process_time() - began))
        if time.monotonic() >= end:
            return rates


def _entries(told: Iterable[object]) -> int:
    return sum(isinstance(one, Entry) for one in told)


def _walk(raw: bytes, entries: int) -> int:
    read = 0
    for _, element in etree.iterparse(io.BytesIO(raw), events=("end",)):
        read += len(element.text or "")
        if element.tag.endswith("}Ntry"):
            element.clear()
    assert read
    return entries


def _pyiso20022(raw: bytes) -> Work:
    """With whichever of its parser's handlers is the fastest here."""
    try:
        handlers = import_module("xsdata.formats.dataclass.parsers.handlers")
        make = import_module("xsdata.formats.dataclass.parsers").XmlParser
        document = import_module("pyiso20022.camt.camt_053_001_08").Document
    except ImportError:
        raise OutOfService(
            "pyiso20022 isn't installed.", "Run `make bench-install`, or ask for --rivals none."
        ) from None

    def reading(handler: Any) -> Work:  # noqa: ANN401 - a class of a module that needs not be installed
        parser = make(handler=handler)

        def read() -> int:
            told: Any = parser.from_bytes(raw, document)
            return len(told.bk_to_cstmr_stmt.stmt[0].ntry)

        return read

    ways = [reading(getattr(handlers, name)) for name in _HANDLERS]
    return min(ways, key=_seconds_of)


_HANDLERS = ("XmlEventHandler", "LxmlEventHandler")


def _seconds_of(work: Work) -> float:
    work()
    began = time.process_time()
    work()
    return time.process_time() - began


def _mt940(rivals: bool, parameters: Parameters, note: Note) -> Report:  # noqa: FBT001 - asked for or not
    report = Report("parse MT940", "entries/s", context=surroundings(parameters, PACKAGES))
    told = mt940(MT940_ENTRIES)
    raw = told.encode()
    sides: dict[str, Work] = {"ours": lambda: _entries(read_mt(pieces(iter((raw,)))))}
    if rivals:
        sides["mt-940"] = lambda: len(_rival("mt940", "mt-940").parse(told))
    note(f"MT940: {MT940_ENTRIES} entries")
    rates = best(sides, parameters.seconds)
    report.ours, report.baselines = rates.pop("ours"), rates
    if rivals:
        report.limit("times mt-940", report.ours / rates["mt-940"], 3, at_least=True)
    return report


def _rival(module: str, package: str) -> Any:  # noqa: ANN401 - a module that needs not be installed
    try:
        return import_module(module)
    except ImportError:
        raise OutOfService(
            f"{package} isn't installed.", "Run `make bench-install`, or ask for --rivals none."
        ) from None


def _nacha(entries: int, parameters: Parameters, note: Note) -> Report:
    report = Report("parse NACHA", "entries/s", context=surroundings(parameters, PACKAGES))
    note(f"NACHA: {entries} entries, in a process of its own")
    told = measured_apart(__name__, "stream_nacha", entries)
    report.ours = told["rate"]
    report.limit("entries/s", told["rate"], 60_000, at_least=True)
    report.limit("memory, MB", told["megabytes"], 150)
    return report


def stream_nacha(entries: int) -> int:
    """Reads a file in pieces; it is told again and again, so that making it is no part of the time."""
    return sum(isinstance(one, Instruction) for one in read_nacha(pieces(nacha(entries))))


def _invoices(parameters: Parameters, note: Note) -> Report:
    report = Report("validate EN 16931", "invoices/s", context=surroundings(parameters, ("saxonche", "factur-x")))
    files = [invoice(number) for number in range(INVOICES)]
    note(f"EN 16931: {INVOICES} invoices of ten lines, the rules made ready before")
    assert validate(files[0]) == []
    report.ours = best({"ours": lambda: sum(not validate(file) for file in files)}, parameters.seconds)["ours"]
    report.limit("invoices/s", report.ours, 150, at_least=True)
    return report


def _gigabyte(entries: int, parameters: Parameters, note: Note) -> Report:
    report = Report("parse camt.053 of 1 GB", "entries/s", context=surroundings(parameters, PACKAGES))
    note(f"a stream of {entries * CAMT_ENTRY_BYTES / 1e6:.0f} MB, in a process of its own")
    told = measured_apart(__name__, "stream_camt", entries)
    small = measured_apart(__name__, "stream_camt", 1000)
    report.ours = told["rate"]
    report.baselines = {"a small file": small["rate"]}
    report.limit("memory, MB", told["megabytes"], 150)
    report.limit("of a small file's entries/s", told["rate"] / small["rate"], 0.8, at_least=True)
    return report


def stream_camt(entries: int) -> int:
    """Reads a statement that is made as it is read: the making is part of the time."""
    return _entries(read_camt(pieces(camt053(entries))))
