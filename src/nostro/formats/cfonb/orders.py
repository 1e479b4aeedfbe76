"""CFONB 160, streaming: domestic transfers, direct debits and bills that a client orders, as payment initiations.

CFONB, "Virements et prélèvements, 160 caractères" and "Remises de LCR": records 03, 06, 07, 08. Their day of execution
has a year of one digit, which no file completes: it stays as told. Position 81 of record 03 says the currency: `E` for
euros, `F` for francs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.cfonb.rib import rib
from nostro.formats.line_statements import (
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
from nostro.model.messages import Instruction, MessageEnd, MessageHead, Method
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told
from nostro.model.statements import Check, References, Reject, Source

RECORD = 160
_HEADER = re.compile(r"03(?:02|08|22|27|28|29|60|76|85)[ \d]{8}.{6}")
_CURRENCIES = {"E": "EUR", "F": "FRF"}
_METHODS: dict[str, Method] = {"02": "credit_transfer", "22": "credit_transfer", "27": "credit_transfer",
                               "28": "credit_transfer", "29": "prenote", "76": "credit_transfer",
                               "08": "direct_debit", "85": "direct_debit", "60": "direct_debit"}  # fmt: skip
_BILL = "60"
_FURTHER = 20
OrderItem = MessageHead | Instruction | MessageEnd | Reject


def is_cfonb160(beginning: Beginning) -> bool:
    """Whether the first line is a sender's record, and a payment of the same operation follows it."""
    lines = [line for line in beginning.lines[:10] if line.strip()]
    first = lines[0] if lines else ""
    second = lines[1] if len(lines) > 1 else first[RECORD:]
    return bool(_HEADER.match(first)) and second[:4] == "06" + first[2:4] and len(first) > 140


def read_cfonb160(chunks: Iterable[bytes]) -> Iterator[OrderItem]:
    """Per order its head, payments and located rejects, and its end. Raises `FormatRefused` where there is none."""
    return walked(_Walk(), fixed_width(chunks, RECORD))


@dataclass(slots=True)
class _Order:
    """The order that streams by."""

    number: int
    operation: str
    sender: Party
    account: BankAccount
    group: str
    currency: str
    count: int = 0
    rejected: int = 0
    total: Decimal = Decimal(0)
    checks: list[Check] = field(default_factory=list)

    @property
    def is_bill(self) -> bool:
        """Whether bills of exchange are handed in."""
        return self.operation == _BILL

    @property
    def where(self) -> str:
        """Where the next payment stands."""
        return f"order[{self.number}]/payment[{self.count + self.rejected + 1}]"


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    line: int = 0
    orders: int = 0
    order: _Order | None = None
    payment: tuple[int, str] | None = None
    further: list[str] = field(default_factory=list)
    strays: Strays = field(default_factory=Strays)

    def take(self, number: int, record: str) -> Iterator[OrderItem]:
        """One record."""
        self.line = number
        kind, order = record[:2], self.order
        if kind == "03":
            if order is not None:
                order.checks.append(Check(name="closing", ok=False, detail="there is no total (08)"))
                yield from self._close(order)
            yield from self.strays.begin()
            yield self._begin(record)
        elif order is None:
            yield from self.strays.take(number, tells_money=kind == "06")
        elif kind == "07" and self.payment is not None:
            if len(self.further) < _FURTHER and (said := zone(record, 119, 149)):
                self.further.append(said)
        else:
            yield from self._flush(order)
            yield from self._other(order, kind, record)

    def finish(self) -> Iterator[OrderItem]:
        """The file is read to its end."""
        if self.order is not None:
            yield from self._flush(self.order)
            yield Reject(where=f"order[{self.order.number}]", why="the file ends before its total (08)", line=self.line)
        elif not self.orders:
            raise FormatRefused("There is no sender's record (03): this is no CFONB 160 file.")

    def _begin(self, record: str) -> MessageHead:
        self.orders += 1
        operation = zone(record, 3, 4)
        is_bill = operation == _BILL
        mark = zone(record, 81, 81)
        currency = _CURRENCIES.get(mark, "EUR")
        account = _bank_account(record, currency, bill=is_bill)
        name = zone(record, 31, 54)
        group = zone(record, 150, 160) if is_bill else zone(record, 55, 61)
        others = {"operation": operation, "execution_day": "" if is_bill else told(zone(record, 26, 30)),
                  "sender": told(zone(record, 13, 18))}  # fmt: skip
        self.order = _Order(self.orders, operation, Party(name=name), account, group, currency)
        if mark and mark not in _CURRENCIES:
            detail = f"{mark} is no currency that CFONB knows: euros"
            self.order.checks.append(Check(name="currency", ok=False, detail=detail))
        return MessageHead(
            kind="payment_initiation",
            message_id=group,
            created_on=day_if_any(zone(record, 25, 30)) if is_bill else None,
            initiating_party=self.order.sender,
            others={field_name: said for field_name, said in others.items() if said},
            source=Source(where=f"order[{self.orders}]", line=self.line),
            format="CFONB 160",
        )

    def _other(self, order: _Order, kind: str, record: str) -> Iterator[OrderItem]:
        if kind == "06":
            self.payment, self.further = (self.line, record), []
        elif kind == "08":
            _check_total(order, zone(record, 103, 114) if order.is_bill else zone(record, 103, 118))
            yield from self._close(order)
        else:
            yield self._reject(order, "the record is of no known kind, or follows no payment", self.line)

    def _flush(self, order: _Order) -> Iterator[OrderItem]:
        payment, self.payment = self.payment, None
        if payment is None:
            return
        line, record = payment
        try:
            instruction = _instruction(order, record, self.further, line)
        except Unreadable as unreadable:
            yield self._reject(order, str(unreadable), line)
            return
        order.count += 1
        order.total += instruction.amount.value if instruction.amount else 0
        yield instruction

    @staticmethod
    def _reject(order: _Order, reason: str, line: int) -> Reject:
        where = order.where
        order.rejected += 1
        return Reject(where=where, why=reason, line=line)

    def _close(self, order: _Order) -> Iterator[OrderItem]:
        yield from self._flush(order)
        self.order = None
        yield MessageEnd(
            items=order.count, rejected=order.rejected, totals={order.currency: order.total}, checks=tuple(order.checks)
        )


def _bank_account(record: str, currency: str, *, bill: bool) -> BankAccount:
    """Bank, branch and number: one after the other in bills, apart in transfers."""
    if bill:
        return rib(zone(record, 82, 86), zone(record, 87, 91), zone(record, 92, 102), currency)
    return rib(zone(record, 150, 154), zone(record, 87, 91), zone(record, 92, 102), currency)


def _instruction(order: _Order, record: str, further: list[str], line: int) -> Instruction:
    amount, other, account, references = _parts(order, record)
    sides = (order.sender, order.account), (other, account)
    method = _METHODS.get(order.operation, "")
    (debtor, debtor_account), (creditor, creditor_account) = (
        reversed(sides) if method == "direct_debit" else sides  # what is collected comes from the other side
    )
    words = [] if order.is_bill else [zone(record, 119, 149), *further]
    return Instruction(
        method=method,
        amount=amount,
        group=order.group,
        references=references,
        execution_date=day_if_any(zone(record, 119, 124)) if order.is_bill else None,
        debtor=debtor,
        debtor_account=debtor_account,
        creditor=creditor,
        creditor_account=creditor_account,
        local_instrument="LCR" if order.is_bill else "",
        remittance=tuple(word for word in words if word),
        source=Source(where=order.where, line=line),
    )


def _parts(order: _Order, record: str) -> tuple[Amount, Party, BankAccount, References]:
    """Amount, other side, its account and the references of a record 06. Raises `Unreadable`."""
    other = Party(name=zone(record, 31, 54))
    if not order.is_bill:
        amount = scaled(amount_zone(record, 103, 118), 2, order.currency)
        account = _bank_account(record, order.currency, bill=False)
        return amount, other, account, References(end_to_end=told(zone(record, 19, 30)))
    references = References(end_to_end=told(zone(record, 21, 30)), instruction=told(zone(record, 151, 160)))
    amount = scaled(amount_zone(record, 103, 114), 2, order.currency)
    return amount, other, _bank_account(record, order.currency, bill=True), references


def _check_total(order: _Order, said: str) -> None:
    if whole_number(said) is not None:
        told_total = scaled(said, 2, order.currency).value
        ok = told_total == order.total
        detail = "" if ok else f"{told_total} is told, the payments make {order.total}"
        order.checks.append(Check(name="total", ok=ok, detail=detail))
    else:
        order.checks.append(Check(name="total", ok=False, detail="the total is not of digits"))
