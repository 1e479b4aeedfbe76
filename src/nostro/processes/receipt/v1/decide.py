"""What follows from a reading: a case where a person has to look, and its end when a later reading mends it."""

from __future__ import annotations

from nostro.model.facts import CaseClosed, DeadlineFellDue, Fact, ReceiptRead, RerunAsked
from nostro.model.intents import Reread
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State, Wanted
from nostro.processes.receipt.v1.machine import LATE, REASON
from nostro.processes.receipt.v1.state import ReceiptState

ALL = (*REASON.values(), LATE)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """Asks for another reading, or opens and closes cases by what the newest reading came to."""
    del rules
    before = instance.data
    assert isinstance(before, ReceiptState)
    assert isinstance(data, ReceiptState)
    match fact.body:
        case RerunAsked() as body:
            wanted = Wanted("reread", Reread(entity=instance.entity, receipt=body.receipt), data.reruns - 1)
            return Decision(to="rereading", rule="a person asked", intents=(wanted,))
        case ReceiptRead() as body if body.reading >= before.reading:
            return _read(data)
        case DeadlineFellDue():
            return Decision(to=instance.state, rule=LATE, opens=(CaseOpening(LATE, _late(data)),))
        case CaseClosed() if instance.state in REASON:
            return Decision(to="read", rule="a person accepts it as it is")
        case _:
            return Decision(to=instance.state, rule="changes nothing")


def _read(data: ReceiptState) -> Decision:
    reason = REASON.get(data.verdict)
    opens = (CaseOpening(reason, _sentence(data)),) if reason else ()
    closes = tuple(other for other in ALL if other != reason)
    return Decision(
        to=data.verdict, rule=f"reading {data.reading}: {data.verdict}; {data.equation}", opens=opens, closes=closes
    )


def _sentence(data: ReceiptState) -> str:
    counts = f"{data.items} items from {data.connection}: {data.understood} understood, {data.rejected} rejected"
    where = f" The first: {data.first_reject}." if data.first_reject else ""
    return {
        "unequal": f"{counts}. {data.unequal}",
        "has_rejects": f"{counts}.{where}",
        "unreadable": f"{counts}; the receipt is kept.{where}",
        "told_differently": f"{data.told_differently} of {counts}, but told before with another content.",
    }[data.verdict]


def _late(data: ReceiptState) -> str:
    return f"Another reading of a receipt from {data.connection} was asked for and has not come."
