"""ISO 20022 in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nostro.formats.iso20022.camt import read_camt
from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.message_types import message_type
from nostro.formats.reading import Beginning, Format

_CASH_MANAGEMENT = re.compile(r"BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)(?:V\d\d)?")


def _is_camt(beginning: Beginning) -> bool:
    return any(_CASH_MANAGEMENT.fullmatch(name) for name in beginning.elements)


def _is_message(beginning: Beginning) -> bool:
    return any(message_type(name) for name in beginning.elements)


ISO20022: Sequence[Format] = (
    Format("camt", "ISO 20022 statements, reports, notifications", _is_camt, read_camt),
    Format("iso20022", "ISO 20022 payments, statuses, returns, investigations", _is_message, read_messages),
)
