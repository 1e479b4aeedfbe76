"""What in a payer's text may name an invoice, a payment or an order of ours: candidates by pattern, never decisions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

HINTS = 10
"""More candidates than this tell nothing: the text is a list, and a person reads it."""
_TEXT_LIMIT = 5_000
_PATTERNS = tuple(
    re.compile(rf"(?<![A-Za-z0-9]){pattern}(?![/.-]?[A-Za-z0-9])")
    for pattern in (
        r"NOS[A-Z2-7]{16}",  # our own correlation id
        r"RF\d\d(?:[A-Z0-9]{1,21}|(?: [A-Z0-9]{4}){1,5}(?: [A-Z0-9]{1,3})?)",  # ISO 11649 creditor reference
        r"\d{2}(?: ?\d{5}){5}",  # Swiss QR reference: 27 digits, often in blocks
        r"[A-Z][A-Z0-9]{0,11}(?: ?[/.-] ?[A-Z0-9]{1,12}){0,3} ?[/.-] ?\d{2,12}",  # INV/2026/00012, R-2026-12
        r"[A-Z]{1,6}\d{4,12}",  # RE20260012
    )
)
_PROVIDER_ID = re.compile(r"(?<![A-Za-z0-9])(?:pi|ch|py|po|re|tr|txn)_[A-Za-z0-9]{8,40}(?![A-Za-z0-9])")


def hints(texts: Iterable[str]) -> tuple[str, ...]:
    """Candidates in their order, at most `HINTS`; lines count alone, and joined where they were cut."""
    lines = [unicodedata.normalize("NFKC", line)[:_TEXT_LIMIT] for line in texts if line]
    joined = [sep.join(lines)[:_TEXT_LIMIT] for sep in (" ", "")] if len(lines) > 1 else []
    found = dict.fromkeys(hint for line in (*lines, *joined) for hint in _in_line(line))
    return tuple(found)[:HINTS]


def _in_line(line: str) -> Iterator[str]:
    upper = line.upper()
    matches = [match for pattern in _PATTERNS for match in pattern.finditer(upper)]
    yield from ("".join(match[0].split()) for match in sorted(matches, key=lambda match: match.start()))
    yield from (match[0] for match in _PROVIDER_ID.finditer(line))
