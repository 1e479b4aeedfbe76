"""`RmtInf` and `PmtId` as they are written: what a payment settles, and what it is called."""

from __future__ import annotations

from decimal import Decimal

from nostro.formats.iso20022.write.told_as import Dialect, coded
from nostro.formats.xml_text import branch, leaf
from nostro.model.messages import Instruction
from nostro.model.money import NO_CURRENCY, Amount, has_digits, plain
from nostro.model.remittance import Adjustment, Document

_QR_DIGITS = 27


def identification(payment: Instruction, speech: Dialect) -> str:
    """`PmtId`; a scheme's own word stands where there is no end-to-end id."""
    references = payment.references
    return branch(
        "PmtId",
        leaf("InstrId", references.instruction),
        leaf("EndToEndId", references.end_to_end or speech.profile.default_end_to_end),
        leaf("UETR", references.others.get("UETR", "")) if speech.modern and _traced(speech) else "",
    )


def _traced(speech: Dialect) -> bool:
    return "UETR" not in speech.profile.leaves_out


def amount(name: str, told: Amount | None) -> str:
    """An amount with its currency."""
    return f'<{name} Ccy="{told.currency}">{plain(told.value)}</{name}>' if told else ""


def is_told(told: Amount) -> bool:
    """Whether ISO 20022 has a form for it: at least zero, 18 digits, 5 of them behind the point."""
    return told.currency != NO_CURRENCY and told.value >= 0 and has_digits(told.value, 18, 5)


def is_rate(rate: Decimal) -> bool:
    """Whether it is a BaseOneRate: 11 digits, 10 of them behind the point."""
    return has_digits(rate, 11, 10)


def remittance(payment: Instruction, speech: Dialect) -> str:
    """`RmtInf`: free lines, then documents, then the creditor reference."""
    reference, documents = payment.references.structured, payment.documents
    if not (payment.remittance or reference or documents):
        return ""
    numbers = {told.number for told in documents}
    lines = (leaf("Ustrd", speech.profile.written(line)) for line in payment.remittance if line not in numbers)
    named = (branch("Strd", document(told, modern=speech.modern)) for told in documents)
    kind = _reference_type(reference, speech.profile.reference_type)
    structured = branch("Strd", branch("CdtrRefInf", kind, leaf("Ref", reference)))
    return branch("RmtInf", *lines, *named, structured if reference else "")


def _reference_type(reference: str, otherwise: str) -> str:
    """Which kind of reference it is: ISO 11649, a Swiss QR reference, or one that only its creditor knows.

    `otherwise`: what a scheme calls each that is not of ISO 11649.
    """
    if reference.startswith("RF"):
        return _type("Cd", "SCOR")
    if len(reference) == _QR_DIGITS and reference.isdecimal() and not otherwise:
        return _type("Prtry", "QRR")
    return _type("Cd", otherwise)


def _type(kind: str, said: str) -> str:
    return branch("Tp", branch("CdOrPrtry", leaf(kind, said)))


def document(told: Document, *, modern: bool) -> str:
    """`RfrdDocInf` and `RfrdDocAmt`; not `modern`: as the versions before 2013 have them."""
    discount, tax = amount("Amt", told.discount), amount("Amt", told.tax)
    amounts = branch(
        "RfrdDocAmt",
        amount("DuePyblAmt", told.due),
        branch("DscntApldAmt", discount) if modern else amount("DscntApldAmt", told.discount),
        amount("CdtNoteAmt", told.credited),
        branch("TaxAmt", tax) if modern else amount("TaxAmt", told.tax),
        *(_adjustment(one) for one in told.adjustments or ()),
        amount("RmtdAmt", told.remitted),
    )
    kind = branch("Tp", coded("CdOrPrtry", told.type, _TYPES[modern])) if told.type else ""
    on = leaf("RltdDt", told.on.isoformat()) if told.on else ""
    return branch("RfrdDocInf", kind, leaf("Nb", told.number), on) + amounts


_EARLY_TYPES = frozenset(
    "MSIN CNFA DNFA CINV CREN DEBN HIRI SBIN CMCN SOAC DISP BOLD VCHR AROI TSUT".split()  # noqa: SIM905 - a list of codes
)
_TYPES = {False: _EARLY_TYPES, True: _EARLY_TYPES | {"PUOR"}}
"""DocumentType5Code, and DocumentType6Code since 2013: closed lists, unlike the external code sets."""


def _adjustment(told: Adjustment) -> str:
    direction = {"credit": "CRDT", "debit": "DBIT"}.get(told.direction, "")
    said = leaf("Rsn", told.reason), leaf("AddtlInf", told.text)
    return branch("AdjstmntAmtAndRsn", amount("Amt", told.amount), leaf("CdtDbtInd", direction), *said)
