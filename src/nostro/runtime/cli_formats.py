"""`nostro parse`, `validate` and `convert`: files of banks and sellers as JSON lines, judged, in other formats."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from pydantic import TypeAdapter

from nostro.formats.catalogue import REMEDY, tell
from nostro.formats.kinds import MODEL, SCHEMAS
from nostro.formats.payees import Worklist
from nostro.formats.profiles import PROFILES as BANKS
from nostro.formats.profiles import profile as bank_profile
from nostro.formats.reading import Format, Item
from nostro.formats.shown import json_of
from nostro.formats.tables.formats import PAYMENTS
from nostro.formats.tables.guesses import ProfileNeeded
from nostro.formats.validating import Asked, Flaw, Series, flaws
from nostro.formats.writing import MEANINGS, WRITERS, Order, writer, written
from nostro.model.failures import FormatRefused, OutOfService, Refused, offered
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.json_lines import REFUSED, Lines
from nostro.runtime.output import clean
from nostro.runtime.table_profiles import declared

_PIECE_BYTES = 65_536
FILES = "Files, folders, or - for standard input."
TABLES = "What the columns of a table mean: a name or a YAML file."
PROFILED = f"One of {', '.join(BANKS)}; for positive-pay csv or fixed."
WITH = f"What the source does not say: {'; '.join(f'{name} ({told})' for name, told in MEANINGS.items())}."


def parse(
    frame: Frame,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help=FILES, show_default=False)] = None,
    *,
    rejects: Annotated[bool, typer.Option("--rejects", help="Rejects as lines of their own, not as errors.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="A table to hold against the bank's portal.")] = False,
    profile: Annotated[
        str, typer.Option("--profile", metavar="P", help="What a table means: a name or a YAML file.")
    ] = "",
    schema: Annotated[str, typer.Option("--schema", metavar="KIND", help="The JSON Schema of a kind.")] = "",
) -> int:
    """Read statements, payments and invoices of any known format, and print them as JSON, one object a line.

    What can't be read is told on standard error, with its place; everything else of the file is kept. Exit code 0: all
    was read, 1: some was rejected, 2: a file is of no format that Nostro knows.
    """
    if schema:
        return _schema(schema)
    if not files:
        raise Refused("No file was named.", "Name files or folders, or - for standard input.")
    sink = Lines(sys.stdout.buffer, frame.output, as_lines=rejects, quiet=summary, declared=declared(profile))
    paths = list(_paths(frame, files))
    with frame.output.progress("Reading files", total=len(paths) if len(paths) > 1 else None) as done:
        for path in paths:
            sink.file(_named(path), partial(_pieces, path))
            done(1)
    sink.remedy()
    if summary:
        sink.summary()
    return sink.code


@dataclass(frozen=True, slots=True)
class Given:
    """What a file is to be read as, and what it does not say itself."""

    table: Annotated[str, typer.Option("--table", metavar="T", help=TABLES)] = ""
    told: Annotated[list[str] | None, typer.Option("--with", metavar="NAME=VALUE", help=WITH)] = None
    pdf: Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="For facturx: the PDF.")] = None

    @property
    def names(self) -> Mapping[str, str]:
        """What was told, by name. Raises `Refused` for a name that no format asks for."""
        found = {name: value for name, _, value in (one.partition("=") for one in self.told or ())}
        strange = sorted(set(found) - set(MEANINGS))
        if strange:
            raise Refused(f"Nothing asks for {', '.join(strange)}.", offered(strange[0], MEANINGS))
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be written, by whose rules, and where to."""

    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"One of {', '.join(WRITERS)}.")]
    profile: Annotated[str, typer.Option("--profile", metavar="P", help=f"Whose rules it keeps. {PROFILED}")] = ""
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to, instead of the output.")] = None

    def write(self, pieces: Iterable[bytes]) -> None:
        """Into the file, else to the output, once all of it is there. Raises `OutOfService`."""
        if self.out is None:
            _copy(pieces, sys.stdout.buffer)
            return
        try:
            if self.out.exists() and not self.out.is_file():  # a device or a pipe
                with self.out.open("wb") as output:
                    _copy(pieces, output)
            else:
                self._replace(self.out, pieces)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise OutOfService(f"{self.out} can't be written: {why}.", "What was there before is whole.") from None

    def _replace(self, out: Path, pieces: Iterable[bytes]) -> None:
        beside = out.with_name(f".{out.name}.part")
        try:
            with beside.open("wb") as held:
                held.writelines(pieces)
            beside.replace(out)  # nobody ever sees half of a payment file
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _copy(pieces: Iterable[bytes], output: BinaryIO) -> None:
    with tempfile.TemporaryFile() as held:
        held.writelines(pieces)
        held.seek(0)
        shutil.copyfileobj(held, output)


def convert(
    frame: Frame,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for standard input.")],
    *,
    result: Result,
    given: Given,
) -> int:
    """Write statements, payments, a status report or an invoice in another format.

    Statements become camt.052, 053, 054, MT940 or CSV, or a request for them (camt.060). Payments, also those of a
    table, become pain.001 or pain.008, MT101, NACHA, Bacs Standard 18, a cheque issue file, or a request to cancel
    them (camt.055, 056). A status report becomes pain.002. An invoice becomes UBL, CII, Factur-X, FatturaPA, or the
    payload of a QR-bill.

    What was written is read again: whatever could not be carried is said on standard error, with its place. What a
    format asks for and the source does not say is asked for by name. Exit code 0: all was carried, 1: something was
    not, 2: it can't be written so at all, and nothing was.
    """
    said = 0

    def say(sentence: str) -> None:
        nonlocal said
        said += 1
        frame.output.aside.print(clean(sentence), soft_wrap=True)

    pdf = b"".join(_pieces(given.pdf, str(given.pdf))) if given.pdf else b""
    form, table = declared(given.table), writer(result.to).table
    try:
        with _readable(Path(file), file) as chunks:
            told = partial(_told_in, chunks, Path(file).name, form, table)
            now = datetime.now(UTC).replace(microsecond=0)
            order = Order(now, say, result.profile, given.names, pdf, source=told)
            result.write(written(result.to, told(), order))
    except ProfileNeeded as needed:
        frame.output.failure(needed)
        frame.output.aside_as_it_is(needed.proposal)
        return needed.exit_code
    return WRONG if said else DONE


def validate(
    frame: Frame,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help=FILES)],
    *,
    profile: Annotated[str, typer.Option("--profile", metavar="P", help=f"One of {', '.join(BANKS)}.")] = "",
    table: Annotated[str, typer.Option("--table", metavar="T", help=TABLES)] = "",
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The settlement date (2026-11-30).")] = "",
    payees: Annotated[
        bool, typer.Option("--payees", help="Only whom the profile would refuse to pay: one line a payee.")
    ] = False,
) -> int:
    """Say what is wrong with files: what can't be read, sums and chains, schema, a bank's profile, EN 16931.

    Several statements of one bank account are held against each other too: missing, doubled, restated and late ones,
    and balances that do not follow. With --payees it is the worklist of master data: who could not be paid on that
    day, which field, by which rule, what to do about it, and how many payments hang on it.

    Each finding has its place, its rule, a sentence and a remedy. Exit code 0: nothing is wrong, 1: something is, 2: a
    file is of no format that Nostro knows. With --json each finding is one object a line.
    """
    rules, day, form = bank_profile(profile) if profile else None, _day(on), declared(table)
    if payees:
        if rules is None:
            raise Refused("No profile was named.", f"Name the bank's with --profile: {', '.join(BANKS)}.")
        return _payees(frame, files, Worklist(rules, day), form)
    code, series, paths = DONE, Series(), list(_paths(frame, files))
    for path in paths:
        with _readable(path) as chunks:
            for flaw in flaws(chunks, _named(path), Asked(rules, day, form), series):
                code = max(code, REFUSED if flaw.rule == "format" else WRONG if flaw.severity == "error" else DONE)
                _show(frame, flaw)
    for flaw in series.flaws():
        code = max(code, WRONG if flaw.severity == "error" else DONE)
        _show(frame, flaw)
    if code == DONE and paths:
        frame.output.note("Nothing is wrong that we know of.")
    return code


def _payees(frame: Frame, files: Sequence[str], worklist: Worklist, form: Format | None) -> int:
    """The worklist, one line a payee, and how many there are."""
    for path in _paths(frame, files):
        with _readable(path) as chunks:
            for item in _told_in(chunks, path.name, form, PAYMENTS):
                worklist.add(item, _named(path))
    for payee in worklist.failing():
        if frame.output.json:
            sys.stdout.buffer.write(json_of({"kind": "payee", **dict(payee)}) + b"\n")
        else:
            frame.output.console.print(clean(str(payee)), soft_wrap=True)
    if frame.output.json:
        counted = {"failing": len(worklist.found), "payees": len(worklist.met), "rejected": worklist.rejected}
        sys.stdout.buffer.write(json_of({"kind": "payees", **counted}) + b"\n")
    else:
        frame.output.aside.print(clean(worklist.count()), soft_wrap=True)
    return WRONG if worklist.failing() or worklist.rejected else DONE


@contextlib.contextmanager
def _readable(path: Path, said: str = "It") -> Iterator[Callable[[], Iterator[bytes]]]:
    """The bytes of a file, as often as they are asked for: standard input is kept meanwhile."""
    if str(path) != "-":
        yield partial(_pieces, path, said)
        return
    with tempfile.TemporaryFile() as kept:
        kept.writelines(_pieces(path))
        kept.flush()
        yield partial(_kept, kept.fileno())


def _kept(file: int) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(file, _PIECE_BYTES, at):
        at += len(piece)
        yield piece


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise Refused(f"{said!r} is no date.", "Write it as 2026-11-30.") from None


def _show(frame: Frame, flaw: Flaw) -> None:
    if frame.output.json:
        sys.stdout.buffer.write(json_of(flaw) + b"\n")
        return
    line = f", line {flaw.line}" if flaw.line else ""
    place = ": ".join(part for part in (flaw.file, flaw.where) if part)
    told = f"{place}{line}: {flaw.severity} {flaw.rule}: {flaw.sentence}"
    frame.output.console.print(clean(told), soft_wrap=True)
    if flaw.remedy:
        frame.output.console.print(clean(f"    {flaw.remedy}"), soft_wrap=True)


def _told_in(
    chunks: Callable[[], Iterator[bytes]], name: str, form: Format | None, table: Format | None
) -> Iterator[Item]:
    for told in tell(chunks, name, form, table):
        if told.format is None:
            raise FormatRefused(told.refusal, REMEDY)
        yield from told.items


def _schema(kind: str) -> int:
    kinds = {**MODEL, **SCHEMAS}
    if kind not in kinds:
        raise Refused(f"There is no kind {kind!r}.", offered(kind, sorted(kinds)))
    sys.stdout.buffer.write(json_of(TypeAdapter(kinds[kind]).json_schema()) + b"\n")
    return DONE


def _paths(frame: Frame, files: Iterable[str]) -> Iterator[Path]:
    """The files that are meant, those of a folder in order of their names; what a system hides there is no file."""
    for name in files:
        path = Path(name)
        if path.is_dir():
            found = sorted(_below(path))
            if not found:
                frame.output.note(f"There is no file in {path}.")
            yield from found
        else:
            yield path


def _named(path: Path) -> str:
    """The path as text that any output takes: in a name of a ZIP from elsewhere may be bytes that are no text."""
    return "" if str(path) == "-" else os.fsencode(path).decode(errors="replace")


def _below(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it; a folder that may not be listed stands for itself."""
    closed: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found = (Path(place, name) for name in names if not name.startswith("."))
        yield from (path for path in found if path.is_file())
    yield from closed


def _pieces(path: Path, said: str = "It") -> Iterator[bytes]:
    if str(path) == "-":
        yield from iter(partial(sys.stdin.buffer.read, _PIECE_BYTES), b"")
        return
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.read, _PIECE_BYTES), b"")
    except OSError as error:
        why = "it may not be listed" if path.is_dir() else error.strerror or type(error).__name__
        raise FormatRefused(f"{said} can't be read: {why}.") from None


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    register(
        app,
        parse,
        "nostro parse statement.xml",
        "nostro parse inbox/ --summary",
        "nostro parse export.csv --profile my-bank.yaml",
        "zcat big.gz | nostro parse -",
    )
    register(
        app,
        validate,
        "nostro validate payments.xml --profile sepa",
        "nostro validate payments.xml --profile sepa --on 2026-11-30 --payees",
        "nostro validate statements/",
        "nostro validate invoice.xml --json",
    )
    register(
        app,
        convert,
        "nostro convert statement.sta --to camt.053 --out statement.xml",
        "nostro convert payments.csv --to pain.001 --table ours.yaml --profile sepa",
        "nostro convert payments.xml --to camt.055 --with reason=DUPL",
        "nostro convert invoice.xml --to facturx --pdf invoice.pdf --out invoice-x.pdf",
    )
