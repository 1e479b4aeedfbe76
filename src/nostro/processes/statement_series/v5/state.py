"""As the third version, and what an older telling of a statement lists is remembered whenever it comes."""

from __future__ import annotations

from nostro.model.facts import Fact, StatementListed
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but
from nostro.processes.statement_series.v2.state import ever, listed
from nostro.processes.statement_series.v3.state import SeriesStateV3
from nostro.processes.statement_series.v3.state import evolve as evolve_v3


class SeriesStateV5(SeriesStateV3):
    """`told_at`: when the bank made the newest telling of the statement's lines."""

    told_at: str = ""


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. What counts is the newest telling; what any of them listed is counted as a movement."""
    body = fact.body
    if not isinstance(body, StatementListed):
        return evolve_v3(data, fact)
    assert isinstance(data, SeriesStateV5)
    if body.told_at < data.told_at:
        return but(data, ever=ever(data, body))
    after = listed(data, body)
    return after if body.left_out else but(after, told_at=body.told_at)
