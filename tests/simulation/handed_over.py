"""What the house left to a person since nobody knows whether it was done: taken only where a case says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nostro.model.money import Money
from nostro.projections.worklist import OpenCase, WaitingCommand
from nostro.runtime.demo.judge import BANK, CARD, FEE, Effect

TELLING = frozenset({"booking_unknown", "statement_line_unknown"})
"""Reasons of cases that say it."""


def untold(commands: Iterable[WaitingCommand], cases: Sequence[OpenCase]) -> Iterator[str]:
    """Commands that wait for a person whom nobody has told, a sentence each."""
    for command in commands:
        if command.status == "handed_over" and not _is_told(command, cases):
            yield f"a command was handed over, and no case says so: {command.operation} {command.correlation}"


def unexplained(
    lost: Iterable[Effect], commands: Iterable[WaitingCommand], cases: Sequence[OpenCase]
) -> Iterator[Effect]:
    """What the books lack without a case that says of just this effect that nobody knows. One command, one effect."""
    asked = [one for one in commands if one.status == "handed_over" and _is_told(one, cases)]
    for effect in lost:
        command = next((one for one in asked if _is_of(one, effect)), None)
        if command is None:
            yield effect
        else:
            asked.remove(command)


def _is_told(command: WaitingCommand, cases: Sequence[OpenCase]) -> bool:
    """Whether an open case of its subject says what came of it."""
    return any(
        (case.process, case.subject) == (command.process, command.subject)
        and case.closed_at is None
        and case.reason in TELLING
        and command.note in case.sentence
        for case in cases
    )


def _is_of(command: WaitingCommand, effect: Effect) -> bool:
    """Whether a command asked for an effect. A payout's fees are judged as one sum, whatever entries book them."""
    told: Mapping[str, Any] = command.intent
    if command.entity != effect.entity:
        return False
    match command.operation, effect.kind:
        case "register_customer_payment", kind if kind == CARD:
            return bool(told["memo"] == effect.name and _money(told) == effect.amount)
        case "book_statement_line", kind if kind == BANK:
            return bool(told["booked_on"] == effect.name and _money(told) == effect.amount)
        case "book_journal_entry", kind if kind == FEE:
            return command.process == "payout" and command.subject.endswith(f"/{effect.name}")
    return False


def _money(intent: Mapping[str, Any]) -> Money:
    return Money.of(intent["amount"]["value"], intent["amount"]["currency"])
