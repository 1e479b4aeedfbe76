"""What the scenarios are played with: an operation, orders, a stand-in, and what its books must show afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from nostro.connectors import odoo, stripe
from nostro.connectors.kit.manifest import Connector, Operation, Order
from nostro.model.calls import Message
from nostro.model.intents import (
    RECEIVABLE_OF_MOVE,
    AnnotatePayment,
    BookJournalEntry,
    EntryLine,
    Intent,
    Reconcile,
    RefundPayment,
    ReopenInvoice,
)
from nostro.sandbox.wire import WireReply
from tests.conformance.driver import Outside
from tests.conformance.houses import DAY, OdooHouse, StripeHouse, eur, ordered, outcome_of
from tests.conformance.moneyback import manifest as moneyback
from tests.conformance.moneyback import ways
from tests.conformance.moneyback.house import MoneybackHouse

EMPTY = WireReply(200, {}, b"[]")
NO_SUCH_REFUND = WireReply(404, {}, b'{"error": "no_such_refund"}')


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


def _left_as_draft(house: OdooHouse, intent: Intent) -> None:
    """A try before: drafted, and refused when it was to be posted."""

    def archived(message: Message) -> None:
        if message.target.endswith("/action_post"):
            house.act("archive_account", account=house.clearing)

    assert "is left there, a draft" in outcome_of(house, intent, archived).sentence
    house.act("archive_account", account=house.clearing, archived=False)
    house.outside.sent.clear()


def entry_again(version: int) -> Staged:
    """A fee whose draft was left by the try before, and that is another amount now."""
    house = OdooHouse(version)

    def fee(amount: str) -> BookJournalEntry:
        debit = EntryLine(account=house.fees, balance=eur(amount), label="fee")
        return house.entry(debit, EntryLine(account=house.clearing, balance=eur(f"-{amount}"), label="fee"))

    _left_as_draft(house, fee("3.20"))
    orders = ordered(fee("4.50"), generation=1)

    def effects() -> Mapping[str, object]:
        clearing = [row["balance"] for row in house.rows("lines", account_id=house.clearing)]
        return {"states": [row["state"] for row in house.rows("moves", move_type="entry")], "clearing": clearing}

    expected = {"states": ["posted"], "clearing": ["-4.50"]}
    return Staged(house.outside, "book_journal_entry", orders, effects, expected)


def payment_again(version: int, journal: str) -> Staged:
    """A second payment whose draft was left by the try before."""
    house = OdooHouse(version)
    invoice = house.invoice()
    house.do(house.payment(invoice))
    _left_as_draft(house, house.payment(invoice))
    orders = ordered(house.payment(invoice).model_copy(update={"journal": house.journals[journal]}), generation=1)

    def effects() -> Mapping[str, object]:
        standing = [row for row in house.rows("payments")[1:] if row["state"] != "canceled"]
        return {"standing": [(row["amount"], row["journal_id"], bool(row["move_id"])) for row in standing]}

    expected = {"standing": [("100.10", house.journals[journal], True)]}
    return Staged(house.outside, "register_customer_payment", orders, effects, expected)


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


def pay_back(connector: Connector, *, knows_keys: bool = False, absent: WireReply = EMPTY) -> Staged:
    """A part of a card payment goes back."""
    house = MoneybackHouse(connector, knows_keys=knows_keys)
    house.stand.absent = absent
    orders = ordered(RefundPayment(entity="DE", connection="psp", payment_id="pay_1", amount=eur("40.05")))

    def effects() -> Mapping[str, object]:
        return {"refunds": [(one["amount"], one["reference"]) for one in house.stand.refunds]}

    return Staged(house.outside, "refund_payment", orders, effects, {"refunds": [(4005, orders[0].correlation)]})


def _moneyback(name: str, operation: Operation, *, knows_keys: bool = False, absent: WireReply = EMPTY) -> Case:
    manifest = replace(moneyback.MANIFEST, operations={operation.name: operation})
    connector = replace(moneyback.CONNECTOR, manifest=manifest)
    stage = partial(pay_back, connector, knows_keys=knows_keys, absent=absent)
    return Case(f"moneyback: a refund {name}", connector, stage)


def _odoo_cases() -> list[Case]:
    stages: dict[str, Callable[[int], Staged]] = {
        "a payment of an open invoice": register,
        "a payment of a paid invoice": register_double,
        "statement lines": statement_lines,
        "journal entries": entries,
        "an entry asked again": entry_again,
        "a payment asked again": partial(payment_again, journal="PSP"),
        "a payment asked again on another journal": partial(payment_again, journal="BNK1"),
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


MONEYBACK = Case("moneyback: a refund", moneyback.CONNECTOR, partial(pay_back, moneyback.CONNECTOR))
CASES: tuple[Case, ...] = (
    *_odoo_cases(),
    Case("stripe: a refund", stripe.CONNECTOR, refund),
    Case("stripe: an annotation", stripe.CONNECTOR, annotate),
    MONEYBACK,
    _moneyback("with the kit", ways.WITH_THE_KIT),
    _moneyback("whose absence is a 404", ways.WITH_THE_KIT, absent=NO_SUCH_REFUND),
    _moneyback("with their key", ways.WITH_THEIR_KEY, knows_keys=True),
    _moneyback("that can't be looked up", ways.WITH_NEITHER),
)
