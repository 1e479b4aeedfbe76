"""Bytes of text formats as lines: encodings, byte order marks and line ends of banks, in flat memory."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from nostro.model.failures import FormatRefused

LINE_BYTES = 1_048_576
"""A longer line is no line of any format here."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_END = b"\x1a"
"""Ctrl-Z, with which DOS programs end their files."""
_ENDS = (b"\n", b"\r", _END)


def begun(chunks: Iterable[bytes], enough: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, at least so many where there are, and the chunks that follow them."""
    given, beginning = iter(chunks), b""
    for chunk in given:
        beginning += chunk
        if len(beginning) >= enough:
            break
    return beginning, given


def gathered(chunks: Iterable[bytes], most: int, what: str) -> bytes:
    """All the bytes. Raises `FormatRefused` for more than that."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > most:
            raise FormatRefused(f"The {what} is larger than {most} bytes.")
    return bytes(held)


def decode(raw: bytes) -> str:
    """Text of unknown encoding: UTF-8 where it can be, else Windows-1252, else Latin-1, which takes every byte."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def decoded(raw: bytes) -> str:
    """The beginning of a file as text; a letter that is cut at its end does no harm."""
    encoding, mark = _marked(raw)
    if encoding and encoding != "utf-8":
        return raw[len(mark) :].decode(encoding, "replace")
    raw = raw[len(mark) :]
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return decode(raw)


@dataclass(slots=True)
class Ending:
    """How a file ends, once its last line is told: `lacks` a line end (and Ctrl-Z), so that it may be cut there."""

    lacks: bool = False


def lines(
    chunks: Iterable[bytes],
    encoding: str = "",
    read: Callable[[bytes], str] = decode,
    ending: Ending | None = None,
) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, without their ends (whichever they are), a mark or Ctrl-Z.

    Each line is decoded by itself, so that one letter of another encoding spoils nothing else. `encoding` says which
    one it is, where somebody knows; `read` takes a line where nobody does. `ending` hears how the file ends.
    Raises `FormatRefused` for a line longer than `LINE_BYTES`.
    """
    blocks = (_told(raw, encoding, read) for raw in _whole_lines(_plain(chunks), ending or Ending()))
    return enumerate(chain.from_iterable(blocks), start=1)


def _told(raw: bytes, encoding: str, read: Callable[[bytes], str]) -> Iterable[str]:
    parts = raw.splitlines()
    if encoding:
        return [part.decode(encoding, "replace") for part in parts]
    if read is decode:
        # Nearly always all of it is UTF-8: no call of ours a line.
        with suppress(UnicodeDecodeError):
            return list(map(bytes.decode, parts))
    return map(read, parts)


def _whole_lines(chunks: Iterable[bytes], ending: Ending) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        # Where lines end with "\r" alone, the last one may be half of "\r\n".
        cut = held.rfind(b"\n") + 1 or held.rfind(b"\r", 0, len(held) - 1) + 1
        yield held[:cut]
        held = held[cut:]
        if len(held) > LINE_BYTES:
            raise FormatRefused(f"A line is longer than {LINE_BYTES} bytes: this is no text file of a bank.")
    ending.lacks = bool(held) and not held.endswith(_ENDS)
    yield held.rstrip(_END)


def _plain(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in an encoding that has ASCII's line ends, without a mark."""
    beginning, given = begun(chunks, _GLANCE)
    encoding, mark = _marked(beginning)
    if encoding in ("", "utf-8"):
        yield beginning[len(mark) :]
        yield from given
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(beginning[len(mark) :]).encode()
    for chunk in given:
        yield decoder.decode(chunk).encode()


_GLANCE = 64
"""Bytes that are looked at for an encoding: so many that a few zero bytes too much deceive nobody."""


def _marked(raw: bytes) -> tuple[str, bytes]:
    """The encoding that a byte order mark says, and the mark; UTF-16 without one shows in its zero bytes."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding, mark
    glance = raw[:_GLANCE]
    for encoding, mute, told in (("utf-16-le", glance[1::2], glance[::2]), ("utf-16-be", glance[::2], glance[1::2])):
        if mute.count(0) * 4 > len(mute) * 3 and told.count(0) * 4 < len(told):
            return encoding, b""
    return "", b""


def pieces(chunks: Iterable[bytes], before: bytes) -> Iterator[str]:
    """The text, cut before some byte, so that each piece is decoded by itself, for formats whose lines may have no end.

    Raises `FormatRefused` where that byte does not come within `LINE_BYTES`.
    """
    held = b""
    for chunk in _plain(chunks):
        held += chunk
        cut = held.rfind(before)
        if cut > 0:
            yield decode(held[:cut])
            held = held[cut:]
        if len(held) > LINE_BYTES:
            raise FormatRefused(f"There are {LINE_BYTES} bytes without a mark: this is no text file of a bank.")
    yield decode(held.rstrip(_END))
