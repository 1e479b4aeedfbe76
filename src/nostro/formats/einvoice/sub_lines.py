"""Lines that belong to another line, and which of all of them count: no amount may count twice.

UBL's sub lines (XRechnung's extension, BG-DEX-01) explain the amount of the line around them: they are of the purpose
INFORMATION here. CII's groups (Factur-X EXTENDED, BT-X-8) sum up their details: there the details count, not the group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from nostro.model.invoices import InvoiceContent, InvoiceLine

Syntax = Literal["ubl", "cii", "fatturapa"]
INFORMATION, _DETAIL = "INFORMATION", "DETAIL"
_NO_SUM = frozenset({"GROUP", INFORMATION})
"""Purposes of lines that repeat what other lines say."""
_DEPTH = 50
"""How deep sub lines stand within each other at most: no XML that is nested deeper is read."""
_XRECHNUNG_EXTENSION = ":extension:xrechnung"


def counts(line: InvoiceLine) -> bool:
    """Whether the line's amount is part of the invoice's total."""
    return line.purpose not in _NO_SUM


def has_extension(profile: str) -> bool:
    """Whether it is XRechnung's extension: the only profile with sub lines in UBL, and with third parties' payments."""
    return _XRECHNUNG_EXTENSION in profile.lower()


def parents(lines: Sequence[InvoiceLine]) -> list[int | None]:
    """For each line the place of the line that it belongs to, or None.

    That is the outermost of the lines around it with the number that it names, else the only line of that number.
    """
    numbers = Counter(line.line_id for line in lines)
    places = {line.line_id: place for place, line in enumerate(lines)}
    around: list[int] = []
    outermost: dict[str, int] = {}
    found: list[int | None] = []
    for place, line in enumerate(lines):
        depth = outermost.get(line.parent, -1) + 1 if line.parent else 0
        for above in around[depth:]:
            if outermost.get(lines[above].line_id, -1) >= depth:
                del outermost[lines[above].line_id]
        del around[depth:]
        if depth:
            found.append(around[-1])
        else:
            elsewhere = places.get(line.parent, place) if line.parent and numbers[line.parent] == 1 else place
            found.append(elsewhere if elsewhere != place else None)
        outermost.setdefault(line.line_id, len(around))
        around.append(place)
    return found


def kept(invoice: InvoiceContent, syntax: Syntax) -> list[int]:
    """The places of the lines that a syntax has room for: those that count, and where it knows sub lines, these."""
    counting = [place for place, line in enumerate(invoice.lines) if counts(line)]
    if len(counting) == len(invoice.lines) or syntax == "fatturapa":
        return counting
    if syntax == "cii":
        return list(range(len(invoice.lines))) if _is_extended(invoice.profile) else counting
    return sorted(_below(invoice.lines, counting)) if has_extension(invoice.profile) else counting


def _is_extended(profile: str) -> bool:
    return "extended" in re.split(r"[:#]", profile.lower())


def _below(lines: Sequence[InvoiceLine], counting: list[int]) -> set[int]:
    """The lines that count, and what explains them; not circles, nor what is too deep."""
    children: dict[int, list[int]] = {}
    for place, above in enumerate(parents(lines)):
        if above is not None and lines[place].purpose == INFORMATION:
            children.setdefault(above, []).append(place)
    met = level = set(counting)
    for _ in range(_DEPTH):
        level = {child for place in level for child in children.get(place, ())} - met
        met = met | level
    return met


def fitted(invoice: InvoiceContent, syntax: Syntax) -> InvoiceContent:
    """The invoice with the lines that the syntax has room for, without a purpose that it has no word for."""
    lines = tuple(invoice.lines[place] for place in kept(invoice, syntax))
    if syntax != "ubl" and not (syntax == "cii" and _is_extended(invoice.profile)):
        lines = tuple(_alone(line) if syntax == "cii" or line.purpose == _DETAIL else line for line in lines)
    return invoice if lines == invoice.lines else invoice.model_copy(update={"lines": lines})


def _alone(line: InvoiceLine) -> InvoiceLine:
    return line.model_copy(update={"parent": "", "purpose": ""}) if line.parent or line.purpose else line


def unequal(invoice: InvoiceContent) -> Iterator[tuple[InvoiceLine, Decimal]]:
    """Lines of XRechnung's extension whose direct sub lines sum to another amount, and to which (BR-DEX-02)."""
    if not has_extension(invoice.profile):
        return
    sums: dict[int, Decimal] = {}
    for line, above in zip(invoice.lines, parents(invoice.lines), strict=True):
        if above is not None and line.purpose == INFORMATION:
            sums[above] = sums.get(above, Decimal(0)) + (line.amount.value if line.amount else Decimal(0))
    for place, made in sorted(sums.items()):
        told = invoice.lines[place].amount
        if told is not None and told.value != made:
            yield invoice.lines[place], made
