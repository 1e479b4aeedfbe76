"""Files of every format and oddity, written by us, beside what they mean; and what we write beside what it is made of.

`formats/read/<format>/<oddity>.<ext>` has beside it `<the same>.jsonl`: what `nostro parse --rejects` prints, without
the members that are empty, zero or false. A table that only a profile explains has that beside it too, as `.yaml`. Each
line of `formats/written/<what>.jsonl` is an object that writers are given; `<what>.<writer>` is what they make of them.
`make golden` writes meanings and files anew; a person reads the difference.
"""

from __future__ import annotations

import inspect
import json
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ruamel.yaml import YAML

import nostro.formats
from nostro.formats.bacs import Standard18, write_standard_18
from nostro.formats.catalogue import FORMATS, tell
from nostro.formats.conversion.order import Order, Writer
from nostro.formats.einvoice.pdf import embedded_invoice, write_facturx
from nostro.formats.iso20022.write import (
    PAIN001,
    PAIN002,
    PAIN008,
    Assignment,
    Initiation,
    Wanted,
    write_camt055,
    write_camt056,
    write_camt060,
    write_pain002,
)
from nostro.formats.nacha import NachaBatch, NachaFile, write_nacha
from nostro.formats.positive_pay import CSV, FIXED, Cheque, write_positive_pay
from nostro.formats.qr_bill import QrBill, write_qr_bill
from nostro.formats.reading import Format
from nostro.formats.tables.formats import PAYMENTS, payment_format, table_format
from nostro.formats.tables.payments import PaymentProfile
from nostro.formats.tables.profile import Profile
from nostro.formats.writing import WRITERS
from nostro.model.base import Value
from nostro.model.invoices import Invoice
from nostro.model.messages import Instruction, MessageEnd, MessageHead, OriginalMessage, PaymentStatus
from nostro.model.statements import Entry, StatementEnd, StatementHead
from nostro.runtime.json_lines import Lines
from nostro.runtime.output import Output
from tests.fuzz.run import GOLDEN, ours
from tests.golden.pairs import FOLDER

WRITING = os.environ.get("NOSTRO_GOLDEN") == "write"
WRITTEN = FOLDER / "formats" / "written"
AT = datetime(2026, 8, 31, 18, 30, tzinfo=UTC)
GIVEN: Mapping[str, type[Value]] = {
    one.__name__: one
    for one in (
        *(StatementHead, Entry, StatementEnd, MessageHead, Instruction, PaymentStatus, MessageEnd, Invoice, QrBill),
        *(Initiation, Assignment, OriginalMessage, Wanted, NachaFile, NachaBatch, Standard18, Cheque),
    )
}
Told = TypeVar("Told", bound=Value)


def declared(path: Path) -> Format | None:
    """The format that the profile beside a table declares; None where there is none."""
    profile = path.with_suffix(".yaml")
    if not profile.exists():
        return None
    told = YAML(typ="safe").load(profile.read_text(encoding="utf-8"))
    if told.get("kind") == "payments":
        return payment_format(PaymentProfile.model_validate(told))
    return table_format(Profile.model_validate(told))


@pytest.mark.parametrize("path", ours(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_of_ours_means_what_it_meant(path: Path) -> None:
    out = BytesIO()
    Lines(out, Output(), as_lines=True, declared=declared(path)).file("", partial(_chunks, path))
    told = [_said(json.loads(line)) for line in out.getvalue().splitlines()]
    text = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in told)
    _hold_to(path.with_name(f"{path.name}.jsonl"), text.encode())


def _chunks(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()


def _said(told: Any) -> Any:  # noqa: ANN401 - any JSON
    """Without the members that say nothing."""
    if isinstance(told, dict):
        return {name: value for name, given in told.items() if (value := _said(given))}
    return [_said(one) for one in told] if isinstance(told, list) else told


def _hold_to(golden: Path, found: bytes) -> None:
    if WRITING:
        golden.write_bytes(found)
    assert found.splitlines() == golden.read_bytes().splitlines()
    assert found == golden.read_bytes()


Objects = list[Value]
Write = Callable[[Objects], Iterable[bytes]]


def _of(objects: Objects, kind: type[Told]) -> list[Told]:
    return [one for one in objects if isinstance(one, kind)]


def _converted(write: Writer, objects: Objects) -> Iterator[bytes]:
    return write(objects, Order(AT, lambda _: None))


def _statuses(version: str, objects: Objects) -> Iterator[bytes]:
    return write_pain002(
        _of(objects, PaymentStatus), _of(objects, Initiation)[0], _of(objects, OriginalMessage)[0], version
    )


CONVERTED = ("camt.052", "camt.053", "camt.054", "mt940", "csv", "mt101", *PAIN001, *PAIN008, "ubl", "cii", "fatturapa")
MADE_BY: Mapping[str, Write] = {
    **{name: partial(_converted, WRITERS[name].write) for name in CONVERTED},
    **{version: partial(_statuses, version) for version in PAIN002},
    "camt.055": lambda given: write_camt055(_of(given, Instruction), _of(given, Assignment)[0]),
    "camt.056": lambda given: write_camt056(_of(given, Instruction), _of(given, Assignment)[0]),
    "camt.060": lambda given: write_camt060(_of(given, Wanted), _of(given, Initiation)[0]),
    "nacha": lambda given: write_nacha(_of(given, NachaFile)[0], _of(given, NachaBatch)),
    "standard_18": lambda given: write_standard_18(_of(given, Standard18)[0]),
    "positive_pay": lambda given: write_positive_pay(_of(given, Cheque), CSV),
    "positive_pay.fixed": lambda given: write_positive_pay(_of(given, Cheque), FIXED),
    "qr_bill": lambda given: [write_qr_bill(_of(given, QrBill)[0])],
}
"""Every writer, under each name that makes another file. A Factur-X is apart: it tells when it was made."""


def outputs() -> list[Path]:
    """The files that are written."""
    return sorted(path for path in WRITTEN.iterdir() if path.suffix != ".jsonl")


@pytest.mark.parametrize("path", outputs(), ids=lambda path: path.name)
def test_a_file_is_written_as_it_was(path: Path) -> None:
    what, _, writer = path.name.partition(".")
    lines = (json.loads(line) for line in (WRITTEN / f"{what}.jsonl").read_text(encoding="utf-8").splitlines())
    given = [GIVEN[name].model_validate_json(json.dumps(told)) for line in lines for name, told in line.items()]
    _hold_to(path, b"".join(MADE_BY[writer](given)))


def test_the_factur_x_among_the_files_holds_the_invoice_that_was_written() -> None:
    made = (GOLDEN / "facturx" / "invoice.pdf").read_bytes()
    assert embedded_invoice(made) == (WRITTEN / "invoice.cii").read_bytes()
    again = write_facturx(made, (WRITTEN / "invoice.cii").read_bytes())
    assert embedded_invoice(again) == embedded_invoice(made)


def test_every_format_of_the_catalogue_has_a_pair() -> None:
    for path in ours():
        chunks = partial(_chunks, path)
        found = {told.format.name for told in tell(chunks, "", declared(path)) if told.format}
        assert path.parent.name in (*found, "containers"), f"{path.name} is taken for {found}"
    assert {path.parent.name for path in ours()} >= {PAYMENTS.name, *(known.name for known in FORMATS)}


def test_every_writer_has_a_pair_and_a_round_trip() -> None:
    assert {path.name.partition(".")[2] for path in outputs()} == set(MADE_BY)
    properties = "".join(path.read_text() for path in (FOLDER.parent / "property").glob("test_*.py"))
    assert [name for name in writers() if name not in properties] == []


def writers() -> set[str]:
    """The names of all functions that write a file: public ones called `write_...` that give bytes."""
    modules = (import_module(one.name) for one in pkgutil.walk_packages(nostro.formats.__path__, "nostro.formats."))
    functions = (found for module in modules for found in inspect.getmembers(module, inspect.isfunction))
    named = ((name, str(made.__annotations__.get("return"))) for name, made in functions if name.startswith("write_"))
    return {name for name, gives in named if "bytes" in gives}
