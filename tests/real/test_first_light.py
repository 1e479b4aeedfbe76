"""First light: real bank files and card events come in by the front doors, and every amount is found booked once."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from stdnum import iban

from nostro.formats.iso20022.camt import read_camt
from nostro.model.canonical import parse
from nostro.model.failures import FormatRefused
from nostro.model.statements import Detail, Entry, StatementHead
from nostro.projections.worklist import OpenCase, balances, open_cases, waiting_commands
from nostro.sandbox.stage import ODOO
from nostro.store.embedded import EmbeddedServer
from tests.databases import fresh_database
from tests.first_light import Light, OpenItem, OurAccount, first_light

BANK = "data/bank/iso20022"
EVENTS = "data/psp/stripe/events/stripe-ruby-mock"
MASKED = ("CH1111000000123456789", "CH1111111111111111111", "CH9788761065025111111")
"""Account numbers that whoever published the files made up: they get the check digits that a real one has."""
NOBODYS = "NL18INGB00012345678"
"""Made up too, and too long for a Dutch IBAN: no landscape may declare it."""
NUMBERS = ("R77561", *(f"ENDTOENDID-001-03-0{place}" for place in range(1, 7)))
"""What payers in the files quote of the invoices that they pay, where they quote no structured reference."""
CARD_INVOICE = "INV/2022/00042"
STORIES = {
    "charge.captured": "refunded",
    "charge.refunded": "refunded",
    "charge.refund.updated": "refunded",
    "charge.dispute.created": "refunded",
    "charge.succeeded": "paid",
    "payment_intent.created": "paid",
    "payment_intent.succeeded": "paid",
    "charge.dispute.funds_withdrawn": "dispute of 2018",
    "charge.dispute.funds_reinstated": "dispute of 2018",
    "charge.dispute.updated": "dispute of 2013",
    "charge.dispute.closed": "dispute of 2013",
}
"""Which card events tell of one payment."""


class Told(NamedTuple):
    """One entry as one file tells it."""

    file: str
    document: int
    account: OurAccount | None
    day: date
    entry: Entry


@dataclass(frozen=True)
class Outcome:
    """What there is when everything has come in."""

    files: dict[str, bytes]
    told: tuple[Told, ...]
    items: tuple[OpenItem, ...]
    answered: list[int]
    odoo: Mapping[str, Any]
    journals: Mapping[int, OurAccount]
    names: Mapping[str, str]
    readings: list[Any]
    cases: tuple[OpenCase, ...]
    waiting: list[str]
    parked: list[str]
    balances: Mapping[str, Any]


# What the files say


def maker_of(name: str) -> str:
    return name.partition("-")[0]


def bank_files(shared: Path) -> dict[str, bytes]:
    """Every camt file, and the container of two: content by the name under which it is dropped."""
    found = {}
    for kind in ("camt.052", "camt.054", "camt.053"):
        for path in sorted((shared / BANK / kind).rglob("*")):
            if path.suffix in (".xml", ".zip"):
                maker = path.relative_to(shared / BANK / kind).parts[0]
                found[f"{maker}-{kind}-{path.parent.name}-{path.name}"] = mended(path.read_bytes())
    return found


def mended(content: bytes) -> bytes:
    for number in MASKED:
        content = content.replace(number.encode(), f"CH{iban.calc_check_digits(number)}{number[4:]}".encode())
    return content


def plain(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The documents themselves, those in containers too."""
    for name, content in files.items():
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as container:
                yield from ((name, container.read(member)) for member in container.namelist())
        else:
            yield name, content


def statements(files: Mapping[str, bytes]) -> Iterator[tuple[str, StatementHead, list[Entry]]]:
    """Every statement that can be read with its entries, in the order in which they are dropped."""
    for name, content in plain(files):
        found: list[tuple[str, StatementHead, list[Entry]]] = []
        with suppress(FormatRefused):
            for item in read_camt([content]):
                if isinstance(item, StatementHead):
                    found.append((name, item, []))
                elif isinstance(item, Entry):
                    found[-1][2].append(item)
        yield from found


def accounts_in(files: Mapping[str, bytes]) -> tuple[OurAccount, ...]:
    """Every account that the files tell of, in the currency of each statement, else in that of its entries."""
    found = {}
    for name, head, entries in statements(files):
        number = head.bank_account.identification
        if number != NOBODYS:
            currencies = dict.fromkeys(entry.amount.currency for entry in entries) or [head.currency]
            for currency in [head.currency] if head.currency in currencies else currencies:
                found[number, currency] = OurAccount(number, currency, maker_of(name))
    return tuple(found.values())


def told_in(files: Mapping[str, bytes], accounts: tuple[OurAccount, ...]) -> tuple[Told, ...]:
    """Every entry with the account that it is on: None where that is nobody's, or in another currency."""
    told = []
    for number, (name, head, entries) in enumerate(statements(files)):
        here = {a.currency: a for a in accounts if a.identification == head.bank_account.identification}
        for entry in entries:
            own = here.get(head.currency) or here.get(entry.amount.currency)
            fits = own is not None and own.currency == entry.amount.currency
            day = entry.booking_date or entry.value_date or head.created_on
            assert day is not None, name
            told.append(Told(name, number, own if fits else None, day, entry))
    return tuple(told)


def quoted_in(told: tuple[Told, ...]) -> tuple[OpenItem, ...]:
    """What is open at the customers: an invoice for each reference that somebody quotes who pays, of what he pays."""
    found: dict[tuple[str, str], Decimal] = {}
    for one in told:
        if one.account is not None and one.entry.direction == "credit":
            own: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for paid in one.entry.details or (one.entry,):
                amount = one.entry.amount if len(one.entry.details) < 2 else paid.amount
                if (reference := quoted(paid)) and amount:
                    own[one.account.currency, reference] += amount.value
            found = {**own, **found}
    return tuple(
        OpenItem(currency, reference if reference in NUMBERS else f"OPEN/{place:04}", reference, str(amount))
        for place, ((currency, reference), amount) in enumerate(found.items())
    )


def quoted(paid: Detail | Entry) -> str:
    """A structured reference, or an invoice number in the text or the payer's own id."""
    said = " ".join((*paid.remittance, paid.references.end_to_end)).upper()
    return paid.references.structured or next((number for number in NUMBERS if number in said), "")


# Card events


def card_events(shared: Path) -> list[dict[str, Any]]:
    """Stripe's events with ids of their own: whoever published them wrote zeros. Those of one story share theirs."""
    events = []
    for path in sorted((shared / EVENTS).glob("*.json")):
        story = STORIES.get(path.stem, path.stem.rpartition(".")[0] if path.stem.startswith("payout") else path.stem)
        text = re.sub(r"\b([a-z]+)_(?:0{24}|0{14})\b", lambda m, s=story, n=path.stem: _own_id(m[1], s, n), path.read_text())
        event = json.loads(text)
        if story == "paid":
            thing = event["data"]["object"]
            for bearer in (thing, *thing.get("charges", {}).get("data", ())):
                bearer["metadata"] = {"invoice": CARD_INVOICE}
        events.append(event)
    return events


def _own_id(prefix: str, story: str, name: str) -> str:
    about = name if prefix == "evt" else story
    return f"{prefix}_{hashlib.sha256(about.encode()).hexdigest()[:24]}"


# What happens


async def _live(shared: Path, folder: Path, url: str) -> Outcome:
    files = bank_files(shared)
    accounts = accounts_in(files)
    told = told_in(files, accounts)
    items = (*quoted_in(told), OpenItem("USD", CARD_INVOICE, CARD_INVOICE, "20.00"))
    async with first_light(folder, url, accounts) as light:
        light.open_items(items)
        for name, content in files.items():
            light.drop(maker_of(name), name, content)
        answered = await light.post(card_events(shared))
        for wait in (1, 20, 20):  # the last look-ups are over after 15 minutes
            await light.live(timedelta(minutes=wait))
        return await _outcome(light, files, told, items, answered)


async def _outcome(
    light: Light, files: dict[str, bytes], told: tuple[Told, ...], items: tuple[OpenItem, ...], answered: list[int]
) -> Outcome:
    house = light.running.house
    async with house.database.transaction() as tx:
        names = await (await tx.connection.execute(_NAMES)).fetchall()
        bodies = await (await tx.connection.execute(_READINGS)).fetchall()
        parked = await (await tx.connection.execute(_PARKED)).fetchall()
    return Outcome(
        files=files,
        told=told,
        items=items,
        answered=answered,
        odoo=light.world.books()["systems"][ODOO],
        journals=light.journals,
        names={str(key): str(name) for key, name in names},
        readings=[parse(row[0]) for row in bodies],
        cases=tuple(await open_cases(house.database)),
        waiting=[command.key for command in await waiting_commands(house.database)],
        parked=[str(row[0]) for row in parked],
        balances=await balances(house.database),
    )


_NAMES = b"select encode(id, 'hex'), name from receipt where kind = 'file'"
_READINGS = b"select body from fact where type = 'receipt.read'"
_PARKED = b"select kind from parked"


@pytest.fixture(scope="module")
def outcome(
    shared: Path, postgres_server: EmbeddedServer, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    with fresh_database(postgres_server, migrated_template) as url:
        yield asyncio.run(_live(shared, tmp_path_factory.mktemp("light"), url))


def test_dump(outcome: Outcome) -> None:
    import pickle
    with open("/tmp/outcome.pkl", "wb") as f:
        pickle.dump(outcome, f)
