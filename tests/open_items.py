"""An open item, what is told of it, and a house without a database that listens: for tests of `collection`."""

from nostro.model.facts import (
    CollectionCredited,
    DisputeReported,
    InvoicePosted,
    PaymentCaptured,
    PaymentRegistered,
    PayoutLineReported,
    RefundReported,
)
from nostro.model.facts.cards import LineKind
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.collection.v1.state import CollectionState
from tests.stories import DAY, PSP, House, SmallRules, entity, eur, fact, usd

ITEM = Subject("collection", "DE/db/7")
OTHER = Subject("collection", "DE/db/8")


def invoice(
    total: Money | None = None, residual: Money | None = None, *, move: int = 7, at: str = "2026-08-31 09:00:00"
) -> InvoicePosted:
    asked = total or eur("100.00")
    return InvoicePosted(
        connection="odoo", database="db", move_id=move, number=f"INV/2026/{move}", kind="invoice", partner_id=3,
        issued_on=DAY, total=asked, residual=asked if residual is None else residual, changed_at=at,
        payment_reference=f"INV/2026/{move}",
    )  # fmt: skip


def capture(
    amount: Money | None = None, charge: str = "ch_1", *, hint: str = "INV/2026/7", method: str = "card"
) -> PaymentCaptured:
    return PaymentCaptured(
        connection=PSP, charge_id=charge, payment_id=charge.replace("ch", "pi"), amount=amount or eur("100.00"),
        captured_on=DAY, invoice_hint=hint, method=method,
    )  # fmt: skip


def refund(state: str, amount: str = "100.00", *, charge: str = "ch_1", ident: str = "re_1") -> RefundReported:
    return RefundReported.model_validate(
        {
            "connection": PSP, "refund_id": ident, "charge_id": charge, "amount": eur(amount), "state": state,
            "refunded_on": DAY,
        }
    )  # fmt: skip


def dispute(state: str, funds: str, amount: Money | None = None, due: str = "") -> DisputeReported:
    return DisputeReported.model_validate(
        {
            "connection": PSP, "dispute_id": "dp_1", "charge_id": "ch_1", "amount": amount or eur("100.00"),
            "state": state, "funds": funds, "reason": "fraudulent", "evidence_due_at": due, "disputed_on": DAY,
        }
    )  # fmt: skip


def credit(amount: str = "100.00", movement: str = "main/m1", *, to: Subject = ITEM) -> CollectionCredited:
    return CollectionCredited(
        subject=to.id, movement=movement, amount=eur(amount), booked_on=DAY, statement_line="55"
    )  # fmt: skip


def line(
    kind: LineKind, gross: Money, *, fee: str = "0.00", source: str = "ch_1", presentment: Money | None = None
) -> PayoutLineReported:
    paid = Money.of(fee, gross.currency)
    return PayoutLineReported(
        connection=PSP, line_id=f"txn_{kind}_{source}", payout_id="po_1", kind=kind, vendor_kind=kind, source_id=source,
        charge_id="ch_1", gross=gross, fee=paid, net=gross - paid, presentment=presentment,
    )  # fmt: skip


def registered(
    amount: str = "100.00", *, reference: str = "pi_1", at: str = "2026-08-31 09:05:00", payment: int = 77
) -> PaymentRegistered:
    return PaymentRegistered(
        connection="odoo", database="db", payment_id=payment, amount=eur(amount), paid_on=DAY, journal=11,
        move_ids=(7,), provider_reference=reference, state="paid", changed_at=at,
    )  # fmt: skip


def house(*, denied: frozenset[tuple[str, str]] = frozenset(), odoo_provider: bool = False, **limits: int) -> House:
    told = House(SmallRules(of=entity(odoo_provider=odoo_provider), denied=denied, limits=limits))
    told.tell(fact(invoice(), order="1"))
    return told


def paid_by_card() -> House:
    told = house()
    told.tell(fact(capture()))
    told.answer_all()
    return told


def data_of(told: House, subject: Subject = ITEM) -> CollectionState:
    data = told.instances[subject].data
    assert isinstance(data, CollectionState)
    return data


def intent_of(told: House, step: str) -> object:
    return next(wanted.intent for _, wanted in told.commands.values() if wanted.step == step)


def foreign_sale() -> House:
    """An invoice in USD that a card paid, settled in EUR."""
    told = House()
    told.tell(fact(invoice(usd("100.00")), order="1"), fact(capture(usd("100.00"))))
    told.answer_all()
    told.tell(fact(line("charge", eur("88.00"), presentment=usd("100.00"))))
    told.answer_all()
    return told
