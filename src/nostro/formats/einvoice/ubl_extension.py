"""What XRechnung's extension adds to UBL: lines within lines (BG-DEX-01) and payments to third parties (BG-DEX-09).

XRechnung 3.0, KoSIT's Schematron `ubl-extension-pattern` (BR-DEX-01 to BR-DEX-14). Sub lines are read in any profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nostro.formats.einvoice.forms import AMOUNT, TEXT
from nostro.formats.einvoice.mapping import (
    By,
    Fields,
    Group,
    Leaf,
    Reading,
    Shape,
    Writing,
    read_parts,
    read_shape,
    write_shape,
)
from nostro.formats.einvoice.paths import found
from nostro.formats.einvoice.strict import ONLY_EXTENSION, Flaw
from nostro.formats.einvoice.sub_lines import INFORMATION, has_extension, parents
from nostro.formats.xml import Element
from nostro.model.invoices import InvoiceContent, InvoiceLine, ThirdPartyPayment
from nostro.model.statements import Check

_DECIMALS = 2
_PAYMENT = Shape(
    ThirdPartyPayment,
    (
        Leaf("type", "ID", TEXT),
        Leaf("amount", "PaidAmount", AMOUNT),
        Leaf("description", "InstructionID", TEXT),
    ),
)
_PAYMENTS = Group("third_party_payments", "PrepaidPayment", _PAYMENT, many=True)


def _read_payments(reading: Reading, element: Element, fields: Fields) -> None:
    """Only the extension says that these are due beside: elsewhere they were paid before."""
    if has_extension(fields.get("profile", "")):
        fields.update(read_parts(reading, element, (_PAYMENTS,)))


def _write_payments(writing: Writing, element: Element, told: InvoiceContent) -> None:
    for one in told.third_party_payments:
        write_shape(writing, writing.branch(element, "PrepaidPayment"), _PAYMENT, one)


THIRD_PARTY_PAYMENTS = By(_read_payments, _write_payments)


def payment_flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    """What the extension demands of payments to third parties."""
    for number, one in enumerate(invoice.third_party_payments, start=1):
        where = f"third_party_payments[{number}]"
        if not has_extension(invoice.profile) or invoice.is_credit_note:
            yield Flaw(where, "BR-DEX-09", ONLY_EXTENSION)
        if not one.type:
            yield Flaw(f"{where}.type", "BR-DEX-10", "Say what kind it is (BT-DEX-001).")
        if one.amount is None:
            yield Flaw(f"{where}.amount", "BR-DEX-11", "Give the amount (BT-DEX-002).")
        elif -int(one.amount.value.as_tuple().exponent) > _DECIMALS:
            yield Flaw(f"{where}.amount", "BR-DEX-13", "Round it to two decimals.")
        elif one.amount.currency != invoice.currency:
            yield Flaw(f"{where}.amount", "BR-DEX-14", f"Tell it in {invoice.currency}, the invoice's currency (BT-5).")
        if not one.description:
            yield Flaw(f"{where}.description", "BR-DEX-12", "Describe it (BT-DEX-003).")


def lines_of(name: str, shape: Shape) -> By:
    """Lines of that name, each followed by its sub lines, which name it as their parent."""
    below = f"Sub{name}"

    def read(reading: Reading, element: Element, fields: Fields) -> None:
        lines: list[InvoiceLine] = []
        above: list[int | None] = []
        waiting: list[tuple[Element, int | None]] = [(place, None) for place in reversed(list(found(element, name)))]
        while waiting:
            place, within = waiting.pop()
            fixed = {} if within is None else {"parent": lines[within].line_id, "purpose": INFORMATION}
            told = read_shape(reading, place, shape, fixed)
            if isinstance(told, InvoiceLine):
                lines.append(told)
                above.append(within)
                within = len(lines) - 1
            waiting += [(one, within) for one in reversed(list(found(place, below)))]
        fields["lines"] = tuple(lines)
        if parents(lines) != above:
            detail = "numbers of lines repeat: to which line a sub line belongs can't be told by them"
            fields["checks"] = (*fields.get("checks", ()), Check(name="BT-126", ok=False, detail=detail))

    def write(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
        children: dict[int | None, list[int]] = {}
        for place, within in enumerate(parents(told.lines)):
            inside = within if told.lines[place].purpose == INFORMATION else None
            children.setdefault(inside, []).append(place)
        waiting = [(place, element, name) for place in reversed(children.get(None, []))]
        while waiting:
            place, holder, called = waiting.pop()
            made = writing.branch(holder, called)
            write_shape(writing, made, shape, told.lines[place])
            waiting += [(child, made, below) for child in reversed(children.get(place, []))]

    return By(read, write)
