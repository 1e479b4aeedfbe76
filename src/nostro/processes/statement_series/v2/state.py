"""What a statement lists, beside the chain that it is a link of; each is a subject of its own."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from nostro.model.facts import Fact, StatementListed
from nostro.model.facts.bank import ListedLine
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but
from nostro.processes.statement_series.v1.state import SeriesState
from nostro.processes.statement_series.v1.state import evolve as evolve_v1

L = TypeVar("L", bound="Lines")
LINES_KEPT = 400
"""What all tellings of a statement listed. What a bank lists beyond that, telling by telling, is not compared."""


class Lines(State):
    """`statement`: the name of the one that this is about, empty for a chain; `ever`: what any telling of it listed,
    each line as often as one telling did; `lines`: what the newest lists; `first`: what the first had listed.
    """

    account: str = ""
    statement: str = ""
    first: tuple[ListedLine, ...] = ()
    ever: tuple[ListedLine, ...] = ()
    lines: tuple[ListedLine, ...] = ()

    @property
    def gone(self) -> tuple[ListedLine, ...]:
        """What the newest telling no longer lists, or not as often."""
        return _less(self.ever, self.lines)

    @property
    def new(self) -> tuple[ListedLine, ...]:
        """What only the newest telling lists."""
        return _less(self.lines, self.first)


class SeriesStateV2(Lines, SeriesState):
    """A chain, or the lines of one statement."""


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    body = fact.body
    if not isinstance(body, StatementListed):
        return evolve_v1(data, fact)
    assert isinstance(data, SeriesStateV2)
    return listed(data, body)


def listed(data: L, body: StatementListed) -> L:
    """With another telling of the statement's lines."""
    told = but(data, account=body.account, statement=body.statement)
    if body.left_out:
        return told
    return but(told, first=data.first or body.lines, ever=ever(data, body), lines=body.lines)


def ever(data: Lines, body: StatementListed) -> tuple[ListedLine, ...]:
    """What any telling listed, this one included."""
    return (*data.ever, *_less(body.lines, data.ever))[:LINES_KEPT]


def _less(lines: tuple[ListedLine, ...], others: tuple[ListedLine, ...]) -> tuple[ListedLine, ...]:
    """The lines that the others don't list, or not as often."""
    left = Counter(others)
    found = []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            found.append(line)
    return tuple(found)
