"""`nostro parse` and `convert`: files of banks and sellers as canonical JSON lines, and in other formats."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter

from nostro.formats.catalogue import UNKNOWN, tell
from nostro.formats.kinds import SCHEMAS
from nostro.formats.reading import Item
from nostro.formats.shown import json_of
from nostro.formats.writing import WRITERS, Order, writer
from nostro.model.failures import FormatRefused, Refused
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.json_lines import Lines
from nostro.runtime.output import clean

_PIECE_BYTES = 65_536
FILES = "Files, folders, or - for standard input."


def parse(
    frame: Frame,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help=FILES, show_default=False)] = None,
    *,
    rejects: Annotated[bool, typer.Option("--rejects", help="Rejects as lines of their own, not as errors.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="A table to hold against the bank's portal.")] = False,
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
    sink = Lines(sys.stdout.buffer, frame.output, as_lines=rejects, quiet=summary)
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
        frame.output.aside.print(clean(sentence))

    order = Order(datetime.now(UTC).replace(microsecond=0), say, profile)
    whole = b"".join(write(chain.from_iterable(_told_in(path)), order))
    if out is None:
        sys.stdout.buffer.write(whole)
    else:
        out.write_bytes(whole)
    return WRONG if said else DONE


def _told_in(path: Path) -> Iterator[Iterator[Item]]:
    for told in tell(partial(_pieces, path), path.name):
        if told.format is None:
            raise FormatRefused(UNKNOWN)
        yield told.items


def _schema(kind: str) -> int:
    if kind not in SCHEMAS:
        raise Refused(f"There is no kind {kind!r}.", f"There are: {', '.join(sorted(SCHEMAS))}.")
    sys.stdout.buffer.write(json_of(TypeAdapter(SCHEMAS[kind]).json_schema()) + b"\n")
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
    register(app, convert, "nostro convert statement.sta --to camt.053 --out statement.xml")
    register(app, parse, "nostro parse statement.xml", "nostro parse inbox/ --summary", "zcat big.gz | nostro parse -")
