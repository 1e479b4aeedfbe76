"""The second version's decisions, with effects and grounds for cases that it passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nostro.model.facts import Fact
from nostro.model.money import Money
from nostro.model.payments import Incoming
from nostro.processes.collection.v1.decide import Sight, decided, told
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.collection.v2.decide import cases as cases_v2
from nostro.processes.collection.v3.days import dated
from nostro.processes.collection.v3.effects import wanted
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V2, version=3, case_reasons=MACHINE_V2.case_reasons | {"returned_more", "on_other_journal"})
ADVISED = ("paid_twice", "overpaid")
_OPEN_AGAIN = " The invoice is open again."
_NOT_YET = " The invoice has to be opened again, and that is not booked yet."


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, SIGHT)


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    known = cases_v2(scene, wanted)
    known |= {reason: advised(scene, known[reason]) for reason in ADVISED if reason in known}
    if "chargeback_lost" in known:
        lost = [d.dispute_id for p in scene.data.payments for d in p.disputes if d.cost]
        known["chargeback_lost"] = loss(scene, known["chargeback_lost"], lost)
    return known | {case.reason: case for case in more(scene)}


SIGHT = Sight(wanted, cases, told, dated)


def advised(scene: Scene, case: CaseOpening) -> CaseOpening:
    """What is to be done with money that is over depends on who had paid the item."""
    data, amount = scene.data, case.amount
    if data.outstanding > 0:
        sentence = f"{amount} came in for {data.number} while that was paid. It is open again: match it with it."
    elif data.elsewhere:
        sentence = (
            f"{amount} more came in than {data.number} asked for: somebody had paid it in the ERP. If that was this "
            f"very money, registered by hand, give nothing back: cancel it there and match this with {data.number}. "
            "Else give it back, or match it with another item."
        )
    else:
        return case
    return replace(case, sentence=sentence)


def loss(scene: Scene, case: CaseOpening, lost: Iterable[str]) -> CaseOpening:
    """Whether the invoice is open again is known once that is booked; it may be observed, or wait for a person."""
    steps = scene.data.steps
    if all(steps.there(f"lost-{ident}") or steps.there(f"owed-{ident}") for ident in lost):
        return case
    what = case.sentence.removesuffix(_OPEN_AGAIN)
    return replace(case, sentence=f"{what}{_NOT_YET}")


def _elsewhere(scene: Scene) -> Iterator[CaseOpening]:
    """What somebody else registered on a journal that does not lead to the provider's clearing account."""
    data = scene.data
    assert isinstance(data, CollectionStateV3)
    astray = [one for one in data.incoming if _astray(scene, data.journals.get(one.registered), one)]
    if not astray:
        return
    named = ", ".join(
        f"payment {one.registered} of {one.amount} on journal {data.journals[one.registered]}" for one in astray
    )
    currency = astray[0].amount.currency
    amount = Money(minor=sum(o.amount.minor for o in astray if o.amount.currency == currency), currency=currency)
    sentence = (
        f"The ERP holds {named}, not on the provider's: the clearing account lacks {amount} of {data.number}. "
        "Move it there, or book it over."
    )
    yield CaseOpening("on_other_journal", sentence, amount)


def _astray(scene: Scene, journal: int | None, one: Incoming) -> bool:
    account = scene.provider(one)
    return bool(account and journal and journal != account.journal)


def more(scene: Scene) -> Iterator[CaseOpening]:
    """The grounds that the versions before passed over."""
    yield from _elsewhere(scene)
    for one in scene.data.credits:
        if one.over < 0:
            more = Money(minor=-one.over, currency=one.amount.currency)
            sentence = f"{more} more went back of {one.amount} than had come: the bank's charges, as a rule. Book it."
            yield CaseOpening("returned_more", sentence, more)
