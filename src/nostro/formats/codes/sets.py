"""The sets and their codes. A set is called `publisher.set`: `iso20022.reason`, `dk.gvc`, `bai2.type`."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.statements import Direction

PUBLISHERS = (
    "iso20022", "swift", "dk", "cfonb", "aeb", "bai2", "coda", "ofx", "nacha", "bacs", "einvoice",
)  # fmt: skip
_SIDES: Sequence[Direction] = ("credit", "debit")


class CodeSet(NamedTuple):
    """A set: what it is about, who publishes it, which version this copy is of; its codes' names and ISO 20022 codes.

    `iso20022` has one bank transaction code for both directions, or one for a credit and one for a debit.
    """

    name: str
    title: str
    source: str
    version: str
    names: Mapping[str, str]
    iso20022: Mapping[str, Sequence[str]]


class NamedCode(Value):
    """A code and what it means. `name` is empty where this copy of the set doesn't know it: it is kept all the same.

    `code_set` is empty for a bank's own code. `iso20022`: the bank transaction code that stands for it, by direction.
    """

    code_set: str
    version: str = ""
    code: str
    name: str = ""
    iso20022: dict[Direction, str] = {}

    @property
    def known(self) -> bool:
        """Whether the set has it."""
        return bool(self.name)

    def __str__(self) -> str:
        """For people: `AC04 the account is closed`."""
        return f"{self.code} {self.name or 'unknown'}" + ("" if self.code_set else " (the bank's own)")


@cache
def _published(publisher: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(pkgutil.get_data(__package__ or "", f"{publisher}.json") or b"{}")
    return told


@cache
def code_set(name: str) -> CodeSet:
    """A set by its name; raises `FormatRefused` for one that there is not."""
    publisher, _, own = name.partition(".")
    published = _published(publisher) if publisher in PUBLISHERS else {"sets": {}}
    if own not in published["sets"]:
        raise FormatRefused(f"There is no code set {name!r}.", f"There are {', '.join(SETS)}.")
    told = published["sets"][own]
    lines = {code: [line] if isinstance(line, str) else line for code, line in told["codes"].items()}
    return CodeSet(
        name,
        told["title"],
        published["source"],
        published["version"],
        {code: line[0] for code, line in lines.items()},
        {code: line[1:] for code, line in lines.items() if line[1:]},
    )


SETS: Sequence[str] = tuple(f"{publisher}.{own}" for publisher in PUBLISHERS for own in _published(publisher)["sets"])

_PARTS: Mapping[str, Callable[[str], Iterable[tuple[str, str]]]] = {
    "iso20022.bank_transaction": lambda code: zip(
        ("iso20022.domain", "iso20022.family", "iso20022.subfamily"), code.split("-"), strict=False
    ),
    "coda.transaction": lambda code: (("coda.family", code[:2]), ("coda.operation", code)),
}
"""Codes that are made of others; `PMNT-RCDT-ESCT` of a domain, a family and a sub-family."""


def name_of(name: str, code: str) -> str:
    """What a code of a set means; nothing where the set doesn't know it."""
    return code_set(name).names.get(code, "")


@lru_cache(maxsize=8_192)
def named(name: str, code: str) -> NamedCode:
    """A code of a set with its name, or without one. Raises `FormatRefused` for a set that there is not."""
    parts = list(_PARTS[name](code)) if name in _PARTS else [(name, code)]
    names = [name_of(one, part) for one, part in parts]
    last = code_set(parts[-1][0])
    sides = last.iso20022.get(parts[-1][1], ())
    return NamedCode(
        code_set=name,
        version=last.version,
        code=code,
        name=": ".join(names) if all(names) else "",
        iso20022=dict(zip(_SIDES, (sides[0], sides[-1]), strict=True)) if sides else {},
    )


def iso20022_code(name: str, code: str, direction: Direction) -> str:
    """The ISO 20022 bank transaction code that stands for another set's; nothing where there is none."""
    return named(name, code).iso20022.get(direction, "")
