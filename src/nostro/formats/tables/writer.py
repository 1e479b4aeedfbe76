"""CSV with the canonical columns: what any statement says, one entry a line, for spreadsheets and for reading again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from nostro.formats.line_statements import trimmed
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.money import plain
from nostro.model.statements import Entry, StatementHead

COLUMNS = (
    "statement_id", "bank_account", "booking_date", "value_date", "amount", "currency", "status", "counterparty",
    "counterparty_account", "counterparty_bic", "remittance", "end_to_end_reference", "account_servicer_reference",
    "structured_reference", "mandate", "bank_transaction_code",
)  # fmt: skip


def write_csv(items: Iterable[Item]) -> Iterator[bytes]:
    """The entries of statements as UTF-8, a line each; a debit's amount is negative.

    What a line has no column for (balances, details, charges, exchange) is not carried. Raises `FormatRefused` for an
    entry without a day of booking or outside of a statement: nobody could read it again.
    """
    yield _line(COLUMNS)
    head: StatementHead | None = None
    for item in items:
        if isinstance(item, StatementHead):
            head = item
        elif isinstance(item, Entry):
            if head is None:
                raise FormatRefused("An entry stands in no statement.", "Give the statement's head before its entries.")
            told = _told(head, item)
            yield _line([told.get(column, "") for column in COLUMNS])


def _told(head: StatementHead, entry: Entry) -> Mapping[str, str]:
    if entry.booking_date is None:
        raise FormatRefused(
            f"booking_date: the entry at {entry.source.where} has no day of booking, and every line needs one.",
            "Complete the entry, or leave it out.",
        )
    account, references = entry.counterparty_account, entry.references
    return {
        "statement_id": head.statement_id,
        "bank_account": head.bank_account.identification,
        "booking_date": entry.booking_date.isoformat(),
        "value_date": entry.value_date.isoformat() if entry.value_date else "",
        "amount": plain(trimmed(entry.signed.value, entry.amount.currency)),
        "currency": entry.amount.currency,
        "status": entry.state,
        "counterparty": entry.counterparty.name if entry.counterparty else "",
        "counterparty_account": account.identification if account else "",
        "counterparty_bic": account.bic if account else "",
        "remittance": " ".join(entry.remittance),
        "end_to_end_reference": references.end_to_end,
        "account_servicer_reference": references.account_servicer,
        "structured_reference": references.structured,
        "mandate": references.mandate,
        "bank_transaction_code": entry.bank_transaction_code,
    }


def _line(cells: Iterable[str]) -> bytes:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator="\r\n").writerow(cells)
    return held.getvalue().encode()
