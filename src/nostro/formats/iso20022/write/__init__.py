"""ISO 20022 messages that we send: initiations, status reports, cancellations, requests for statements.

Way in: the functions below; `validated` holds what was written against its schema.
May not be here: anything tolerant. What would break its profile or its schema is refused before the first byte.
"""

from __future__ import annotations

from nostro.formats.iso20022.write.batches import Initiation
from nostro.formats.iso20022.write.cancellations import CAMT055, CAMT056, Assignment, write_camt055, write_camt056
from nostro.formats.iso20022.write.credit_transfers import PAIN001, write_pain001
from nostro.formats.iso20022.write.direct_debits import PAIN008, write_pain008
from nostro.formats.iso20022.write.schema import PACKAGED, packaged_schema, schema_check, validated
from nostro.formats.iso20022.write.statement_requests import CAMT060, Wanted, write_camt060
from nostro.formats.iso20022.write.status_reports import PAIN002, write_pain002

__all__ = [
    "CAMT055",
    "CAMT056",
    "CAMT060",
    "PACKAGED",
    "PAIN001",
    "PAIN002",
    "PAIN008",
    "Assignment",
    "Initiation",
    "Wanted",
    "packaged_schema",
    "schema_check",
    "validated",
    "write_camt055",
    "write_camt056",
    "write_camt060",
    "write_pain001",
    "write_pain002",
    "write_pain008",
]
