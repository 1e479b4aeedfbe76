"""Which movement a report belongs to. PROCESS.md says why each rule is as it is.

Reports meet by reference, or in *slots*: the n-th slot of a content holds the n-th movement that says the very same. A
movement judges each report that reaches it; one that is not its own goes on, from slot to slot.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from enum import StrEnum

from nostro.model.base import text_of
from nostro.model.facts import EntryReported
from nostro.model.references import Reference
from nostro.processes.bank_movement.v1.state import MovementState, Report, banks_own

PROBES = 200
"""How often a report is passed on; then it is a doubtful movement of its own."""
NEAR_DAYS = 10
"""How far two tellings of one movement lie apart at most, a pending one included; later, numbers begin anew."""
NUMBERED = 6
"""Shorter references of a bank are mere numbers within a document or a day, which the next one gives again."""
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
    slots = body.probe - (body.known is not None)  # that one was found by what it shares, whatever its amount
    slot = f"slot/{slots - 1 if slots else 0 if body.probe else body.twin}/{_content(body)}"
    if slots:
        return (Reference.to("movement", slot, scope(entity, body.account)),)
    return (*references(entity, body, slot), *(() if body.probe else restatable(entity, body)))


def references(entity: str, body: EntryReported, slot: str = "") -> tuple[Reference, ...]:
    """What a report brings for its movement, strongest first.

    What the bank calls it and the payment's world-wide id, with amount and direction, since fees share them; where a
    statement lists it, which its copies have in common, whatever else they leave out or call otherwise; its slot; and
    ids that several movements of a day may share, told apart by their place.
    """
    money = f"{body.amount}/{body.direction}"
    listed = f"{money}/{_day(body)}"
    table = (
        ("servicer", body.servicer_reference, money),
        ("movement", body.uetr and f"uetr/{body.uetr}", money),
        ("movement", _stands(body), listed),
        ("movement", slot, ""),
        ("movement", body.end_to_end and f"end_to_end/{body.end_to_end}", f"{listed}/{body.twin}"),
        ("entry", body.entry_reference, f"{listed}/{body.twin}"),
    )
    said = [(kind, f"{value}/{more}" if more else value) for kind, value, more in table if value]
    return tuple(Reference.to(kind, value, scope(entity, body.account)) for kind, value in said)


def restatable(entity: str, body: EntryReported) -> tuple[Reference, ...]:
    """What a statement's entry shares with what was told of it before, whatever amount that had; the last to be asked.

    The ids that the bank or the payment gives it; without them, what it says and where it stands.
    """
    if body.kind != "statement" or not body.booked:
        return ()
    back, known = body.reversal or body.return_reason, []
    if len(body.servicer_reference) >= NUMBERED:
        known.append(("servicer", body.servicer_reference))
    if body.uetr and not back:
        known.append(("movement", f"paid/{body.uetr}"))
    said = _wording(body)
    if not known and body.place and any(said):
        where = f"{body.place.value.normalize():f}/{body.direction}/{_day(body)}"
        known.append(("movement", f"line/{where}/{'/'.join(said)}"))
    return tuple(Reference.to(kind, value, scope(entity, body.account)) for kind, value in known)


def _stands(body: EntryReported) -> str:
    if body.kind != "statement" or not body.booked:
        return ""
    where = f"place/{body.place.value.normalize():f}" if body.place else f"document/{body.statement_id}"
    return f"{where}/{body.rank}"


def judge(data: MovementState, body: EntryReported) -> Verdict:
    """Whether the report tells of this movement."""
    if data.amount is None:
        return Verdict.MINE
    alike = [report for report in data.reports if report.kind == body.kind]
    same_document = [report for report in alike if report.statement_id == body.statement_id]
    by_id, contrary = _agree(data.reports, body, "servicer_reference uetr"), another_payment(data, body)
    if _another_entry(data, alike, body) or (contrary and (same_document or not by_id)):
        return Verdict.OTHER
    if same_document:
        return max((_retold(data, report, body) for report in same_document), key=list(Verdict).index)
    if not _near(data.reports, body, by_id=by_id):
        return Verdict.OTHER
    if contrary:  # the bank's reference is unique, but some give one to all lines of a payment file
        return Verdict.CONTRARY
    if by_id:  # two returns of one payment bear its id on two days; no other reason for two booking days is known
        return Verdict.MINE if _near(data.reports, body, by_id=False) else Verdict.DOUBT
    if again := [report for report in alike if report.booked == body.booked]:
        return _by_kind(data, again, body)
    called_otherwise = body.scheme == "unknown" and _differ(data.reports, body, "servicer_reference")
    return Verdict.DOUBT if called_otherwise else Verdict.MINE


Judge = Callable[[MovementState, EntryReported], Verdict]
"""Whose a report is."""


def or_restated(judged: Judge) -> Judge:
    """A version's judgement, and that a statement may tell the movement anew, with another amount.

    No version had met such a report before there was the third: all that one was looked up by held the amount.
    """

    def judgement(data: MovementState, body: EntryReported) -> Verdict:
        verdict = judged(data, body)
        if verdict is not Verdict.OTHER or not any(_lists_anew(known, body) for known in data.reports):
            return verdict
        return Verdict.CONTRARY if told_with_another_amount(data, body) else verdict

    return judgement


def told_with_another_amount(data: MovementState, body: EntryReported) -> bool:
    """Whether a statement's entry is this movement but for its amount: charges may bear the reference of a payment."""
    alike = (data.account, data.direction) == (body.account, body.direction)
    if not alike or not data.amount or data.amount == body.amount:
        return False
    back, own = bool(body.reversal or body.return_reason), banks_own(body.bank_transaction_code)
    if body.kind != "statement" or not body.booked or (bool(data.original), data.banks_own) != (back, own and not back):
        return False
    return any(_named_alike(data, known, body) for known in data.reports) and not another_payment(data, body)


def _named_alike(data: MovementState, known: Report, body: EntryReported) -> bool:
    if not known.booked or known.day != (body.booking_date or body.value_date):
        return False
    named = len(body.servicer_reference) >= NUMBERED and known.servicer_reference == body.servicer_reference
    if named or (body.uetr and known.uetr == body.uetr):
        return True
    nameless = not (known.servicer_reference or body.servicer_reference or known.uetr or body.uetr)
    alike = known.end_to_end == body.end_to_end and same_words(data, body)
    return bool(nameless and body.place and known.place == body.place and alike)


def _lists_anew(known: Report, body: EntryReported) -> bool:
    """One document that lists both says that they are two, unless it lists this one where it had listed that."""
    return known.statement_id != body.statement_id or (known.rank, known.place) == (body.rank, body.place)


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
    mine, theirs = _said(data), _said(body)
    otherwise = any(known and told and known != told for known, told in zip(mine, theirs, strict=True))
    stands_alike = (report.rank, report.place) == (body.rank, body.place)
    if body.kind == "statement" and stands_alike and (body.place or not otherwise):
        return Verdict.MINE
    same_ids = all(getattr(report, name) == getattr(body, name) for name in _IDS)
    if report.place and body.place:  # listed elsewhere: maybe restated, with another opening balance
        restated = report.twin == body.twin and report.servicer_reference and same_ids and mine == theirs
        return Verdict.MINE if restated else Verdict.OTHER
    if report.twin != body.twin or not same_ids or otherwise:
        return Verdict.OTHER
    return Verdict.MINE if mine == theirs else Verdict.DOUBT


_IDS = ("servicer_reference", "uetr", "end_to_end")


def _said(told: MovementState | EntryReported) -> tuple[str, str]:
    """Text and payer."""
    return plain_text(text_of(told.remittance)), text_of(told.counterparty_iban)


def same_words(data: MovementState, body: EntryReported) -> bool:
    """Whether text and payer are the same, as far as they are told."""
    return _said(data) == _said(body)


def _another_entry(data: MovementState, alike: Sequence[Report], body: EntryReported) -> bool:
    """What the bank tells differently of its entry.

    Its reports and notifications call a movement alike; its statements may have references of their own.
    """
    if (data.account, data.amount, data.direction) != (body.account, body.amount, body.direction):
        return True
    scheme = [
        r for r in data.reports if body.scheme == "shared" or (r.kind == "statement") == (body.kind == "statement")
    ]
    other_day = body.booked and _differ([r for r in alike if r.booked], body, "booking_date")
    return other_day or _differ(scheme, body, "servicer_reference")


def another_payment(data: MovementState, body: EntryReported) -> bool:
    """Another payer, or other ids of the payment itself."""
    known, told = text_of(data.counterparty_iban), text_of(body.counterparty_iban)
    if _IBAN.fullmatch(known) and _IBAN.fullmatch(told) and known != told:  # other numbers are written in many ways
        return True
    return _differ(data.reports, body, "uetr end_to_end")


def _agree(reports: Sequence[Report], body: EntryReported, names: str) -> bool:
    """Whether any report tells one of these as the new one does."""
    pairs = [(getattr(report, name), getattr(body, name)) for report in reports for name in names.split()]
    return any(known and known == told for known, told in pairs)


def _differ(reports: Sequence[Report], body: EntryReported, names: str) -> bool:
    """Whether any report tells one of these otherwise; what is not told does not contradict."""
    pairs = [(getattr(report, name), getattr(body, name)) for report in reports for name in names.split()]
    return any(known and told and known != told for known, told in pairs)


def _near(reports: Sequence[Report], body: EntryReported, *, by_id: bool) -> bool:
    """Booked on the same day; with a common id, or where one of them was pending, within some days."""
    day = body.booking_date or body.value_date
    booked = [report.day for report in reports if report.booked and report.day]
    strict = body.booked and bool(booked) and not by_id
    days = booked if strict else [report.day for report in reports if report.day]
    if day is None or not days:
        return True
    apart = min(abs((day - known).days) for known in days)
    return apart <= (0 if strict else NEAR_DAYS)


def _by_kind(data: MovementState, alike: Sequence[Report], body: EntryReported) -> Verdict:
    """Another document of the same kind says the same, and no id decides whether it says it again."""
    if body.kind == "statement":
        text, other_text = _said(data)[0], _said(body)[0]
        there = any(body.place and report.place == body.place for report in alike)
        return Verdict.MINE if there and (not text or not other_text or text == other_text) else Verdict.DOUBT
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
    return "/".join((str(body.amount), body.direction, _day(body), *_wording(body)))


def _wording(body: EntryReported) -> tuple[str, ...]:
    text, payer = _said(body)
    return body.end_to_end, body.structured, payer, text


def _day(body: EntryReported) -> str:
    day = body.booking_date or body.value_date
    return day.isoformat() if day else ""
