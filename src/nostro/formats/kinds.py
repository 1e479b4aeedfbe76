"""Every kind of object that `nostro parse` prints, with the shape of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from nostro.formats.shown import ShownInvoice, ShownMessage, ShownQrBill, ShownRateTable, ShownReject, ShownStatement
from nostro.model.base import Value
from nostro.model.messages import MessageKind
from nostro.model.statements import ReportKind

SCHEMAS: Mapping[str, type[Value]] = {
    **dict.fromkeys(get_args(ReportKind), ShownStatement),
    **dict.fromkeys(get_args(MessageKind), ShownMessage),
    "invoice": ShownInvoice,
    "qr_bill": ShownQrBill,
    "rate_table": ShownRateTable,
    "reject": ShownReject,
}
