"""The mutants: pieces of the source to break, and the tests that have to notice. They stand in `mutants.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mutant:
    """`breaks`: what is broken, in words. `old` stands once in `file` and becomes `new`.

    `only`: of the tests those whose names hold it (pytest's `-k`).
    """

    name: str
    guarantee: int
    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""


def _read() -> tuple[Mutant, ...]:
    told = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))
    return tuple(Mutant(name=name, **{**one, "tests": tuple(one["tests"])}) for name, one in told.items())


MUTANTS = _read()
