"""The id of what a handed-over command has made, as a person reads it on the other side. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from nostro.model.failures import ActRefused
from nostro.model.intents import INTENTS_BY_OPERATION

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_WORD = re.compile(r"(?!NOS[A-Z2-7]{16}$)[A-Za-z0-9_-]{1,255}", re.ASCII)


class Named(NamedTuple):
    """What something is called, the form of its id, and that form in words."""

    name: str
    form: re.Pattern[str]
    words: str


_AT_THE_ERP = "a whole number by which the ERP knows it, not the number or reference that is printed on it"
MADE: Mapping[str, Named] = {
    "move": Named("journal entry", _NUMBER, _AT_THE_ERP),
    "payment": Named("payment", _NUMBER, _AT_THE_ERP),
    "refund": Named("refund", _WORD, "the one that the payment provider gave it, neither the payment's nor ours"),
    "statement_line": Named("statement line", _NUMBER, _AT_THE_ERP),
}
"""Of each kind of id that an operation `makes`."""


def ids_of(operation: str, told: str, intent: Mapping[str, object]) -> dict[str, str]:
    """The ids of an operation's outcome, where it was done. `intent`: what was wanted.

    Raises `ActRefused` where `told` is missing, superfluous, or can't be the id.
    """
    kind = INTENTS_BY_OPERATION[operation].makes
    if not kind:
        if told:
            raise ActRefused(f"{operation} makes nothing that has an id of its own.", "Leave --id out.")
        return {}
    name, form, words = MADE[kind]
    if not told:
        raise ActRefused(f"What follows needs the {name} that was made.", f"Say --id: the {name}'s id, {words}.")
    if not form.fullmatch(told) or told == intent.get("payment_id"):
        raise ActRefused(f"{told!r} can't be the id of a {name}.", f"It is {words}.")
    return {kind: told}
