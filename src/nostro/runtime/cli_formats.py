"""`nostro parse`, `validate` and `convert`: files of banks and sellers as JSON lines, judged, in other formats."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from nostro.formats.catalogue import UNKNOWN, tell
from nostro.formats.kinds import MODEL, SCHEMAS
from nostro.formats.profiles import PROFILES as BANKS
from nostro.formats.profiles import profile as bank_profile
from nostro.formats.reading import Format, Item
from nostro.formats.shown import json_of
from nostro.formats.tables.formats import table_format
from nostro.formats.tables.profile import PROFILES, Profile
from nostro.formats.validating import Flaw, flaws
from nostro.formats.writing import WRITERS, Order, writer
from nostro.model.failures import FormatRefused, OutOfService, Refused
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.json_lines import REFUSED, Lines
from nostro.runtime.output import clean

_PIECE_BYTES = 65_536
FILES = "Files, folders, or - for standard input."


def parse(
    frame: Frame,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help=FILES, show_default=False)] = None,
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
    sink = Lines(sys.stdout.buffer, frame.output, as_lines=rejects, quiet=summary, declared=_declared(profile))
    paths = list(_paths(files))
    with frame.output.progress("files", total=len(paths) if len(paths) > 1 else None) as done:
        for path in paths:
            sink.file("" if str(path) == "-" else str(path), partial(_pieces, path))
            done(1)
    if summary:
        sink.summary()
    return sink.code


def convert(
    frame: Frame,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for standard input.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"One of {', '.join(WRITERS)}.")],
    profile: Annotated[str, typer.Option("--profile", metavar="P", help="Whose rules the result keeps.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to, instead of the output.")] = None,
) -> int:
    """Write a statement, a payment file or an invoice in another format.

    What could not be carried is said on standard error. Exit code 0: all of it was carried, 1: something was not, 2:
    it can't be written so at all, and nothing was.
    """
    write, path, said = writer(to), Path(file), 0

    def say(sentence: str) -> None:
        nonlocal said
        said += 1
        frame.output.aside.print(clean(sentence), soft_wrap=True)

    order = Order(datetime.now(UTC).replace(microsecond=0), say, profile)
    whole = b"".join(write(chain.from_iterable(_told_in(path)), order))
    if out is None:
        sys.stdout.buffer.write(whole)
    else:
        try:
            out.write_bytes(whole)
        except OSError as error:
            raise OutOfService(f"{out} can't be written: {error.strerror or type(error).__name__}.") from None
    return WRONG if said else DONE


def validate(
    frame: Frame,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help=FILES)],
    *,
    profile: Annotated[str, typer.Option("--profile", metavar="P", help=f"One of {', '.join(BANKS)}.")] = "",
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The settlement date (2026-11-30).")] = "",
) -> int:
    """Say what is wrong with files: what can't be read, sums and chains, schema, a bank's profile, EN 16931.

    Each finding has its place, its rule, a sentence and a remedy. Exit code 0: nothing is wrong, 1: something is, 2: a
    file is of no format that Nostro knows. With --json each finding is one object a line.
    """
    rules, day = bank_profile(profile) if profile else None, _day(on)
    code = DONE
    for path in _paths(files):
        whole = b"".join(_pieces(path)) if str(path) == "-" else None
        chunks = partial(_pieces, path) if whole is None else partial(_again, whole)
        for flaw in flaws(chunks, "" if whole is not None else str(path), rules, day):
            code = max(code, REFUSED if flaw.rule == "format" else WRONG if flaw.severity == "error" else DONE)
            _show(frame, flaw)
    if code == DONE:
        frame.output.note("Nothing is wrong that we know of.")
    return code


def _again(whole: bytes) -> Iterator[bytes]:
    yield whole


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


def _told_in(path: Path) -> Iterator[Iterator[Item]]:
    for told in tell(partial(_pieces, path), path.name):
        if told.format is None:
            raise FormatRefused(UNKNOWN)
        yield told.items


def _declared(name: str) -> Format | None:
    """The format of tables that a profile declares. Raises `Refused` for one that is none."""
    if not name:
        return None
    if name in PROFILES:
        return table_format(PROFILES[name])
    path = Path(name)
    if not path.is_file():
        raise Refused(f"There is no profile {name!r}.", f"Name a YAML file, or one of: {', '.join(PROFILES)}.")
    try:
        with path.open(encoding="utf-8") as file:
            return table_format(Profile.model_validate(YAML(typ="safe").load(file)))
    except (OSError, UnicodeDecodeError, YAMLError, ValidationError) as error:
        raise Refused(f"The profile {name} can't be taken: {_why(error)}.", "See the profiles in the docs.") from None


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        flaws = error.errors(include_url=False, include_input=False)
        return "; ".join(f"{'.'.join(str(part) for part in flaw['loc'])}: {flaw['msg']}" for flaw in flaws)
    return str(error).replace("\n", " ")


def _schema(kind: str) -> int:
    kinds = {**MODEL, **SCHEMAS}
    if kind not in kinds:
        raise Refused(f"There is no kind {kind!r}.", f"There are: {', '.join(sorted(kinds))}.")
    sys.stdout.buffer.write(json_of(TypeAdapter(kinds[kind]).json_schema()) + b"\n")
    return DONE


def _paths(files: Iterable[str]) -> Iterator[Path]:
    """The files that are meant, those of a folder in order of their names."""
    for name in files:
        path = Path(name)
        if path.is_dir():
            yield from sorted(found for found in path.rglob("*") if found.is_file())
        else:
            yield path


def _pieces(path: Path) -> Iterator[bytes]:
    if str(path) == "-":
        yield from iter(partial(sys.stdin.buffer.read, _PIECE_BYTES), b"")
        return
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.read, _PIECE_BYTES), b"")
    except OSError as error:
        raise FormatRefused(f"{path} can't be read: {error.strerror or type(error).__name__}.") from None


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    register(app, validate, "nostro validate payments.xml --profile sepa", "nostro validate invoice.xml --json")
    register(app, convert, "nostro convert statement.sta --to camt.053 --out statement.xml")
    register(
        app,
        parse,
        "nostro parse statement.xml",
        "nostro parse inbox/ --summary",
        "nostro parse export.csv --profile my-bank.yaml",
        "zcat big.gz | nostro parse -",
    )
