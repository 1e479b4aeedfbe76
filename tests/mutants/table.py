"""The mutants: pieces of the source to break, and the tests that have to notice. They stand in `mutants.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """`breaks`: what is broken, in words. `old` stands once in `file` and becomes `new`.

    `only`: of the tests those whose names hold it (pytest's `-k`). `slow`: the tests take long; CI tries a part.
    `simulations`: the whole house, disturbed on purpose, where each has to notice too; CI tries a part.
    `besides`: another mutant that is made along with it, where either alone is caught by the other's piece.
    """

    name: str
    guarantee: int
    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""
    slow: bool = False
    simulations: tuple[str, ...] = ()
    besides: str = ""


def _read() -> tuple[Mutant, ...]:
    told = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))
    return tuple(Mutant(name=name, **_fixed(one)) for name, one in told.items())


def _fixed(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(field) if isinstance(field, list) else field for name, field in one.items()}


MUTANTS = _read()
NAMED = {mutant.name: mutant for mutant in MUTANTS}
