"""Files that people name at the terminal: found, opened as often as they are read, and called as they are."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TextIO, cast

from nostro.formats.catalogue import REMEDY, Told, tell
from nostro.formats.reading import Format, Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.statements import Reject
from nostro.runtime.cli_frame import Frame

_PIECE_BYTES = 65_536
FILES = "Files, folders, patterns, or - for standard input."
TABLES = "What the columns of a table mean: a name or a YAML file."


def paths(frame: Frame, files: Iterable[str]) -> Iterator[Path]:
    """The files that are meant, those of a folder in order of their names; what a system hides there is no file."""
    for name in files:
        path = Path(name)
        if path.is_dir():
            found = sorted(_below(path))
            if not found:
                frame.output.note(f"There is no file in {path}.")
            yield from found
        elif any(sign in name for sign in "*?[") and not path.exists():
            yield from _matching(path) or [path]
        else:
            yield path


def named(path: Path) -> str:
    """The path as text that any output takes: in a name of a ZIP from elsewhere may be bytes that are no text."""
    return "" if str(path) == "-" else os.fsencode(path).decode(errors="replace")


def _matching(pattern: Path) -> list[Path]:
    """The files that a pattern means which no shell expanded, because it was quoted or knows none."""
    root = Path(pattern.anchor or ".")
    return sorted(path for path in root.glob(str(pattern.relative_to(pattern.anchor))) if path.is_file())


def _below(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it; a folder that may not be listed stands for itself."""
    closed: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found = (Path(place, name) for name in names if not name.startswith("."))
        yield from (path for path in found if path.is_file())
    yield from closed


def pieces(path: Path, said: str = "It") -> Iterator[bytes]:
    """The bytes. Raises `FormatRefused` where they can't be read."""
    if str(path) == "-":
        given = cast("TextIO | None", sys.stdin)  # None: whoever started us closed it
        if given is None:
            raise FormatRefused(f"{said} can't be read: it is closed.")
        yield from iter(partial(given.buffer.read, _PIECE_BYTES), b"")
        return
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.read, _PIECE_BYTES), b"")
    except OSError as error:
        why = error.strerror or type(error).__name__
        if path.is_dir():
            why = "it is a folder" if isinstance(error, IsADirectoryError) else "it may not be listed"
        raise FormatRefused(f"{said} can't be read: {why}.") from None


@contextlib.contextmanager
def readable(path: Path, said: str = "It") -> Iterator[Callable[[], Iterator[bytes]]]:
    """The bytes of a file, as often as they are asked for: standard input is kept meanwhile."""
    if str(path) != "-":
        yield partial(pieces, path, said)
        return
    with tempfile.TemporaryFile() as kept:
        kept.writelines(pieces(path))
        kept.flush()
        yield partial(_kept, kept.fileno())


def _kept(file: int) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(file, _PIECE_BYTES, at):
        at += len(piece)
        yield piece


def told_in(
    chunks: Callable[[], Iterator[bytes]],
    name: str,
    form: Format | None,
    table: Format | None,
) -> Iterator[Item]:
    """What a file tells, its documents one after the other; those of no known format beside others are rejects.

    Raises `FormatRefused` where none is of a known format.
    """
    for _, item in _told(chunks, name, form, table):
        yield item


def _told(
    chunks: Callable[[], Iterator[bytes]], name: str, form: Format | None, table: Format | None
) -> Iterator[tuple[str, Item]]:
    """What a file tells, each with the member of an archive that tells it."""
    known, rejects, unknown = False, list[Reject](), list[FormatRefused]()
    for told in tell(chunks, name, form, table):
        begun = False
        try:
            for item in _read(told):
                begun = True
                yield told.member, item
        except FormatRefused as refused:
            if begun or not told.member:
                raise
            unknown.append(refused)
            rejects.append(Reject(where=told.member, why=refused.sentence.rstrip(".")))
        else:
            known = True
    if unknown and not known:
        raise unknown[0]
    yield from ((reject.where, reject) for reject in rejects)


def _read(told: Told) -> Iterator[Item]:
    if told.format is None:
        raise FormatRefused(told.refusal, REMEDY)
    yield from told.items


def told_once(
    chunks: Callable[[], Iterator[bytes]],
    name: str,
    form: Format | None,
    table: Format | None,
) -> Iterator[Item]:
    """The same, refused where two files of an archive hold payments: one may be a copy of the other."""
    first = None
    for member, item in _told(chunks, name, form, table):
        if isinstance(item, Instruction):
            first = member if first is None else first
            if first != member:
                raise FormatRefused(
                    f"{first} and {member} both hold payments.", "Unpack them, and convert them one by one."
                )
        yield item
