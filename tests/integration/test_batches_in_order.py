"""What one batch decides is decided as if each arrival had come alone, also where the database refuses one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from nostro.engine.batch import words_of
from nostro.model.facts import BundleActivated, CaseClosed, Fact, PayoutLineReported, PayoutReported
from nostro.model.ids import Subject
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.projections.worklist import open_cases
from nostro.store.database import Database
from tests.integration.misbehaviour import throws
from tests.integration.synthetic import PROCESS, House, as_fact, line, payout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]
PO_1 = Subject("payout", "po_1")
WORDS = "It is odd."


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        yield house


def employ(house: House, *, throwing: bool = False, odd: bool = False) -> None:
    """Payouts may say that the database is to refuse what is decided of them, or that deciding throws."""
    version = PROCESS.versions[0]

    def decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
        told = fact.body.statement_descriptor if isinstance(fact.body, PayoutReported) else ""
        if told == "refused":
            return Decision("counting", rule="cut\0off")
        if told == "throw" and throwing:
            throws()
        if odd and isinstance(fact.body, PayoutLineReported):
            return Decision("counting", rule="odd", opens=(CaseOpening("payout_late", WORDS),))
        quiet = (
            fact if told != "throw" else replace(fact, body=fact.body.model_copy(update={"statement_descriptor": ""}))
        )
        return version.decide(before, state, quiet, rules)

    house.processes["payout"] = replace(PROCESS, versions=(replace(version, decide=decide),))


async def one_batch(house: House, *facts: tuple[Fact, Subject | None]) -> None:
    """They are on the queue in this order before anything is decided."""
    for fact, to in facts:
        house.later(milliseconds=1)
        await house.tell([fact], [to] if to else None)
    await house.settle()


async def test_what_was_set_aside_goes_first_also_where_a_batch_is_refused_in_between(house: House) -> None:
    employ(house, throwing=True)
    await house.tell([as_fact(payout("po_1", state="pending")), as_fact(payout("po_1", descriptor="throw"))])
    await house.settle()
    [case] = await open_cases(house.database)
    employ(house)
    await one_batch(
        house,
        (as_fact(CaseClosed(act="close", case=case.id)), PO_1),
        (as_fact(payout("po_2", descriptor="refused")), None),
        (as_fact(line("po_1", "txn_1")), None),
    )
    rows = await house.all("select type from fact where subject = 'po_1' and type like 'payout%' order by revision")
    assert rows == [("payout.reported",), ("payout.reported",), ("payout.line_reported",)]
    assert [(one.subject, one.reason) for one in await open_cases(house.database)] == [("po_2", "poisoned")]


@pytest.mark.parametrize("seen", [words_of(WORDS, None, b"[]"), None], ids=["as seen", "of an older release"])
@pytest.mark.parametrize("together", [True, False])
async def test_a_case_that_is_said_again_just_before_it_is_closed_stays_closed(
    house: House, seen: str | None, *, together: bool
) -> None:
    employ(house, odd=True)
    await house.tell([as_fact(payout("po_1")), as_fact(line("po_1", "txn_1"))])
    await house.settle()
    [case] = await open_cases(house.database)
    closed = as_fact(CaseClosed(act="close", case=case.id, seen=seen))
    again = (as_fact(line("po_1", "txn_2")), None)
    await (one_batch(house, again, (closed, PO_1)) if together else one_batch(house, again))
    if not together:
        await one_batch(house, (closed, PO_1))
    assert await open_cases(house.database) == []
    assert await house.all("select id, closed_by from exception_case") == [(case.id, "psp")]
    await one_batch(house, (as_fact(line("po_1", "txn_3")), None))
    assert len(await open_cases(house.database)) == 1, "what comes later is another one"


async def test_an_activation_that_was_damaged_stops_the_house_on_its_own_shard_alone(house: House) -> None:
    told = BundleActivated(bundle="00" * 32, shard=9, sequence=2)
    await house.tell([as_fact(told)], [Subject("house", "9")])
    await house.all("update arrival set body = '{}' where shard = 9 returning 1")
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(70)])
    await house.settle()
    assert await house.all("select count(*) from fact where process = 'payout'") == [(70,)]
    assert [(one.process, one.subject) for one in await open_cases(house.database)] == [("house", "9")]
