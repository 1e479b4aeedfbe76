"""Whose a report is, where statements are restated: it takes the fact, since only that knows the telling's receipt."""

from __future__ import annotations

from nostro.model.facts import EntryReported, Fact
from nostro.processes.bank_movement.v1.identity import Verdict, same_words, told_with_another_amount
from nostro.processes.bank_movement.v1.state import MovementState, Report
from nostro.processes.bank_movement.v2.decide import judge as judge_v2
from nostro.processes.bank_movement.v3.state import MovementStateV3


def judge(data: MovementStateV3, fact: Fact) -> Verdict:
    """Whether the report tells of this movement. Whose it is not for good, the second version knows.

    What a statement lists anew at another place is the same; with another amount it takes the known one's place while
    nothing has been done about that, else a person decides.
    """
    body = fact.body
    assert isinstance(body, EntryReported)
    verdict = judge_v2(data, body)
    if verdict is not Verdict.OTHER or listing(fact) in data.listed_by:
        return verdict
    if told_with_another_amount(data, body):
        newer = data.told_at is None or fact.occurred_at > data.told_at
        return Verdict.MINE if data.untouched and newer else Verdict.CONTRARY
    return Verdict.MINE if _listed_elsewhere(data, body) else verdict


def listing(fact: Fact) -> str:
    """The statement that a report stands in, as one telling of it: restated, it is another."""
    assert isinstance(fact.body, EntryReported)
    return f"{fact.receipt.hex() if fact.receipt else ''}/{fact.body.statement_id}"


def _listed_elsewhere(data: MovementState, body: EntryReported) -> bool:
    """Whether a statement that had listed this movement lists the very same again, after other entries than before."""
    if body.kind != "statement" or not body.booked or not same_words(data, body):
        return False
    if (data.account, data.amount, data.direction) != (body.account, body.amount, body.direction):
        return False
    return any(_same_entry(report, body) for report in data.reports)


def _same_entry(known: Report, body: EntryReported) -> bool:
    return (known.kind, known.booked) == (body.kind, True) and all(
        getattr(known, name) == getattr(body, name)
        for name in ("statement_id", "booking_date", "twin", "servicer_reference", "uetr", "end_to_end")
    )
