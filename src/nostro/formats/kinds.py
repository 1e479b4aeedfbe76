"""Every kind of object that `nostro parse` prints, and of the model besides, with the shape of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from nostro.formats.shown import ShownInvoice, ShownMessage, ShownQrBill, ShownRateTable, ShownReject, ShownStatement
from nostro.model.base import Value
from nostro.model.cash import CashForecast, CashPosition
from nostro.model.entities import LegalEntity
from nostro.model.journals import Dimension, JournalEntry, LedgerAccount
from nostro.model.messages import MessageKind
from nostro.model.rates import FxRate
from nostro.model.statements import ReportKind
from nostro.model.terms import PaymentTerms

SCHEMAS: Mapping[str, type[Value]] = {
    **dict.fromkeys(get_args(ReportKind), ShownStatement),
    **dict.fromkeys(get_args(MessageKind), ShownMessage),
    "invoice": ShownInvoice,
    "qr_bill": ShownQrBill,
    "rate_table": ShownRateTable,
    "reject": ShownReject,
}
_MODELS = (CashForecast, CashPosition, Dimension, FxRate, JournalEntry, LedgerAccount, PaymentTerms)
MODEL: Mapping[str, type[Value]] = {
    **{model.kind: model for model in _MODELS},
    "legal_entity": LegalEntity,
}
"""What no file tells: connectors, projections and people do."""
