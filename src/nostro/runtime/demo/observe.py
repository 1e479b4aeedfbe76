"""`nostro demo --mode observe`: an Odoo of somebody's own is read, and paid by the sandbox's bank and provider.

Its open invoices are the business; nothing is ever written to it. Each thing that Nostro would do is shown with the
row of the posting policy behind it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from nostro.connectors.odoo.wire import in_company, label, ref, say, search
from nostro.connectors.registry import CONNECTORS
from nostro.egress.connections import OpenConnection
from nostro.egress.http import HttpTransport
from nostro.egress.line import Line
from nostro.governance.rules import Rules
from nostro.landscape.secrets import SecretReference
from nostro.model.calls import Message
from nostro.model.canonical import parse
from nostro.model.failures import FailureKind, OutOfService, Refused
from nostro.model.money import Money
from nostro.runtime.clock import machine_now
from nostro.runtime.demo.landscape import AT_THE_ERP, Grounds, Secrets, quoted, write_companies
from nostro.runtime.demo.read_only import Guard
from nostro.runtime.demo.running import running
from nostro.runtime.demo.summary import SQL
from nostro.runtime.house import House
from nostro.runtime.output import clean, table, when
from nostro.sandbox.bank import AccountSettings
from nostro.sandbox.entropy import chance
from nostro.sandbox.server import Server
from nostro.sandbox.stage import Entity, psp_of, psps_and_banks
from nostro.sandbox.world import Act, World
from nostro.store.entropy import SystemEntropy

INVOICES = 60
"""So many of the newest open invoices are paid; the rest stay open."""
COMPANIES = 5
AFTER = timedelta(minutes=30)
"""The first payment comes when the invoices have been read."""
EACH = timedelta(seconds=40)
ENOUGH = timedelta(hours=3)
_ZONES = {"DE": "Europe/Berlin", "CH": "Europe/Zurich", "US": "America/New_York", "GB": "Europe/London"}
_CALENDARS = {"CH": "SIC", "US": "Fedwire", "GB": "CHAPS"}


@dataclass(frozen=True, slots=True)
class YourOdoo:
    """Where it is, and who may read it."""

    url: Annotated[str, typer.Option("--odoo-url", metavar="URL", help="observe: where that Odoo is.")] = ""
    database: Annotated[str, typer.Option("--odoo-db", metavar="NAME", help="observe: its database.")] = ""
    key: Annotated[
        str, typer.Option("--odoo-key", metavar="KEY", help="observe: an API key; env:NAME keeps it out of sight.")
    ] = ""
    login: Annotated[
        str, typer.Option("--odoo-login", metavar="LOGIN", help="observe: the key's user. Odoo 18 asks for it.")
    ] = ""

    def connection(self) -> OpenConnection:
        """As `egress` knows it. Raises `Refused` when something is missing."""
        if not (self.url.startswith(("https://", "http://")) and self.database and self.key):
            remedy = "nostro demo --mode observe --odoo-url https://... --odoo-db NAME --odoo-key env:NAME"
            raise Refused("Observing needs an Odoo: its address, its database and an API key.", remedy)
        secret = self.key
        if secret.startswith(("env:", "file:")):
            secret = SecretReference.parse(secret).resolve(Path())
        connector = CONNECTORS["odoo"]
        config = connector.manifest.config.model_validate(self.settings)
        return OpenConnection("odoo", connector, config, self.url.rstrip("/"), {"api_key": secret})

    @property
    def settings(self) -> dict[str, Any]:
        """For the landscape. With a login it speaks JSON-RPC, which 18 and 19 understand."""
        protocol = {"protocol": "jsonrpc", "login": self.login} if self.login else {"protocol": "json2"}
        return {"database": self.database, **protocol}


@dataclass(frozen=True, slots=True)
class Company:
    """A company of that Odoo: how it stands in the sandbox, and what the landscape says of where it is in Odoo."""

    ident: int
    name: str
    stands: Entity
    told: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Invoice:
    """An open customer invoice."""

    company: int
    number: str
    left: Money


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that Nostro would do, and why: the fact that asked for it and the row of the posting policy."""

    entity: str
    operation: str
    about: str
    amount: Money | None
    because: str
    policy_row: str
    correlation: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many companies and open invoices there are that were not looked at: above the limits, or without journals."""

    companies: int
    invoices: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of watching."""

    odoo: str
    companies: Sequence[Company]
    read: int
    paid: int
    intents: Sequence[Intent]
    as_of: datetime
    left_out: LeftOut
    questions: int


async def watch(grounds: Grounds, odoo: YourOdoo, *, seed: int, told: Callable[[float], object]) -> Seen:
    """Read it, let its invoices be paid in a sandbox, and say what would be done. `told` hears the share that is done.

    Raises `BrokenPromise` if anything tried to write, `OutOfService` when that Odoo can't be read.
    """
    connection, guard = odoo.connection(), Guard()
    async with HttpTransport() as transport:
        line = Line(connection, guard.over(transport, "odoo"), machine_now)
        companies, invoices, left_out = await _read(line)
    script = _payments(companies, invoices, seed, datetime.now(UTC).replace(microsecond=0))
    world = _world(grounds, companies, script, seed)
    _write(grounds, odoo, connection.secrets["api_key"], companies)
    server = Server(world, grounds.files, port=grounds.sandbox)
    begin = world.now

    def progress(now: datetime) -> None:
        guard.hold()
        told((now - begin) / ENOUGH)

    async with running(server, grounds, lambda one, inner: guard.over(inner, one.connector.name)) as both:
        await both.drive(progress).to(begin + ENOUGH)
        guard.hold()
        intents = await _intents(both.house)
    paid = len(script)
    return Seen(odoo.url, companies, len(invoices), paid, intents, world.now, left_out, guard.questions["odoo"])


# Reading


async def _read(line: Line) -> tuple[list[Company], list[Invoice], LeftOut]:
    async def ask(message: Message) -> Any:  # noqa: ANN401 - rows or a number, as the method answers
        answer = await line.ask(message)
        if answer.failure is not None:
            raise OutOfService(f"That Odoo can't be read: {answer.sentence}", "Look at address, database and key.")
        return answer.content

    async def works_in(row: Mapping[str, Any]) -> bool:
        """An administrator sees companies in which he may not work."""
        own = search("res.company", [["id", "=", row["id"]]], "name", context=in_company(row["id"]))
        return (await line.ask(own)).failure is not FailureKind.UNAUTHORISED

    rows = await ask(search("res.company", [], "name currency_id country_code", order="id"))
    rows = [row for row in rows if await works_in(row)]
    companies = [made for row in rows[:COMPANIES] if (made := await _company(ask, row)) is not None]
    wanted: list[Any] = [
        ["move_type", "=", "out_invoice"],
        ["state", "=", "posted"],
        ["amount_residual", ">", 0],
        ["company_id", "in", [company.ident for company in companies]],
    ]
    anywhere = [*wanted[:3], ["company_id", "in", [row["id"] for row in rows]]]
    there = await ask(say("account.move", "search_count", domain=anywhere))
    fields = "name company_id currency_id amount_residual"
    found = await ask(search("account.move", wanted, fields, order="id desc", limit=INVOICES))
    invoices = [
        Invoice(
            ref(row["company_id"]),
            row["name"],
            Money.of(Decimal(str(row["amount_residual"])), label(row["currency_id"])),
        )
        for row in found
    ]
    return companies, invoices, LeftOut(len(rows) - len(companies), max(0, int(there) - len(invoices)))


async def _company(ask: Callable[[Message], Awaitable[Any]], row: Mapping[str, Any]) -> Company | None:
    """The company with its first bank journal and, for cards, the first whose payments have an account of their own."""
    context = in_company(row["id"])
    here = [["company_id", "=", row["id"]]]
    journals = await ask(search("account.journal", here, "type", order="id", context=context))
    banks = [journal["id"] for journal in journals if journal["type"] == "bank"]
    general = [journal["id"] for journal in journals if journal["type"] == "general"]
    if not banks or not general:
        return None
    wanted = [["journal_id", "in", banks], ["payment_type", "=", "inbound"], ["payment_account_id", "!=", False]]
    ways = await ask(
        search("account.payment.method.line", wanted, "journal_id payment_account_id", order="id", context=context)
    )
    expenses = await ask(
        search("account.account", [["account_type", "=", "expense"]], "code", order="id", limit=1, context=context)
    )
    country, expense = row["country_code"] or "DE", expenses[0]["id"] if expenses else 0
    clearing = ref(ways[0]["payment_account_id"]) if ways else 0
    told = {
        "company": row["id"],
        "title": quoted(row["name"]),
        "country": country,
        "calendar": _CALENDARS.get(country, "TARGET"),
        "BNK1": banks[0],
        "STR1": ref(ways[0]["journal_id"]) if ways else banks[0],
        "MISC": general[0],
        "odoo_provider": "false",
        **dict.fromkeys(("fees", "exchange_loss"), expense),
        **dict.fromkeys(("clearing", "reserve", "disputes"), clearing),
    }
    code, currency = f"c{row['id']}", label(row["currency_id"])
    zone = _ZONES.get(country, "Etc/UTC")
    account = AccountSettings(f"90000{row['id']:07d}", currency, code, "SANDXX00XXX", zone)
    return Company(row["id"], row["name"], Entity(code, currency, account, psp_of(code, account)), told)


# The sandbox that pays


def _payments(companies: Sequence[Company], invoices: Sequence[Invoice], seed: int, begin: datetime) -> list[Act]:
    """Each invoice in its company's own currency is paid once, by card or by transfer, as the seed draws."""
    own = {company.ident: company.stands for company in companies}
    script = []
    for number, invoice in enumerate(invoices):
        company, at = own[invoice.company], begin + AFTER + number * EACH
        if invoice.left.currency != company.currency:
            continue
        if chance(seed, "observe", invoice.company, invoice.number).random() < 0.5:
            sale = {"act": "card_payment", "amount": invoice.left.minor, "currency": company.currency.lower()}
            about = {"metadata": {"invoice": invoice.number}, "reference": f"{number}"}
            script.append(Act(at, company.psp_path, {**sale, **about}))
        else:
            credit = {"act": "credit", "account": company.account.number, "amount": invoice.left.minor}
            script.append(Act(at, company.bank_path, {**credit, "remittance": f"Invoice {invoice.number}"}))
    return script


def _world(grounds: Grounds, companies: Sequence[Company], script: Sequence[Act], seed: int) -> World:
    begin, entities = datetime.now(UTC).replace(microsecond=0), [company.stands for company in companies]
    systems = psps_and_banks(entities, seed, grounds.webhooks(entities), {}, begin)
    return World(seed, begin, systems, {}, script)


def _write(grounds: Grounds, odoo: YourOdoo, key: str, companies: Sequence[Company]) -> None:
    """A landscape in which every connection and interface observes."""
    secrets = Secrets(grounds, SystemEntropy())
    files = {
        "connections/odoo.yaml": {
            "kind": "odoo",
            "url": odoo.url.rstrip("/"),
            "secrets": {"api_key": secrets.keep("odoo.key", key)},
            "settings": odoo.settings,
        },
        "interfaces/booking.yaml": {"connection": "odoo", "operations": list(AT_THE_ERP)},
    }
    write_companies(grounds, secrets, files, [(one.stands, one.told) for one in companies], mode="observe")


# What would be done


async def _intents(house: House) -> list[Intent]:
    async with house.database.transaction() as tx:
        rows = await tx.rows(SQL.would_do)
    return [_intent(row, parse(row.body), house.rules) for row in rows]


def _intent(row: Any, body: Mapping[str, Any], rules: Rules) -> Intent:  # noqa: ANN401 - a row
    """A statement line may be asked for by an answer that came later than the entry: its row is asked for anew."""
    amount = Money.model_validate(body["amount"]) if isinstance(body.get("amount"), dict) else None
    about = next((str(body[name]) for name in ("memo", "label", "invoice_number", "reference") if body.get(name)), "")
    about += f", on invoice {body['move_id']}" if body.get("counterpart") == "receivable" else ""
    transfer = row.operation == "book_statement_line"
    policy = rules.posting(row.entity, "transfer", "booked").row if transfer else row.rule
    return Intent(row.entity, row.operation, about, amount, row.because, policy, row.correlation)


def as_object(seen: Seen) -> dict[str, Any]:
    """For programs."""
    return {
        "as_of": seen.as_of,
        "odoo": seen.odoo,
        "companies": [company.name for company in seen.companies],
        "open_invoices_read": seen.read,
        "paid_in_the_sandbox": seen.paid,
        "left_out": seen.left_out,
        "intents": list(seen.intents),
        "questions_asked": seen.questions,
    }


def draw(seen: Seen, console: Console) -> None:
    """For people."""
    names = ", ".join(clean(company.name) for company in seen.companies)
    console.rule(f"Nostro observes {seen.odoo}")
    console.print(f"Companies: {names}. {seen.read} open invoices were read, {seen.paid} paid in the sandbox.")
    if seen.left_out.companies or seen.left_out.invoices:
        left = f"{seen.left_out.companies} more companies and {seen.left_out.invoices} more open invoices"
        console.print(f"{left} were left out: it looks at {COMPANIES} companies and the newest {INVOICES} invoices.")
    rows = [[one.entity, one.operation, one.about, one.amount, one.because, one.policy_row] for one in seen.intents]
    columns = {
        "entity": "whole",
        "would": "whole",
        "about": "left",
        "amount": "right",
        "because": "whole",
        "policy row": "left",
    }
    console.print(table(f"What Nostro would do, as of {when(seen.as_of, None)}", columns, rows))
    asked = f"{seen.questions} questions were asked there, and whatever might write is held back before it leaves"
    console.print(f"{len(seen.intents)} intents. Nothing was written: {asked}.")
