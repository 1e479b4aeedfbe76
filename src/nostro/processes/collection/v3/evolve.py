"""As the second version comes to know things, in the ERP's order; and a person may give back again what came back."""

from __future__ import annotations

from nostro.model.facts import CommandSettled, Fact, InvoicePosted, MatchConfirmed, PaymentRegistered
from nostro.model.money import Money
from nostro.model.payments import Payment
from nostro.processes.collection.v1.state import PAYMENTS_LIMIT, Assignment
from nostro.processes.collection.v2.state import evolve as evolve_v2
from nostro.processes.collection.v3.days import remembered
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, CollectionStateV3)
    after = _evolved(data, fact)
    return remembered(data, after, fact)


def _evolved(data: CollectionStateV3, fact: Fact) -> CollectionStateV3:
    after = evolve_v2(data, fact)
    assert isinstance(after, CollectionStateV3)
    match fact.body:
        case InvoicePosted(changed_at=at):
            return _compared(but(after, told_at=at))
        case PaymentRegistered() as body:
            return _stands(after, str(body.payment_id), body.journal)
        case CommandSettled() as body:
            return _settled(after, body)
        case MatchConfirmed(target=target) if target.kind == "refund":
            again = [_again(one, data) for one in came_back(data)]
            return but(after, assignments=(*after.assignments, *again)) if again else after
        case _:
            return after


def _settled(after: CollectionStateV3, body: CommandSettled) -> CollectionStateV3:
    """A booking that matched all of its money: what stays `open` there is told as booked differently."""
    notes = body.outcome.notes
    if body.outcome.there and "journal" in notes:
        after = _stands(after, body.outcome.ids.get("payment", ""), int(notes["journal"]))
    if not body.outcome.there or "written_at" not in notes or "open" in notes:
        return after
    return _compared(but(after, written={**after.written, body.step: notes["written_at"]}))


def _stands(data: CollectionStateV3, payment: str, journal: int) -> CollectionStateV3:
    """Of more payments than an item may have the journal is not kept."""
    if payment not in data.journals and len(data.journals) >= PAYMENTS_LIMIT:
        return data
    return but(data, journals={**data.journals, payment: journal})


def _compared(data: CollectionStateV3) -> CollectionStateV3:
    return but(data, reopened=data.reopened or data.undone)


def came_back(data: CollectionStateV3) -> list[Payment]:
    """What is over of payments that did not go back although a person had asked for it: he may ask for it again."""
    return [one for one in data.payments if one.over > 0 and data.back_again(one)]


def _again(one: Payment, data: CollectionStateV3) -> Assignment:
    amount = Money(minor=one.over, currency=one.amount.currency)
    name = f"{one.source}~{1 + sum(given.source == one.source for given in data.assignments)}"
    return Assignment(source=one.source, name=name, to="refund", subject="", amount=amount)
