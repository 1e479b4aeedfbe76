"""Which movement a report belongs to. PROCESS.md says why each rule is as it is.

Reports meet by reference, or in *slots*: the n-th slot of a content holds the n-th movement that says the very same. A
movement judges each report that reaches it; one that is not its own goes on, from slot to slot.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum

from nostro.model.base import text_of
from nostro.model.facts import EntryReported
from nostro.model.references import Reference
from nostro.processes.bank_movement.v1.state import MovementState, Report

PROBES = 200
"""How often a report is passed on; then it is a doubtful movement of its own."""
NEAR_DAYS = 10
"""How far two tellings of one movement lie apart at most, a pending one included; later, numbers begin anew."""
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}")


class Verdict(StrEnum):
    """Whether a report belongs to a movement."""

    OTHER = "other"
    CONTRARY = "contrary"
    DOUBT = "doubt"
    MINE = "mine"


def identity(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """References that identify the movement, strongest first. What was passed on asks the slots from the first on."""
    if body.probe >= PROBES:
        return ()
    slot = body.probe - 1 if body.probe else body.twin
    in_slot = Reference.to("movement", f"slot/{slot}/{_content(body)}", scope(entity, body.account))
    return (in_slot,) if body.probe else (*_ids(entity, body), in_slot, *_hints(entity, body))


def strong(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """The references that a report brings for its movement, besides its content."""
    return (*_ids(entity, body), *_hints(entity, body))


def _ids(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """What the bank calls it, and the payment's world-wide id; with amount and direction, since fees share them."""
    within, money = scope(entity, body.account), f"{body.amount}/{body.direction}"
    named = (("servicer", body.servicer_reference), ("movement", body.uetr and f"uetr/{body.uetr}"))
    return tuple(Reference.to(kind, f"{value}/{money}", within) for kind, value in named if value)


def _hints(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """Ids that several movements of a day may share: weaker than saying the very same, and told apart by place."""
    within, more = scope(entity, body.account), f"{body.amount}/{body.direction}/{_day(body)}/{body.twin}"
    named = (
        ("movement", body.end_to_end and f"end_to_end/{body.end_to_end}"),
        ("entry", body.entry_reference),
    )
    hints = [Reference.to(kind, f"{value}/{more}", within) for kind, value in named if value]
    return (*hints, *_stands(entity, body))


def _stands(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """Where a statement lists it: what its copies have in common, whatever else they leave out or call otherwise."""
    if body.kind != "statement" or not body.booked:
        return ()
    where = f"place/{body.place.value.normalize():f}" if body.place else f"document/{body.statement_id}"
    said = f"{where}/{body.rank}/{body.amount}/{body.direction}/{_day(body)}"
    return (Reference.to("movement", said, scope(entity, body.account)),)


def judge(data: MovementState, body: EntryReported) -> Verdict:
    """Whether the report tells of this movement."""
    if data.amount is None:
        return Verdict.MINE
    if (data.account, data.amount, data.direction) != (body.account, body.amount, body.direction):
        return Verdict.OTHER
    alike = [report for report in data.reports if report.kind == body.kind]
    same_document = [report for report in alike if report.statement_id == body.statement_id]
    by_id, contrary = _named_alike(data.reports, body), _another_payment(data, body)
    if _another_entry(data, alike, body) or (contrary and (same_document or not by_id)):
        return Verdict.OTHER
    if same_document:
        return max((_retold(data, report, body) for report in same_document), key=list(Verdict).index)
    if not _near(data.reports, body, by_id=by_id):
        return Verdict.OTHER
    if contrary:  # the bank's reference is unique, but some give one to all lines of a payment file
        return Verdict.CONTRARY
    again = [report for report in alike if report.booked == body.booked]
    if by_id:  # two returns of one payment bear its id on two days; no other reason for two booking days is known
        return Verdict.MINE if _near(data.reports, body, by_id=False) else Verdict.DOUBT
    if again:
        return _by_kind(data, again, body)
    return Verdict.DOUBT if body.scheme == "unknown" and _called_otherwise(data.reports, body) else Verdict.MINE


def settles(data: MovementState, body: EntryReported) -> bool:
    """Whether this further report ends the doubt whether the movement is another one told again.

    A document that lists each movement once does. What a statement was the first to tell of is a movement of its own
    when it was announced on its own, too.
    """
    if data.stated or not body.booked:
        return body.booked and body.kind != "statement"
    once = body.twin > 0 or (body.kind == "report" and not body.repeats)
    return body.kind == "statement" or (once and not (body.scheme == "unknown" and body.servicer_reference))


def _retold(data: MovementState, report: Report, body: EntryReported) -> Verdict:
    """A document lists each movement once. Issued anew, it tells what was pending as booked, or the very same again."""
    if report.booked != body.booked:
        return Verdict.MINE
    mine = (plain_text(text_of(data.remittance)), text_of(data.counterparty_iban))
    theirs = (plain_text(text_of(body.remittance)), text_of(body.counterparty_iban))
    otherwise = any(_differ(*pair) for pair in zip(mine, theirs, strict=True))
    stands_alike = (report.rank, report.place) == (body.rank, body.place)
    if body.kind == "statement" and stands_alike and (body.place or not otherwise):
        return Verdict.MINE
    if report.twin != body.twin:
        return Verdict.OTHER
    known = (report.servicer, report.uetr, report.end_to_end)
    told = (body.servicer_reference, body.uetr, body.end_to_end)
    if report.place and body.place:
        restated = bool(report.servicer) and known == told and mine == theirs  # with another opening balance
        return Verdict.MINE if restated else Verdict.OTHER
    if known != told or otherwise:
        return Verdict.OTHER
    return Verdict.MINE if mine == theirs else Verdict.DOUBT


def _another_entry(data: MovementState, alike: list[Report], body: EntryReported) -> bool:
    """What the bank tells differently of its entry. Its references in a statement may be others than during the day."""
    comparable = data.reports if body.scheme == "shared" else [r for r in data.reports if _same_scheme(r, body)]
    if any(_differ(report.servicer, body.servicer_reference) for report in comparable):
        return True
    return body.booked and any(r.booked and _differ(r.booking_date, body.booking_date) for r in alike)


def _another_payment(data: MovementState, body: EntryReported) -> bool:
    """Another payer, or other ids of the payment itself."""
    known, told = text_of(data.counterparty_iban), text_of(body.counterparty_iban)
    if _IBAN.fullmatch(known) and _IBAN.fullmatch(told) and known != told:  # other numbers are written in many ways
        return True
    return any(_differ(r.uetr, body.uetr) or _differ(r.end_to_end, body.end_to_end) for r in data.reports)


def _same_scheme(report: Report, body: EntryReported) -> bool:
    """Reports and notifications of a bank call a movement alike; statements may have references of their own."""
    return (report.kind == "statement") == (body.kind == "statement")


def _called_otherwise(reports: tuple[Report, ...], body: EntryReported) -> bool:
    """Whether the bank's references differ, and it is not known whether they say anything across kinds of documents."""
    return any(_differ(report.servicer, body.servicer_reference) for report in reports)


def _named_alike(reports: tuple[Report, ...], body: EntryReported) -> bool:
    """Whether an id says that it is the same."""
    pairs = [(report.servicer, body.servicer_reference) for report in reports]
    pairs += [(report.uetr, body.uetr) for report in reports]
    return any(known and known == told for known, told in pairs)


def _near(reports: tuple[Report, ...], body: EntryReported, *, by_id: bool) -> bool:
    """Booked on the same day; with a common id, or where one of them was pending, within some days."""
    day = body.booking_date or body.value_date
    booked = [report.day for report in reports if report.booked and report.day]
    strict = body.booked and bool(booked) and not by_id
    days = booked if strict else [report.day for report in reports if report.day]
    if day is None or not days:
        return True
    apart = min(abs((day - known).days) for known in days)
    return apart <= (0 if strict else NEAR_DAYS)


def _by_kind(data: MovementState, alike: list[Report], body: EntryReported) -> Verdict:
    """Another document of the same kind says the same, and no id decides whether it says it again."""
    if body.kind == "statement":
        there = any(body.place and report.place == body.place for report in alike)
        said = [plain_text(text_of(text)) for text in (data.remittance, body.remittance)]
        return Verdict.MINE if there and not _differ(*said) else Verdict.DOUBT
    if body.kind == "notification":
        return Verdict.DOUBT
    again = body.repeats and any(report.twin == body.twin for report in alike)
    return Verdict.MINE if again else Verdict.OTHER


def plain_text(said: str) -> str:
    """A text without what line breaks, case and punctuation make of it."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", said).casefold() if sign.isalnum())


def scope(entity: str, account: str) -> str:
    """References of a bank are unique within one bank account only."""
    return f"{entity}/{account}"


def _content(body: EntryReported) -> str:
    """What two reports of one movement say alike. It holds personal values, and only ever goes into a blind index."""
    plain = (str(body.amount), body.direction, _day(body), body.end_to_end, body.structured)
    return "/".join((*plain, text_of(body.counterparty_iban), plain_text(text_of(body.remittance))))


def _day(body: EntryReported) -> str:
    day = body.booking_date or body.value_date
    return day.isoformat() if day else ""


def _differ(known: str | date | None, told: str | date | None) -> bool:
    """Whether both are told, and not alike."""
    return bool(known and told) and known != told
