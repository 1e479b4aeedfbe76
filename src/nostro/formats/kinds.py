"""Every kind of object that `nostro parse` prints, with the shape of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from nostro.formats.qr_bill.bill import QrBill
from nostro.formats.shown import ShownInvoice, ShownMessage, ShownReject, ShownStatement
from nostro.model.base import Value
from nostro.model.messages import MessageKind
from nostro.model.rates import RateTable
from nostro.model.statements import ReportKind

SCHEMAS: Mapping[str, type[Value]] = {
    **dict.fromkeys(get_args(ReportKind), ShownStatement),
    **dict.fromkeys(get_args(MessageKind), ShownMessage),
    QrBill.kind: QrBill,
    RateTable.kind: RateTable,
    "invoice": ShownInvoice,
    "reject": ShownReject,
}
