"""The other side of a movement, where lines of its text tell it behind a label: Goldman Sachs's habit in BAI2.

The labels are those of its MT940: `DBNM`, `DACT`, `DABA` and `DBIC` are the payer's; `CRNM`, `CACT`, `CABA` and `CBIC`
are the payee's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Direction

_LABEL = re.compile(r"(DBNM|DACT|DABA|DBIC|CRNM|CACT|CABA|CBIC):\s*(\S.*)")
_SIDES: dict[Direction, tuple[str, str, str, str]] = {
    "credit": ("DBNM", "DACT", "DABA", "DBIC"),
    "debit": ("CRNM", "CACT", "CABA", "CBIC"),
}
_ROUTING_NUMBER = re.compile(r"\d{9}", re.ASCII)
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


def other_side(lines: Iterable[str], direction: Direction) -> dict[str, Any]:
    """Counterparty and its bank account: the payer of a credit, the payee of a debit; None where no line tells them."""
    found = (_LABEL.fullmatch(line) for line in lines)
    told = {one[1]: really_told(one[2].strip()) for one in found if one}
    name, number, routing, bic = (told.get(label, "") for label in _SIDES[direction])
    routing = routing if _ROUTING_NUMBER.fullmatch(routing) else ""
    bic = bic if _BIC.fullmatch(bic) else ""
    account = BankAccount(other=number, clearing_id=routing, bic=bic) if number or routing or bic else None
    return {"counterparty": Party(name=name) if name else None, "counterparty_account": account}
