"""Facts into state. Sees facts only: no rules, so that the state can be rebuilt from the log alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nostro.model.base import Erased
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
from nostro.processes.bank_movement.v1.identity import Verdict, judge, settles
from nostro.processes.bank_movement.v1.state import Answer, Lead, MovementState, Part, Report, Return
from nostro.processes.kit.decision import State

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
    return after.model_copy(update={"asked": True}) if after.counts and not after.open_leads else after


def _reported(data: MovementState, body: EntryReported, fact: Fact) -> MovementState:
    if judge(data, body) is not Verdict.MINE:
        return data
    first = data.amount is None
    day = body.booking_date or body.value_date or fact.occurred_at.date()
    settled = data.doubtful and not data.contrary and settles(data, body)
    told = {
        "account": body.account,
        "amount": body.amount,
        "direction": body.direction,
        "reports": _kept((*data.reports, _report(body))),
        "booked_on": data.booked_on or (day if body.booked else None),
        "stated": data.stated or (body.booked and body.kind == "statement"),
        "parts": _parts(data, body),
        "doubts": body.doubts[:_DOUBTS_KEPT] if first else data.doubts,
        "contrary": body.contrary if first else data.contrary,
        "verdict": "own" if settled else data.verdict,
    }
    return data.model_copy(update={**told, **_enriched(data, body)})


def _report(body: EntryReported) -> Report:
    return Report(
        kind=body.kind,
        statement_id=body.statement_id,
        booked=body.booked,
        booking_date=body.booking_date,
        value_date=body.value_date,
        servicer=body.servicer_reference,
        uetr=body.uetr,
        end_to_end=body.end_to_end,
        twin=body.twin,
        rank=body.rank,
        place=body.place,
    )


def _kept(reports: tuple[Report, ...]) -> tuple[Report, ...]:
    if len(reports) <= REPORTS_KEPT:
        return reports
    oldest = next((n for n, report in enumerate(reports) if report.kind != "statement"), 0)
    return (*reports[:oldest], *reports[oldest + 1 :])


def _enriched(data: MovementState, body: EntryReported) -> dict[str, object]:
    """Each report may tell more; what was told first stays. What says whose it is counts only while that is asked."""
    entry = body.entry
    additional = entry.additional if entry is not None and not isinstance(entry, Erased) else ""
    return {
        "code": data.code or ("" if data.asked else body.bank_transaction_code),
        "original": data.original or (() if data.asked else _original(body)),
        "reason": data.reason or body.return_reason,
        "instructed": data.instructed or body.instructed,
        "reference": data.reference or body.structured or body.end_to_end or body.servicer_reference,
        "counterparty_name": data.counterparty_name or body.counterparty_name,
        "counterparty_iban": data.counterparty_iban or body.counterparty_iban,
        "remittance": data.remittance or body.remittance or additional or None,
    }


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
        return data.model_copy(update={"asked": True})
    first = body.targets[0]
    lead = (first.kind, first.value)
    if len(data.answers) >= ANSWERS_KEPT or any(answer.lead == lead for answer in data.answers):
        return data
    return data.model_copy(update={"answers": (*data.answers, Answer(lead=lead, targets=body.targets))})


def _confirmed(data: MovementState, body: MatchConfirmed, _: Fact) -> MovementState:
    """A person says which movement a doubtful one is, or whose money it is where nothing has said so yet."""
    target = body.target
    if not data.booked:
        return data
    if data.doubtful:
        double = target.process == "bank_movement" and target.subject in data.doubts
        return data.model_copy(update={"verdict": "double" if double else "own", "chosen": target if double else None})
    return data.model_copy(update={"chosen": target}) if _open_to_choice(data, target.process) else data


def _open_to_choice(data: MovementState, process: str) -> bool:
    """Whether nobody was told that it is theirs. Unapplied money is matched at the collection that it has become."""
    if data.original or process == "bank_movement":
        return (
            data.direction == "debit" and process == "bank_movement" and len(data.taken_back) != 1 and not data.shares
        )
    if data.direction == "debit":
        return process == "payout" and not data.shares
    return data.contested or (not data.shares and data.steps.end("book") is None)


def _related(data: MovementState, body: MovementRelated, _: Fact) -> MovementState:
    if body.relation == "same":
        return data.model_copy(update={"stated": data.stated or body.stated})
    back = Return(movement=body.movement, amount=body.amount, booked_on=body.booked_on, reason=body.reason)
    return data.model_copy(update={"returns": (*data.returns, back)[:RETURNS_KEPT]})


def _settled(data: MovementState, body: CommandSettled, _: Fact) -> MovementState:
    return data.model_copy(update={"steps": data.steps.settled(body)})


def _released(data: MovementState, body: CommandReleased, _: Fact) -> MovementState:
    return data.model_copy(update={"steps": data.steps.released(body)})


def _fell_due(data: MovementState, body: DeadlineFellDue, _: Fact) -> MovementState:
    passed: Iterable[str] = dict.fromkeys((*data.passed, body.name))
    return data.model_copy(update={"passed": tuple(passed), "asked": data.asked or body.name == "answer"})


_Step = Callable[[MovementState, Any, Fact], MovementState]
_STEPS: Mapping[type[FactBody], _Step] = {
    EntryReported: _reported,
    LookupAnswered: _answered,
    MatchConfirmed: _confirmed,
    MovementRelated: _related,
    CommandSettled: _settled,
    CommandReleased: _released,
    DeadlineFellDue: _fell_due,
}
