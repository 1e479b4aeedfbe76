"""Ways in which a file comes damaged: cut, doubled, swapped, garbled, blown up. Each from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

GARBAGE = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"\x1a",
    b"<",
    b">",
    b"&",
    b'"',
    b"-",
    b",",
    b"9" * 40,
    b":61:",
)
BLOWN_UP = 200
Damage = Callable[[bytes, Random], bytes]


def _place(raw: bytes, chance: Random) -> int:
    return chance.randrange(len(raw) + 1)


def _span(raw: bytes, chance: Random) -> tuple[int, int]:
    start = _place(raw, chance)
    return start, min(len(raw), start + chance.choice((1, 2, 10, 100, 1000)))


def cut(raw: bytes, chance: Random) -> bytes:
    """The rest never arrived."""
    return raw[: _place(raw, chance)]


def without_beginning(raw: bytes, chance: Random) -> bytes:
    """The first part was lost."""
    return raw[_place(raw, chance) :]


def holed(raw: bytes, chance: Random) -> bytes:
    """A part is missing."""
    start, end = _span(raw, chance)
    return raw[:start] + raw[end:]


def doubled(raw: bytes, chance: Random) -> bytes:
    """A part is there twice."""
    start, end = _span(raw, chance)
    return raw[:end] + raw[start:end] + raw[end:]


def swapped(raw: bytes, chance: Random) -> bytes:
    """Two lines, or halves, changed places."""
    lines = raw.split(b"\n")
    if len(lines) < 3:
        half = len(raw) // 2
        return raw[half:] + raw[:half]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def garbled(raw: bytes, chance: Random) -> bytes:
    """Some bytes are others."""
    damaged = bytearray(raw)
    for _ in range(chance.choice((1, 2, 5, 20))):
        if damaged:
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def littered(raw: bytes, chance: Random) -> bytes:
    """Something stands in between that doesn't belong there."""
    place = _place(raw, chance)
    return raw[:place] + chance.choice(GARBAGE) + raw[place:]


def blown_up(raw: bytes, chance: Random) -> bytes:
    """A part is there hundreds of times."""
    start, end = _span(raw, chance)
    return raw[:end] + raw[start:end] * BLOWN_UP + raw[end:]


def recoded(raw: bytes, chance: Random) -> bytes:
    """It was saved in another encoding."""
    return raw.decode("latin-1").encode(
        chance.choice(("utf-8", "utf-16", "utf-16-le", "utf-8-sig", "cp037")), "replace"
    )


DAMAGES: Mapping[str, Damage] = {
    "cut": cut,
    "without_beginning": without_beginning,
    "holed": holed,
    "doubled": doubled,
    "swapped": swapped,
    "garbled": garbled,
    "littered": littered,
    "blown_up": blown_up,
    "recoded": recoded,
}
