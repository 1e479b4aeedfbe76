"""Data keys that other tasks have forgotten while somebody waited, and those that another process destroys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from nostro.connectors.kit.manifest import Order
from nostro.engine.deciding import load_subjects
from nostro.engine.rebuild import Rebuild, Rebuilt
from nostro.engine.replay import Check
from nostro.model.base import ConfidentialText
from nostro.model.calls import Exchange
from nostro.model.canonical import canonical
from nostro.model.facts import Fact, MoneyUnapplied, PaymentCaptured
from nostro.model.ids import Subject
from nostro.model.intents import INTENTS_BY_OPERATION, AnnotatePayment
from nostro.model.money import Money
from nostro.model.outcomes import Outcome
from nostro.model.references import Reference
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.machine import NEW
from nostro.processes.kit.process import Begin, Process
from nostro.runtime import clock
from nostro.runtime.clock import EVERY_SECONDS, Clock
from nostro.store.database import Database, Statement, Transaction
from nostro.store.entropy import SeededEntropy
from nostro.store.erase import Erasure, erase
from nostro.store.keys import KeyName, Keys
from nostro.store.wire import Answer
from tests.dispatch_world import KEYS, START, Worker, World, installed
from tests.integration.synthetic import PROCESS, House, as_fact, payout
from tests.toy_partner import operation, person

pytestmark = pytest.mark.asyncio
NAMES = [KeyName("DE", "books", None, f"2026-0{month}") for month in (7, 8)]
ONE, TWO = Subject("payout", "po_1"), Subject("payout", "po_2")
TEN = Money.of("10", "EUR")


class Payers(State):
    """What the process remembers: its first payer, and how many payers' names it could read."""

    payer_name: ConfidentialText = None
    named: int = 0


class Told(AnnotatePayment):
    """An intent that says something in confidence."""

    text: ConfidentialText = None


def _evolve(state: State, fact: Fact) -> State:
    assert isinstance(state, Payers)
    name = getattr(fact.body, "payer_name", None)
    return Payers(payer_name=state.payer_name or name, named=state.named + isinstance(name, str))


def _decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
    del before, state, rules
    told = fact.body
    if not isinstance(told, PaymentCaptured) or told.description != "tell":
        return Decision("counting", rule="counted")
    unapplied = MoneyUnapplied(movement="m_1", amount=TEN, booked_on=date(2026, 8, 31), payer_name="Somebody Else")
    return Decision("counting", rule="told", emits=(unapplied,))


def _begins(fact: Fact) -> Begin | None:
    return Begin(fact.body.movement) if isinstance(fact.body, MoneyUnapplied) else PROCESS.begins(fact)


def _process() -> Process:
    [version] = PROCESS.versions
    told = ("payment.captured", "money.unapplied", "payout.reported")
    edges = dict(version.machine.edges)
    edges |= {(at, fact): frozenset({"counting"}) for at in (NEW, "counting") for fact in told}
    machine = replace(version.machine, edges=edges)
    remembering = replace(version, machine=machine, initial=Payers(), evolve=_evolve, decide=_decide)
    return replace(PROCESS, versions=(remembering,), begins=_begins)


def _captured(charge: str, payer: str, *, description: str = "") -> Fact:
    return as_fact(
        PaymentCaptured(
            connection="psp", charge_id=charge, amount=TEN, captured_on=date(2026, 8, 31),
            payer_email=f"{payer}@example.test", payer_name=payer.capitalize(), description=description or None,
        )
    )  # fmt: skip


def _forgetting(monkeypatch: pytest.MonkeyPatch, keys: Keys, *asked: str) -> list[str]:
    """Whenever a task has waited for such a statement, another one has had all data keys forgotten; how often."""
    send, met = Transaction.send, list[str]()

    async def sent(tx: Transaction, statement: Statement, parameters: Any) -> Answer:  # noqa: ANN401 - whatever it needs
        answer = await send(tx, statement, parameters)
        if statement.name in asked:
            met.append(statement.name)
            keys.forget()
        return answer

    monkeypatch.setattr(Transaction, "send", sent)
    return met


async def _known(house: House, ids: Sequence[bytes]) -> None:
    """The worker remembers these keys and no others."""
    house.keys.forget()
    async with house.database.transaction() as tx:
        await house.keys.load(tx, ids)


async def _key_of(house: House, charge: str) -> bytes:
    """The data key of a captured payment that was told."""
    rows = "select data_key, natural_key from arrival union all select data_key, natural_key from fact"
    [(key,)] = await house.all(f"select data_key from ({rows}) r where natural_key like '%{charge}'")
    assert isinstance(key, bytes)
    return key


async def _states(house: House, keys: Keys | None = None) -> dict[str, tuple[object, int]]:
    """What a worker that has just begun reads of each subject."""
    keys = keys or Keys({1: b"k" * 32}, SeededEntropy(11))
    subjects = [Subject(*map(str, row)) for row in await house.all("select process, subject from subject")]
    async with house.database.transaction() as tx:
        rows = await load_subjects(tx, keys, house.processes, subjects)
    return {
        s.id: (data.payer_name, data.named) for s, row in rows.items() if isinstance(data := row.instance.data, Payers)
    }


async def _differing(house: House) -> list[str]:
    """What `nostro replay --check` finds, in a process of its own."""
    keys = Keys({1: b"k" * 32}, SeededEntropy(12))
    check = Check(house.database, keys, house.processes, lambda _: house.rules)
    return [found.type for found in await check.run("2026-08-31", 1000)]


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        house.processes |= {"payout": _process(), "collection": replace(_process(), name="collection")}
        await house.begin()
        yield house


async def test_a_state_keeps_its_secrets_though_its_key_is_forgotten_while_others_are_loaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell([_captured("ch_1", "anna"), _captured("ch_2", "bela")], [ONE, TWO])
    await house.settle()
    await _known(house, [await _key_of(house, "ch_1")])
    await house.tell([as_fact(payout("po_7")), as_fact(payout("po_8"))], [ONE, TWO])
    met = _forgetting(monkeypatch, house.keys, "keys_by_id")
    await house.settle()
    assert met, "there was something to wait for"
    assert await _states(house) == {"po_1": ("Anna", 1), "po_2": ("Bela", 1)}
    assert await house.all("select revision from subject") == [(2,), (2,)]
    assert await _differing(house) == []


async def test_a_fact_is_not_read_as_erased_though_its_key_is_forgotten_while_others_are_loaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell([_captured("ch_1", "anna"), _captured("ch_2", "bela")], [ONE, TWO])
    await _known(house, [await _key_of(house, "ch_1")])
    met = _forgetting(monkeypatch, house.keys, "keys_by_id")
    await house.settle()
    assert met
    assert await _states(house) == {"po_1": ("Anna", 1), "po_2": ("Bela", 1)}


async def test_an_intent_leaves_whole_though_its_key_is_forgotten_while_others_are_loaded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INTENTS_BY_OPERATION, "annotate_payment", Told)
    told: dict[str, object] = {}

    def exchange(orders: Sequence[Order], config: object) -> Exchange[Sequence[Outcome]]:
        told.update((one.intent.payment_id, one.intent.text) for one in orders if isinstance(one.intent, Told))
        return (yield from person(orders, config))

    async with installed(database_url) as database:
        world = World(database, replace(operation("person"), exchange=exchange), slots=1)
        made = await KEYS.ensure(database, NAMES, START)
        for number, key in enumerate(made[name] for name in NAMES):
            await world.want(f"po_{number}")
            [(key_text,)] = await world.all(f"select key_text from command_open where subject = 'po_{number}'")
            secret = KEYS.seal(key, canonical({"text": f"for {number}"}), f"command:{key_text}".encode())
            sealed = f"sealed_body = '\\x{secret.hex()}', data_key = '\\x{key.id.hex()}'"
            await world.run(f"update command_open set {sealed} where subject = 'po_{number}'")
        KEYS.forget()
        async with database.transaction() as tx:
            await KEYS.load(tx, [made[NAMES[0]].id])
        met = _forgetting(monkeypatch, KEYS, "keys_by_id")
        await Worker(world, "one").settle()
        assert met
    assert told == {"po_0": "for 0", "po_1": "for 1"}


async def test_a_step_that_fills_the_memory_for_keys_itself_sets_nothing_aside(house: House) -> None:
    house.keys = house.decider.keys = Keys({1: b"k" * 32}, SeededEntropy(8), cache=1)
    house.rejoin.keys = house.keys
    await house.tell([_captured("ch_1", "anna", description="tell")], [ONE])
    await house.settle()
    assert await house.all("select reason, sentence from exception_case") == []
    assert await _states(house) == {"po_1": ("Anna", 1), "m_1": ("Somebody Else", 1)}


async def test_keys_are_given_whole_though_they_are_forgotten_while_some_are_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await house.keys.ensure(house.database, NAMES[:1], START)
    met = _forgetting(monkeypatch, house.keys, "ensure_key")
    both = await house.keys.ensure(house.database, NAMES, START)
    assert met
    assert both[NAMES[0]] == first[NAMES[0]]
    assert both.keys() == set(NAMES)


async def test_no_more_keys_are_remembered_than_there_is_room_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await house.keys.ensure(house.database, [*NAMES, replace(NAMES[0], period="2026-09")], START)
    keys = Keys({1: b"k" * 32}, SeededEntropy(8), cache=2)
    met = _forgetting(monkeypatch, Keys({1: b"k" * 32}, SeededEntropy(9)), "keys_by_id")
    async with house.database.transaction() as tx:
        for key in (*made.values(), *made.values()):
            assert await keys.load(tx, [key.id]) == {key.id: key}
    assert len(met) == 6, "with each third one the two before it are forgotten"


async def _erased(database_url: str, payer: str) -> Erasure:
    """What another process does."""
    async with Database(database_url, size=2) as database:
        party = [Reference.to("email", f"{payer}@example.test")]
        return await erase(database, Keys({1: b"k" * 32}, SeededEntropy(9)), party, "person", START)


async def test_what_was_asked_for_before_an_erasure_is_not_remembered_after_it(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell([_captured("ch_1", "anna")], [ONE])
    key, send = await _key_of(house, "ch_1"), Transaction.send
    house.keys.forget()

    async def late(tx: Transaction, statement: Statement, parameters: Any) -> Answer:  # noqa: ANN401 - whatever it needs
        answer = await send(tx, statement, parameters)
        if statement.name == "keys_by_id":
            await _erased(database_url, "anna")
            house.keys.hear(1)
        return answer

    monkeypatch.setattr(Transaction, "send", late)
    async with house.database.transaction() as tx:
        first = await house.keys.load(tx, [key])
    monkeypatch.undo()
    async with house.database.transaction() as tx:
        assert await house.keys.load(tx, [key]) == {key: None}
    assert first[key] is not None, "it was there when it was asked for"


async def test_a_worker_hears_of_an_erasure_with_its_next_look_at_the_clock(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(clock, "uptime", lambda: seconds[0])
    told = Clock(house.database, keys=house.keys)
    await told.now()
    for round_, payer in enumerate(("anna", "bela")):
        subject = Subject("payout", f"po_{round_}")
        await house.tell([_captured(f"ch_{round_}", payer)], [subject])
        erased = await _erased(database_url, payer)
        assert erased.keys == 1
        seconds[0] += EVERY_SECONDS + 0.1
        await told.now()
        await house.settle()
        assert (await _states(house))[subject.id][1] == 0, "nobody reads the name any more"
    key = await house.keys.ensure(house.database, NAMES[:1], START)
    seconds[0] += EVERY_SECONDS + 0.1
    await told.now()
    met = _forgetting(monkeypatch, house.keys, "ensure_key")
    assert await house.keys.ensure(house.database, NAMES[:1], START) == key
    assert not met, "without an erasure nothing is forgotten"


async def test_a_second_erasure_puts_right_what_a_worker_decided_before_it_heard_of_the_first(
    house: House, database_url: str
) -> None:
    await house.tell([_captured("ch_1", "anna")], [ONE])
    await house.settle()
    await house.tell([_captured("ch_2", "bela")], [ONE])
    first = await _erased(database_url, "bela")
    await house.settle()
    assert (first.keys, first.subjects) == (1, ()), "what is on its way has reached no subject"
    assert (await _states(house))["po_1"] == (None, 2), "decided as if it had come sooner, and sealed under a dead key"
    assert await _differing(house) == ["state row"]
    again = await _erased(database_url, "bela")
    assert (again.keys, again.held, again.subjects) == (0, 0, (("payout", "po_1"),))
    keys = Keys({1: b"k" * 32}, SeededEntropy(9))
    assert await Rebuild(house.database, keys, house.processes).run([ONE]) == Rebuilt(1)
    assert (await _states(house))["po_1"] == ("Anna", 1)
    assert await _differing(house) == []
