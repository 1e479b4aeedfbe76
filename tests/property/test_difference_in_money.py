"""Differences in money add up: what is told of subjects, and of the others in one sum, is the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from nostro.engine.difference import MONEY, Change, Effect, change
from nostro.engine.difference_in_money import InCurrency, Key, Line, Totals, by_currency, leading
from nostro.model.money import Money

CURRENCIES = ("EUR", "JPY", "KWD")
AMOUNTS = st.none() | st.builds(
    lambda minor, currency: Money(minor=minor, currency=currency), st.integers(-50, 50), st.sampled_from(CURRENCIES)
)
KINDS: tuple[Literal["posting", "command", "case", "state"], ...] = ("posting", "command", "case", "state")
EFFECTS = st.builds(
    Effect, st.sampled_from(KINDS), st.sampled_from(["DE", "UK"]), st.sampled_from(["a", "b"]), amount=AMOUNTS
)
DECISIONS = st.lists(EFFECTS, max_size=4).map(Counter)


@st.composite
def lived(draw: st.DrawFn) -> list[list[Change]]:
    """The changes of some subjects: what two decisions about each of their facts have not in common."""
    subjects: list[list[Change]] = []
    for n in range(draw(st.integers(0, 8))):
        told = [change(draw(DECISIONS), draw(DECISIONS)) for _ in range(draw(st.integers(1, 3)))]
        of = [Change(0, at, f"collection/{n}", "a.fact", *both, "old", "new") for at, both in enumerate(told)]
        subjects += [differing] if (differing := [one for one in of if one.was or one.would]) else []
    return subjects


def added(lines: Iterable[Line]) -> dict[Key, tuple[int, ...]]:
    """Counts and minor units of both sides and the difference, by what they are a line of."""
    sums: dict[Key, tuple[int, ...]] = {}
    for line in lines:
        amounts = (line.was_amount, line.would_amount, line.difference)
        figures = (line.was, line.would, *(amount.minor if amount else 0 for amount in amounts))
        sums[line.key] = tuple(map(sum, zip(sums.get(line.key, (0,) * 5), figures, strict=True)))
    return sums


def counted(subjects: Sequence[Sequence[Change]], currency: str) -> Counter[tuple[str, str]]:
    """What differs of a currency by kind and entity, straight from the effects: what would be less what was."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in (one for of in subjects for one in of):
        for sign, effects in ((-1, one.was), (1, one.would)):
            for effect in effects:
                if effect.kind in MONEY and effect.amount and effect.amount.currency == currency:
                    sums[effect.kind, effect.entity] += sign * effect.amount.minor
    return sums


def of_subjects(one: InCurrency) -> list[Line]:
    return [each.line for of in one.subjects for each in of.lines]


@given(lived(), st.integers(0, 9))
def test_the_subjects_and_the_others_add_up_to_the_totals_of_each_currency(
    subjects: list[list[Change]], shown: int
) -> None:
    totals = Totals.of(one for of in subjects for one in of)
    told = by_currency(totals, subjects, shown)
    for one in told:
        assert added([*of_subjects(one), *one.others]) == added(one.totals)
        assert {line.currency for line in (*of_subjects(one), *one.others, *one.totals)} == {one.currency}
        sums: Counter[tuple[str, str]] = Counter()
        for line in one.totals:
            assert line.difference is not None
            sums[line.kind, line.entity] += line.difference.minor
        assert {key: n for key, n in sums.items() if n} == {
            k: n for k, n in counted(subjects, one.currency).items() if n
        }
    money = {
        e.amount.currency for of in subjects for c in of for e in (*c.was, *c.would) if e.amount and e.kind in MONEY
    }
    assert {one.currency for one in told} == money


@given(lived(), st.integers(1, 9))
def test_the_greatest_difference_comes_first_and_no_other_subject_has_a_greater_one(
    subjects: list[list[Change]], shown: int
) -> None:
    totals = Totals.of(one for of in subjects for one in of)
    for one, whole in zip(by_currency(totals, subjects, shown), by_currency(totals, subjects, 99), strict=True):
        greatest = [max(each.line.size for each in of.lines) for of in one.subjects]
        assert all(more >= less for more, less in pairwise(greatest))
        assert all(of.lines[0].line.size == size for of, size in zip(one.subjects, greatest, strict=True))
        assert one.subjects == whole.subjects[:shown]


@given(lived(), st.integers(1, 4), st.integers(0, 8))
def test_who_leads_is_the_same_whether_the_subjects_come_at_once_or_in_parts(
    subjects: list[list[Change]], shown: int, cut: int
) -> None:
    at_once = leading(subjects, shown)
    assert leading([*leading(subjects[:cut], shown), *subjects[cut:]], shown) == at_once
    totals = Totals.of(one for of in subjects for one in of)
    assert by_currency(totals, at_once, shown) == by_currency(totals, subjects, shown)


def test_what_goes_out_hides_nothing_that_comes_in() -> None:
    sent = Effect("command", "DE", "book_statement_line", amount=Money.of("50.00", "EUR"))
    back = replace(sent, amount=Money.of("-50.00", "EUR"))
    both = Change(0, 1, "bank_movement/1", "a.fact", (back, sent), (), "old", "new")
    [euros] = by_currency(Totals.of([both]), [[both]], 9)
    assert [str(line.difference) for line in euros.totals] == ["-50.00 EUR", "50.00 EUR"]


def test_a_line_says_by_which_rules_and_what_its_case_says_each_once() -> None:
    case = Effect("case", "DE", "overpaid", amount=Money.of("1.00", "EUR"), sentence="More came in.")
    told = [Change(0, n, "collection/1", "a.fact", (), (case,), "old", f"rule {n // 2}") for n in range(8)]
    [euros] = by_currency(Totals.of(told), [told], 9)
    [[line]] = [of.lines for of in euros.subjects]
    assert line.why == ("a.fact: old -> rule 0", "More came in.", "a.fact: old -> rule 1", "and 2 more")
