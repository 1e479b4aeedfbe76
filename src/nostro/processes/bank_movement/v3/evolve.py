"""Facts into state, as the first version does it; and what a statement tells anew."""

from __future__ import annotations

from nostro.model.facts import EntryReported, Fact, MatchConfirmed
from nostro.processes.bank_movement.v1.evolve import evolve as evolve_v1
from nostro.processes.bank_movement.v1.identity import Verdict
from nostro.processes.bank_movement.v3.identity import judge, listing
from nostro.processes.bank_movement.v3.state import MovementStateV3
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but

_LISTINGS_KEPT = 10


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. A fact that says nothing to the state leaves it."""
    assert isinstance(data, MovementStateV3)
    match fact.body:
        case EntryReported() as body if judge(data, fact) is Verdict.MINE:
            return _listed(evolve_v1(_restated(data, body), fact), body, fact)
        case MatchConfirmed(target=target) if data.booked and data.doubtful and data.known is not None:
            if (target.process, target.subject) == ("bank_movement", data.doubts[0]):
                less = data.total.minor < data.known.minor
                return but(data, verdict="own", restates=target.subject, asked=less or not _leads(data))
    return evolve_v1(data, fact)


def _restated(data: MovementStateV3, body: EntryReported) -> MovementStateV3:
    """Before its first report, with the amount that was known otherwise; later, with the one that it has now."""
    if data.amount is None:
        return but(data, known=body.known or None)
    return data if data.amount == body.amount else but(data, amount=body.amount, parts=(), reports=())


def _listed(data: State, body: EntryReported, fact: Fact) -> State:
    assert isinstance(data, MovementStateV3)
    if body.kind != "statement" or not body.booked:
        return data
    listed_by = tuple(dict.fromkeys((*data.listed_by, listing(fact))))[-_LISTINGS_KEPT:]
    return but(data, listed_by=listed_by, told_at=max(data.told_at or fact.occurred_at, fact.occurred_at))


def _leads(data: MovementStateV3) -> bool:
    return bool(but(data, verdict="own").open_leads)
