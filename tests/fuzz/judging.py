"""What must hold of whatever a reader makes of a damaged file."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from nostro.formats.catalogue import Told, tell
from nostro.formats.reading import Item
from nostro.formats.shown import end_shown, head_shown, json_of, reject_shown
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead

PIECE_BYTES = 4_096
SECONDS = 10.0
"""The most processor time for a megabyte, on a slow machine. A busy one may keep a reader waiting for minutes."""
UNENDING = frozenset({"table", "qif", "cfonb120", "cfonb160", "rates_csv", "rates_csv_others", "qr_bill"})
"""Formats without an end of their own: where they are cut nobody can tell but the balance."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a file came to: how many things were read and rejected, and what was found wrong with it."""

    formats: tuple[str, ...]
    count: int
    rejects: int
    failed: int
    refused: bool

    @property
    def complains(self) -> bool:
        """Whether a person would be told that something is wrong."""
        return self.refused or self.rejects > 0 or self.failed > 0


def lived_through(raw: bytes, name: str = "") -> Outcome:
    """Reads a file to its end. Whatever is raised but `FormatRefused` is a flaw; so is taking too long."""
    began = time.process_time()
    names: list[str] = []
    count = rejects = failed = 0
    refused = False
    try:
        for told in tell(lambda: pieces(raw), name):
            if told.format is None:
                refused = True
                continue
            names.append(told.format.name)
            one = _document(told)
            count, rejects, failed, refused = (
                count + one.count,
                rejects + one.rejects,
                failed + one.failed,
                refused or one.refused,
            )
    except FormatRefused:
        refused = True
    took = time.process_time() - began
    assert took < SECONDS * max(1.0, len(raw) / 1e6), f"{took:.1f} s of processor time for {len(raw)} bytes"
    return Outcome(tuple(names), count, rejects, failed, refused)


def ends_nowhere(raw: bytes, found: Outcome) -> bool:
    """Whether nobody could tell that something is missing: the format has no end, or a message ends right here.

    An interim report (MT942) of a bank that leaves block 4 and the sums out has no end either.
    """
    bare_interim = b"{4:" not in raw and re.search(rb":34F:|:13D:", raw) is not None
    return bool(UNENDING.intersection(found.formats)) or bare_interim or _ENDS.search(raw) is not None


_ENDS = re.compile(rb"^9[ \d]*\s*\Z|(?::6[245][FM]?:[^\r\n]*\s*(?::86:[^{}]*)?|-\}?|[\x03$]|\}\}?)\s*\Z", re.MULTILINE)
"""A closing balance (with what follows it), a message's end sign, or an acknowledgement's; CODA's last record."""


def _document(told: Told) -> Outcome:
    """One document: each item is in a head that is open, each end counts right, everything can be shown."""
    head: StatementHead | MessageHead | None = None
    count = since = rejects = rejected_since = failed = 0
    refused = False
    try:
        for one in told.items:
            json_of(_shown(one))
            match one:
                case StatementHead() | MessageHead():
                    failed += head is not None
                    head, since, rejected_since = one, 0, 0
                case Entry() | Instruction() | PaymentStatus():
                    assert head is not None, "an item outside of any document"
                    count, since = count + 1, since + 1
                case Reject():
                    rejects, rejected_since = rejects + 1, rejected_since + 1
                case StatementEnd() | MessageEnd():
                    assert head is not None, "an end without a beginning"
                    items = one.entries if isinstance(one, StatementEnd) else one.items
                    assert items == since, f"{items} are counted, {since} were told"
                    assert one.rejected <= rejected_since, f"{one.rejected} rejects are counted, {rejected_since} told"
                    failed += sum(not check.ok for check in one.checks)
                    json_of(end_shown(head, one))
                    head = None
                case _:
                    count += 1
                    failed += sum(not check.ok for check in getattr(one, "checks", ()))
    except FormatRefused:
        refused = True
    failed += head is not None
    return Outcome((), count, rejects, failed, refused)


def _shown(one: Item) -> object:
    if isinstance(one, StatementHead | MessageHead):
        return head_shown(one, "file")
    return reject_shown(one, "file") if isinstance(one, Reject) else one


def pieces(raw: bytes) -> Iterator[bytes]:
    """The bytes as they come."""
    return (raw[start : start + PIECE_BYTES] for start in range(0, len(raw), PIECE_BYTES))
