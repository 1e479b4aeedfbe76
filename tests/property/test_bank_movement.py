"""Whatever documents tell of a set of movements, in whatever order: exactly these movements are there, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from nostro.model.facts import EntryReported
from nostro.model.money import Money
from nostro.model.statements import Direction, ReportKind
from tests.movements import MONDAY, Bank, eur, report

IBANS = ("", "DE89370400440532013000", "FR7630006000011234567890189")


@dataclass(frozen=True)
class Moved:
    """A movement as it really was."""

    number: int
    amount: Money
    direction: Direction
    day: date
    text: str
    payer: str
    end_to_end: str
    uetr: bool
    hour: int


@dataclass(frozen=True)
class Profile:
    """How a bank tells: with which references of its own, and how its intraday reports repeat themselves."""

    servicer: str
    intraday: str
    notified: bool
    pending: bool
    exported_again: bool


moved = st.builds(
    Moved,
    number=st.just(0),
    amount=st.sampled_from([eur("100.00"), eur("250.00")]),
    direction=st.sampled_from(["credit", "credit", "debit"]),
    day=st.sampled_from([MONDAY, MONDAY + timedelta(days=1)]),
    text=st.sampled_from(["", "KANTINE", "RENT"]),
    payer=st.sampled_from(IBANS),
    end_to_end=st.sampled_from(["", "", "E-1"]),
    uetr=st.booleans(),
    hour=st.integers(9, 11),
)
profiles = st.builds(
    Profile,
    servicer=st.sampled_from(["none", "stable", "own"]),
    intraday=st.sampled_from(["none", "delta", "cumulative"]),
    notified=st.booleans(),
    pending=st.booleans(),
    exported_again=st.booleans(),
)


def told_by(profile: Profile, movements: Sequence[Moved]) -> list[EntryReported]:
    """Every report of every document that this bank makes of these movements."""
    reports: list[EntryReported] = []
    for day in sorted({one.day for one in movements}):
        today = [one for one in movements if one.day == day]
        reports += _statement(profile, f"S-{day}", today)
        if profile.exported_again:
            reports += _statement(profile, f"X-{day}", today)
        for hour in range(9, 12) if profile.intraday != "none" else ():
            new = [one for one in today if one.hour == hour]
            listed = [one for one in today if one.hour <= hour] if profile.intraday == "cumulative" else new
            repeats = profile.intraday == "cumulative"
            if profile.pending:
                reports += _document(profile, "report", f"P-{day}-{hour}", new, booked=False, repeats=repeats)
            reports += _document(profile, "report", f"R-{day}-{hour}", listed, repeats=repeats)
        for one in today if profile.notified else ():
            if one.direction == "credit":
                reports += _document(profile, "notification", f"N-{one.number}", [one])
    return reports


def _statement(profile: Profile, document: str, today: Sequence[Moved]) -> list[EntryReported]:
    return _document(profile, "statement", document, today)


def _document(
    profile: Profile, kind: ReportKind, document: str, listed: Sequence[Moved], *, booked: bool = True, **more: Any
) -> list[EntryReported]:
    told: list[EntryReported] = []
    twins: Counter[object] = Counter()
    balance = 1_000_000
    for one in listed:
        content = (one.amount, one.direction, one.day, one.text, one.payer, one.end_to_end)
        place = Money(minor=balance, currency="EUR").value if kind == "statement" else ""
        balance += one.amount.minor if one.direction == "credit" else -one.amount.minor
        told.append(
            report(
                kind, document, amount=one.amount, direction=one.direction, day=one.day, text=one.text,
                payer=one.payer, booked=booked, place=str(place), end_to_end=one.end_to_end,
                uetr=f"u-{one.number}" if one.uetr else "", twin=twins[content], ordinal=twins[content],
                servicer_reference=_servicer(profile, kind, one) if booked else "", **more,
            )
        )  # fmt: skip
        twins[content] += 1
    return told


def _servicer(profile: Profile, kind: ReportKind, one: Moved) -> str:
    if profile.servicer == "none":
        return ""
    own = profile.servicer == "own" and kind == "statement"
    return f"{'S' if own else 'N'}{one.number:04d}"


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Moved], list[EntryReported]]:
    drawn = draw(st.lists(moved, min_size=1, max_size=5))
    movements = [Moved(**{**vars(one), "number": number}) for number, one in enumerate(drawn)]
    reports = told_by(draw(profiles), movements)
    return movements, draw(st.permutations(reports))


def signed(movements: Sequence[Moved]) -> list[int]:
    return sorted(one.amount.minor if one.direction == "credit" else -one.amount.minor for one in movements)


def counted(bank: Bank) -> list[int]:
    return sorted(m.total.minor if m.direction == "credit" else -m.total.minor for m in bank.movements())


@given(stories())
def test_any_order_of_the_reports_gives_exactly_the_movements_once(
    story: tuple[list[Moved], list[EntryReported]],
) -> None:
    movements, reports = story
    bank = Bank()
    bank.tell(*reports)
    note("\n".join(bank.story()))
    assert counted(bank) == signed(movements)
    assert bank.balance() == sum(signed(movements))
    assert all(movement.stated for movement in bank.movements())
