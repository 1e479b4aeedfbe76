"""What the scenarios are played with: an operation, orders, a stand-in, and what its books must show afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from nostro.connectors import odoo, stripe
from nostro.connectors.kit.conformance import CONFIDENTIAL
from nostro.connectors.kit.manifest import Connector, Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.calls import Message
from nostro.model.ids import correlation_id
from nostro.model.intents import (
    RECEIVABLE_OF_MOVE,
    AnnotatePayment,
    BookJournalEntry,
    BookStatementLine,
    EntryLine,
    Intent,
    Reconcile,
    RefundPayment,
    RegisterCustomerPayment,
    ReopenInvoice,
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


@dataclass(frozen=True, slots=True)
class Staged:
    """One stand-in with its house, the orders, and a count of what is to be there once each."""

    outside: Outside
    operation: str
    orders: Sequence[Order]
    effects: Callable[[], Mapping[str, object]]
    expected: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    """A name and how to stage it anew."""

    name: str
    connector: Connector
    stage: Callable[[], Staged]


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


def _payments(house: OdooHouse, orders: Sequence[Order]) -> dict[str, object]:
    rows = house.rows("payments")
    return {
        f"payments of {place}": [row["amount"] for row in rows if str(row["memo"]).endswith(order.correlation)]
        for place, order in enumerate(orders)
    }


def register(version: int) -> Staged:
    """A card payment of an open invoice."""
    house = OdooHouse(version)
    invoice = house.invoice()
    orders = ordered(house.payment(invoice))

    def effects() -> Mapping[str, object]:
        return {
            **_payments(house, orders),
            "left": house.left(invoice),
            "drafts": house.rows("payments", state="draft"),
        }

    expected = {"payments of 0": ["100.10"], "left": Decimal("0.00"), "drafts": []}
    return Staged(house.outside, "register_customer_payment", orders, effects, expected)


def register_double(version: int) -> Staged:
    """A card payment of an invoice that is paid already: it stays open on the customer."""
    house = OdooHouse(version)
    invoice = house.invoice()
    house.do(house.payment(invoice))
    orders = ordered(house.payment(invoice))

    def effects() -> Mapping[str, object]:
        clearing = [row["balance"] for row in house.rows("lines", account_id=house.clearing)]
        return {**_payments(house, orders), "clearing": clearing, "drafts": house.rows("payments", state="draft")}

    expected = {"payments of 0": ["100.10"], "clearing": ["100.10", "100.10"], "drafts": []}
    return Staged(house.outside, "register_customer_payment", orders, effects, expected)


def statement_lines(version: int) -> Staged:
    """Five bank movements in one batch: on suspense, on clearing, two that pay invoices, one that can pay nothing."""
    house = OdooHouse(version)
    first, second = house.invoice(), house.invoice("60.00")
    orders = ordered(
        house.line("12.34"),
        house.line("-5.00", counterpart="account", counterpart_account=house.clearing),
        house.line("100.10", counterpart="receivable", move_id=first),
        house.line("40.00", counterpart="receivable", move_id=second),
        house.line("-1.00", counterpart="receivable", move_id=second),
    )

    def effects() -> Mapping[str, object]:
        rows = house.rows("statement_lines")
        amounts = [[row["amount"] for row in rows if row["ref"] == order.correlation] for order in orders]
        return {"amounts": amounts, "left": (house.left(first), house.left(second))}

    amounts = [["12.34"], ["-5.00"], ["100.10"], ["40.00"], ["-1.00"]]
    expected = {"amounts": amounts, "left": (Decimal("0.00"), Decimal("20.00"))}
    return Staged(house.outside, "book_statement_line", orders, effects, expected)


def entries(version: int) -> Staged:
    """A fee, and an entry that closes an invoice."""
    house = OdooHouse(version)
    invoice = house.invoice("30.00")
    fee = [EntryLine(account=house.fees, balance=eur("3.20"), label="fee")]
    fee.append(EntryLine(account=house.clearing, balance=eur("-3.20"), label="fee"))
    off = [EntryLine(account=house.fees, balance=eur("30.00"), label="written off")]
    term = {"account": RECEIVABLE_OF_MOVE, "partner_of_move": invoice}
    off.append(EntryLine.model_validate({**term, "balance": eur("-30.00"), "label": "written off"}))
    orders = ordered(house.entry(*fee), house.entry(*off, reconcile_with=invoice))

    def effects() -> Mapping[str, object]:
        moves = [house.rows("moves", ref=order.correlation) for order in orders]
        return {"states": [[move["state"] for move in one] for one in moves], "left": house.left(invoice)}

    expected = {"states": [["posted"], ["posted"]], "left": Decimal("0.00")}
    return Staged(house.outside, "book_journal_entry", orders, effects, expected)


def reconcile_suspense(version: int) -> Staged:
    """A statement line that stood on suspense pays an invoice in part."""
    house = OdooHouse(version)
    invoice = house.invoice()
    line = house.do(house.line("60.00"))[0]["statement_line"]
    orders = ordered(Reconcile(entity="DE", move_id=invoice, statement_line=int(line)))

    def effects() -> Mapping[str, object]:
        return {"left": house.left(invoice), "partials": [row["amount"] for row in house.rows("partials")]}

    return Staged(house.outside, "reconcile", orders, effects, {"left": Decimal("40.10"), "partials": ["60.00"]})


def reconcile_payment(version: int) -> Staged:
    """A double payment's money is moved to another invoice."""
    house = OdooHouse(version)
    invoice, other = house.invoice(), house.invoice("100.10")
    house.do(house.payment(invoice))
    second = house.do(house.payment(invoice).model_copy(update={"memo": "INV/1 again"}))
    assert second[0]["payment"]
    orders = ordered(Reconcile(entity="DE", move_id=other, payment=int(second[0]["payment"])))
    return Staged(house.outside, "reconcile", orders, lambda: {"left": house.left(other)}, {"left": Decimal("0.00")})


def reopen(version: int, amount: str = "100.10", left: str = "100.10") -> Staged:
    """A chargeback: the invoice is open again by that amount, and the payment's clearing line is left alone."""
    house = OdooHouse(version)
    invoice = house.invoice()
    payment = int(house.do(house.payment(invoice))[0]["payment"])
    told = {"entity": "DE", "move_id": invoice, "payment": payment, "amount": eur(amount), "booked_on": DAY}
    told |= {"journal": house.journals["MISC"], "account": house.clearing, "label": "chargeback"}
    orders = ordered(ReopenInvoice.model_validate(told))

    def effects() -> Mapping[str, object]:
        entry = house.rows("moves", ref=orders[0].correlation)
        clearing = sum(Decimal(row["balance"]) for row in house.rows("lines", account_id=house.clearing))
        paid = house.rows("lines", move_id=house.row("payments", payment)["move_id"], account_type="asset_receivable")
        loose = [row["amount_residual"] for row in paid if Decimal(row["amount_residual"])]
        states = [row["state"] for row in entry]
        return {"entries": states, "left": house.left(invoice), "clearing": clearing, "loose": loose}

    expected = {
        "entries": ["posted"],
        "left": Decimal(left),
        "clearing": Decimal("100.10") - Decimal(amount),
        "loose": [],
    }
    return Staged(house.outside, "reopen_invoice", orders, effects, expected)


def reopen_credit(version: int) -> Staged:
    """A bank credit went back to its payer: the invoice is open, credit and return face each other on suspense."""
    house = OdooHouse(version)
    invoice = house.invoice()
    credit = house.do(house.line("100.10"), house.line("-100.10"))[0]["statement_line"]
    house.do(Reconcile(entity="DE", move_id=invoice, statement_line=int(credit)))
    told = {"entity": "DE", "move_id": invoice, "statement_line": int(credit), "amount": eur("100.10")}
    told |= {"booked_on": DAY, "journal": 0, "account": 0, "label": "returned"}
    orders = ordered(ReopenInvoice.model_validate(told))
    suspense = house.chart["accounts"]["suspense"]

    def effects() -> Mapping[str, object]:
        on_suspense = sorted(row["balance"] for row in house.rows("lines", account_id=suspense))
        return {"left": house.left(invoice), "suspense": on_suspense, "partials": house.rows("partials")}

    expected = {"left": Decimal("100.10"), "suspense": ["-100.10", "100.10"], "partials": []}
    return Staged(house.outside, "reopen_invoice", orders, effects, expected)


class StripeHouse:
    """A Stripe account with one captured card payment."""

    def __init__(self) -> None:
        self.stand = Psp(PspSettings("psp"), FaultPlan(), OPENED)
        config = StripeConfig(livemode=False)
        self.outside = Outside(stripe.CONNECTOR, self.stand, config, {"api_key": "sk_test_sandbox"}, OPENED)
        told = {"act": "card_payment", "amount": 10_010, "currency": "eur", "payer": PERSON, "reference": "one"}
        self.intent = self.stand.apply(told, OPENED)


def refund() -> Staged:
    """A part of a card payment goes back."""
    house = StripeHouse()
    orders = ordered(
        RefundPayment(entity="DE", connection="psp", payment_id=house.intent["id"], amount=eur("40.05"), reason="x")
    )

    def effects() -> Mapping[str, object]:
        refunds = house.stand.books()["refunds"]
        return {"refunds": [(one["amount"], one["metadata"]["nostro_key"]) for one in refunds]}

    return Staged(house.outside, "refund_payment", orders, effects, {"refunds": [(4005, orders[0].correlation)]})


def annotate() -> Staged:
    """A payment carries our id and the invoice number."""
    house = StripeHouse()
    orders = ordered(
        AnnotatePayment(entity="DE", connection="psp", payment_id=house.intent["id"], invoice_number="INV/2026/00001")
    )
    wanted = {"nostro_key": orders[0].correlation, "nostro_invoice": "INV/2026/00001"}
    return Staged(
        house.outside,
        "annotate_payment",
        orders,
        lambda: {"metadata": house.stand.books()["payment_intents"][0]["metadata"]},
        {"metadata": wanted},
    )


def _odoo_cases() -> list[Case]:
    stages: dict[str, Callable[[int], Staged]] = {
        "a payment of an open invoice": register,
        "a payment of a paid invoice": register_double,
        "statement lines": statement_lines,
        "journal entries": entries,
        "a line from suspense": reconcile_suspense,
        "a payment put on another invoice": reconcile_payment,
        "a chargeback": reopen,
        "a credit that went back": reopen_credit,
        "a chargeback of a part": partial(reopen, amount="40.10", left="40.10"),
    }
    return [
        Case(f"odoo {version}: {name}", odoo.CONNECTOR, partial(stage, version))
        for version in (18, 19)
        for name, stage in stages.items()
    ]


CASES: tuple[Case, ...] = (
    *_odoo_cases(),
    Case("stripe: a refund", stripe.CONNECTOR, refund),
    Case("stripe: an annotation", stripe.CONNECTOR, annotate),
)
