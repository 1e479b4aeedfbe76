"""A process's machine as a table, checked when it is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

NEW = "new"
"""The state of a subject before its first fact."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A state in which something is awaited: by `within` it is there, or `deadline.fell_due` with this name arrives."""

    deadline: str
    within: timedelta
    meaning: str


@dataclass(frozen=True, slots=True)
class Terminal:
    """A state from which nothing is awaited. Late news may still leave it, by an edge."""

    meaning: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A kind of step (the part of a step's name before the first `-`) that acts outside, and what takes it back.

    `compensation` is another effect's name, or `none: <why not needed>`.
    """

    operation: str
    compensation: str


@dataclass(frozen=True, slots=True)
class Machine:
    """States, edges (state, fact type) -> states it may lead to, effects, and reasons for cases."""

    process: str
    version: int
    states: Mapping[str, Waiting | Terminal]
    edges: Mapping[tuple[str, str], frozenset[str]]
    effects: Mapping[str, Effect]
    case_reasons: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises `ValueError` naming every flaw."""
        flaws = list(self.flaws())
        if flaws:
            message = f"machine {self.process} v{self.version}: " + "; ".join(flaws)
            raise ValueError(message)

    def flaws(self) -> tuple[str, ...]:
        """Unreachable or unknown states, waiting states that ignore their deadline, effects without compensation."""
        return (*self._unknown(), *self._unreachable(), *self._undelivered(), *self._uncompensated())

    def _unknown(self) -> list[str]:
        named = {state for state, _ in self.edges} | {target for targets in self.edges.values() for target in targets}
        return [f"state {name} is not declared" for name in sorted(named - set(self.states) - {NEW})]

    def _unreachable(self) -> list[str]:
        reached, edge = {NEW}, {NEW}
        while edge:
            edge = {to for (at, _), targets in self.edges.items() if at in edge for to in targets} - reached
            reached |= edge
        return [f"state {name} can't be reached" for name in sorted(set(self.states) - reached)]

    def _undelivered(self) -> list[str]:
        waiting = [name for name, state in self.states.items() if isinstance(state, Waiting)]
        return [
            f"waiting state {name} ignores its deadline"
            for name in waiting
            if (name, "deadline.fell_due") not in self.edges
        ]

    def _uncompensated(self) -> list[str]:
        return [
            f"effect {name} has no compensation"
            for name, effect in self.effects.items()
            if effect.compensation not in self.effects and not effect.compensation.startswith("none: ")
        ]

    def mermaid(self) -> str:
        """The machine drawn as a Mermaid state diagram: one arrow a pair of states, without those that lead back."""
        arrows: dict[tuple[str, str], list[str]] = {}
        for (at, fact), targets in self.edges.items():
            for to in sorted(targets - {at}):
                arrows.setdefault((at, to), []).append(fact)
        lines = ["stateDiagram-v2", f"    [*] --> {NEW}"]
        lines += [f"    {at} --> {to}: {', '.join(facts)}" for (at, to), facts in arrows.items()]
        lines += [f"    {name} --> [*]" for name, state in self.states.items() if isinstance(state, Terminal)]
        return "\n".join(lines)


Row = tuple[Sequence[str], Sequence[str], Sequence[str]]
"""States, fact types, targets: from each of these states each of these facts leads to one of those, or back."""


def edges_of(rows: Iterable[Row]) -> dict[tuple[str, str], frozenset[str]]:
    """A machine's edges from rows, which add up."""
    edges: dict[tuple[str, str], frozenset[str]] = {}
    for states, facts, targets in rows:
        for at, fact in product(states, facts):
            back = () if at == NEW else (at,)
            edges[at, fact] = edges.get((at, fact), frozenset()) | {*targets, *back}
    return edges
