"""Words of persons about money and cases that are read after what they saw of it has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from nostro.acts.matter import Act, Close, Decide, Match
from nostro.acts.submit import Signature, Submitted
from nostro.engine.rebuild import Rebuild
from nostro.engine.replay import Check, Replay
from nostro.engine.transition import NOT_AS_SEEN
from nostro.model.canonical import canonical
from nostro.model.facts import CaseClosed, Fact, MatchConfirmed, PaymentCaptured
from nostro.model.facts.house import Target
from nostro.model.failures import ActRefused
from nostro.model.ids import Subject
from nostro.processes import collection
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.process import Process, Version
from nostro.store.arrivals import Blob, arrival_for, put
from tests.integration.intake_house import IntakeHouse
from tests.integration.misbehaviour import throws
from tests.integration.test_acts_four_eyes import ITEM, Office, belongs, office, unapplied
from tests.money_world import TOTAL, capture, invoice
from tests.stories import fact

__all__ = ["office"]
pytestmark = pytest.mark.asyncio
OVER, MUCH_MORE = 3_000, 5_000_000
"""In cents; the second is beyond the limit of the clerk."""
GIVE_BACK = Match(ITEM, Target(process="collection", subject=ITEM.id, kind="refund", value=""))
REFUNDS = (
    "select convert_from(body, 'UTF8')::jsonb #>> '{amount,value}', status from command_open"
    " where operation = 'refund_payment' order by 1"
)


def card(number: int, minor: int) -> Fact:
    """A payment of the invoice, through the provider that the landscape knows."""
    told = capture(number, minor, 1)
    return fact(told.body.model_copy(update={"connection": "stripe-de"}))


async def told(house: IntakeHouse, *facts: Fact) -> None:
    """One after the other, each decided before the next one comes."""
    for one in facts:
        await house.tell([one])
        await house.settle()


async def paid_twice(office: Office) -> None:
    """30 EUR are over."""
    await told(office.house, invoice(1), card(1, TOTAL), card(2, OVER))


async def says(office: Office, act: Act, who: str = "clerk") -> Submitted:
    """Somebody's word is kept, and not read yet."""
    seen = (await office.desk.look(act)).seen
    return await office.desk.submit(act, Signature(who, "seen"), seen, office.house.now.business)


@asynccontextmanager
async def before_it_is_read(house: IntakeHouse) -> AsyncIterator[None]:
    """What is kept by then is held by a worker that was killed, and is read behind it."""
    async with house.database.transaction() as tx:
        await tx.execute(b"update reading set until = now() + interval '1000 years'")
    yield
    async with house.database.transaction() as tx:
        await tx.execute(b"update reading set until = '-infinity'")
    assert await house.read_all()
    await house.settle()


async def addressed(house: IntakeHouse, word: Fact, subject: Subject = ITEM) -> None:
    """A fact comes to the subject, behind what is on the queue."""
    at = house.now.business + timedelta(milliseconds=1)
    arrival = arrival_for(word, Blob(canonical(word.body)), subject, 1, at)
    async with house.database.transaction() as tx:
        await put(tx, [arrival])
    await house.settle()


async def test_a_match_moves_what_its_person_saw_or_nothing(office: Office) -> None:
    await paid_twice(office)
    first = await says(office, GIVE_BACK)
    async with before_it_is_read(office.house):
        await told(office.house, card(3, MUCH_MORE))
    assert await office.house.all(REFUNDS) == []
    heard = await office.house.all("select rule, state_before = state_after, actor from fact where type like 'match%'")
    assert heard == [(NOT_AS_SEEN, True, "clerk")], "what he said is kept"
    [case] = await office.house.all("select reason, minor from exception_case where closed_at is null")
    assert case == ("paid_twice", OVER + MUCH_MORE)
    second = await says(office, GIVE_BACK, "controller")
    await office.house.read_all()
    assert await office.house.all(REFUNDS) == [("30.00", "ready"), ("50000.00", "ready")]
    assert (first.new, second.new) == (True, True)


@pytest.mark.parametrize("kind", ["refund", "person"])
async def test_a_match_of_what_is_on_its_way_back_is_refused_at_the_desk(office: Office, kind: str) -> None:
    """It would be kept, and come to nothing."""
    await paid_twice(office)
    await says(office, GIVE_BACK)
    await office.house.read_all()
    with pytest.raises(ActRefused, match="on its way back"):
        await office.desk.look(Match(ITEM, belongs().model_copy(update={"kind": kind})))


async def test_a_match_of_what_this_release_can_not_read_is_refused_at_the_desk(office: Office) -> None:
    """A newer release's worker decides that subject. It would be kept, and come to nothing each time."""
    await paid_twice(office)
    async with office.house.database.transaction() as tx:
        await tx.execute(b"update subject set version = 1000 where process = 'collection'")
    with pytest.raises(ActRefused, match="can't tell what of"):
        await says(office, GIVE_BACK)


async def test_a_match_that_was_not_heard_is_not_heard_in_replay_and_after_an_erasure_either(office: Office) -> None:
    await paid_twice(office)
    await says(office, GIVE_BACK)
    async with before_it_is_read(office.house):
        await told(office.house, card(3, MUCH_MORE))
    house, state = office.house, "select body from subject where process = 'collection'"
    before = await house.all(state)
    again = (house.database, house.keys, house.processes, lambda _: house.rules)
    assert (await Replay(*again).run())[1] == []
    assert await Check(*again).run("2026-08-31", 64) == []
    assert (await Rebuild(house.database, house.keys, house.processes).run([ITEM])).states == 1
    assert await house.all(state) == before


async def test_a_match_is_heard_while_it_moves_the_same(office: Office) -> None:
    await paid_twice(office)
    await says(office, GIVE_BACK)
    async with before_it_is_read(office.house):
        await told(office.house, invoice(1, order=2, number="INV/1A"))
    assert await office.house.all(REFUNDS) == [("30.00", "ready")]


async def test_who_was_not_heard_has_proposed_nothing(office: Office) -> None:
    """Two people are enough, also where the first word of one of them came to nothing."""
    subject = await unapplied(office)
    word = fact(MatchConfirmed(act="ACT1", target=belongs(), sums=()))
    await addressed(office.house, replace(word, origin="people", actor="second"), subject)
    assert await office.house.all("select rule from fact where type = 'match.confirmed'") == [(NOT_AS_SEEN,)]
    await office.act(Match(subject, belongs()), "controller")
    key, status = await office.command("reconcile")
    assert status == "proposed"
    await office.refuses(key, "controller")
    await office.act(Decide(key, "release"), "second")
    assert await office.command("reconcile") == (key, "ready")


async def test_a_match_of_which_nobody_wrote_what_was_seen_is_heard_as_ever(office: Office) -> None:
    await paid_twice(office)
    await addressed(office.house, fact(MatchConfirmed(act="ACT1", target=GIVE_BACK.target)))
    assert await office.house.all(REFUNDS) == [("30.00", "ready")]


@pytest.mark.parametrize("last_release_is_gone", [False, True])
async def test_the_sums_are_told_once_every_worker_can_read_them(office: Office, *, last_release_is_gone: bool) -> None:
    await paid_twice(office)
    async with office.house.database.transaction() as tx:
        await tx.execute(b"update deployment set acts_as_seen = %s", (last_release_is_gone,))
    await says(office, GIVE_BACK)
    await office.house.read_all()
    sums = [{"value": "30.00", "currency": "EUR"}] if last_release_is_gone else None
    seen = "select convert_from(body, 'UTF8')::jsonb -> 'sums' from fact where type = 'match.confirmed'"
    assert await office.house.all(seen) == [(sums,)]
    assert await office.house.all(REFUNDS) == [("30.00", "ready")]


async def the_case(house: IntakeHouse) -> tuple[str, object, object]:
    """The one that is open: its id and reason, and the money that it is about."""
    [(case, reason, minor)] = await house.all("select id, reason, minor from exception_case where closed_at is null")
    return str(case), reason, minor


async def test_a_case_that_says_something_else_by_now_stays_open(office: Office) -> None:
    await paid_twice(office)
    case, _, _ = await the_case(office.house)
    first = await says(office, Close(case))
    async with before_it_is_read(office.house):
        await told(office.house, card(3, MUCH_MORE))
    assert await the_case(office.house) == (case, "paid_twice", OVER + MUCH_MORE)
    assert await office.house.all("select actor from fact where type = 'case.closed'") == [("clerk",)], "it is kept"
    second = await says(office, Close(case), "controller")
    await office.house.read_all()
    assert await office.house.all("select closed_by from exception_case") == [("controller",)]
    assert (first.new, second.new) == (True, True)


async def test_what_came_in_the_same_batch_keeps_money_from_being_over_without_a_case(office: Office) -> None:
    await paid_twice(office)
    case, _, _ = await the_case(office.house)
    matter = await office.desk.look(Close(case))
    await office.house.tell([card(3, MUCH_MORE)])
    await addressed(office.house, fact(CaseClosed(act="ACT1", case=case, **matter.stands)))
    last = "select type from fact where process = 'collection' order by position desc limit 1"
    assert await office.house.all(last) == [("case.closed",)]
    assert await the_case(office.house) == (case, "paid_twice", OVER + MUCH_MORE)


async def test_a_case_of_which_nobody_wrote_what_it_said_is_closed_as_ever(office: Office) -> None:
    await paid_twice(office)
    case, _, _ = await the_case(office.house)
    await told(office.house, card(3, MUCH_MORE))
    await addressed(office.house, fact(CaseClosed(act="ACT1", case=case)))
    assert await office.house.all("select closed_at is null from exception_case") == [(False,)]


def unable_to_bear_payments(process: Process) -> Process:
    """The process, which throws whatever payment it has to decide about."""

    def spoiled(version: Version) -> Version:
        def decide(instance: Instance, data: State, told: Fact, rules: Rules) -> Decision:
            return (throws if isinstance(told.body, PaymentCaptured) else version.decide)(instance, data, told, rules)

        return replace(version, decide=decide)

    return replace(process, versions=tuple(map(spoiled, process.versions)))


async def test_a_poisoned_subject_runs_again_only_by_a_word_about_what_it_stopped_at(office: Office) -> None:
    """The other one's word had it run again, and it stopped again: the first word was about the time before."""
    house, sound = office.house, collection.PROCESS
    await paid_twice(office)
    house.processes["collection"] = unable_to_bear_payments(sound)
    await told(house, card(3, MUCH_MORE))
    [(first,)] = await house.all("select id from exception_case where reason = 'poisoned'")
    await says(office, Close(str(first)))
    async with before_it_is_read(house):
        await office.act(Close(str(first)), "controller")
        await house.settle()
        house.processes["collection"] = sound
    open_ = await house.all("select id from exception_case where reason = 'poisoned' and closed_at is null")
    assert len(open_) == 1
    assert open_ != [(first,)]
    assert await house.all("select poisoned <> '' from subject where process = 'collection'") == [(True,)]


@pytest.mark.parametrize("last_release_is_gone", [False, True])
async def test_what_a_case_said_is_told_once_every_worker_can_read_it(
    office: Office, *, last_release_is_gone: bool
) -> None:
    await paid_twice(office)
    async with office.house.database.transaction() as tx:
        await tx.execute(b"update deployment set acts_as_seen = %s", (last_release_is_gone,))
    case, _, _ = await the_case(office.house)
    await says(office, Close(case))
    await office.house.read_all()
    seen = "select convert_from(body, 'UTF8')::jsonb ? 'seen' from fact where type = 'case.closed'"
    assert await office.house.all(seen) == [(last_release_is_gone,)]
    assert await office.house.all("select closed_by from exception_case") == [("clerk",)]
