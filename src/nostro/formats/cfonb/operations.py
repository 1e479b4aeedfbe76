"""CFONB 240, streaming: operations that a bank lists for a client, as notifications. Above all bills to be paid (LCR).

CFONB, "Relevé de LCR" and "Opérations restituées à la clientèle, 240 caractères": records 31, 34, 36, 39. What is
listed is no booking: a bill is to be paid on its day unless it is refused, and other operations detail what a
statement books.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nostro.formats.cfonb.rib import rib
from nostro.formats.checks import Control
from nostro.formats.line_statements import (
    LineItem,
    Running,
    Strays,
    amount_zone,
    day_if_any,
    fixed_width,
    scaled,
    walked,
    whole_number,
    zone,
)
from nostro.formats.reading import Beginning, Unreadable
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told
from nostro.model.statements import Direction, EntryState, References, Source, StatementHead

RECORD = 240
_HEADER = re.compile(r"31\d{6}.{2}[\d ]{6}[A-Z0-9 ] {0,4}")
_CURRENCY = "EUR"
_BILL = "60"
_DIRECTIONS: dict[str, Direction] = {"6": "debit", "2": "credit"}
"""By the first digit of the operation: bills that are drawn on the client, transfers that it receives."""


def is_cfonb240(beginning: Beginning) -> bool:
    """Whether the first line is a header of 240 characters, and an operation or an end follows it."""
    lines = [line for line in beginning.lines[:10] if line.strip()]
    if len(lines) > 1:
        return bool(_HEADER.match(lines[0])) and lines[1][:2] in ("34", "36", "39") and len(lines[1]) > 200
    whole = lines[0] if lines else ""
    return bool(_HEADER.match(whole)) and whole[RECORD : RECORD + 2] in ("34", "36", "39")


def read_cfonb240(chunks: Iterable[bytes]) -> Iterator[LineItem]:
    """Per list its head, operations as entries that aren't booked, rejects, and its end. Raises `FormatRefused`."""
    return walked(_Walk(), fixed_width(chunks, RECORD))


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    line: int = 0
    lists: int = 0
    running: Running | None = None
    strays: Strays = field(default_factory=Strays)

    def take(self, number: int, record: str) -> Iterator[LineItem]:
        """One record."""
        self.line = number
        kind, running = record[:2], self.running
        if kind == "31":
            if running is not None:
                running.note("closing", "there is no record of its end (39)")
                yield running.end()
            yield from self.strays.begin()
            yield self._begin(record)
        elif running is None:
            yield from self.strays.take(number, tells_money=kind == "34")
        elif kind == "34":
            yield self._operation(running, record)
        elif kind == "36":
            self._total(running, "list", record)
        elif kind == "39":
            self._total(running, "file", record)
            self.running = None
            yield running.end()
        else:
            yield running.reject("the record is of no known kind", number)

    def finish(self) -> Iterator[LineItem]:
        """The file is read to its end."""
        if self.running is not None:
            yield self.running.cut(self.line, "there is no record of its end (39)")
        elif not self.lists:
            raise FormatRefused("There is no header (31): this is no CFONB 240 file.")

    def _begin(self, record: str) -> StatementHead:
        self.lists += 1
        created = day_if_any(zone(record, 11, 16))
        head = StatementHead(
            kind="notification",
            statement_id=created.isoformat() if created else str(self.lists),
            bank_account=_bank_account(record, 78, _CURRENCY).model_copy(update={"owner": zone(record, 99, 122)}),
            currency=_CURRENCY,
            created_on=created,
            source=Source(where=f"list[{self.lists}]", line=self.line),
            format="CFONB 240",
        )
        self.running = Running(head)
        if record[16] not in "E ":
            self.running.note("currency", "the list's currency is not the euro")
        return head

    def _operation(self, running: Running, record: str) -> LineItem:
        amount: Amount | None = None
        try:
            amount = scaled(amount_zone(record, 229, 240), 2, _CURRENCY)
            return running.entry(_fields(running, record, self.line, amount), self.line)
        except Unreadable as unreadable:
            return running.reject(str(unreadable), self.line, amount)

    @staticmethod
    def _total(running: Running, name: str, record: str) -> None:
        if (total := whole_number(zone(record, 229, 240))) is not None:
            running.controls.append(Control(name, None, Decimal(total).scaleb(-2)))


def _bank_account(record: str, first: int, currency: str = "") -> BankAccount:
    """Bank, branch and number from a position on."""
    bank, branch = zone(record, first, first + 4), zone(record, first + 5, first + 9)
    number = zone(record, first + 10, first + 20)
    return rib(bank, branch, number, currency) if bank or number else BankAccount(currency=currency)


def _fields(running: Running, record: str, line: int, amount: Amount) -> dict[str, Any]:
    code = zone(record, 9, 10)
    direction = _DIRECTIONS.get(code[:1])
    if direction is None:
        raise Unreadable("the operation's code has no direction that is known")
    is_bill = code == _BILL
    state: EntryState = "future" if is_bill else "information"
    name, account = zone(record, 43, 66), _bank_account(record, 22)
    return {
        "amount": amount,
        "direction": direction,
        "state": state,
        "value_date": running.day(zone(record, 11, 16), "dmy", line, "settlement date"),
        "references": _bill(record) if is_bill else _transfer(record),
        "bank_transaction_code": code,
        "remittance": () if is_bill else _lines(record),
        "counterparty": Party(name=name) if name else None,
        "counterparty_account": account if account.identification else None,
    }


def _bill(record: str) -> References:
    """A bill's numbers: the drawer's bank's, the drawer's, the drawee's; its due day and whether it was accepted."""
    others = {
        "due": told(zone(record, 67, 72)),
        "acceptance": zone(record, 162, 162),
        "drawee": told(zone(record, 173, 182)),
        "drawn_on": told(zone(record, 183, 188)),
        "bill": told(zone(record, 204, 211)),
        "outcome": told(zone(record, 227, 228)),
    }
    return References(
        account_servicer=told(zone(record, 123, 130)),
        end_to_end=told(zone(record, 163, 172)),
        others={name: said for name, said in others.items() if said},
    )


def _transfer(record: str) -> References:
    others = {
        "issuer": told(zone(record, 67, 72)),
        "initial_day": told(zone(record, 217, 222)),
        "initial": told(zone(record, 223, 228)),
    }
    return References(
        account_servicer=told(zone(record, 123, 128)), others={name: said for name, said in others.items() if said}
    )


def _lines(record: str) -> tuple[str, ...]:
    said = " ".join(record[128:216].split())
    return (said,) if said else ()
