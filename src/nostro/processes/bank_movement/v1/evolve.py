"""Facts into state. Sees facts only: no rules, so that the state can be rebuilt from the log alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nostro.model.facts import (
    CommandReleased,
    CommandSettled,
    DeadlineFellDue,
    EntryReported,
    Fact,
    FactBody,
    LookupAnswered,
    MatchConfirmed,
    MovementRelated,
)
from nostro.model.facts.bank import EntryPart
from nostro.model.references import Reference
from nostro.model.statements import Entry
from nostro.processes.bank_movement.v1.identity import Verdict, judge, settles
from nostro.processes.bank_movement.v1.state import Answer, Lead, MovementState, Part, Report, Return
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but, same

REPORTS_KEPT = 40
"""Some days of hourly reports; what a statement told is remembered longest."""
ANSWERS_KEPT = 400
RETURNS_KEPT = 50
_DOUBTS_KEPT = 5


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. A fact that says nothing to the state leaves it."""
    assert isinstance(data, MovementState)
    step = _STEPS.get(type(fact.body))
    after = step(data, fact.body, fact) if step else data
    return but(after, asked=True) if after.counts and not after.open_leads else after


def _reported(data: MovementState, body: EntryReported, fact: Fact) -> MovementState:
    if judge(data, body) is not Verdict.MINE:
        return data
    if data.amount is None:
        data = but(data, **same(body, "account amount direction contrary"), doubts=body.doubts[:_DOUBTS_KEPT])
    elif data.doubtful and not data.contrary and settles(data, body):
        data = but(data, verdict="own")
    day = body.booking_date or body.value_date or fact.occurred_at.date()
    return but(
        data,
        reports=_kept((*data.reports, Report(**same(body, " ".join(Report.model_fields))))),
        booked_on=data.booked_on or (day if body.booked else None),
        stated=data.stated or (body.booked and body.kind == "statement"),
        parts=_parts(data, body),
        **_enriched(data, body),
    )


def _kept(reports: tuple[Report, ...]) -> tuple[Report, ...]:
    if len(reports) <= REPORTS_KEPT:
        return reports
    oldest = next((n for n, report in enumerate(reports) if report.kind != "statement"), 0)
    return (*reports[:oldest], *reports[oldest + 1 :])


def _enriched(data: MovementState, body: EntryReported) -> dict[str, object]:
    """Each report may tell more; what was told first stays. What says whose it is counts only while that is asked."""
    additional = body.entry.additional if isinstance(body.entry, Entry) else ""
    told: dict[str, object] = {
        **same(body, "instructed counterparty_name counterparty_iban"),
        "reason": body.return_reason,
        "reference": body.structured or body.end_to_end or body.servicer_reference,
        "remittance": body.remittance or additional or None,
    }
    if not data.asked:
        told |= {"code": body.bank_transaction_code, "original": _original(body)}
    return {name: getattr(data, name) or value for name, value in told.items()}


def _parts(data: MovementState, body: EntryReported) -> tuple[Part, ...]:
    """The parts that were told in detail, else the movement as one part with all that ever was told of it."""
    if body.parts and not data.asked and not data.answers and len(data.parts) <= 1:
        return tuple(Part(amount=part.amount, leads=_leads(part)) for part in body.parts)
    if len(data.parts) > 1:
        return data.parts
    known = data.parts[0].leads if data.parts else ()
    return (Part(amount=body.amount, leads=tuple(dict.fromkeys((*known, *_leads(body))))),)


def _leads(told: EntryReported | EntryPart) -> tuple[Lead, ...]:
    """What may lead to whose money it is. An end-to-end id may be an invoice number or a provider's trace id."""
    found = [_lead("structured", told.structured)] if told.structured else []
    found += [_lead(_kind_of(hint), hint) for hint in told.invoice_hints]
    if told.end_to_end:
        found += [_lead("psp", told.end_to_end), _lead("invoice_number", told.end_to_end)]
    return tuple(dict.fromkeys(found))


def _kind_of(hint: str) -> str:
    """What a token of the payer's text looks like."""
    if hint.startswith("NOS") and len(hint) == _CORRELATION:
        return "correlation"
    if (hint.startswith("RF") and hint[2:4].isdigit()) or (hint.isdigit() and len(hint) == _QR):
        return "structured"
    return "psp" if "_" in hint else "invoice_number"


_CORRELATION = 19
_QR = 27


def _lead(kind: str, value: str) -> Lead:
    reference = Reference.to(kind, value)
    return reference.kind, reference.value


def _original(body: EntryReported) -> tuple[Lead, ...]:
    """Where a reversal or return finds what it takes back: under the ids of the original."""
    if not (body.reversal or body.return_reason):
        return ()
    ids = (("end_to_end", body.original_end_to_end), ("movement", body.uetr and f"paid/{body.uetr}"))
    return tuple(_lead(kind, value) for kind, value in ids if value)


def _answered(data: MovementState, body: LookupAnswered, _: Fact) -> MovementState:
    if not body.targets:
        return but(data, asked=True)
    lead = (body.targets[0].kind, body.targets[0].value)
    if len(data.answers) >= ANSWERS_KEPT or any(answer.lead == lead for answer in data.answers):
        return data
    return but(data, answers=(*data.answers, Answer(lead=lead, targets=body.targets)))


def _confirmed(data: MovementState, body: MatchConfirmed, _: Fact) -> MovementState:
    """A person says which movement a doubtful one is, or whose money it is where nothing has said so yet."""
    target = body.target
    if data.booked and data.doubtful:
        double = target.process == "bank_movement" and target.subject in data.doubts
        return but(data, verdict="double" if double else "own", chosen=target if double else None)
    return but(data, chosen=target) if data.booked and _open_to_choice(data, target.process) else data


def _open_to_choice(data: MovementState, process: str) -> bool:
    """Whether nobody was told that it is theirs. Unapplied money is matched at the collection that it has become."""
    debit = data.direction == "debit"
    if data.original or process == "bank_movement":
        return debit and process == "bank_movement" and len(data.taken_back) != 1 and not data.shares
    if debit:
        return process == "payout" and not data.shares
    return data.contested or (not data.shares and data.steps.end("book") is None)


def _related(data: MovementState, body: MovementRelated, _: Fact) -> MovementState:
    if body.relation == "same":
        return but(data, stated=data.stated or body.stated)
    back = Return(**same(body, "movement amount booked_on reason"))
    return but(data, returns=(*data.returns, back)[:RETURNS_KEPT])


def _fell_due(data: MovementState, body: DeadlineFellDue, _: Fact) -> MovementState:
    passed = tuple(dict.fromkeys((*data.passed, body.name)))
    return but(data, passed=passed, asked=data.asked or body.name == "answer")


_STEPS: Mapping[type[FactBody], Callable[[MovementState, Any, Fact], MovementState]] = {
    EntryReported: _reported,
    LookupAnswered: _answered,
    MatchConfirmed: _confirmed,
    MovementRelated: _related,
    CommandSettled: lambda data, body, _: but(data, steps=data.steps.settled(body)),
    CommandReleased: lambda data, body, _: but(data, steps=data.steps.released(body)),
    DeadlineFellDue: _fell_due,
}
