"""A person who found a command to be done names what it has made: what follows goes on as if its outcome had come."""

from __future__ import annotations

import re
from io import StringIO
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from nostro.acts.made import MADE, ids_of
from nostro.acts.matter import Decide, Word
from nostro.model.canonical import canonical
from nostro.model.facts import CommandReleased
from nostro.model.failures import ActRefused
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.intents import INTENTS
from nostro.model.money import Money
from nostro.model.outcomes import handed_over
from nostro.projections.worklist import open_cases, waiting_commands
from nostro.runtime.cli_cases import draw_matter, draw_one
from nostro.runtime.house import House
from nostro.store.arrivals import Blob, arrival_for, put
from tests.integration.synthetic import START
from tests.integration.test_acts_four_eyes import ITEM, Office, office
from tests.money_world import TOTAL, capture, invoice
from tests.movements import report
from tests.stories import fact

__all__ = ["office"]


async def booked_by_nobody_knows(office: Office) -> str:
    """The key of the command that books the credit of a known invoice, and whose end nobody knows."""
    credit = report(account="de-main", amount=Money(minor=TOTAL, currency="EUR"), invoice_hints=("INV/1",))
    await office.house.tell([invoice(1), fact(credit)])
    await office.house.read_all()
    await office.house.settle()
    return await handed(office, "book_statement_line")


async def handed(office: Office, operation: str) -> str:
    """The key of the one command of this operation, whose end nobody knows."""
    key, _ = await office.command(operation)
    await office.ends(key, handed_over("No answer came."))
    assert (await office.command(operation))[1] == "handed_over"
    return key


@pytest.mark.asyncio
async def test_the_line_that_a_person_names_is_matched_with_the_invoice(office: Office) -> None:
    key = await booked_by_nobody_knows(office)
    await office.act(Decide(key, "confirm_done", "4711"), "controller")
    wanted = "select convert_from(body, 'UTF8')::jsonb - '{entity,kind}'::text[] from command_open"
    assert await office.house.all(wanted) == [({"move_id": 1, "statement_line": 4711},)]
    told = "select convert_from(body, 'UTF8')::jsonb -> 'ids' from fact where type = 'command.released'"
    assert await office.house.all(told) == [({"statement_line": "4711"},)]
    closed = "select outcome, convert_from(ids, 'UTF8')::jsonb from command_closed"
    assert await office.house.all(closed) == [("adopted", {"statement_line": "4711"})]
    assert await open_cases(office.house.database) == []


@pytest.mark.asyncio
async def test_the_payment_that_a_person_names_is_the_one_that_is_registered(office: Office) -> None:
    card = capture(1, TOTAL, 1)
    await office.house.tell([invoice(1), fact(card.body.model_copy(update={"connection": "stripe-de"}))])
    await office.house.read_all()
    key = await handed(office, "register_customer_payment")
    await office.act(Decide(key, "confirm_done", "12"), "controller")
    state = "select convert_from(body, 'UTF8')::jsonb #>> '{payments,0,registered}' from subject where process = '%s'"
    assert await office.house.all(state % ITEM.process) == [("12",)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "verdict, made, says",
    [
        ("confirm_done", "", "What follows needs the statement line.*Say --id"),
        ("confirm_done", "0", "can't be the id"),
        ("confirm_done", "047", "can't be the id"),
        ("confirm_done", "-4", "can't be the id"),
        ("confirm_done", "٤٧", "can't be the id"),
        ("confirm_done", "BNK1/2026/00042", "can't be the id"),
        ("confirm_done", "NOSABCDEFGHIJKLMNOP", "can't be the id"),
        ("confirm_not_done", "4711", "Only what was done"),
    ],
)
async def test_what_can_be_no_id_or_is_missing_is_refused_and_leaves_no_trace(
    office: Office, verdict: Word, made: str, says: str
) -> None:
    key = await booked_by_nobody_knows(office)
    with pytest.raises(ActRefused, match=says):
        await office.act(Decide(key, verdict, made), "controller")
    assert await office.house.all("select count(*) from receipt") == [(0,)]
    assert (await office.command("book_statement_line"))[1] == "handed_over"


@pytest.mark.asyncio
async def test_what_makes_nothing_has_no_id(office: Office) -> None:
    key = await booked_by_nobody_knows(office)
    await office.act(Decide(key, "confirm_done", "4711"), "controller")
    match, _ = await office.command("reconcile")
    await office.act(Decide(match, "release"), "controller")
    await office.ends(match, handed_over("No answer came."))
    with pytest.raises(ActRefused, match="makes nothing"):
        await office.act(Decide(match, "confirm_done", "4711"), "controller")
    await office.act(Decide(match, "confirm_done"), "controller")
    assert await office.house.all("select count(*) from command_open") == [(0,)]


@pytest.mark.asyncio
async def test_an_id_is_taken_once_every_worker_can_read_it(office: Office) -> None:
    key = await booked_by_nobody_knows(office)
    async with office.house.database.transaction() as tx:
        await tx.execute(b"update deployment set words_with_ids = false")
    with pytest.raises(ActRefused, match=r"last release.*--finish"):
        await office.act(Decide(key, "confirm_done", "4711"), "controller")
    await office.act(Decide(key, "confirm_not_done"), "controller")
    told = "select convert_from(body, 'UTF8')::jsonb ? 'ids' from fact where type = 'command.released'"
    assert await office.house.all(told) == [(False,)]


@pytest.mark.asyncio
async def test_a_word_of_which_nobody_asked_for_an_id_is_heard_as_ever(office: Office) -> None:
    key = await booked_by_nobody_knows(office)
    word = CommandReleased(act="ACT1", key=key, verdict="confirm_done")
    named = IdempotencyKey.parse(key)
    arrival = arrival_for(fact(word), Blob(canonical(word)), Subject(named.process, named.subject), 1, START)
    async with office.house.database.transaction() as tx:
        await put(tx, [arrival])
    await office.house.settle()
    assert await office.house.all("select outcome, ids from command_closed") == [("adopted", b"{}")]


@pytest.mark.asyncio
async def test_the_terminal_asks_for_the_id_and_shows_it_before_it_is_signed(office: Office) -> None:
    key = await booked_by_nobody_knows(office)
    [case], commands = await open_cases(office.house.database), await waiting_commands(office.house.database)
    out, house = StringIO(), SimpleNamespace(rules=office.desk.rules)
    console = Console(file=out, width=200)
    draw_one(console, house=cast("House", house), found=case, commands=commands, known={})
    assert f'nostro confirm {case.id} --done --id ID --reason "..."' in out.getvalue()
    assert f'nostro confirm {case.id} --not-done --reason "..."' in out.getvalue()
    assert "confirm --done --id ID or --not-done" in out.getvalue()
    act = Decide(key, "confirm_done", "4711")
    draw_matter(console, cast("House", house), act, await office.desk.look(act))
    assert re.search(r"statement line there\W+4711\b", out.getvalue())


@pytest.mark.parametrize("told", ["pi_1", "NOSABCDEFGHIJKLMNOP", "re 1", "x" * 256])
def test_a_refund_bears_neither_its_payments_id_nor_ours(told: str) -> None:
    wanted = {"payment_id": "pi_1"}
    assert ids_of("refund_payment", "re_1", wanted) == {"refund": "re_1"}
    with pytest.raises(ActRefused, match="can't be the id of a refund"):
        ids_of("refund_payment", told, wanted)


def test_every_kind_of_id_that_an_operation_makes_has_a_name_and_a_form() -> None:
    assert {intent.makes for intent in INTENTS} - {""} == set(MADE)
