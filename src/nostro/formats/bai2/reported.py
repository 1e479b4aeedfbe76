"""One account of a BAI2 group: record 03 with its states and summaries, and its records 16."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from nostro.formats.bai2.codes import BALANCES, INFORMATION, RETURNED, REVERSED, direction_of, moving
from nostro.formats.bai2.fields import day_of, funds, instant_of, raw_number, signed
from nostro.formats.bai2.labelled import other_side
from nostro.formats.checks import Control
from nostro.formats.codes import name_of
from nostro.formats.line_statements import LineItem, Running, whole_number
from nostro.formats.reading import Unreadable, if_readable
from nostro.model.money import EXPONENTS, Amount
from nostro.model.parties import BankAccount
from nostro.model.references import told as really_told
from nostro.model.statements import (
    Balance,
    Direction,
    EntryState,
    References,
    ReportKind,
    ReturnInformation,
    Source,
    StatementEnd,
    StatementHead,
    balance_of,
)

_DEFAULT = "USD"
"""BAI2's own default, where neither account nor group name a currency."""
_GROUP_STATES = {"2": "a deletion", "3": "a correction", "4": "a test"}
"""What is no news of money: it takes back or mends what was told before, or is none at all."""
_SAME_DAY = frozenset({"3", "4"})
_SUMMARIES: dict[str, Direction] = {"100": "credit", "400": "debit"}
_GONE_BACK = RETURNED | REVERSED | {"261"}
"""Returns and rejects: some of them name the sides of the payment that they end, others their own."""
_BALANCES = 200
_CODE = re.compile(r"\d{3}", re.ASCII)


@dataclass(slots=True)
class ReportedAccount:
    """An account that streams by. `total` is what its trailer should say."""

    running: Running
    on: date | None
    state: EntryState = "booked"
    total: Decimal = Decimal(0)
    summaries: dict[Direction, Decimal] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The account's currency."""
        return self.running.head.currency

    def movement(self, bodies: Sequence[str], line: int) -> Iterator[LineItem]:
        """A record 16 with its continuations."""
        running = self.running
        amount: Amount | None = None
        try:
            told, lines = _fields_of(bodies)
            code = told[1].strip()
            if code == INFORMATION and not raw_number(told[2]):
                running.held("information", "", ok=True)
                return
            self.total += raw_number(told[2]) or 0
            amount = signed(told[2], self.currency)
            fields = self._entry(told, lines, amount, moving(code), line)
            yield running.entry(fields, line)
        except Unreadable as unreadable:
            yield running.reject(str(unreadable), line, abs_of(amount))

    def _entry(
        self, told: list[str], lines: list[str], amount: Amount, direction: Direction, line: int
    ) -> dict[str, Any]:
        running, code = self.running, told[1].strip()
        if amount.value < 0 and direction == "credit":
            # Of a debit it says the same once more. A credit below nothing may be one that was taken back.
            raise Unreadable("the amount is negative, though its type is a credit")
        if amount.value < 0:
            running.note("sign", f"{running.where}, line {line}: the amount has a sign beside its type's direction")
        available = funds(told[3:])
        bank, customer = told[3 + available.fields], told[4 + available.fields]
        title = name_of("bai2.type", code)
        others = {"availability": available.distribution} if available.distribution else {}
        return {
            "amount": abs_of(amount),
            "direction": direction,
            "state": self.state,
            "reversal": code in REVERSED,
            "booking_date": self.on,
            "value_date": self._value_date(available.value_date, line),
            "references": References(
                account_servicer=really_told(bank), end_to_end=really_told(customer), others=others
            ),
            "bank_transaction_code": code,
            "remittance": tuple(lines),
            **(other_side(lines, direction) if code not in _GONE_BACK else {}),
            "returned": ReturnInformation(proprietary=code, text=title) if code in RETURNED else None,
            "additional": title,
        }

    def _value_date(self, said: str, line: int) -> date | None:
        try:
            return day_of(said)
        except Unreadable as unreadable:
            self.running.note("date", f"{self.running.where}, line {line}: value date: {unreadable}")
            return None

    def end(self) -> StatementEnd:
        """The account is complete. Where no movement is told, its summaries have to lead from balance to balance."""
        running = self.running
        moved = bool(running.sums.entries or running.sums.rejected)
        if moved and self.state != "information":
            return running.end()
        opening, closing = balance_of(running.balances, ("OPBD",)), balance_of(running.balances, ("CLBD",))
        if not moved and opening and closing and len(self.summaries) == len(_SUMMARIES):
            reached = opening.amount.value + self.summaries["credit"] - self.summaries["debit"]
            detail = f"the summaries lead to {reached}, told is {closing.amount.value}"
            running.held("balance", detail, ok=reached == closing.amount.value)
        end = running.sums.end((), running.controls if moved else (), running.checks)
        return end.model_copy(update={"balances": tuple(running.balances)})


def abs_of(amount: Amount | None) -> Amount | None:
    """The amount without its sign."""
    return None if amount is None else Amount(value=abs(amount.value), currency=amount.currency)


def _fields_of(bodies: Sequence[str]) -> tuple[list[str], list[str]]:
    """The fields of a record 16 up to its text, which may hold commas and runs on; then the lines of that text.

    Fields that lack are empty. Raises `Unreadable`.
    """
    told = bodies[0].split(",")
    rest = list(bodies[1:])
    while len(told) < (needed := _before_text(told)) and rest:
        told += rest.pop(0).split(",")
    told += [""] * (_before_text(told) - len(told))
    needed = _before_text(told)
    lines = [",".join(told[needed:]), *rest]
    return told[:needed], [line for said in lines if (line := " ".join(said.split()))]


def _before_text(told: Sequence[str]) -> int:
    return 3 + funds(told[3:]).fields + 2


def begin(file: Sequence[str], group: Sequence[str], told: Sequence[str], number: int, line: int) -> ReportedAccount:
    """An account, from the records 01, 02 and 03."""
    currency = _at(told, 2) or _at(group, 6) or _DEFAULT
    created, on = if_readable(day_of, _at(file, 3)), if_readable(day_of, _at(group, 4))
    no_news = _GROUP_STATES.get(_at(group, 3))
    kind: ReportKind = "report" if no_news or _at(group, 7) in _SAME_DAY else "statement"
    head = StatementHead(
        kind=kind,
        statement_id="/".join(part for part in (_at(file, 5), on.isoformat() if on else "", str(number)) if part),
        bank_account=BankAccount(other=_at(told, 1), currency=currency, clearing_id=_at(group, 2) or _at(file, 1)),
        currency=currency,
        created_at=instant_of(created, _at(file, 4)),
        created_on=created,
        from_date=on,
        to_date=on,
        source=Source(where=f"account[{number}]", line=line),
        format="BAI2",
    )
    state: EntryState = "information" if no_news else "booked" if kind == "statement" else "pending"
    account = ReportedAccount(Running(head), on, state)
    if no_news:
        account.running.note("group", f"its sender calls this group {no_news}: nothing of it is booked")
    if currency not in EXPONENTS:
        account.running.note("currency", "the account's currency is not in ISO 4217")
    _take_states(account, told[3:], line)
    opening = tuple(balance for balance in account.running.balances if balance.code == "OPBD")
    account.running.head = head.model_copy(update={"balances": opening})
    return account


def _take_states(account: ReportedAccount, told: Sequence[str], line: int) -> None:
    """Type code, amount, item count and funds of each state or summary of a record 03.

    A field without a code is passed by itself: some banks end each line of a record with a comma too many.
    """
    place = 0
    while place + 1 < len(told):
        code, amount, count = told[place].strip(), told[place + 1], _at(told, place + 2)
        if not code and (not amount.strip() or _CODE.fullmatch(amount.strip())):
            place += 1
            continue
        try:
            account.total += raw_number(amount) or 0
            if code:
                _take_state(account, (code, amount, count), line)
            place += 3 + funds(told[place + 3 :]).fields
        except Unreadable as unreadable:
            account.running.note("account", f"line {line}: {unreadable} (type {code[:3]})")
            place += 4


def _take_state(account: ReportedAccount, told_state: tuple[str, str, str], line: int) -> None:
    running, (code, amount, count) = account.running, told_state
    if code in _SUMMARIES:
        total = signed(amount, account.currency).value if amount.strip() else None
        number = whole_number(count)
        account.summaries[_SUMMARIES[code]] = abs(total or Decimal(0))
        running.controls.append(Control(code, number, abs(total) if total is not None else None, (_SUMMARIES[code],)))
    elif direction_of(code) is None and amount.strip() and len(running.balances) < _BALANCES:
        # An empty amount says that the bank doesn't report this state.
        told = signed(amount, account.currency)
        running.take_balance(Balance(code=BALANCES.get(code, f"BAI/{code}"), amount=told, on=account.on), line)


def _at(told: Sequence[str], place: int) -> str:
    return told[place].strip() if place < len(told) else ""
