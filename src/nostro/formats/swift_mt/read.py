"""SWIFT MT messages of a file, streaming, each by its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from nostro.formats.swift_mt.blocks import STATEMENT_TAGS, Piece, pieces
from nostro.formats.swift_mt.notification import read_notification
from nostro.formats.swift_mt.payment import PaymentItem, Payments
from nostro.formats.swift_mt.statement import Pages, Statement, StatementItem
from nostro.model.failures import FormatRefused
from nostro.model.statements import Reject

MtItem = StatementItem | PaymentItem

STATEMENTS = frozenset({"940", "942", "950"})
NOTIFICATIONS = frozenset({"900", "910"})
PAYMENTS = frozenset({"101", "103", "202", "205"})
READ = STATEMENTS | NOTIFICATIONS | PAYMENTS


def read_mt(chunks: Iterable[bytes]) -> Iterator[MtItem]:
    """Per message its head, entries or payments, located rejects and its end, in the file's order.

    One statement told in several messages stays several (`page` and `last_page` say so, and where the bank numbers no
    pages they are counted as far as they follow on each other). Raises `FormatRefused` before
    anything was yielded when there is no field of such a message.
    """
    take: Callable[[Piece], Iterator[MtItem]] | None = None
    pages = Pages()
    for piece in pieces(chunks):
        if piece.first or take is None:
            take = _reader(piece, pages)
        yield from take(piece)
    if take is None:
        raise FormatRefused("There is no SWIFT MT message in this file.")


def _reader(piece: Piece, pages: Pages) -> Callable[[Piece], Iterator[MtItem]]:
    kind = type_of(piece)
    if kind in STATEMENTS:
        return Statement(piece, pages=pages).take
    if kind in PAYMENTS:
        return Payments(kind).take
    if kind in NOTIFICATIONS:
        return lambda told: read_notification(told, kind)
    return lambda told: _refused(told, kind)


def type_of(piece: Piece) -> str:
    """The message type: what its carrier says, else what its fields are; empty when that can't be told."""
    said, tags = piece.carrier.type, {tag for tag, _, _ in piece.fields}
    if said in STATEMENTS or (said in _BALANCES and "61" not in tags) or (said.isdecimal() and not tags & _ENTRIES):
        return said
    if "28D" in tags:
        return "101"
    if "32A" in tags and not tags & _ENTRIES:
        return _of_one_amount(tags)
    return "940" if tags & _ACCOUNTS or (tags & STATEMENT_TAGS and not _of_another_category(piece)) else said


_BALANCES = frozenset({"941", "971"})
"""Reports of balances: statements that lack their entries would be something else."""
_ENTRIES = frozenset({"28", "28C", "34F", "60", "60F", "60M", "61", "62", "62F", "62M"})
_ACCOUNTS = STATEMENT_TAGS - {"20", "21"}
"""Messages of every category have 20 and 21."""
_FIELD = re.compile(r":\d\d[A-Z]?:")


def _of_another_category(piece: Piece) -> bool:
    """Whether fields that nothing here has stand in it, where they are taken for text."""
    return any(_FIELD.match(line) for told in piece.fields for line in told.text[1:])


def _of_one_amount(tags: set[str]) -> str:
    """A payment names who is paid; a confirmation names a bank account, and only that of a credit who ordered it."""
    if "23B" in tags or any(tag.startswith("59") for tag in tags):
        return "202" if any(tag.startswith("58") for tag in tags) else "103"
    if any(tag.startswith("58") for tag in tags):
        return "202"
    return "910" if any(tag.startswith(("50", "56")) for tag in tags) else ""


def _refused(piece: Piece, kind: str) -> Iterator[MtItem]:
    if piece.first:
        why = f"a message MT{kind} is none that Nostro reads" if kind else "its fields don't say which message this is"
        if not piece.fields:
            why = "the file breaks off here"
        yield Reject(where=f"MT{kind}[{piece.number}]", why=why, line=piece.line)
