"""ISO 20022 in the catalogue: which message it is decides who reads it, wherever it stands in the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from nostro.formats.iso20022.camt import CamtItem, read_camt, unread_of_camt
from nostro.formats.iso20022.enveloped import documents_within, shown_within, unprefixed, without_prefixes
from nostro.formats.iso20022.message import read_messages, unread_of_messages
from nostro.formats.iso20022.message_parts import MessageItem
from nostro.formats.iso20022.message_types import message_type
from nostro.formats.reading import BEGINNING_BYTES, Beginning, Format, Unread
from nostro.model.failures import FormatRefused

_CASH_MANAGEMENT = re.compile(r"BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)(?:V\d\d)?")
_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)


def read_enveloped(chunks: Iterable[bytes]) -> Iterator[CamtItem | MessageItem]:
    """What the messages tell that stand as text in another document. Raises `FormatRefused` when there is none."""
    found = False
    for document in documents_within(without_prefixes(chunks)):
        beginning, whole = _peeked(document)
        reader = _reader(Beginning(beginning))
        if reader is not None:
            found = True
            yield from reader(whole)
    if not found:
        raise FormatRefused("There is no ISO 20022 message as text in this XML.")


def _read_messages(chunks: Iterable[bytes]) -> Iterator[MessageItem]:
    return read_messages(without_prefixes(chunks))


def _read_camt(chunks: Iterable[bytes]) -> Iterator[CamtItem]:
    return read_camt(without_prefixes(chunks))


def _unread_of_camt(chunks: Iterable[bytes]) -> Iterable[Unread]:
    return unread_of_camt(without_prefixes(chunks))


def _unread_of_messages(chunks: Iterable[bytes]) -> Iterable[Unread]:
    return unread_of_messages(without_prefixes(chunks))


def unread_of_enveloped(chunks: Iterable[bytes]) -> Iterator[Unread]:
    """What no field takes of the messages that stand as text in another document."""
    for document in documents_within(without_prefixes(chunks)):
        beginning, whole = _peeked(document)
        known = Beginning(beginning)
        if _is_camt(known):
            yield from unread_of_camt(whole)
        elif _is_message(known):
            yield from unread_of_messages(whole)


def _reader(beginning: Beginning) -> Callable[[Iterable[bytes]], Iterator[CamtItem | MessageItem]] | None:
    return read_camt if _is_camt(beginning) else read_messages if _is_message(beginning) else None


def _plain(beginning: Beginning) -> Beginning:
    """The beginning as XML that speaks for itself: without a binary prefix, and without what is only text in it."""
    return Beginning(_CDATA.sub(" ", Beginning(unprefixed(beginning.raw)).text).encode())


def _is_camt(beginning: Beginning) -> bool:
    return any(_CASH_MANAGEMENT.fullmatch(name) for name in _plain(beginning).elements)


def _is_message(beginning: Beginning) -> bool:
    return any(message_type(name) for name in _plain(beginning).elements)


def _is_enveloped(beginning: Beginning) -> bool:
    text = Beginning(unprefixed(beginning.raw)).text
    if not text.lstrip("\ufeff \t\r\n\x00").startswith("<") or ("<![CDATA[" not in text and "&lt;" not in text):
        return False
    opened = Beginning(shown_within(text).encode())
    return any(message_type(name) or _CASH_MANAGEMENT.fullmatch(name) for name in opened.elements)


def _peeked(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) >= BEGINNING_BYTES:
            break
    return held[:BEGINNING_BYTES], chain((held,), chunks)


ISO20022: Sequence[Format] = (
    Format("camt", "ISO 20022 statements, reports, notifications", _is_camt, _read_camt, unread=_unread_of_camt),
    Format(
        "iso20022", "ISO 20022 payments, statuses, returns, investigations", _is_message, _read_messages,
        unread=_unread_of_messages,
    ),
    Format(
        "iso20022-enveloped", "ISO 20022 messages as text in another document", _is_enveloped, read_enveloped,
        unread=unread_of_enveloped,
    ),
)  # fmt: skip
