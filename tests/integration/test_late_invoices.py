"""Money whose invoice comes long after it or is one of two, and news whose money comes late, on a real database.

References, parking, look-ups and ledger included.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from nostro.engine.decide import Decider
from nostro.engine.parked import Rejoin
from nostro.engine.tenure import Tenure
from nostro.model.facts import Fact, PaymentCaptured
from nostro.processes import collection, payout
from nostro.store.database import Database
from tests.integration.synthetic import House
from tests.money_world import TOTAL, capture, invoice, line, refund
from tests.stories import SmallRules, eur

pytestmark = pytest.mark.asyncio


class Cards(House):
    """The house with the processes of cards."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rules: Any = SmallRules()
        self.processes = {process.name: process for process in (collection.PROCESS, payout.PROCESS)}
        self.tenure = Tenure(self.database, self.worker, dict.fromkeys(self.processes, 1))
        self.decider = Decider(self.database, self.keys, self.processes, self.tenure, lambda _: rules)
        self.rejoin = Rejoin(self.database, self.keys, self.processes)


async def test_a_capture_whose_invoice_comes_hours_later_is_applied_once_and_its_case_closes(database_url: str) -> None:
    async with Database(database_url, size=4) as database:
        house = Cards(database)
        await house.begin()
        await house.tell([capture(1, TOTAL, 1)])
        await house.settle()
        house.later(minutes=16)
        await house.tenure.step(house.now)
        await house.settle()
        await house.tell([refund(1, 4000, "succeeded")])
        await house.settle()
        reasons = "select subject, reason, closed_at is not null from exception_case order by reason"
        assert await house.all(reasons) == [("DE/unapplied/ch_1", "unapplied_money", False)]
        assert await house.all("select count(*) from command_open") == [(0,)]

        house.later(hours=5)
        await house.tenure.step(house.now)
        await house.tell([invoice(1)])
        await house.settle()
        await house.tell([line(1, "charge", eur("100.00"))])
        await house.settle()
        assert await house.all(reasons) == [("DE/unapplied/ch_1", "unapplied_money", True)]
        assert await house.all("select subject, step from command_open where step like 'register%'") == [
            ("DE/db/1", "register-ch_1")
        ]
        passed_on = "select type from fact where subject = 'DE/db/1' and type <> 'invoice.posted' order by position"
        assert await house.all(passed_on) == [("payment.captured",), ("refund.reported",), ("collection.paid_out",)]
        balances = "select account, sum(minor)::bigint from ("
        balances += "select debit as account, minor from posting union all select credit, -minor from posting) as s"
        balances += " where account like 'customer/%' or account like 'suspense/%' group by 1 order by 1"
        assert await house.all(balances) == [("customer/DE", -TOTAL + 4000), ("suspense/DE", 0)]


async def test_news_of_a_charge_that_is_told_hours_later_reach_whoever_has_it_and_their_case_closes(
    database_url: str,
) -> None:
    async with Database(database_url, size=4) as database:
        house = Cards(database)
        await house.begin()
        await house.tell([invoice(1), refund(1, 4000, "succeeded")])
        await house.settle()
        house.later(minutes=16)
        await house.tenure.step(house.now)
        await house.settle()
        reasons = "select subject, reason, closed_at is not null from exception_case order by reason"
        assert await house.all(reasons) == [("DE/unknown/ch_1", "unknown_charge", False)]

        house.later(hours=3)
        await house.tenure.step(house.now)
        await house.tell([capture(1, TOTAL, 1)])
        await house.settle()
        assert await house.all(reasons) == [("DE/unknown/ch_1", "unknown_charge", True)]
        told = "select type from fact where subject = 'DE/db/1' and type <> 'invoice.posted' order by position"
        assert await house.all(told) == [("payment.captured",), ("refund.reported",)]
        assert await house.all("select count(*) from subject where subject like '%unapplied%'") == [(0,)]


CAPTURES = "select subject from fact where type = 'payment.captured' and natural_key like '%ch_1' order by position"
WAITS = "select parked, woken from (select count(*) as parked from parked) p, (select count(*) as woken from woken) w"


def of_the_same_payment(quoting: str) -> Fact:
    """Another charge of the payment whose first one is `capture(1, ...)`."""
    told = capture(2, TOTAL // 2, 0)
    assert isinstance(told.body, PaymentCaptured)
    return replace(told, body=told.body.model_copy(update={"payment_id": "pi_1", "invoice_hint": quoting}))


@pytest_asyncio.fixture
async def between_two(database_url: str) -> AsyncIterator[Cards]:
    """A house with a capture that quotes a number which was given again, and so stands on two items."""
    async with Database(database_url, size=4) as database:
        house = Cards(database)
        await house.begin()
        await house.tell([invoice(1), invoice(2, number="INV/1", payment_reference="ORDER-2"), invoice(3)])
        await house.settle()
        await house.tell([capture(1, TOTAL // 2, 1)])
        await house.settle()
        yield house


async def test_a_capture_whose_number_stands_on_two_items_waits_for_what_says_which_of_them(between_two: Cards) -> None:
    assert await between_two.all(WAITS) == [(1, 0)]
    between_two.later(seconds=5)
    await between_two.tell([of_the_same_payment("ORDER-2")])
    await between_two.settle()
    assert await between_two.all(CAPTURES) == [("DE/db/2",)]
    assert await between_two.all(WAITS) == [(0, 0)]


async def test_what_leads_to_neither_of_the_two_decides_nothing(between_two: Cards) -> None:
    await between_two.tell([of_the_same_payment("INV/3")])
    await between_two.settle()
    assert await between_two.all(CAPTURES) == []
    assert await between_two.all(WAITS) == [(1, 0)]


async def test_a_capture_of_which_nothing_says_whose_it_is_is_unapplied_after_its_time(between_two: Cards) -> None:
    assert await between_two.all(CAPTURES) == []
    between_two.later(minutes=16)
    await between_two.tenure.step(between_two.now)
    await between_two.settle()
    assert await between_two.all(CAPTURES) == [("DE/unapplied/ch_1",)]
    reasons = "select reason from exception_case where closed_at is null order by reason"
    assert await between_two.all(reasons) == [("ambiguous_match",), ("unapplied_money",)]
