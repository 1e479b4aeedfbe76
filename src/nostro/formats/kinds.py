"""Every kind of object that `nostro parse` prints, and of the model besides, with the shape of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DatetimeSchema

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


class AsTold(GenerateJsonSchema):
    """The JSON Schema of a kind. An instant may be told without a zone, which `date-time` (RFC 3339) does not allow."""

    def datetime_schema(self, schema: DatetimeSchema) -> JsonSchemaValue:
        """ISO 8601, as pydantic writes it."""
        if schema.get("tz_constraint") == "aware":
            return super().datetime_schema(schema)
        return {"type": "string", "pattern": _INSTANT}


_INSTANT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?$"
