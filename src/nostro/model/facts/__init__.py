"""Facts: versioned bodies in an explicit list, their canonical bytes, and upcasting at read time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nostro.model.base import ERASED, confidential_fields
from nostro.model.canonical import canonical, parse
from nostro.model.facts.bank import EntryReported, MovementRelated, StatementListed, StatementReceived
from nostro.model.facts.base import Fact, FactBody, PaymentNews, Position
from nostro.model.facts.cards import (
    DisputeReported,
    PaymentAttempted,
    PaymentCaptured,
    PayoutCredited,
    PayoutLineReported,
    PayoutReissued,
    PayoutReported,
    RefundReported,
)
from nostro.model.facts.collections import (
    CollectionCredited,
    CollectionCreditNoteChanged,
    CollectionCreditNoted,
    CollectionPaidOut,
    CollectionPaymentMoved,
    CollectionReturned,
    MoneyUnapplied,
)
from nostro.model.facts.house import (
    BundleActivated,
    CaseClosed,
    CommandReleased,
    CommandSettled,
    DeadlineFellDue,
    FactCorrected,
    LookupAnswered,
    MatchConfirmed,
    ReceiptRead,
    RecoveryClosed,
    RecoveryOpened,
    RerunAsked,
    SubjectPoisoned,
)
from nostro.model.facts.invoices import InvoicePosted, InvoiceWithdrawn, PaymentRegistered

FACT_TYPES: tuple[type[FactBody], ...] = (
    InvoicePosted,
    InvoiceWithdrawn,
    PaymentRegistered,
    PaymentCaptured,
    PaymentAttempted,
    RefundReported,
    DisputeReported,
    PayoutReported,
    PayoutLineReported,
    PayoutCredited,
    PayoutReissued,
    CollectionCredited,
    CollectionReturned,
    CollectionPaidOut,
    CollectionPaymentMoved,
    CollectionCreditNoted,
    CollectionCreditNoteChanged,
    MoneyUnapplied,
    StatementReceived,
    StatementListed,
    EntryReported,
    MovementRelated,
    ReceiptRead,
    RerunAsked,
    CommandSettled,
    DeadlineFellDue,
    LookupAnswered,
    MatchConfirmed,
    CommandReleased,
    CaseClosed,
    BundleActivated,
    RecoveryOpened,
    RecoveryClosed,
    FactCorrected,
    SubjectPoisoned,
)
BY_TYPE: Mapping[str, type[FactBody]] = {body.fact_type: body for body in FACT_TYPES}

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""(type, version) -> a pure function from that version's body to the next one's.

Golden files keep each version for ever.
"""


def split(body: FactBody) -> tuple[bytes, bytes | None]:
    """Canonical clear bytes, and the canonical bytes of the confidential fields, or None when there are none."""
    return split_fields(body, confidential_fields(type(body)))


def split_fields(value: Any, names: frozenset[str]) -> tuple[bytes, bytes | None]:  # noqa: ANN401 - any pydantic model
    """As `split`, for any model and the names of its confidential fields."""
    if not names:
        return canonical(value), None
    given = {name: getattr(value, name) for name in type(value).model_fields}
    secret = {name: field for name, field in given.items() if name in names and field is not None and field != ERASED}
    clear = {name: field for name, field in given.items() if name not in names}
    return canonical(clear), canonical(secret) if secret else None


def join(fact_type: str, version: int, clear: bytes, secret: bytes | None, *, erased: bool = False) -> FactBody:
    """The body again, upcast to today's version. `erased` puts `Erased` where the confidential fields were.

    Raises `KeyError` for an unknown fact type.
    """
    kind = BY_TYPE[fact_type]
    if version == kind.version and not erased:
        return _VALIDATORS[fact_type](clear if secret is None else _spliced(clear, secret))
    fields: dict[str, Any] = {**parse(clear), **(parse(secret) if secret else {})}
    if erased:
        fields |= dict.fromkeys(confidential_fields(kind), ERASED)
    for step in range(version, kind.version):
        fields = UPCASTERS[fact_type, step](fields)
    return kind.model_validate(fields)


_VALIDATORS: Mapping[str, Callable[[bytes], FactBody]] = {
    body.fact_type: body.__pydantic_validator__.validate_json for body in FACT_TYPES
}


def _spliced(clear: bytes, secret: bytes) -> bytes:
    """One object of two canonical ones that have no member in common."""
    return b"%b,%b" % (clear[:-1], secret[1:]) if clear != b"{}" else secret


def schemas() -> dict[str, Any]:
    """JSON Schema of every fact type, by `type/version`."""
    return {f"{kind.fact_type}/{kind.version}": kind.model_json_schema() for kind in FACT_TYPES}


__all__ = [
    "BY_TYPE",
    "FACT_TYPES",
    "UPCASTERS",
    "BundleActivated",
    "CaseClosed",
    "CollectionCreditNoteChanged",
    "CollectionCreditNoted",
    "CollectionCredited",
    "CollectionPaidOut",
    "CollectionPaymentMoved",
    "CollectionReturned",
    "CommandReleased",
    "CommandSettled",
    "DeadlineFellDue",
    "DisputeReported",
    "EntryReported",
    "Fact",
    "FactBody",
    "FactCorrected",
    "InvoicePosted",
    "InvoiceWithdrawn",
    "LookupAnswered",
    "MatchConfirmed",
    "MoneyUnapplied",
    "MovementRelated",
    "PaymentAttempted",
    "PaymentCaptured",
    "PaymentNews",
    "PaymentRegistered",
    "PayoutCredited",
    "PayoutLineReported",
    "PayoutReissued",
    "PayoutReported",
    "Position",
    "ReceiptRead",
    "RecoveryClosed",
    "RecoveryOpened",
    "RefundReported",
    "RerunAsked",
    "StatementListed",
    "StatementReceived",
    "SubjectPoisoned",
    "join",
    "schemas",
    "split",
    "split_fields",
]
