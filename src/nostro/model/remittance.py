"""What a payment settles: business documents with their amounts, wherever a payment or an entry names them."""

from __future__ import annotations

from datetime import date

from nostro.model.base import Value
from nostro.model.money import Amount


class Adjustment(Value):
    """A part of a document's amount that was kept back (a debit) or added (a credit), and why (`AdjstmntAmtAndRsn`)."""

    amount: Amount
    direction: str = ""
    reason: str = ""
    text: str = ""


class Document(Value):
    """A business document that a payment settles (`RfrdDocInf` and `RfrdDocAmt`; an RMR segment of a CTX addendum)."""

    number: str = ""
    type: str = ""
    on: date | None = None
    due: Amount | None = None
    discount: Amount | None = None
    remitted: Amount | None = None
    credited: Amount | None = None
    tax: Amount | None = None
    adjustments: tuple[Adjustment, ...] | None = None
