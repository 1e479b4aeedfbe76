"""A NACHA file as its records of 94 characters, whether lines end or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from nostro.formats.text import decode, lines

WIDTH = 94
_SHORTEST = 55
"""A file control record without its blanks: what is shorter at the end of a line is no record (sequence numbers)."""
_SEEN_BYTES = 20 * WIDTH
_BLANK = b" \t\r\n\x00\x1a\xef\xbb\xbf"


def unblocked(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Each record with its line from 1, or with its own number where no line ends. Short ones stay short.

    Several records on one line (a block of ten) are taken apart. Blank lines are left out.
    """
    given = iter(chunks)
    beginning = b""
    for chunk in given:
        beginning += chunk
        if len(beginning.lstrip(_BLANK)) >= _SEEN_BYTES:
            break
    whole = chain((beginning,), given)
    seen = beginning.lstrip(_BLANK)[:_SEEN_BYTES].rstrip(_BLANK)
    # UTF-16 shows in its zero bytes; no block without line ends has any.
    if len(seen) <= WIDTH or any(end in seen for end in (b"\n", b"\r", b"\x00")):
        return _of_lines(whole)
    return _of_blocks(whole)


def _of_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    for number, line in lines(chunks):
        if len(line) > WIDTH:
            for start in range(0, len(line), WIDTH):
                piece = line[start : start + WIDTH]
                if not start or len(piece.rstrip()) >= _SHORTEST:
                    yield number, piece
        elif line and not line.isspace():
            yield number, line


def _of_blocks(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    held, number = b"", 0
    for chunk in chunks:
        held = (held + chunk) if number or held else chunk.lstrip(_BLANK)
        end = len(held) - len(held) % WIDTH
        for start in range(0, end, WIDTH):
            number += 1
            yield number, decode(held[start : start + WIDTH])
        held = held[end:]
    if rest := held.strip(_BLANK):
        yield number + 1, decode(rest)
