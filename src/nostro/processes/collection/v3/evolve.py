"""As the second version comes to know things, and a person may give back again what had come back."""

from __future__ import annotations

from nostro.model.facts import Fact, MatchConfirmed
from nostro.model.money import Money
from nostro.model.payments import Payment
from nostro.processes.collection.v1.state import Assignment
from nostro.processes.collection.v2.state import CollectionStateV2
from nostro.processes.collection.v2.state import evolve as evolve_v2
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    after = evolve_v2(data, fact)
    assert isinstance(data, CollectionStateV2)
    assert isinstance(after, CollectionStateV2)
    if isinstance(fact.body, MatchConfirmed) and fact.body.target.kind == "refund":
        again = [_again(one, data) for one in data.payments if one.over > 0 and _failed(one, data)]
        return but(after, assignments=(*after.assignments, *again)) if again else after
    return after


def _given(one: Payment, data: CollectionStateV2) -> int:
    return sum(given.source == one.source and given.to == "refund" for given in data.assignments)


def _failed(one: Payment, data: CollectionStateV2) -> bool:
    """Whether the newest refund that a person had asked for was made, and has failed since."""
    end = data.steps.end(f"refund-{one.source}", _given(one, data) - 1)
    made = end.ids.get("refund", "") if end and end.there else ""
    return any(refund.refund_id == made and refund.failed for refund in one.refunds)


def _again(one: Payment, data: CollectionStateV2) -> Assignment:
    amount = Money(minor=one.over, currency=one.amount.currency)
    name = f"{one.source}~{1 + sum(given.source == one.source for given in data.assignments)}"
    return Assignment(source=one.source, name=name, to="refund", subject="", amount=amount)
