"""Loops rest until there is something to do, and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import NoReturn, cast

import pytest

from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable, LostRace, OutOfService
from nostro.runtime import loops
from nostro.runtime.house import House
from nostro.runtime.loops import Loop, Loops
from nostro.runtime.workers import Wiring

pytestmark = pytest.mark.asyncio
AT = datetime(2026, 8, 31, 8, tzinfo=UTC)


class StillClock:
    async def now(self) -> Now:
        return Now(AT, AT)


async def test_work_ends_the_rest_of_those_who_follow_and_of_nobody_else() -> None:
    stop, calls = asyncio.Event(), {"first": 0, "dispatch a": 0, "other": 0}

    async def first(_: Now) -> int:
        calls["first"] += 1
        return 1 if calls["first"] == 1 else 0

    async def follower(_: Now) -> int:
        calls["dispatch a"] += 1
        if calls["dispatch a"] == 2:
            stop.set()
        return 0

    async def other(_: Now) -> int:
        calls["other"] += 1
        return 0

    loops = [
        Loop("dispatch a", follower, 60.0, follows=("first",)),
        Loop("other", other, 60.0),
        Loop("first", first, 60.0, follows=("dispatch",)),
    ]
    began = time.monotonic()
    await asyncio.wait_for(Loops(StillClock(), stop).run(loops), 30)  # type: ignore[arg-type]  # a clock of the test's
    assert time.monotonic() - began < 30
    assert calls["other"] == 1
    assert calls["dispatch a"] == 2


async def test_a_stop_ends_every_rest() -> None:
    stop = asyncio.Event()

    async def idle(_: Now) -> int:
        return 0

    running = asyncio.create_task(Loops(StillClock(), stop).run([Loop("idle", idle, 600.0)]))  # type: ignore[arg-type]  # as above
    await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 30)


async def test_a_step_that_takes_long_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "GRACE_SECONDS", 0.05)
    stop, ended = asyncio.Event(), list[str]()

    async def long(_: Now) -> int:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            ended.append("cut short")
            raise
        return 1

    async def quick(_: Now) -> int:
        await asyncio.sleep(0.02)
        ended.append("whole")
        return 1

    told = [Loop("poll", long, 1.0), Loop("decide", quick, 600.0)]
    running = asyncio.create_task(Loops(StillClock(), stop).run(told))  # type: ignore[arg-type]  # as above
    await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 30)
    assert ended == ["whole", "cut short"]


async def test_what_a_step_waited_for_may_be_cancelled_and_its_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task group says nothing of a task that ends so: leases would be renewed for a loop that is gone."""
    monkeypatch.setattr(loops, "BACK_OFF_SECONDS", 0.01)
    stop, tried = asyncio.Event(), list[int]()

    async def waits(_: Now) -> int:
        tried.append(1)
        if len(tried) == 3:
            stop.set()
            return 0
        lost = asyncio.get_running_loop().create_future()
        lost.cancel()
        return int(await lost)

    await asyncio.wait_for(Loops(StillClock(), stop).run([Loop("waits", waits, 0.01)]), 30)  # type: ignore[arg-type]  # as above
    assert len(tried) == 3


async def hangs(_: Now) -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


async def fails(_: Now) -> NoReturn:
    raise ValueError


@pytest.mark.parametrize("step", [hangs, fails])
async def test_a_loop_that_has_never_ended_a_step_is_late_as_well(step: Callable[[Now], Awaitable[int]]) -> None:
    """Else a worker that was started anew, as it should be, and hangs at once is called ready."""
    wiring = Wiring(cast("House", None), "worker", timedelta(), AsyncExitStack())
    with suppress(TimeoutError, ValueError):
        async with asyncio.timeout(0.05):
            await wiring._timed("folders", step)(Now(AT, AT))
    await asyncio.sleep(0.01)
    assert wiring._lateness()["folders"] > 0


@pytest.mark.parametrize(
    "failure, late",
    [(OutOfService("A vacuum."), False), (DatabaseUnavailable("Gone."), True), (ValueError(), True)],
)
async def test_a_loop_that_waits_for_what_is_out_of_service_is_not_late(failure: Exception, *, late: bool) -> None:
    """Its failures are told. A worker that stood still for them would refuse webhooks, and end for nothing."""
    wiring = Wiring(cast("House", None), "worker", timedelta(), AsyncExitStack())

    async def step(_: Now) -> NoReturn:
        await asyncio.sleep(0.05)
        raise failure

    timed = wiring._timed("partitions", step)
    for _ in range(3):
        with suppress(type(failure)):
            await timed(Now(AT, AT))
    assert (wiring._lateness()["partitions"] >= 0.15) is late


@pytest.mark.parametrize(
    "failure, failures",
    [
        (ValueError(), 1.0),
        (DatabaseUnavailable("Gone."), 1.0),
        (OutOfService("A vacuum."), 1.0),
        (asyncio.CancelledError(), 1.0),
        (LostRace("Somebody else was first."), 0.0),
    ],
)
async def test_a_step_that_failed_is_counted_and_one_that_lost_a_race_is_not(
    failure: BaseException, failures: float
) -> None:
    """Else the alarm that a loop fails again and again never rings."""
    wiring = Wiring(cast("House", None), "worker", timedelta(), AsyncExitStack())

    async def step(_: Now) -> NoReturn:
        raise failure

    def counted() -> float | None:
        return wiring.metrics.registry.get_sample_value("nostro_loop_failures_total", {"loop": "read"})

    timed = wiring._timed("read", step)
    assert counted() == 0.0  # there before the first failure, so that it rises with that one
    with pytest.raises(type(failure)):
        await timed(Now(AT, AT))
    assert counted() == failures


async def test_a_step_that_is_cut_short_has_not_failed() -> None:
    wiring = Wiring(cast("House", None), "worker", timedelta(), AsyncExitStack())
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await wiring._timed("read", hangs)(Now(AT, AT))
    assert wiring.metrics.registry.get_sample_value("nostro_loop_failures_total", {"loop": "read"}) == 0.0
