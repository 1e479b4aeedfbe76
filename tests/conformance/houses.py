"""Stand-ins with something in their books, and orders to be carried out there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from nostro.connectors import odoo, stripe
from nostro.connectors.kit.conformance import CONFIDENTIAL
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.calls import Message
from nostro.model.ids import correlation_id
from nostro.model.intents import (
    BookJournalEntry,
    BookStatementLine,
    EntryLine,
    Intent,
    RegisterCustomerPayment,
)
from nostro.model.money import Money
from nostro.model.outcomes import Outcome
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import CompanySetup, OdooBooks, OdooSettings, PspJournal
from nostro.sandbox.odoo.settings import OdooUser
from nostro.sandbox.psp import Psp, PspSettings
from tests.conformance.driver import Outside

OPENED = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)
DAY = date(2026, 8, 31)
PERSON = CONFIDENTIAL


def eur(value: str) -> Money:
    return Money.of(value, "EUR")


def ordered(*intents: Intent, generation: int = 0) -> list[Order]:
    keys = [f"collection/case/{intent.operation}-{place}/0/{generation}" for place, intent in enumerate(intents)]
    return [Order(intent, key, correlation_id(key)) for intent, key in zip(intents, keys, strict=True)]


class OdooHouse:
    """An Odoo with one German company, a customer and a PSP journal."""

    def __init__(self, version: int, *users: OdooUser) -> None:
        companies = (
            CompanySetup("US", "USD", "US"),
            CompanySetup("DE", "EUR", psps=(PspJournal("PSP"),), rates=(("USD", Decimal("1.25")),)),
        )
        settings = OdooSettings(companies, version)
        self.stand = OdooBooks(replace(settings, users=users or settings.users), FaultPlan(), OPENED)
        config = OdooConfig(database="odoo", login="nostro", protocol="json2" if version >= 19 else "jsonrpc")
        self.outside = Outside(odoo.CONNECTOR, self.stand, config, {"api_key": "key-nostro"}, OPENED)
        self.outside.open_session()
        self.chart = self.stand.landscape()["DE"]
        self.clearing: int = self.chart["clearing"]["PSP"]
        self.fees: int = self.chart["accounts"]["fees"]
        self.journals: dict[str, int] = self.chart["journals"]
        self.partner: int = self.act("partner", name=PERSON)["id"]
        self.done = 0

    def act(self, act: str, **wish: object) -> dict[str, Any]:
        return self.stand.apply({"act": act, **wish}, self.outside.now)

    def person(self, model: str, method: str, *ids: int, **arguments: object) -> object:
        """Somebody else than Nostro does something there."""
        told = {"model": model, "method": method, "ids": ids, "arguments": arguments, "context": {}}
        return self.act("call", key="key-admin", **told)["result"]

    def invoice(self, amount: str = "100.10") -> int:
        told = {"company": "DE", "partner": self.partner, "amount": amount, "date": DAY.isoformat()}
        return int(self.act("invoice", **told)["id"])

    def rows(self, table: str, **wanted: object) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.stand.books()[table]
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def row(self, table: str, ident: int) -> dict[str, Any]:
        return self.rows(table, id=ident)[0]

    def left(self, move: int) -> Decimal:
        return Decimal(self.row("moves", move)["amount_residual"])

    def do(self, *intents: Intent) -> Sequence[Mapping[str, str]]:
        """Carry orders out without any fault, before the case begins."""
        operation = odoo.CONNECTOR.manifest.operations[intents[0].operation]
        self.done += 1
        keys = [f"collection/before/{operation.name}-{self.done}/{place}/0" for place in range(len(intents))]
        orders = [Order(intent, key, correlation_id(key)) for intent, key in zip(intents, keys, strict=True)]
        exchange = operation.exchange(orders, self.outside.config)
        reply, outcomes = None, None
        while outcomes is None:
            try:
                call: Any = exchange.send(reply) if reply is not None else next(exchange)
                reply = self.outside.say(call.message, "", acting=True)
                assert reply.ok, reply.sentence
            except StopIteration as end:
                outcomes = end.value
        self.outside.sent.clear()
        assert all(outcome.there for outcome in outcomes), outcomes
        return [outcome.ids for outcome in outcomes]

    def payment(self, invoice: int, amount: str = "100.10") -> RegisterCustomerPayment:
        return RegisterCustomerPayment(
            entity="DE", move_id=invoice, amount=eur(amount), paid_on=DAY, journal=self.journals["PSP"], memo="INV/1"
        )

    def line(self, amount: str, **more: object) -> BookStatementLine:
        told = {"entity": "DE", "journal": self.journals["BNK1"], "booked_on": DAY, "reference": "ref", **more}
        named = {"text": f"from {PERSON}", "partner_name": PERSON}
        return BookStatementLine.model_validate({"amount": eur(amount), **named, **told})

    def entry(self, *lines: EntryLine, **more: object) -> BookJournalEntry:
        told = {"entity": "DE", "journal": self.journals["MISC"], "booked_on": DAY, "label": "fee", **more}
        return BookJournalEntry.model_validate({"lines": lines, **told})


def outcome_of(
    house: OdooHouse, intent: Intent, before: Callable[[Message], object] = lambda _: None, generation: int = 0
) -> Outcome:
    """Carried out without any fault. `before` each call something may be done to the house."""
    operation = odoo.CONNECTOR.manifest.operations[intent.operation]
    exchange, reply = operation.exchange(ordered(intent, generation=generation), house.outside.config), None
    while True:
        try:
            call: Any = next(exchange) if reply is None else exchange.send(reply)
            before(call.message)
            reply = house.outside.say(call.message, "", acting=True)
        except StopIteration as end:
            (outcome,) = end.value
            return Outcome.model_validate(outcome)


class StripeHouse:
    """A Stripe account with one captured card payment."""

    def __init__(self) -> None:
        self.stand = Psp(PspSettings("psp"), FaultPlan(), OPENED)
        config = StripeConfig(livemode=False)
        self.outside = Outside(stripe.CONNECTOR, self.stand, config, {"api_key": "sk_test_sandbox"}, OPENED)
        told = {"act": "card_payment", "amount": 10_010, "currency": "eur", "payer": PERSON, "reference": "one"}
        self.intent = self.stand.apply(told, OPENED)
