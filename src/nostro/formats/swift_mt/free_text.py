"""Free text in field 86: its lines, and the references that stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LINE_SIGNS = 65
"""A longer text is wrapped here; a shorter line ended by itself."""


def wrapped(text: Iterable[str], end: str) -> str:
    """The text, whose full lines go on in the next one."""
    return "".join([line if len(line) >= _LINE_SIGNS else f"{line}{end}" for line in text])


def lines_of(text: list[str]) -> list[str]:
    """Free text by its lines; a full one goes on in the next."""
    if len(text) == 1:
        return [said] if (said := text[0].strip()) else []
    return [said for line in wrapped(text, "\n").split("\n") if (said := line.strip())]


_BELGIAN = re.compile(r"(?:\+\+\+|\*\*\*)(\d{3}/\d{4}/\d{5})(?:\+\+\+|\*\*\*)")
_CREDITOR_REFERENCE = re.compile(r"RF\d\d[A-Z0-9]{1,21}")


def structured_in(remittance: list[str]) -> str:
    """A Belgian structured communication within the text, or a creditor reference (ISO 11649) that is all of it."""
    reference = ""
    for said in remittance:
        if ("+++" in said or "***" in said) and (found := _BELGIAN.search(said)):
            reference = found[1]
        elif said.startswith("RF") and _CREDITOR_REFERENCE.fullmatch(compact := "".join(said.split())):
            reference = compact
    return reference
