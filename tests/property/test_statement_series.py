"""In whatever order statements arrive: what is there is a chain, what is missing is shown, and closes when it comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.series import Chain
from nostro.model.money import Amount
from nostro.model.series import Link, Page, breaks, joined
from nostro.processes.statement_series import PROCESS
from tests.movements import MONDAY
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


pages = st.builds(
    Page,
    statement_id=st.sampled_from(["A", "B", "STARTUMS"]),
    sequence=st.none() | st.integers(1, 4),
    day=st.none() | st.sampled_from([date(2026, 8, 31), date(2027, 1, 4)]),
    number=st.integers(1, 2),
    last=st.booleans(),
    digest=st.integers(1, 4).map(str),
)


@given(st.lists(pages, max_size=12))
def test_a_chain_that_is_looked_up_is_the_one_that_is_searched(told: list[Page]) -> None:
    chain, searched = Chain(), list[Link]()
    for page in told:
        chain.add(page)
        searched = joined(searched, page)
    assert sorted(chain.links, key=str) == sorted(searched, key=str)


@dataclass(frozen=True)
class Telling:
    """Statement `number` of a day, told for the nth time with so many pages, some of another content than before."""

    number: int
    nth: int
    pages: int
    contents: tuple[int, ...]

    def told(self) -> list[Page]:
        first = MONDAY + timedelta(days=self.number)
        at = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=self.nth)
        edge = [10 * self.number, *(10 * self.number + page for page in range(1, self.pages)), 10 * self.number + 10]
        return [
            Page(
                statement_id=f"S{self.number}",
                sequence=self.number,
                day=first,
                number=page,
                last=page == self.pages,
                went_on=page != self.pages,
                opening=Amount(value=Decimal(edge[page - 1]), currency="EUR"),
                closing=Amount(value=Decimal(edge[page]), currency="EUR"),
                told_at=at,
                digest=f"{self.number}/{page} of {self.pages}/{self.contents[page - 1]}",
            )
            for page in range(1, self.pages + 1)
        ]


@st.composite
def tellings(draw: st.DrawFn) -> list[Telling]:
    found = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        for nth in range(draw(st.integers(1, 3))):
            contents = st.lists(st.integers(0, 1), min_size=3, max_size=3).map(tuple)
            found.append(Telling(number, nth, draw(st.integers(1, 3)), draw(contents)))
    return found


@given(tellings(), st.data())
def test_statements_told_again_with_as_many_pages_or_others_are_the_newest_telling_in_any_order(
    told: list[Telling], data: st.DataObject
) -> None:
    arriving = data.draw(st.permutations([page for one in told for page in one.told()]))
    links: list[Link] = []
    for page in arriving:
        links = joined(links, page)
    newest = {one.number: one for one in told}
    shown = [[(page.number, page.digest, page.told_at) for page in link.pages] for link in links]
    assert shown == [[(page.number, page.digest, page.told_at) for page in one.told()] for one in newest.values()]
    assert list(breaks(links)) == []


def test_a_page_of_the_first_telling_that_comes_last_does_not_come_back() -> None:
    first, second, third = (Telling(1, nth, pages, (nth, nth, nth)) for nth, pages in enumerate((3, 1, 2)))
    one, two, late = first.told()
    links: list[Link] = []
    for page in (two, *second.told(), one, *third.told(), late):
        links = joined(links, page)
    assert [[page.digest for page in link.pages] for link in links] == [[page.digest for page in third.told()]]


@given(tellings(), st.data())
def test_what_came_twice_is_doubled_and_what_came_otherwise_is_restated_in_any_order(
    told: list[Telling], data: st.DataObject
) -> None:
    told = [replace(one, pages=2) for one in told]
    arriving = data.draw(st.permutations([page for one in told for page in one.told()]))
    links: list[Link] = []
    for page in arriving:
        links = joined(links, page)
    for link in links:
        every = [(page.number, page.digest) for one in told if one.number == link.sequence for page in one.told()]
        news = {"doubled"} if len(set(every)) < len(every) else set()
        assert set(link.news) == news | ({"restated"} if len(set(every)) > 2 else set())


@given(st.integers(2, 5), st.data())
def test_a_missing_page_is_shown_until_it_comes_and_nothing_else_is(count: int, data: st.DataObject) -> None:
    series = Series()
    edges = [20, *(20 + page for page in range(1, count)), 30]
    parts = [
        statement(
            2, f"{edges[page - 1]}.00", f"{edges[page]}.00", page=page, last_page=page == count,
            statement_id=f"S2#{page}" if page > 1 else "S2", content_digest=f"p{page}",
        )
        for page in range(1, count + 1)
    ]  # fmt: skip
    missing = data.draw(st.sampled_from(parts))
    for body in data.draw(
        st.permutations([*(part for part in parts if part is not missing), statement(1), statement(3)])
    ):
        series.tell(body, ARRIVED)
    assert series.instance.state == "broken"
    assert set(series.cases) == {"statement_missing"}
    assert series.cases["statement_missing"].sentence == f"Of statement 2 of 2026-09-01 page {missing.page} is missing."
    series.tell(missing, ARRIVED)
    assert (series.instance.state, series.cases) == ("current", {})
