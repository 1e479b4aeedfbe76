"""Which movement a report belongs to. PROCESS.md says why each rule is as it is.

Reports meet by reference, or in *slots*: the n-th slot of a content holds the n-th movement that says the very same. A
movement judges each report that reaches it; what is not its own goes on to the next slot.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from nostro.model.base import text_of
from nostro.model.facts import EntryReported
from nostro.model.references import Reference
from nostro.processes.bank_movement.v1.state import MovementState, Report

PROBES = 64
"""How many movements of one content a report asks; then it is a doubtful one of its own."""
NEAR_DAYS = 10
"""How far two tellings of one movement may lie apart, pending ones included; numbers begin anew after longer."""


class Verdict(StrEnum):
    """Whether a report belongs to a movement."""

    MINE = "mine"
    OTHER = "other"
    DOUBT = "doubt"


def identity(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """References that identify the movement, strongest first. One that was passed on only asks its slots."""
    slot = body.twin + max(0, body.probe - 1)
    in_slot = Reference.to("movement", f"slot/{_content(body)}/{slot}", _scope(entity, body))
    if body.probe >= PROBES:
        return ()
    return (in_slot,) if body.probe else (*strong(entity, body), in_slot)


def strong(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """The bank's own reference and the payment's ids, with amount and direction: fees share them with their payment."""
    scope, money = _scope(entity, body), f"{body.amount}/{body.direction}"
    found = [Reference.to("servicer", f"{body.servicer_reference}/{money}", scope)] if body.servicer_reference else []
    if body.uetr:
        found.append(Reference.to("movement", f"uetr/{body.uetr}/{money}", scope))
    if body.end_to_end:
        found.append(Reference.to("movement", f"end_to_end/{body.end_to_end}/{money}/{_day(body)}", scope))
    if body.entry_reference and not body.servicer_reference:
        found.append(Reference.to("entry", f"{body.entry_reference}/{_content(body)}/{body.twin}", scope))
    return tuple(found)


def announced(entity: str, data: MovementState, *, bare: bool) -> Reference:
    """Under this a movement that no statement lists yet can be found by one that tells as little, or as much less."""
    day = next((report.day for report in data.reports if report.day), None)
    value = f"announced/{'bare' if bare else 'any'}/{data.amount}/{data.direction}/{day}"
    return Reference.to("movement", value, f"{entity}/{data.account}")


def judge(data: MovementState, body: EntryReported) -> Verdict:
    """Whether the report tells of this movement."""
    if data.amount is None:
        return Verdict.MINE
    if (data.account, data.amount, data.direction) != (body.account, body.amount, body.direction):
        return Verdict.OTHER
    alike = [report for report in data.reports if report.kind == body.kind]
    same_document = [report for report in alike if report.statement_id == body.statement_id]
    if same_document:  # a document lists each movement once; told anew, it is recognised by its place among equals
        return Verdict.MINE if any(_retold(data, report, body) for report in same_document) else Verdict.OTHER
    named = _by_reference(data.reports, alike, body)
    if not _near(data, alike, body, named is Verdict.MINE):
        return Verdict.OTHER
    if named is not None:
        return named
    if _differ(text_of(data.counterparty_iban), text_of(body.counterparty_iban)):
        return Verdict.OTHER
    return _by_kind(alike, body) if alike else Verdict.MINE


def settles(body: EntryReported) -> bool:
    """Whether the document that reports this lists each movement exactly once, so that nothing is told again in it."""
    return body.kind == "statement" or body.twin > 0 or (body.kind == "report" and not body.repeats)


def _by_kind(alike: list[Report], body: EntryReported) -> Verdict:
    """Another document of the same kind, and no reference decides."""
    if body.kind == "statement":
        known = [report.place for report in alike if report.place is not None]
        return Verdict.MINE if body.place in known else Verdict.DOUBT
    if body.kind == "notification":
        return Verdict.DOUBT
    if not body.repeats:
        return Verdict.OTHER
    return Verdict.MINE if any(report.twin == body.twin for report in alike) else Verdict.OTHER


def _by_reference(reports: tuple[Report, ...], alike: list[Report], body: EntryReported) -> Verdict | None:
    """What references say. Other kinds of documents may carry other servicer references for the same movement."""
    if body.servicer_reference and any(report.servicer == body.servicer_reference for report in reports):
        return Verdict.MINE
    if any(_differ(report.servicer, body.servicer_reference) for report in alike):
        return Verdict.OTHER
    for told, other in (("uetr", body.uetr), ("end_to_end", body.end_to_end)):
        if any(_differ(getattr(report, told), other) for report in reports):
            return Verdict.OTHER
    if body.uetr and any(report.uetr == body.uetr for report in reports):
        return Verdict.MINE
    same = body.end_to_end and any(report.end_to_end == body.end_to_end for report in reports)
    return Verdict.MINE if same and not alike else None


def _near(data: MovementState, alike: list[Report], body: EntryReported, by_reference: bool) -> bool:  # noqa: FBT001
    if body.booked and any(r.booked and _differ_day(r.booking_date, body.booking_date) for r in alike):
        return False
    day = body.booking_date or body.value_date
    days = [report.day for report in data.reports if report.day]
    if day is None or not days:
        return True
    apart = min(abs((day - known).days) for known in days)
    strict = body.booked and data.booked and not by_reference
    return apart == 0 if strict else apart <= NEAR_DAYS


def _retold(data: MovementState, report: Report, body: EntryReported) -> bool:
    same = (report.twin, report.servicer, report.uetr, report.end_to_end, report.booking_date)
    told = (body.twin, body.servicer_reference, body.uetr, body.end_to_end, body.booking_date)
    mine = (text_of(data.counterparty_iban), plain_text(text_of(data.remittance)))
    theirs = (text_of(body.counterparty_iban), plain_text(text_of(body.remittance)))
    return same == told and not any(_differ(a, b) for a, b in zip(mine, theirs, strict=True))


def plain_text(said: str) -> str:
    """A text without what line breaks, case and punctuation make of it."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", said).casefold() if sign.isalnum())


def _content(body: EntryReported) -> str:
    """What two reports of one movement say alike. Holds personal values: it only ever goes into a blind index."""
    return "/".join(_marks(body))


def _marks(body: EntryReported) -> Iterator[str]:
    yield from (str(body.amount), body.direction, _day(body), body.end_to_end, body.structured)
    yield from (text_of(body.counterparty_iban), plain_text(text_of(body.remittance)))


def _day(body: EntryReported) -> str:
    day = body.booking_date or body.value_date
    return day.isoformat() if day else ""


def _scope(entity: str, body: EntryReported) -> str:
    return f"{entity}/{body.account}"


def _differ(known: str, told: str) -> bool:
    """Whether both are told, and not alike."""
    return bool(known and told) and known != told


def _differ_day(known: date | None, told: date | None) -> bool:
    return bool(known and told) and known != told
