"""The shell: a crash between any two steps, and whatever comes back, end in one effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

import pytest

from nostro.connectors.kit.manifest import FOR_EVER, Absence, Operation, Order
from nostro.egress.drive import NEVER_LEFT, RETRIES, WRITE_SECONDS, Ended, Held, Pause
from nostro.egress.shell import Rested, retry_after
from nostro.model.calls import Act, Exchange, HttpReply, HttpRequest, Message, Wait
from nostro.model.clock import Now
from nostro.model.failures import FailureKind
from nostro.model.outcomes import Outcome, OutcomeKind, done, failed
from tests.shell_world import START, Killed, World
from tests.toy_partner import Fault, operation, order

Way = Literal["look_up", "their_key"]


def run(work: Coroutine[Any, Any, Rested]) -> Rested:
    return asyncio.run(work)


def kinds(rested: Rested) -> list[OutcomeKind]:
    assert isinstance(rested.end, Ended), rested
    return [outcome.kind for outcome in rested.end.outcomes]


@pytest.mark.parametrize(
    "told, seconds",
    [
        ("7", 7.0),
        ("9" * 400, 3600.0),
        ("\xb2", 0.0),
        ("soon", 0.0),
        ("Mon, 31 Aug 2026 06:00:09 GMT", 9.0),
        ("Mon, 31 Aug 2026 06:00:00 +" + "9" * 30, 0.0),
    ],
)
def test_whatever_stands_in_retry_after_the_reply_is_kept(told: str, seconds: float) -> None:
    assert retry_after(HttpReply(429, {"retry-after": told}, b""), START) == seconds


def once(fault: Fault, target: str = "/do", times: int = 1) -> Callable[[HttpRequest], Fault]:
    """The first calls to a target meet a fault."""
    left = [times]

    def meets(request: HttpRequest) -> Fault:
        if not request.url.endswith(target) or not left[0]:
            return ""
        left[0] -= 1
        return fault

    return meets


@pytest.mark.parametrize("way", ["look_up", "their_key"])
@pytest.mark.parametrize("fault", ["", "busy", "unsent", "cut_before", "cut_after", "cut_late", "broken", "nonsense"])
@pytest.mark.parametrize("dies_at", range(1, 13))
def test_a_crash_at_any_point_beside_any_fault_ends_in_one_effect(way: Way, fault: Fault, dies_at: int) -> None:
    world = World(operation(way), takes_keys=way == "their_key", dies_at=dies_at)
    world.partner.fault = once(fault)
    rested = run(world.settle())
    assert isinstance(rested.end, Ended)
    assert all(outcome.there for outcome in rested.end.outcomes)
    assert world.partner.catch_up() == {"NOS1": 1}


@pytest.mark.parametrize("dies_at", range(1, 8))
def test_where_nobody_can_be_asked_a_cut_call_is_a_persons_business_and_never_sent_twice(dies_at: int) -> None:
    world = World(operation("person"), dies_at=dies_at)
    rested = run(world.settle())
    assert sum(call == "/do" for call in world.partner.calls) <= 1
    if kinds(rested) == [OutcomeKind.DONE]:
        assert world.partner.effects == {"NOS1": 1}
    else:
        assert kinds(rested) == [OutcomeKind.HANDED_OVER]


def test_an_effect_that_appears_two_minutes_after_the_cut_is_found_and_not_made_again() -> None:
    world = World(operation("look_up"))
    world.partner.fault = once("cut_late")
    rested = run(world.settle())
    assert kinds(rested) == [OutcomeKind.ADOPTED]
    assert world.partner.catch_up() == {"NOS1": 1}
    assert world.now.business >= START + timedelta(seconds=120)


def test_before_any_act_absence_is_proven_at_once_and_nothing_waits() -> None:
    world = World(operation("look_up"))
    assert kinds(run(world.settle())) == [OutcomeKind.DONE]
    assert (world.drives, world.now.business) == (1, START)
    assert world.partner.calls == ["/find", "/do", "/find"]


def test_a_batch_is_one_call_and_each_member_has_its_own_outcome() -> None:
    names = ["NOS1", "NOS2", "NOS3", "NOS4"]
    world = World(operation("look_up", batch=4), orders=[order(name) for name in names])
    world.partner.fault = lambda request: "refused" if b"NOS3" in request.body and b"do" in request.url.encode() else ""
    rested = run(world.settle())
    assert kinds(rested) == [OutcomeKind.DONE, OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.DONE]
    assert world.partner.catch_up() == {"NOS1": 1, "NOS2": 1, "NOS4": 1}


@pytest.mark.parametrize("dies_at", range(1, 31))
def test_a_batch_that_is_halved_survives_a_crash_at_any_point(dies_at: int) -> None:
    names = ["NOS1", "NOS2", "NOS3", "NOS4"]
    world = World(operation("look_up", batch=4), orders=[order(name) for name in names], dies_at=dies_at)
    world.partner.fault = lambda request: "refused" if b"NOS3" in request.body and b"do" in request.url.encode() else ""
    rested = run(world.settle())
    assert isinstance(rested.end, Ended)
    assert [outcome.there for outcome in rested.end.outcomes] == [True, True, False, True]
    assert world.partner.catch_up() == {"NOS1": 1, "NOS2": 1, "NOS4": 1}


def saying(*words: str) -> Operation:
    def exchange(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
        reply = yield Act(Message("do", {"keys": list(words)}), words[0])
        return [done() if reply.ok else failed(FailureKind.INVALID, reply.sentence) for _ in orders]

    return replace(operation("their_key"), exchange=exchange)


def test_an_exchange_that_says_something_else_when_driven_again_is_held_for_a_person() -> None:
    world = World(saying("NOS1"), dies_at=4)
    with pytest.raises(Killed):
        run(world.drive())
    world.does = saying("NOS2")
    rested = run(world.drive())
    assert isinstance(rested.end, Held)
    assert "code changed" in rested.end.sentence
    assert world.partner.effects == {"NOS1": 1}


def test_another_act_after_a_look_up_waits_until_not_finding_the_first_one_counts() -> None:
    """A wizard that finds the invoice paid says something else than before, while its own payment is under way."""
    does = replace(operation("look_up"), exchange=_changes_its_mind)
    world = World(does)
    world.partner.fault = once("cut_late")
    rested = run(world.settle())
    assert kinds(rested) == [OutcomeKind.ADOPTED]
    assert world.partner.catch_up() == {"NOS1": 1}
    assert world.partner.calls.count("/do") == 1


def _changes_its_mind(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
    from nostro.model.calls import Ask

    reply = yield Ask(Message("find", {"keys": ["NOS1"]}))
    if reply.content:
        return [done(adopted=True) for _ in orders]
    words = ["NOS1"] if reply.at == START else ["NOS1", "NOS1"]
    reply = yield Act(Message("do", {"keys": words}), "NOS1")
    if reply.ambiguous:
        yield Wait(until=reply.at + timedelta(seconds=30))
    return [done() for _ in orders]


def test_a_no_is_not_believed_while_an_earlier_call_may_still_be_done() -> None:
    def exchange(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
        from nostro.model.calls import Ask

        reply = yield Ask(Message("find", {"keys": ["NOS1"]}))
        if reply.content:
            return [done(adopted=True) for _ in orders]
        if reply.at > START:
            return [failed(FailureKind.CONFLICT, "It is paid already.") for _ in orders]
        reply = yield Act(Message("do", {"keys": ["NOS1"]}), "NOS1")
        yield Wait(until=reply.at + timedelta(seconds=30))
        return []

    world = World(replace(operation("look_up"), exchange=exchange))
    world.partner.fault = once("cut_late")
    assert kinds(run(world.settle())) == [OutcomeKind.ADOPTED]


def test_an_act_whose_moment_has_passed_before_the_write_does_not_leave() -> None:
    world = World(operation("look_up"))
    sleeps_after_the_journal(world, WRITE_SECONDS)
    rested = run(world.settle())
    assert [entry.stored.status for entry in world.journal if entry.stored] == [NEVER_LEFT, 200]
    assert kinds(rested) == [OutcomeKind.DONE]
    assert world.partner.calls.count("/do") == 1


def test_an_act_that_leaves_at_the_last_moment_is_waited_for_from_that_moment_on() -> None:
    world = World(operation("look_up"))
    sleeps_after_the_journal(world, WRITE_SECONDS - 1)
    world.partner.fault = once("cut_late")
    assert kinds(run(world.settle())) == [OutcomeKind.ADOPTED]
    assert world.partner.catch_up() == {"NOS1": 1}


def sleeps_after_the_journal(world: World, seconds: float) -> None:
    start = world.start

    async def sleepy(shard: int, dispatch: bytes, n: int, digest: bytes, now: Now) -> None:
        await start(shard, dispatch, n, digest, now)
        if n == 1:
            world.later(seconds)

    world.start = sleepy  # type: ignore[method-assign]  # the process sleeps between the journal and the write


def test_too_many_calls_are_put_off_as_long_as_they_said_and_longer_each_time() -> None:
    world = World(operation("their_key"), takes_keys=True)
    world.partner.fault = once("busy", times=4)
    waits: list[float] = []
    for _ in range(4):
        rested = run(world.drive())
        assert isinstance(rested.end, Pause)
        waits.append((rested.end.until - world.now.business).total_seconds())
        world.now = Now(rested.end.until, world.now.machine)
    assert waits[0] == 7
    assert 8 <= waits[3] <= 16
    assert kinds(run(world.drive())) == [OutcomeKind.DONE]


def test_what_stays_refused_for_now_is_handed_over_after_a_bounded_number_of_tries() -> None:
    world = World(operation("their_key"), takes_keys=True)
    world.partner.fault = lambda _: "busy"
    rested = run(world.settle())
    assert kinds(rested) == [OutcomeKind.HANDED_OVER]
    assert len(world.journal) == RETRIES + 1


@pytest.mark.parametrize("fault", ["refused", "locked_out"])
def test_a_refusal_fails_and_so_does_a_missing_right(fault: Fault) -> None:
    world = World(operation("their_key"))
    world.partner.fault = once(fault)
    assert kinds(run(world.settle())) == [OutcomeKind.FAILED]


def test_after_a_restore_what_was_done_before_is_found() -> None:
    world = World(operation("look_up"), look_up_first=True)
    world.partner.effects["NOS1"] = 1
    assert kinds(run(world.settle())) == [OutcomeKind.ADOPTED]
    assert world.partner.catch_up() == {"NOS1": 1}


def test_after_a_restore_nothing_is_sent_before_not_finding_it_counts() -> None:
    world = World(operation("look_up"), look_up_first=True)
    assert kinds(run(world.settle())) == [OutcomeKind.DONE]
    assert world.partner.catch_up() == {"NOS1": 1}
    assert world.now.business > START + timedelta(seconds=120)


def test_after_a_restore_a_person_decides_where_nobody_can_be_asked() -> None:
    world = World(operation("person"), look_up_first=True)
    assert kinds(run(world.settle())) == [OutcomeKind.HANDED_OVER]
    assert world.partner.calls == []


def test_a_key_that_they_have_forgotten_by_now_protects_nothing() -> None:
    world = World(operation("their_key"), takes_keys=True, dies_at=3)
    with pytest.raises(Killed):
        run(world.drive())
    world.later(24 * 3600)
    rested = run(world.drive())
    assert isinstance(rested.end, Held)
    assert "forgotten" in rested.end.sentence


def test_a_key_that_they_never_forget_protects_for_ever() -> None:
    does = replace(operation("their_key"), key_lifetime=FOR_EVER)
    world = World(does, takes_keys=True, dies_at=3)
    with pytest.raises(Killed):
        run(world.drive())
    world.later(24 * 3600)
    assert kinds(run(world.drive())) == [OutcomeKind.DONE]
    assert world.partner.catch_up() == {"NOS1": 1}


def test_an_exchange_that_never_ends_is_held_once_it_has_made_the_calls_that_it_may() -> None:
    made: list[int] = []

    def endless(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
        while orders:
            made.append(len(made))
            yield Wait(until=START)
        return []

    asked = replace(operation("look_up", calls=20), exchange=endless)
    assert isinstance(run(World(asked).drive()).end, Held)
    assert len(made) == 20 + 1


def test_an_exchange_that_throws_or_says_nothing_is_held() -> None:

    def throws(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
        yield Wait(until=START)
        raise RuntimeError(orders)

    def says_nothing(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
        yield Wait(until=START)
        return orders[1:]  # type: ignore[return-value]  # that is the flaw

    for exchange in (throws, says_nothing):
        rested = run(World(replace(operation("look_up"), exchange=exchange)).drive())
        assert isinstance(rested.end, Held)


class Told(Outcome):
    """What a connector may make of an outcome."""

    payment: str = ""


def ending_with(outcome: Outcome) -> Operation:
    def exchange(orders: Sequence[Order], _: object) -> Exchange[Sequence[Outcome]]:
        yield Wait(until=START)
        return [outcome for _ in orders]

    return replace(operation("look_up"), exchange=exchange)


NO_TEXTS: Sequence[object] = (
    *([], MappingProxyType({"payment": "7"}), {"payment": 7}, {"payment": None}, {7: "payment"}),
    *({"payment": "7", "move": FailureKind.INVALID}, {"amount": Decimal("1.50")}, {"date": START}),
)
NO_FIELDS = ({"kind": "done"}, {"failure": "invalid"}, {"sentence": None}, {"sentence": FailureKind.INVALID})


@pytest.mark.parametrize("fields", [*NO_FIELDS, *({name: texts} for name in ("ids", "notes") for texts in NO_TEXTS)])
def test_an_outcome_whose_bytes_would_tell_another_one_is_held(fields: dict[str, Any]) -> None:
    """It is decided as it is, and a replay reads its bytes; a copy is unchecked and may hold anything."""
    outcome = done(payment=7, notes={"journal": "5"})
    assert run(World(ending_with(outcome)).drive()).end == Ended((outcome,))
    assert isinstance(run(World(ending_with(outcome.model_copy(update=fields))).drive()).end, Held)


@pytest.mark.parametrize("field", ["kind", "failure", "sentence", "ids", "notes"])
def test_an_outcome_that_lacks_a_field_is_held(field: str) -> None:
    outcome = done(payment=7)
    del outcome.__dict__[field]
    assert isinstance(run(World(ending_with(outcome)).drive()).end, Held)


def no_absence(_: object) -> Absence:
    raise RuntimeError


def test_a_reply_is_kept_although_nothing_can_be_made_of_it() -> None:
    world = World(replace(operation("look_up"), absence=no_absence))
    with pytest.raises(RuntimeError):
        run(world.drive())
    assert [(entry.n, entry.stored and entry.stored.status) for entry in world.journal] == [(1, 200)]


def test_an_outcome_of_a_connectors_own_kind_is_held() -> None:
    assert isinstance(run(World(ending_with(Told(kind=OutcomeKind.DONE))).drive()).end, Held)
