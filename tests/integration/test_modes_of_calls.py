"""From a publication on no call begins under the rules before it, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Literal

import pytest
import pytest_asyncio

from nostro.engine.claims import ENGINE
from nostro.model.calls import HttpReply, HttpRequest
from nostro.store.database import Transaction
from tests.dispatch_world import Worker, World, installed
from tests.integration.synthetic import StillRules
from tests.integration.test_modes import BEN, reading
from tests.toy_partner import Fault, operation

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]


@pytest_asyncio.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with installed(database_url) as opened:
        yield World(opened, operation("look_up"))


def lowered(worker: Worker, mode: str) -> None:
    """From here on the rules that were published last say so, as far as this worker asks for them."""

    async def rules_of(_: Transaction, __: bytes) -> StillRules:
        return reading(mode.encode())

    worker.dispatcher.house = replace(worker.dispatcher.house, rules_of=rules_of)


async def published(world: World, name: str, number: int) -> None:
    await world.run(f"insert into bundle values ('{name}', '', '{world.now.business}', 'controller', {number})")


async def waits(world: World, worker: Worker) -> None:
    """Until its dispatch waits for another try."""
    while await world.all("select status from dispatch") != [("waiting",)]:
        await worker.step()


async def lives_on(world: World, worker: Worker) -> None:
    for _ in range(20):
        world.later(200)
        await worker.settle()


@pytest.mark.parametrize("mode", ["propose", "observe"])
@pytest.mark.parametrize("actor", [ENGINE, BEN])
@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "unsent"])
async def test_what_had_begun_is_looked_up_and_not_sent_again(
    world: World, mode: str, actor: str, fault: Fault
) -> None:
    key = await world.want("po_1")
    await world.run(f"update command_open set actor = '{actor}'")
    calls = world.partner.calls

    def broken(request: HttpRequest) -> Fault:
        return fault if request.url.endswith("/do") else "busy" if "/do" in calls else ""

    world.partner.fault = broken
    worker = Worker(world, "one")
    await waits(world, worker)
    world.partner.fault = lambda _: ""
    before = calls.count("/do")
    await published(world, "more careful", 1)
    lowered(worker, mode)
    await lives_on(world, worker)
    keeps, there = mode == "observe" or actor == ENGINE, fault == "cut_after"
    assert calls.count("/do") == before + (not keeps and not there)
    ended = "adopted" if there else "handed_over" if keeps else "done"
    assert world.settled == [(key, ended)]
    assert world.partner.effects[key] == (there or not keeps)
    why = f"psp is in {mode} for annotate_payment by now: nothing more is sent. A part may have been done before."
    assert (why in world.said[0]) == (ended == "handed_over")


async def test_of_several_in_one_dialogue_those_that_are_done_are_told_as_done(database_url: str) -> None:
    """Who reads that nothing more was sent would else book by hand what is booked."""
    async with installed(database_url) as database:
        world = World(database, operation("each", batch=2))
        keys = {await world.want("po_1"), await world.want("po_2")}
        world.partner.fault = lambda _: "busy" if world.partner.calls else ""
        worker = Worker(world, "one")
        await waits(world, worker)
        world.partner.fault = lambda _: ""
        await published(world, "more careful", 1)
        lowered(worker, "observe")
        await lives_on(world, worker)
        [done] = world.partner.effects
        assert dict(world.settled) == {key: "done" if key == done else "handed_over" for key in keys}


@pytest.mark.parametrize("kind, ends, stands", [("look_up", 1, "ready"), ("person", 2, "handed_over")])
async def test_what_a_person_let_go_once_more_is_not_sent_where_nothing_is_written(
    database_url: str, kind: Literal["look_up", "person"], ends: int, stands: str
) -> None:
    """It was handed over before any call (so it waits to be kept back), or nobody can look it up."""
    async with installed(database_url) as database:
        world = World(database, operation(kind))
        key = await world.want("po_1")
        world.partner.fault = lambda _: "refused" if kind == "look_up" else "cut_before"
        worker = Worker(world, "one")
        await worker.settle()
        await world.run(f"update command_open set status = 'ready', dispatch = null, actor = '{BEN}'")
        world.partner.fault = lambda _: ""
        calls = world.partner.calls.count("/do")
        await published(world, "more careful", 1)
        lowered(worker, "observe")
        await lives_on(world, worker)
        assert world.partner.calls.count("/do") == calls
        assert world.settled == [(key, "handed_over")] * ends
        assert await world.all("select status from command_open") == [(stands,)]


@pytest.mark.parametrize("actor, leaves", [(ENGINE, False), (BEN, True)])
async def test_what_is_ready_is_not_claimed_either_before_it_went_to_a_person(
    world: World, actor: str, *, leaves: bool
) -> None:
    key = await world.want("po_1")
    await world.run(f"update command_open set actor = '{actor}'")
    await published(world, "more careful", 1)
    worker = Worker(world, "one")
    lowered(worker, "propose")
    await worker.settle()
    assert world.partner.effects[key] == leaves
    assert await world.all("select status from command_open") == ([] if leaves else [("ready",)])


async def test_who_can_not_judge_the_rules_in_force_sends_nothing(world: World) -> None:
    key = await world.want("po_1")
    await published(world, "newer", 1)
    worker = Worker(world, "one")

    async def rules_of(_: Transaction, __: bytes) -> None:
        """It lacks something."""

    worker.dispatcher.house = replace(worker.dispatcher.house, rules_of=rules_of)
    await worker.settle()
    assert world.partner.calls == []
    assert await world.all("select status from command_open") == [("ready",)]
    lowered(worker, "act")
    await worker.settle()
    assert world.partner.effects[key] == 1


async def test_from_a_publication_on_no_call_begins_under_the_rules_before_it(world: World) -> None:
    """It was claimed before, and asks first: meanwhile the mode is lowered."""
    key = await world.want("po_1")
    await published(world, "before", 1)
    worker = Worker(world, "one")
    lowered(worker, "act")
    told = asyncio.Event()

    def publishing(request: HttpRequest) -> Fault:
        if request.url.endswith("/find"):
            told.set()
        return ""

    world.partner.fault = publishing
    send = worker.send

    async def slowly(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        reply = await send(request, timeout_seconds)
        if request.url.endswith("/find") and not await world.all("select 1 from bundle where number = 2"):
            await published(world, "more careful", 2)
            lowered(worker, "observe")
        return reply

    worker.send = slowly  # type: ignore[method-assign]  # the line between the two
    await lives_on(world, worker)
    assert told.is_set()
    assert world.partner.calls.count("/do") == 0
    assert world.settled == [(key, "handed_over")]
