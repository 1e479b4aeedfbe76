"""Whatever documents tell of a set of movements, in whatever order: exactly these movements are there, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any, cast

from hypothesis import given, note
from hypothesis import strategies as st

from nostro.model.facts import EntryReported
from nostro.model.facts.bank import EntryPart
from nostro.model.failures import FailureKind
from nostro.model.intents import BookStatementLine
from nostro.model.money import Money
from nostro.model.outcomes import failed, handed_over
from nostro.model.statements import Direction, ReportKind
from nostro.processes.bank_movement import PROCESS
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.kit.machine import Waiting
from tests.movements import MONDAY, Bank, eur, knows, report

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
    hour: int


@dataclass(frozen=True)
class Profile:
    """How a bank tells: with which references of its own, and how its intraday reports repeat themselves."""

    servicer: str
    declared: bool
    uetr: str
    intraday: str
    notified: bool
    pending: bool
    exported_again: bool
    nameless_copy: str
    entry_copy: str
    balances: bool

    @property
    def scheme(self) -> str:
        """What the landscape says of the bank's references."""
        return {"stable": "shared", "own": "own"}.get(self.servicer, "unknown") if self.declared else "unknown"

    @property
    def makes_sense(self) -> bool:
        """A statement without payers says nothing that a notification without an id of the bank says too; one without
        balances says of a movement that it tells again only if it bears the same id.
        """
        named = "stable" in (self.servicer, self.uetr)
        only_statements = not self.notified and self.intraday == "none"
        again = self.exported_again or "other id" in (self.nameless_copy, self.entry_copy)
        return (named or only_statements or not self.nameless_copy) and (self.balances or not again)


moved = st.builds(
    Moved,
    number=st.just(0),
    amount=st.sampled_from([eur("100.00"), eur("250.00")]),
    direction=st.sampled_from(["credit", "credit", "debit"]),
    day=st.sampled_from([MONDAY, MONDAY + timedelta(days=1)]),
    text=st.sampled_from(["", "KANTINE", "RENT"]),
    payer=st.sampled_from(IBANS),
    end_to_end=st.sampled_from(["", "", "E-1"]),
    hour=st.integers(9, 11),
)
profiles = st.builds(
    Profile,
    servicer=st.sampled_from(["none", "stable", "own", "final"]),
    declared=st.booleans(),
    uetr=st.sampled_from(["none", "none", "stable", "final"]),
    intraday=st.sampled_from(["none", "delta", "cumulative"]),
    notified=st.booleans(),
    pending=st.booleans(),
    exported_again=st.booleans(),
    nameless_copy=st.sampled_from(["", "", "same id", "other id"]),
    entry_copy=st.sampled_from(["", "", "same id", "other id"]),
    balances=st.sampled_from([True, True, False]),
).filter(lambda profile: profile.makes_sense)


copies_only = profiles.map(
    lambda profile: replace(
        profile,
        servicer="none",
        uetr="none",
        notified=False,
        intraday="none",
        nameless_copy=profile.nameless_copy or "same id",
    )
).filter(lambda profile: profile.makes_sense)
"""Statements and their copies, with nothing that names a movement."""


def told_by(profile: Profile, movements: Sequence[Moved]) -> list[EntryReported]:
    """Every report of every document that this bank makes of these movements."""
    return [report for document in documents_of(profile, movements) for report in document]


def documents_of(profile: Profile, movements: Sequence[Moved]) -> list[list[EntryReported]]:
    """Every document that this bank makes of these movements, copies of statements included."""
    reports: list[list[EntryReported]] = []
    for day in sorted({one.day for one in movements}):
        today = sorted((one for one in movements if one.day == day), key=lambda one: one.hour)
        reports.append(_document(profile, "statement", f"S-{day}", today))
        if profile.exported_again:
            reports.append(_document(profile, "statement", f"X-{day}", today))
        if profile.nameless_copy:
            document = f"S-{day}" if profile.nameless_copy == "same id" else f"Y-{day}"
            nameless = [replace(one, payer="") for one in today]
            reports.append(_document(profile, "statement", document, nameless))
        if profile.entry_copy:
            document = f"S-{day}" if profile.entry_copy == "same id" else f"Z-{day}"
            reports.append([_with_its_own_reference(one) for one in _document(profile, "statement", document, today)])
        for hour in range(9, 12) if profile.intraday != "none" else ():
            new = [one for one in today if one.hour == hour]
            listed = [one for one in today if one.hour <= hour] if profile.intraday == "cumulative" else new
            repeats = profile.intraday == "cumulative"
            if profile.pending:
                reports.append(_document(profile, "report", f"P-{day}-{hour}", new, booked=False, repeats=repeats))
            reports.append(_document(profile, "report", f"R-{day}-{hour}", listed, repeats=repeats))
        notified = [one for one in today if profile.notified and one.direction == "credit"]
        reports += [_document(profile, "notification", f"N-{one.number}", [one]) for one in notified]
    return reports


def _with_its_own_reference(told: EntryReported) -> EntryReported:
    return told.model_copy(
        update={"entry_reference": f"own-{told.fingerprint}", "fingerprint": f"own {told.fingerprint}"}
    )


def _document(
    profile: Profile,
    kind: ReportKind,
    document: str,
    listed: Sequence[Moved],
    *,
    booked: bool = True,
    repeats: bool = False,
) -> list[EntryReported]:
    told: list[EntryReported] = []
    twins: Counter[object] = Counter()
    ranks: Counter[object] = Counter()
    balance = 1_000_000
    for one in listed:
        content = (one.amount, one.direction, one.day, one.text, one.payer, one.end_to_end)
        place = Money(minor=balance, currency="EUR").value if kind == "statement" and profile.balances else ""
        stands = (one.amount, one.direction, place) if kind == "statement" else len(told)
        balance += one.amount.minor if one.direction == "credit" else -one.amount.minor
        told.append(
            report(
                kind, document, amount=one.amount, direction=one.direction, day=one.day, text=one.text,
                payer=one.payer, booked=booked, place=str(place), end_to_end=one.end_to_end,
                uetr=_told(profile.uetr, kind, f"u-{one.number}"), twin=twins[content], ordinal=twins[content],
                servicer_reference=_told(profile.servicer, kind, f"{one.number:04d}") if booked else "",
                bank_transaction_code=f"movement {one.number}",
                scheme=profile.scheme, repeats=repeats, rank=ranks[stands],
            )
        )  # fmt: skip
        twins[content] += 1
        ranks[stands] += 1
    return told


def _told(scheme: str, kind: ReportKind, reference: str) -> str:
    """`stable`: the same everywhere; `own`: statements have others; `final`: only statements tell it."""
    if scheme == "none" or (scheme == "final" and kind != "statement"):
        return ""
    return f"S{reference}" if scheme == "own" and kind == "statement" else f"N{reference}"


def _by_its_payer(one: Moved) -> Moved:
    """An end-to-end id is its payer's: whoever uses it twice writes the same about himself."""
    return replace(one, payer=IBANS[1], text="RENT") if one.end_to_end else one


@dataclass(frozen=True)
class Story:
    """What really happened, and everything that the bank tells of it, in the order in which it arrives."""

    movements: list[Moved]
    profile: Profile
    reports: list[EntryReported]

    @property
    def exact(self) -> bool:
        """Whether the bank's habits are declared as far as they matter."""
        return self.profile.servicer != "own" or self.profile.declared


@st.composite
def stories(draw: st.DrawFn) -> Story:
    drawn = draw(st.lists(moved, min_size=1, max_size=5))
    movements = [replace(_by_its_payer(one), number=number) for number, one in enumerate(drawn)]
    profile = draw(profiles)
    return Story(movements, profile, draw(st.permutations(told_by(profile, movements))))


def signed(movements: Sequence[Moved]) -> list[int]:
    return sorted(one.amount.minor if one.direction == "credit" else -one.amount.minor for one in movements)


def counted(bank: Bank) -> list[int]:
    return sorted(one.total.minor if one.direction == "credit" else -one.total.minor for one in bank.movements())


@given(stories())
def test_any_order_of_the_reports_gives_exactly_the_movements_once(story: Story) -> None:
    bank = Bank()
    bank.tell(*story.reports)
    note("\n".join(bank.story()))
    found, real = Counter(counted(bank)), Counter(signed(story.movements))
    assert found <= real
    assert not story.exact or found == real
    assert found == real or "possible_double" in bank.open_cases()


@st.composite
def tellings_of_some(draw: st.DrawFn) -> tuple[list[EntryReported], list[EntryReported]]:
    """Some documents of a story, some of them twice, in two orders. `bank_transaction_code` says what they tell of."""
    drawn = draw(st.lists(moved, min_size=1, max_size=4))
    movements = [replace(_by_its_payer(one), number=number) for number, one in enumerate(drawn)]
    documents = documents_of(draw(st.one_of(profiles, copies_only)), movements)
    chosen = draw(st.lists(st.sampled_from(documents), min_size=1, max_size=8))
    reports = [report for document in chosen for report in document]
    return draw(st.permutations(reports)), draw(st.permutations(reports))


@given(tellings_of_some())
def test_the_order_of_any_documents_copies_included_changes_neither_bookings_nor_ledger(
    orders: tuple[list[EntryReported], list[EntryReported]],
) -> None:
    one, other = Bank(), Bank()
    for bank, reports in zip((one, other), orders, strict=True):
        bank.tell(*reports)
        bank.wait()
        bank.answer()
    note("\n".join([*one.story(), "", *other.story()]))
    real = {told.bank_transaction_code: told.worth.minor for told in orders[0] if told.booked}
    for bank in (one, other):
        assert Counter(booked(bank)) <= Counter(real.values())
        assert booked(bank) == sorted(real.values()) or "possible_double" in bank.open_cases()
        assert bank.balance() == sum(booked(bank))
    assert {finding.account for bank in (one, other) for finding in bank.proof().findings} <= {"unexplained/DE"}


def booked(bank: Bank) -> list[int]:
    """The statement lines that were asked for."""
    intents = [wanted.intent for _, wanted in bank.commands.values()]
    return sorted(one.amount.minor for one in intents if isinstance(one, BookStatementLine))


one_reference = st.lists(
    st.builds(
        lambda kind, end_to_end, copy: report(
            kind, f"{kind}-{copy}", servicer_reference="R", end_to_end=end_to_end, text="RENT"
        ),
        st.sampled_from(["statement", "report", "notification"]),
        st.sampled_from(["", "E-1", "E-2"]),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda told: told.statement_id,
)


@given(one_reference, st.randoms(use_true_random=False))
def test_one_reference_of_the_bank_with_contradicting_ids_is_one_movement_and_a_case(
    told: list[EntryReported], chance: Random
) -> None:
    orders = [told, chance.sample(told, len(told))]
    for reports in orders:
        bank = Bank()
        bank.tell(*reports)
        note("\n".join(bank.story()))
        contradicted = len({body.end_to_end for body in reports} - {""}) > 1
        assert bank.balance() == 10_000
        assert ("possible_double" in bank.open_cases()) == contradicted


@given(stories())
def test_what_is_counted_is_what_the_ledger_shows_and_somebody_holds(story: Story) -> None:
    bank = Bank()
    bank.tell(*story.reports)
    assert bank.balance() == sum(counted(bank))
    bank.wait()
    assert {finding.account for finding in bank.proof().findings} <= {"unexplained/DE"}
    bank.answer()
    assert {finding.account for finding in bank.proof().findings} <= {"unexplained/DE"}
    assert bank.balance() == sum(counted(bank))


@given(stories())
def test_replaying_the_log_gives_the_state_that_was_lived(story: Story) -> None:
    bank = Bank()
    bank.tell(*story.reports)
    bank.wait()
    bank.answer()
    newest = PROCESS.versions[-1]
    replayed = dict.fromkeys(bank.instances, newest.initial)
    for subject, told, _ in bank.log:
        replayed[subject] = newest.evolve(replayed[subject], told)
    assert replayed == {subject: instance.data for subject, instance in bank.instances.items()}


@given(stories(), st.sampled_from(["at once", "after the answers"]))
def test_what_is_awaited_is_left_when_its_deadline_passes_or_shown_to_a_person(story: Story, when: str) -> None:
    bank = Bank()
    bank.tell(*story.reports)
    if when == "after the answers":
        bank.wait()
    for subject, instance in list(bank.instances.items()):
        if isinstance(PROCESS.versions[-1].machine.states[instance.state], Waiting):
            passed = bank.fall_due(subject)
            shown = passed.due_at is not None and (subject, "statement_line_late") in bank.cases
            assert passed.after.state != instance.state or shown


INVOICES = dict([knows("invoice_number", "INV/7", "collection", "DE/db/7"), knows("psp", "TR", "payout", "psp/po", "")])
PARTS = (EntryPart(amount=eur("60.00")), EntryPart(amount=eur("40.00"), end_to_end="TR"))
tellings = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["statement", "report", "notification"]),
        "document": st.sampled_from(["A", "B"]),
        "booked": st.booleans(),
        "bank_transaction_code": st.sampled_from(["", "PMNT-RCDT-ESCT", "PMNT-MCOP-CHRG"]),
        "return_reason": st.sampled_from(["", "", "MD06"]),
        "invoice_hints": st.sampled_from([(), ("INV/7",), ("INV/7", "INV/8"), ("INV/9",)]),
        "parts": st.sampled_from(
            [(), (EntryPart(amount=eur("60.00")), EntryPart(amount=eur("40.00"), end_to_end="TR"))]
        ),
        "text": st.sampled_from(["", "STRIPE", "rent"]),
        "twin": st.integers(0, 1),
    }
)
acts = st.one_of(
    tellings,
    st.sampled_from(["wait", "answer", "refuse", "hand over", "release", "due", "own", "double", "choose"]),
)


directions: st.SearchStrategy[Direction] = st.sampled_from(["credit", "debit"])


@given(directions, st.lists(acts, max_size=12))
def test_no_order_of_news_and_acts_leaves_the_table_or_loses_money(direction: Direction, story: list[Any]) -> None:
    bank = Bank(known=dict(INVOICES))
    for act in story:
        if isinstance(act, str):
            _do(bank, act)
        else:
            bank.tell(report(direction=direction, servicer_reference="X", **act))
        assert bank.balance() == sum(counted(bank))
        assert {finding.account for finding in bank.proof().findings} <= {"unexplained/DE"}
    told = [(type(body), body.natural_key()) for body in bank.emitted]
    assert len(told) == len(set(told))


def _do(bank: Bank, act: str) -> None:
    ends = {"answer": None, "refuse": failed(FailureKind.REFUSED, "no"), "hand over": handed_over("who knows")}
    if act == "wait":
        bank.wait()
    elif act in ends:
        bank.answer(ends[act])
    for subject in list(bank.instances) if act not in ("wait", *ends) else ():
        waits = isinstance(PROCESS.versions[-1].machine.states[bank.instances[subject].state], Waiting)
        asked = any(known == subject for known, _ in bank.commands.values())
        if act == "due" and waits:
            bank.fall_due(subject)
        elif act == "release" and asked:
            bank.release(subject)
        elif act in ("own", "double"):
            doubts = cast("MovementState", bank.instances[subject].data).doubts
            bank.confirm(subject, "bank_movement", doubts[0] if doubts and act == "double" else subject.id)
        elif act == "choose":
            bank.confirm(subject, "collection", "DE/db/8")
