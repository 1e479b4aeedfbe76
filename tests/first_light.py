"""A house for real files: an entity for each currency, a bank account and an Odoo journal for each account in them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from nostro.runtime.demo.landscape import (
    AT_THE_ERP,
    AT_THE_PSP,
    LATE_EFFECTS_SECONDS,
    Grounds,
    Secrets,
    house_files,
    write_files,
)
from nostro.runtime.demo.running import Running, running
from nostro.runtime.ports import next_free
from nostro.sandbox.faults import FaultPlan, System
from nostro.sandbox.odoo import BankJournal, CompanySetup, OdooBooks, OdooSettings, OdooUser, PspJournal
from nostro.sandbox.psp import Psp, PspSettings
from nostro.sandbox.server import Server
from nostro.sandbox.stage import CLERK, ODOO, START
from nostro.sandbox.world import World
from nostro.store.entropy import SystemEntropy

CARDS = "cards"
PSP = "psp/us"
WEBHOOK_SECRET = "whsec_first_light"
PLACES = {
    "EUR": ("DE", "Europe/Berlin", "TARGET"),
    "CHF": ("CH", "Europe/Zurich", "SIC"),
    "USD": ("US", "America/New_York", "Fedwire"),
    "JPY": ("JP", "Asia/Tokyo", "Zengin"),
    "SEK": ("SE", "Europe/Stockholm", "TARGET"),
    "DKK": ("DK", "Europe/Copenhagen", "TARGET"),
    "RON": ("RO", "Europe/Bucharest", "TARGET"),
}
"""Currency -> the country that the entity of that currency is in, its zone and its calendar."""


class OurAccount(NamedTuple):
    """A bank account that the files tell of: its number, the currency of its entries, and who made the sample."""

    identification: str
    currency: str
    maker: str

    @property
    def id(self) -> str:
        """Its name in the landscape."""
        return f"{self.identification}-{self.currency}".lower()


class OpenItem(NamedTuple):
    """An invoice of ours that somebody pays in the files, by its number or its structured reference."""

    currency: str
    number: str
    structured: str
    amount: str


@dataclass(frozen=True, slots=True)
class Light:
    """The house and its world, both running."""

    running: Running
    grounds: Grounds
    accounts: tuple[OurAccount, ...]

    @property
    def world(self) -> World:
        """The world outside."""
        return self.running.server.world

    @property
    def journals(self) -> dict[int, OurAccount]:
        """The account of each bank journal."""
        chart = self.world.systems[ODOO].books()["companies"]
        return {
            chart[f"Entity {PLACES[account.currency][0]}"]["journals"][f"BNK{number}"]: account
            for number, account in enumerate(self.accounts)
        }

    async def live(self, time: timedelta) -> None:
        """Let business time run on, and answer everything that happens."""
        await self.running.drive(lambda _now: None).to(self.world.now + time)

    def open_items(self, items: Iterable[OpenItem]) -> None:
        """A clerk writes invoices, with the numbers that their payers will quote."""
        partner = self.world.act(ODOO, {"act": "partner", "name": "Customer 001"})["id"]
        for item in items:
            company = f"Entity {PLACES[item.currency][0]}"
            draft = {"act": "invoice", "company": company, "partner": partner, "amount": item.amount, "post": False}
            move = self.world.act(ODOO, draft)["id"]
            self._clerk("write", move, {"vals": {"name": item.number, "payment_reference": item.structured}})
            self._clerk("action_post", move, {})

    def _clerk(self, method: str, move: int, arguments: Mapping[str, Any]) -> None:
        call = {"act": "call", "key": CLERK, "model": "account.move", "method": method, "ids": [move]}
        self.world.act(ODOO, {**call, "arguments": arguments, "context": {}})

    def drop(self, maker: str, name: str, content: bytes) -> None:
        """A bank puts a file into its folder: under another name first, as banks do."""
        folder = self.grounds.files / maker
        (folder / f"{name}.tmp").write_bytes(content)
        (folder / f"{name}.tmp").rename(folder / name)

    async def post(self, events: Iterable[Mapping[str, Any]]) -> list[int]:
        """The provider posts its events, signed now. Returns what it was answered."""
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{self.grounds.door}/in/{CARDS}"
            return [
                (await client.post(url, content=body, headers={"stripe-signature": self._signed(body)})).status_code
                for body in (json.dumps(event).encode() for event in events)
            ]

    def _signed(self, body: bytes) -> str:
        at = int(self.world.now.timestamp())
        mark = hmac.new(WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={mark}"


@asynccontextmanager
async def first_light(folder: Path, database_url: str, accounts: tuple[OurAccount, ...]) -> AsyncIterator[Light]:
    """Write the landscape, start the sandbox and the house; nothing has happened yet."""
    port = next_free(9600 + 40 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]))  # two may run at once
    health = next_free(port + 1)
    grounds = Grounds(folder / "landscape", folder / "state", port, health, next_free(health + 1), "")
    odoo = OdooBooks(_odoo_settings(accounts), FaultPlan(), START)
    psp = PspSettings("us", currency="usd", bank_accounts={"usd": "none"}, webhook_secrets=(WEBHOOK_SECRET,))
    systems: dict[str, System] = {ODOO: odoo, PSP: Psp(psp, FaultPlan(), START)}
    _write(grounds, database_url, accounts, odoo.landscape(), psp)
    server = Server(World(1, START, systems), grounds.files, port=grounds.sandbox)
    async with running(server, grounds) as both:
        yield Light(both, grounds, accounts)


def _odoo_settings(accounts: tuple[OurAccount, ...]) -> OdooSettings:
    companies = tuple(
        CompanySetup(
            f"Entity {PLACES[currency][0]}",
            currency,
            PLACES[currency][0],
            banks=tuple(
                BankJournal(f"BNK{number}", account_number=account.identification)
                for number, account in enumerate(accounts)
                if account.currency == currency
            ),
            psps=(PspJournal("STR1"),),
        )
        for currency in sorted({account.currency for account in accounts})
    )
    users = (OdooUser("admin", "key-admin", accountant=False, admin=True), OdooUser("nostro", "key-nostro"))
    return OdooSettings(companies, 19, users=(*users, OdooUser("clerk", CLERK)))


def _write(
    grounds: Grounds,
    database_url: str,
    accounts: tuple[OurAccount, ...],
    chart: Mapping[str, Any],
    psp: PspSettings,
) -> None:
    for own in (grounds.landscape, grounds.state):
        own.mkdir(parents=True)
    secrets = Secrets(grounds, SystemEntropy())
    files = house_files(grounds, secrets)
    files["nostro.yaml"]["database"] = secrets.keep("database", database_url)
    currencies = sorted({account.currency for account in accounts})
    files["entities.yaml"] = {"entities": [_entity(currency, accounts, chart) for currency in currencies]}
    files |= _outside(grounds, secrets, psp)
    for maker in sorted({account.maker for account in accounts}):
        (grounds.files / maker).mkdir(parents=True)
        settings = {"folder": str(grounds.files / maker)}
        files[f"connections/{maker}.yaml"] = {"kind": "bank_files", "mode": "act", "settings": settings}
        files[f"interfaces/{maker}.yaml"] = {
            "connection": maker,
            "mode": "act",
            "expected": "each business day by 08:00",
        }
    write_files(grounds.landscape, files)


def _entity(currency: str, accounts: tuple[OurAccount, ...], chart: Mapping[str, Any]) -> dict[str, Any]:
    code, zone, calendar = PLACES[currency]
    own = chart[f"Entity {code}"]
    journals, ledger = own["journals"], own["accounts"]
    card = {
        "connection": CARDS,
        "currency": currency,
        "journal": journals["STR1"],
        "clearing_account": own["clearing"]["STR1"],
        "fee_account": ledger["fees"],
        "fx_account": ledger["exchange_loss"],
        "reserve_account": ledger["reserve"],
        "dispute_account": ledger["disputes"],
        "fee_journal": journals["MISC"],
    }
    return {
        "id": code,
        "country": code,
        "currency": currency,
        "zone": zone,
        "calendar": calendar,
        "odoo_connection": "odoo",
        "odoo_company": own["company"],
        "bank_accounts": [
            {
                "id": account.id,
                "identification": account.identification,
                "currency": currency,
                "connection": account.maker,
                "odoo_journal": journals[f"BNK{number}"],
                "calendar": calendar,
            }
            for number, account in enumerate(accounts)
            if account.currency == currency
        ],
        "provider_accounts": [card] if code == "US" else [],
    }


def _outside(grounds: Grounds, secrets: Secrets, psp: PspSettings) -> dict[str, Any]:
    limits = {"transaction_seconds": LATE_EFFECTS_SECONDS, "overlap_seconds": LATE_EFFECTS_SECONDS}
    odoo = {
        "kind": "odoo",
        "url": f"{grounds.sandbox_url}/{ODOO}",
        "mode": "act",
        "secrets": {"api_key": secrets.keep("odoo.key", "key-nostro")},
        "settings": {"database": "odoo", "protocol": "json2", **limits},
    }
    cards = {
        "kind": "stripe",
        "url": f"{grounds.sandbox_url}/{PSP}",
        "mode": "act",
        "secrets": {
            "api_key": secrets.keep("cards.key", psp.secret_key),
            "webhook_secret": secrets.keep("cards.webhook", WEBHOOK_SECRET),
        },
        "settings": {"livemode": False},
    }
    return {
        "connections/odoo.yaml": odoo,
        "connections/cards.yaml": cards,
        "interfaces/booking.yaml": {"connection": "odoo", "operations": list(AT_THE_ERP), "mode": "act"},
        "interfaces/cards.yaml": {"connection": CARDS, "operations": list(AT_THE_PSP), "mode": "act"},
    }
