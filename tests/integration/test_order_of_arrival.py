"""What arrives at one subject arrives in the order in which it was told, also from another subject and after a stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from nostro.engine.rebuild import UNCHANGED
from nostro.model.facts import CaseClosed, CommandReleased, Fact, FactBody, PayoutReported
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.process import PASSED, STALE, UNEXPECTED, Process
from nostro.store.database import Database
from tests.integration.synthetic import PROCESS, House, as_fact, line, payout

pytestmark = pytest.mark.asyncio
ONE = Subject("payout", "po_1")
LINES = tuple(line("po_1", f"txn_{n:02}") for n in range(12))
TOLD = "select natural_key from fact where subject = 'po_1' and type = '{}' order by position"


def telling(bodies: tuple[FactBody, ...]) -> Process:
    """A payout that tells another one all this when it is reported as `tell`."""
    [version] = PROCESS.versions

    def decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
        decision = version.decide(before, state, fact, rules)
        tells = isinstance(fact.body, PayoutReported) and fact.body.statement_descriptor == "tell"
        return replace(decision, emits=bodies) if tells else decision

    return replace(PROCESS, versions=(replace(version, decide=decide),))


def mended() -> Process:
    """A release that throws no more."""
    [version] = PROCESS.versions
    return replace(PROCESS, versions=(replace(version, decide=lambda *_: Decision("counting", rule="mended")),))


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        made = House(database)
        await made.begin()
        yield made


async def lines_of(house: House) -> list[str]:
    return [str(key).rsplit("/", 1)[-1] for (key,) in await house.all(TOLD.format("payout.line_reported"))]


async def test_what_one_decision_tells_another_subject_arrives_in_the_order_in_which_it_was_told(house: House) -> None:
    house.processes["payout"] = telling(LINES)
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(payout("po_2", descriptor="tell"))])
    await house.settle()
    assert await lines_of(house) == [body.line_id for body in LINES]


async def test_what_two_decisions_tell_in_a_row_stays_in_order_while_business_time_stands_still(house: House) -> None:
    house.processes["payout"] = telling(LINES[:6])
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(payout("po_2", descriptor="tell"))])
    await house.decider.step(house.now)
    house.processes["payout"] = telling(LINES[6:])
    house.decider.batch_limit = 1
    await house.tell([as_fact(payout("po_3", descriptor="tell"))])
    await house.settle()
    assert await lines_of(house) == [body.line_id for body in LINES]


async def test_what_was_parked_goes_on_in_the_order_in_which_it_was_told(house: House) -> None:
    house.processes["payout"] = telling(LINES)
    await house.tell([as_fact(payout("po_2", descriptor="tell"))])
    await house.settle()
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    assert await lines_of(house) == [body.line_id for body in LINES]


async def test_what_comes_with_the_closing_of_a_poisoned_subjects_case_waits_for_what_was_set_aside(
    house: House,
) -> None:
    await house.tell([as_fact(payout("po_1", descriptor="throw"))])
    await house.settle()
    [(case,)] = await house.all("select id from exception_case")
    house.processes["payout"] = mended()
    for body in (line("po_1", "before"), CaseClosed(act="act-1", case=str(case)), line("po_1", "behind")):
        house.later(milliseconds=1)
        await house.tell([as_fact(body, house.now.business)], [ONE])
    await house.settle()
    types = await house.all("select type from fact where subject = 'po_1' order by position")
    assert [kind for (kind,) in types] == [
        "case.closed",
        "payout.reported",
        "payout.line_reported",
        "payout.line_reported",
    ]
    assert await lines_of(house) == ["before", "behind"]
    assert await house.all("select count(*) from parked") == [(0,)]
    assert await house.all("select count(*) from arrival") == [(0,)]


async def test_of_two_people_who_say_otherwise_the_first_is_heard(house: House) -> None:
    house.rules = replace(house.rules, allowed="propose")
    house.decider._rules.clear()
    await house.tell([as_fact(payout("po_1"))])
    await house.tell([as_fact(line("po_1", "txn_1"))], [ONE])
    await house.settle()
    [(key,)] = await house.all("select key_text from command_open")
    for act, verdict in (("act-1", "discard"), ("act-2", "release")):
        house.later(milliseconds=1)
        await house.tell([as_fact(CommandReleased(act=act, key=str(key), verdict=verdict), house.now.business)], [ONE])
    await house.decider.step(house.now)
    assert await house.all("select status from command_open") == [("answered",)]
    await house.settle()
    assert await house.all("select outcome from command_closed") == [("discarded",)]


@pytest.mark.parametrize("rule", [STALE, PASSED, UNEXPECTED])
async def test_what_changed_nothing_live_changes_nothing_when_a_state_is_rebuilt(rule: str) -> None:
    assert rule.startswith(UNCHANGED)
