"""NACHA in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.formats.nacha.read import read_nacha
from nostro.formats.reading import Beginning, Format

_LOOKED_AT = 100


def _is_nacha(beginning: Beginning) -> bool:
    """A file header with priority code 01 and its fixed record size, blocking factor and format code, or else a batch.

    Lines of a mainframe's job may stand before.
    """
    if beginning.is_xml:
        return False
    told = [line for line in beginning.lines[:_LOOKED_AT] if line and not line.isspace()]
    first = next((place for place, line in enumerate(told) if line.startswith("101")), None)
    if first is None:
        return len(told) > 1 and (_is_batch(*told[:2]) or _is_entry(*told[:2]))
    if any(line[0] in "23456789" for line in told[:first]):
        return False
    header, then = told[first], told[first + 1 : first + 3]
    return header[34:40] == "094101" or (header[23:29].isdecimal() and len(then) > 1 and _is_batch(*then))


def _is_batch(line: str, then: str) -> bool:
    return line[:4] in ("5200", "5220", "5225", "5280") and line[50:53].isalpha() and then[:1] == "6"


def _is_entry(line: str, then: str) -> bool:
    """A piece of a file, as some banks mail returns."""
    digits = line[1:11] + line[29:39] + line[78:94]
    return line[0] == "6" and len(digits) == 36 and digits.isdecimal() and then[:1] in ("6", "7", "8")


NACHA: Sequence[Format] = (Format("nacha", "NACHA files of the US automated clearing house", _is_nacha, read_nacha),)
