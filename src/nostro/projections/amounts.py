"""What is at stake: how much a command moves, and how much a person's word about a subject would.

From the clear part of what is stored: no amount is confidential.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from nostro.model.canonical import parse
from nostro.model.facts.house import Target
from nostro.model.failures import POISON
from nostro.model.ids import IdempotencyKey
from nostro.model.money import Money
from nostro.processes.kit.decision import State
from nostro.processes.kit.process import Process
from nostro.processes.registry import by_name
from nostro.store.database import Row

_PROCESSES = by_name()


def commanded(row: Row) -> Money | None:
    """How much a command is about: as its intent says, else as its subject does. Always positive.

    `row`: its `key_text`, `process` and `body`, and its subject's `version` and `state`, if there is one.
    """
    told, process = amount_of(parse(row.body)), _PROCESSES.get(row.process)
    if told is not None or process is None or process.worth is None or row.state is None:
        return told
    state = _state(process, row.version, row.state)
    return process.worth(state, IdempotencyKey.parse(row.key_text).step) if state else None


def matched(row: Row, target: Target) -> Sequence[Money] | None:
    """How much somebody moves who matches a subject with the target; None where nobody can say.

    `row`: its `process`, `version` and `body`.
    """
    process = _PROCESSES.get(row.process)
    if process is None or process.moves is None:
        return None
    state = _state(process, row.version, row.body)
    return process.moves(state, target) if state else None


def untold(row: Row) -> bool:
    """Whether a match of this subject moves something that this release can't tell. `row`: as for `matched`."""
    process = _PROCESSES.get(row.process)
    return process is not None and process.moves is not None and _state(process, row.version, row.body) is None


def readable(row: Row) -> bool:
    """Whether this release understands a subject's stored state. `row`: its `process`, `version` and `state`."""
    process = _PROCESSES.get(row.process)
    return process is not None and _state(process, row.version, row.state) is not None


def _state(process: Process, version: int, body: bytes) -> State | None:
    """None for a state that this release can't read: then nobody knows the amount."""
    try:
        return process.version(version).state(parse(body))
    except POISON:
        return None


def amount_of(intent: Mapping[str, object]) -> Money | None:
    """What an intent moves: its amount, or what a journal entry debits in all. Always positive."""
    told = intent.get("amount")
    if isinstance(told, dict):
        amount = Money.model_validate(told)
        return Money(minor=abs(amount.minor), currency=amount.currency)
    lines = intent.get("lines")
    balances = [line["balance"] for line in lines if "balance" in line] if isinstance(lines, list) else []
    if not balances:
        return None
    debits = sum((Decimal(balance["value"]) for balance in balances if not balance["value"].startswith("-")), Decimal())
    return Money.of(debits, balances[0]["currency"])
