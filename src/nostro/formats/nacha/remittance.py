"""What the addenda of CCD+, CTX and TXP say is paid: X12 segments, read tolerantly.

X12 820 "Payment Order/Remittance Advice": RMR (what is settled), DTM (its date); Nacha: TXP (tax).
A segment ends with a backslash, a tilde, or as the ISA segment says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from nostro.model.failures import FormatRefused
from nostro.model.money import Amount, plain
from nostro.model.remittance import Document

_DOCUMENTS = 10_000
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{0,4})?|-?\.\d{1,4}")
_ENDS = re.compile(r"[\\~\r\n]")
_ISA_LENGTH = 106
_INVOICE_DATES = frozenset({"003", "097"})


def documents(text: str) -> tuple[Document, ...]:
    """The documents that RMR and TXP segments name."""
    found: list[Document] = []
    for segment in segments(text):
        if segment[0] == "RMR" and len(segment) > 2:
            found.append(_document(segment))
        elif segment[0] == "TXP":
            found += _taxes(segment)
        elif segment[0] == "DTM" and found and len(segment) > 2 and segment[1] in _INVOICE_DATES:
            found[-1] = found[-1].model_copy(update={"on": _day(segment[2])})
        if len(found) >= _DOCUMENTS:
            break
    return tuple(found)


def trace_of(text: str) -> str:
    """The number that ties the payment to its remittance (TRN02), where there is one."""
    return next((part[2] for part in segments(text) if part[0] == "TRN" and len(part) > 2), "")


def segments(text: str) -> Iterator[list[str]]:
    """Segments as their elements."""
    separator, ends = "*", _ENDS
    if text.startswith("ISA") and len(text) >= _ISA_LENGTH:
        separator = text[3]
        # Who writes ISA's elements shorter than they are to be declares no end with its last sign.
        if text[_ISA_LENGTH:].lstrip().startswith("GS"):
            ends = re.compile(re.escape(text[_ISA_LENGTH - 1]))
    for segment in ends.split(text):
        if parts := segment.strip():
            yield [element.strip() for element in parts.split(separator)]


def _document(segment: list[str]) -> Document:
    """RMR01 what the number is, RMR02 the number, RMR04 paid, RMR05 of a total, RMR06 discount taken."""
    paid, total, discount = (_amount(segment[place]) if len(segment) > place else None for place in (4, 5, 6))
    return Document(number=segment[2], type=segment[1], remitted=paid, due=total, discount=discount)


def _taxes(segment: list[str]) -> list[Document]:
    """TXP01 taxpayer, TXP02 kind of tax, TXP03 end of the period, then pairs of kind and amount in cents."""
    kind, on = (segment[place] if len(segment) > place else "" for place in (2, 3))
    found = []
    for what, said in zip(segment[4:10:2], segment[5:10:2], strict=False):
        if said.isascii() and said.isdecimal():
            paid = Amount(value=Decimal(said[:18]).scaleb(-2), currency="USD")
            found.append(Document(number=segment[1], type=f"{kind}/{what}", on=_day(f"20{on}"), remitted=paid))
    return found


def _amount(said: str) -> Amount | None:
    return Amount(value=Decimal(said), currency="USD") if _DECIMAL.fullmatch(said) else None


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if len(said) == 8 else None
    except ValueError:
        return None


def written(settled: Iterable[Document]) -> str:
    """RMR segments (and the documents' dates) for what a payment settles."""
    return "".join(_segments(document) for document in settled)


def _segments(document: Document) -> str:
    if any(mark in document.number + document.type for mark in "*\\~"):
        raise FormatRefused(
            "A document's number holds a mark that parts X12 elements.", "Write the remittance as text."
        )
    sums = (plain(told.value) if told else "" for told in (document.remitted, document.due, document.discount))
    told = "*".join(("RMR", document.type or "IV", document.number, "", *sums)).rstrip("*")
    dated = f"DTM*003*{document.on:%Y%m%d}\\" if document.on else ""
    return f"{told}\\{dated}"
