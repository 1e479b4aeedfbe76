"""Invoices that are paid twice by card, and the treasurer who says of each that the second payment goes back, while
everything around him dies. He types it again until it is kept; it leaves once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import psycopg

from nostro.sandbox.currencies import decimal_text
from nostro.sandbox.scenario import Expected, Scenario
from nostro.sandbox.stage import ENTITIES, MONDAY, ODOO, TUESDAY, Entity, at
from nostro.sandbox.world import Act
from tests.crash.living import Days
from tests.crash.processes import BREATH_SECONDS, ENDING_SECONDS

TREASURER = "treasurer"
DE, CH, US = ENTITIES
TWICE = ((DE, at(MONDAY, 7, 30)), (CH, at(MONDAY, 11)), (US, at(MONDAY, 15)), (DE, at(TUESDAY, 10)))
"""Whose invoices are paid twice, and when."""
LEAST_MINOR = 31_000
CARDS, LATER = ("card", "again"), timedelta(minutes=1)
"""The two payments, and how much later the second comes."""
BROKEN_OFF, TYPING_SECONDS = 0.3, 3.0
"""How often what he types is killed, and within how long."""
LOOKING_SECONDS = 0.5
PATIENCE = timedelta(hours=6)
"""So long after the last blow each of them is a case and has his word."""
CASES = "select id, subject from exception_case where reason = 'paid_twice' and closed_at is null order by opened_at"
KEPT = "select encode(id, 'hex') from receipt where kind = 'act'"
ASKED = "select subject from fact where process = 'collection' and type = 'match.confirmed' and actor = 'treasurer'"


def paid_twice(scenario: Scenario) -> None:
    """Writes them into the scenario. The first payment is for the invoice; the second never has to be booked there."""
    for number, (entity, when) in enumerate(TWICE, 1):
        key, minor = _key(entity, number), LEAST_MINOR + number
        scenario.script += _acts(entity, key, minor, when)
        told = Expected(key, entity.code, f"Customer 80{number}", entity.currency, minor)
        told.paid_minor, told.returned_minor = 2 * minor, minor
        scenario.expected[key] = told
        scenario.payments[f"card/{key}"] = (key, minor, "card")
    scenario.script.sort(key=lambda act: act.at)


def _acts(entity: Entity, key: str, minor: int, when: datetime) -> Iterator[Act]:
    amount, early = decimal_text(minor, entity.currency), when - timedelta(minutes=20)
    invoice = {"act": "invoice", "company": f"Entity {entity.code}", "partner": f"{{partner/{key}.id}}"}
    invoice |= {"amount": amount, "currency": entity.currency, "date": early.date().isoformat()}
    invoice |= {"due": (early.date() + timedelta(days=14)).isoformat()}
    yield Act(early, ODOO, {"act": "partner", "name": f"Customer {key}"}, f"partner/{key}")
    yield Act(early, ODOO, invoice, key)
    card = {"act": "card_payment", "amount": minor, "currency": entity.currency.lower(), "payer": f"Customer {key}"}
    card |= {"metadata": {"invoice": f"{{{key}.name}}"}, "declined": False}
    for number, kind in enumerate(CARDS):
        name = f"{kind}/{key}"
        yield Act(when + number * LATER, entity.psp_path, {**card, "reference": name}, name)


@dataclass
class Treasurer:
    """At work beside the blows, until he has had his say of all that was paid twice by then."""

    made: Days
    chance: Random
    over: bool = False
    """Whether nothing more comes."""
    done: bool = False
    typed: int = 0
    broken_off: int = 0
    receipts: list[str] = field(default_factory=list)
    """Under which he was told that his word is kept."""
    asked: set[str] = field(default_factory=set)
    """Of which the house has kept his word."""

    async def work(self) -> None:
        """Looks what waits for him, and says it; what the database has kept of it he doesn't say again."""
        while not self.over or self.asked < set(self._twice().values()):
            await asyncio.sleep(LOOKING_SECONDS)
            for case in await self._waiting():
                await asyncio.to_thread(self._type, "match", case, "refund", "--reason", "paid twice")
        self.done = True

    async def finish(self) -> None:
        """Business goes on until he is done."""
        self.over, latest = True, self.made.now + PATIENCE
        while not self.done:
            assert self.made.now < latest, f"not given back: {set(self._twice().values()) - self.asked}"
            await asyncio.sleep(BREATH_SECONDS)

    def given_back(self) -> dict[str, list[int]]:
        """By the providers' books: of each invoice that was paid twice what went back of either payment by our key."""
        world = self.made.sandbox.world
        books = [world.systems[entity.psp_path].books() for entity in ENTITIES]
        refunds = [one for book in books for one in book["refunds"]]
        paid = {key: {world.results[f"{kind}/{key}"]["id"] for kind in CARDS} for key in self._twice().values()}
        return {
            key: [one["amount"] for one in refunds if one["payment_intent"] in ids and "nostro_key" in one["metadata"]]
            for key, ids in paid.items()
        }

    async def forgotten(self) -> set[str]:
        """Where he was told that it is kept, and it isn't."""
        async with await psycopg.AsyncConnection.connect(self.made.house.url()) as connection:
            kept = await (await connection.execute(KEPT)).fetchall()
        return set(self.receipts) - {receipt for (receipt,) in kept}

    def _twice(self) -> dict[tuple[str, str], str]:
        """What was paid twice by now: by its company and its id in the ERP."""
        results = self.made.sandbox.world.results
        keys = {_key(entity, n): entity.code for n, (entity, _) in enumerate(TWICE, 1)}
        return {(code, str(results[key]["id"])): key for key, code in keys.items() if f"again/{key}" in results}

    async def _waiting(self) -> list[str]:
        """Cases of these of which nothing was said yet; none while nobody can tell."""
        try:
            async with await psycopg.AsyncConnection.connect(self.made.house.url(), connect_timeout=5) as connection:
                asked = await (await connection.execute(ASKED)).fetchall()
                cases = await (await connection.execute(CASES)).fetchall()
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
            return []
        twice = self._twice()
        self.asked |= {twice[place] for (subject,) in asked if (place := _place(subject)) in twice}
        return [case for case, subject in cases if twice.get(_place(subject), "") not in {"", *self.asked}]

    def _type(self, *words: str) -> None:
        """At a terminal that may be killed. Without a database, or when it was kept already, it is refused."""
        self.typed += 1
        process = self.made.house.command(*words, person=TREASURER)
        try:
            told, _ = process.communicate(timeout=self._patience())
        except subprocess.TimeoutExpired:
            self.broken_off += 1
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        else:
            self.receipts += [json.loads(told)["receipt"]] if process.returncode == 0 else []

    def _patience(self) -> float:
        return self.chance.random() * TYPING_SECONDS if self.chance.random() < BROKEN_OFF else ENDING_SECONDS


def _key(entity: Entity, number: int) -> str:
    return f"{entity.code}-AGAIN-{number}"


def _place(subject: str) -> tuple[str, str]:
    """Of an open item, `<entity>/<database>/<move id>`: its company, and its id there."""
    entity, _, ident = subject.partition("/")
    return entity, ident.rpartition("/")[2]
