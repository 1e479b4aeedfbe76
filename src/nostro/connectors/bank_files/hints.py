"""What in a payer's text may name an invoice, a payment or an order of ours: candidates by pattern, never a decision."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

HINTS = 10
"""More candidates than this tell nothing: the text is a list, and a person reads it."""
_TEXT_LIMIT = 5_000
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![A-Z0-9])NOS[A-Z2-7]{16}(?![A-Z0-9])",  # our own correlation id
        r"(?<![A-Z0-9])RF\d\d(?: ?[A-Z0-9]){1,21}(?![A-Z0-9])",  # ISO 11649 creditor reference
        r"(?<![A-Z0-9])\d{2}(?: ?\d{5}){5}(?!\d)",  # Swiss QR reference: 27 digits, written in blocks
        r"(?<![A-Za-z0-9])(?:pi|ch|py|po|re|tr|txn)_[A-Za-z0-9]{8,40}(?![A-Za-z0-9])",  # ids of payment providers
        r"(?<![A-Z0-9])[A-Z][A-Z0-9]{0,11}(?: ?[/.-] ?[A-Z0-9]{1,12}){0,3} ?[/.-] ?\d{2,12}(?![A-Z0-9])",  # INV/2026/00012
    )
)
_CASED = 3
"""The pattern whose values are case-sensitive."""
_NOTHING = frozenset(
    [
        "NOTPROVIDED",
        "NOT-PROVIDED",
        "NONREF",
        "NOREF",
        "NOTAVAILABLE",
        "NONE",
        "N/A",
        "NA",
        "NULL",
        "UNKNOWN",
        "NOTSPECIFIED",
        "NOT_PROVIDED",
    ]
)


def hints(texts: Iterable[str]) -> tuple[str, ...]:
    """Candidates in the order in which they stand, at most `HINTS`. Lines are read apart, and joined where they were cut."""
    lines = [unicodedata.normalize("NFKC", line) for line in texts if line]
    whole = [" ".join(lines)[:_TEXT_LIMIT], "".join(lines)[:_TEXT_LIMIT]] if len(lines) > 1 else lines
    found = dict.fromkeys(hint for line in (*lines, *whole) for hint in _in_line(line[:_TEXT_LIMIT]))
    return tuple(found)[:HINTS]


def _in_line(line: str) -> Iterator[str]:
    upper = line.upper()
    matches = [
        (match.start(), "".join(match[0].split()))
        for number, pattern in enumerate(_PATTERNS)
        for match in pattern.finditer(line if number == _CASED else upper)
    ]
    yield from (hint for _, hint in sorted(matches))


def told(reference: str) -> str:
    """The reference, or nothing where a bank fills the field with words that say so (`NOTPROVIDED`, SEPA rulebook AT-41)."""
    said = reference.strip()
    return "" if "".join(said.split()).upper() in _NOTHING or not said.strip("0") else said
