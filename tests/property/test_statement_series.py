"""In whatever order statements arrive: what is there is a chain, what is missing is shown, and closes when it comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.series import Chain
from nostro.model.series import Link, joined
from nostro.processes.statement_series import PROCESS
from tests.series import Series, statement

ARRIVED = datetime(2026, 8, 31, 5, tzinfo=UTC)
"""Before any deadline, so that only numbers and balances speak."""
orders = st.integers(2, 12).flatmap(lambda count: st.permutations(range(1, count + 1)))


def told(order: Sequence[int]) -> Series:
    series = Series()
    for number in order:
        series.tell(statement(number), ARRIVED)
    return series


@given(orders)
def test_a_whole_series_has_no_open_case_whatever_its_order(order: list[int]) -> None:
    series = told(order)
    assert (series.instance.state, series.cases) == ("current", {})


@given(orders, st.data())
def test_a_missing_statement_is_shown_and_its_coming_closes_the_case(order: list[int], data: st.DataObject) -> None:
    missing = data.draw(st.sampled_from(range(1, max(order) + 1)))
    series = told([number for number in order if number != missing])
    inside = 1 < missing < max(order)
    assert ("statement_missing" in series.cases) == inside
    assert (series.instance.state == "broken") == inside
    series.tell(statement(missing), ARRIVED)
    assert series.cases == {}


@given(orders)
def test_replaying_the_log_gives_the_state_that_was_lived(order: list[int]) -> None:
    series = told(order)
    replayed = PROCESS.versions[-1].initial
    for fact, _ in series.log:
        replayed = PROCESS.versions[-1].evolve(replayed, fact)
    assert replayed == series.instance.data


@given(orders)
def test_what_is_awaited_becomes_a_case_when_its_deadline_passes(order: list[int]) -> None:
    series = told(order)
    series.fall_due()
    assert (series.instance.state, "statement_missing" in series.cases) == ("late", True)


links = st.builds(
    Link,
    statement_id=st.sampled_from(["A", "B", "STARTUMS"]),
    sequence=st.none() | st.integers(1, 4),
    day=st.none() | st.sampled_from([date(2026, 8, 31), date(2027, 1, 4)]),
    digests=st.integers(1, 4).map(lambda number: (str(number),)),
    pages=st.integers(1, 2).map(lambda page: (page,)),
)


@given(st.lists(links, max_size=12))
def test_a_chain_that_is_looked_up_is_the_one_that_is_searched(told: list[Link]) -> None:
    chain, searched = Chain(), list[Link]()
    for link in told:
        chain.add(link)
        searched = joined(searched, link)
    assert chain.links == searched
