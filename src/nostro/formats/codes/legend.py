"""The codes that a document uses, each once, with what they mean: for the person who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from nostro.formats.codes.sets import SETS, NamedCode, name_of, named
from nostro.formats.reading import Item
from nostro.model.invoices import InvoiceContent
from nostro.model.messages import Instruction, MessageHead, PaymentStatus, Reason
from nostro.model.statements import Detail, Entry, ReturnInformation, StatementHead

_LIMIT = 1_000
"""Codes of one document that are told; banks use a few dozen."""
_ISO = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}(?:-[A-Z0-9]{4})?")
_CODE = re.compile(r"[A-Z0-9]{4}")
_MT = re.compile(r"[NFS]([A-Z0-9]{3})(?:\+(\d{3}))?(?:\+.*)?")
_SWIFT = "swift.transaction_type"
_FIELDS = {
    "charge_bearer": "iso20022.charge_bearer",
    "service_level": "iso20022.service_level",
    "local_instrument": "iso20022.local_instrument",
    "category_purpose": "iso20022.category_purpose",
    "purpose": "iso20022.purpose",
}
Use = Literal["transaction", "reason", "purpose", "status"]
Found = tuple[str, str]


class _Sets(NamedTuple):
    """The sets of a format: of bank transaction codes, of reasons for returns, of reasons in statuses, of statuses."""

    transaction: str = ""
    returned: str = "iso20022.reason"
    stated: str = "iso20022.reason"
    status: str = "iso20022.payment_status"


_NATIONAL: Mapping[str, _Sets] = {
    "CFONB": _Sets("cfonb.operation", returned=""),
    "Norma": _Sets("aeb.concept", returned="aeb.concept"),
    "BAI2": _Sets("bai2.type", returned="bai2.type"),
    "CODA": _Sets("coda.transaction"),
    "OFX": _Sets("ofx.type", returned=""),
    "NACHA": _Sets(returned="nacha.return", stated="nacha.change", status="nacha.change"),
}
"""By the first word of a format's name; the others use ISO 20022's or SWIFT's codes."""
_EXCEPTIONS: Mapping[str, _Sets] = {
    "camt.026": _Sets(stated="iso20022.unable_to_apply"),
    "camt.029": _Sets(stated="iso20022.cancellation_rejection", status="iso20022.cancellation_status"),
}


class Legend:
    """The codes of one document: they are taken in with its items."""

    def __init__(self, of: StatementHead | MessageHead | None = None) -> None:
        """Of a document that begins; without a head, of an object that is whole in itself."""
        self._sets = _sets(of.format if of else "")
        self._found: dict[Found, None] = {}
        self._met: set[tuple[Use, str]] = set()
        if isinstance(of, MessageHead):
            self._state(of.status, of.reasons)

    def take(self, told: Item) -> None:
        """One item of the document."""
        match told:
            case Entry():
                self._moved(told.bank_transaction_code)
                self._returned(told.returned)
                for detail in told.details:
                    self._detail(detail)
            case Instruction():
                self._add(_of_field(code_set, getattr(told, field)) for field, code_set in _FIELDS.items())
                self._returned(told.returned)
            case PaymentStatus():
                self._state(told.status, told.reasons)
            case InvoiceContent():
                self._add(_of_invoice(told))

    def told(self) -> tuple[NamedCode, ...]:
        """Its codes with their names, those that are not known among them."""
        return tuple(
            named(code_set, code) if code_set else NamedCode(code_set="", code=code) for code_set, code in self._found
        )

    def _add(self, found: Iterable[Found]) -> None:
        for one in found:
            if one[1] and len(self._found) < _LIMIT:
                self._found[one] = None

    def _new(self, use: Use, code: str) -> bool:
        """Whether a code was not met before in this use: most entries of a statement share a few."""
        if not code or (use, code) in self._met or len(self._met) >= _LIMIT:
            return False
        self._met.add((use, code))
        return True

    def _moved(self, code: str) -> None:
        if self._new("transaction", code):
            self._add(_of_transaction(self._sets.transaction, code))

    def _detail(self, detail: Detail) -> None:
        if self._new("purpose", detail.purpose):
            self._add([_of_field("iso20022.purpose", detail.purpose)])
        self._returned(detail.returned)

    def _returned(self, returned: ReturnInformation | None) -> None:
        if returned is not None and self._new("reason", code := returned.code or returned.proprietary):
            own = self._sets.returned != "iso20022.reason"
            known = self._sets.returned if returned.code or own else ""
            self._add([(known, code[:2] if known == "aeb.concept" else code)])

    def _state(self, status: str, reasons: Iterable[Reason]) -> None:
        if self._new("status", status):
            self._add([(self._sets.status, status)])
        for reason in reasons:
            if self._new("reason", code := reason.code or reason.proprietary):
                self._add([(self._sets.stated if reason.code else "", code)])


def _sets(format_name: str) -> _Sets:
    first, _, rest = format_name.partition(" ")
    if (own := f"bacs.{rest.lower()}") in SETS and first == "Bacs":
        return _Sets(returned=own, stated=own, status=own)
    if first.startswith("MT"):
        return _Sets(_SWIFT)
    return _NATIONAL.get(first) or _EXCEPTIONS.get(first[: len("camt.029")], _Sets())


def _of_field(code_set: str, code: str) -> Found:
    """A code of ISO 20022's set, or what a sender wrote in its place (a NACHA batch's own description)."""
    return (code_set if _CODE.fullmatch(code) or name_of(code_set, code) else "", code)


def _of_transaction(own: str, code: str) -> list[Found]:
    """A bank transaction code's sets: the format's own, else ISO 20022's, else those of an MT's field 61 and 86."""
    if own == "coda.transaction":
        return [(own, code[1:5])]
    if own == _SWIFT:
        return _of_message(code) or [("", code)]
    if own:
        return [(own, code[:2] if own == "aeb.concept" else code)]
    if _ISO.fullmatch(code) or name_of("iso20022.domain", code):
        return [("iso20022.bank_transaction", code)]
    # German banks tell an MT's codes in camt too.
    found = _of_message(code)
    return found if all(name_of(*one) for one in found if one[0]) and found else [("", code)]


def _of_message(code: str) -> list[Found]:
    """`NTRF+166+00900`: the transaction type of field 61, and the German code of field 86."""
    if (found := _MT.fullmatch(code)) is None:
        return []
    kind, german = found[1], found[2] or ""
    if not kind.isdecimal():
        return [(_SWIFT, kind), ("dk.gvc", german)]
    return [("dk.gvc", german)] if kind == german else [("", code)]


def _of_invoice(invoice: InvoiceContent) -> list[Found]:
    """What an invoice's codes are: of its kind, its payment, its taxes and what is withheld."""
    taxes = [row.tax for row in invoice.tax_breakdown]
    return [
        ("einvoice.document_type", invoice.type_code),
        *(("einvoice.payment_means", means.code) for means in invoice.payment_means),
        *(("einvoice.tax_category", tax.category) for tax in taxes),
        *(("einvoice.exemption", tax.exemption_code) for tax in taxes),
        *(("einvoice.withholding", kept.kind) for kept in invoice.withholdings),
    ]
