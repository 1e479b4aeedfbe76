"""What a collection wants done outside, as a function of its state and the rules.

`decide` asks for what is new of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from nostro.model.entities import LegalEntity, ProviderAccount
from nostro.model.intents import (
    RECEIVABLE_OF_MOVE,
    AnnotatePayment,
    BookJournalEntry,
    EntryLine,
    Reconcile,
    RefundPayment,
    RegisterCustomerPayment,
    ReopenInvoice,
)
from nostro.model.money import Money
from nostro.model.payments import Dispute, Incoming, Line, Payment
from nostro.model.unchanging import unchanging
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import PostingRule, Rules, Wanted
from nostro.processes.kit.following import Effect, but, same


@unchanging(frozen=True, slots=True)
class Scene:
    """A collection with what surrounds it: its subject id, its entity and the rules."""

    subject: str
    entity: LegalEntity
    rules: Rules
    data: CollectionState

    @property
    def open_item(self) -> dict[str, Any]:
        """The open item, as intents name it."""
        return {"entity": self.entity.id, "move_id": self.data.move_id}

    def day(self, at: datetime) -> date:
        """The day of an instant in the entity's books; raises `LookupError` where the bundle's clocks do not reach."""
        return self.rules.day(self.entity.id, at)

    def provider(self, payment: Incoming) -> ProviderAccount | None:
        """Our account at the payment's provider."""
        return self.entity.provider(payment.connection) if payment.connection else None

    def posting(self, payment: Incoming) -> PostingRule:
        """The first row of the posting policy that posts what this payment has reached, else the row that refuses."""
        for state in payment.reached:
            row = self.rules.posting(self.entity.id, payment.method, state)
            if row.posts:
                break
        return row

    def awaits_provider(self, payment: Payment) -> bool:
        """Whether the ERP's own provider may still register this payment."""
        if payment.waited or payment.registered:
            return False
        account = self.provider(payment)
        return account is not None and account.odoo_provider

    def company(self, payment: Payment, kind: str, source_id: str, minor: int) -> Money | None:
        """What a part of a payment is worth in company currency: itself, or what the PSP settled for all of it."""
        if payment.amount.currency == self.entity.currency:
            return Money(minor=minor, currency=self.entity.currency)
        line = payment.line_of(kind, source_id)
        if line is None or line.gross.currency != self.entity.currency or abs(payment.worth(line)) != minor:
            return None
        return Money(minor=abs(line.gross.minor), currency=self.entity.currency)


Debit = Callable[[], EntryLine]
"""Makes the debit of an entry: only of one that is asked for now."""


def wanted(scene: Scene, before: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """Every effect that the state calls for, those that were asked for `before` included."""
    if scene.data.kind in ("", "credit_note"):
        return ()
    return scene.data.steps.put_together(asked(scene), before)


def asked(scene: Scene) -> Iterator[Effect]:
    """Every effect that the state calls for, by step: the parts that it has anything for."""
    payments, credits_ = scene.data.payments, scene.data.credits
    yield from _registrations(scene)
    if credits_:
        yield from _reconciliations(scene)
    if payments:
        yield from _annotations(scene)
        refunded = any(p.refunds for p in payments)
        if refunded:
            yield from _refund_entries(scene)
        if any(p.disputes for p in payments):
            yield from _dispute_entries(scene)
    if credits_:
        yield from _reopenings(scene)
    if payments:
        yield from _conversions(scene)
        if refunded:
            yield from _matches(scene)
    if scene.data.assignments:
        yield from _given_back(scene)


def _registrations(scene: Scene) -> Iterator[Effect]:
    """A capture clears the invoice against the PSP's clearing account, if the policy says so.

    What the ERP's own provider registered is adopted.
    """
    for payment in scene.data.incoming:
        account, step = scene.provider(payment), f"register-{payment.source}"
        if account is None or payment.applied <= 0 or (payment.registered and scene.data.steps.end(step) is None):
            continue
        if (isinstance(payment, Payment) and scene.awaits_provider(payment)) or not scene.posting(payment).posts:
            continue
        yield step, 0, partial(_registration, scene, payment, account)


def _registration(scene: Scene, payment: Incoming, account: ProviderAccount) -> RegisterCustomerPayment:
    amount = Money(minor=payment.applied, currency=payment.amount.currency)
    named = {"memo": scene.data.number, "provider_reference": payment.payment_id or payment.source}
    told: dict[str, Any] = {"amount": amount, "paid_on": payment.received_on, "journal": account.journal}
    return RegisterCustomerPayment(**told, **scene.open_item, **named)


def _annotations(scene: Scene) -> Iterator[Effect]:
    """The PSP's metadata learn which invoice the payment cleared."""
    for payment in scene.data.payments:
        if payment.payment_id and payment.applied > 0 and scene.provider(payment):
            yield f"annotate-{payment.source}", 0, partial(_annotation, scene, payment)


def _annotation(scene: Scene, payment: Payment) -> AnnotatePayment:
    told = {"entity": scene.entity.id, "invoice_number": scene.data.number}
    return AnnotatePayment(**told, **same(payment, "connection payment_id"))


def _reconciliations(scene: Scene) -> Iterator[Effect]:
    """A bank credit is matched with the invoice. Without a statement line the movement's own booking does it."""
    for credit in scene.data.credits:
        line = number(credit.statement_line)
        if not credit.connection and credit.applied > 0 and line and scene.posting(credit).posts:
            intent = partial(Reconcile, statement_line=line, **scene.open_item)
            yield f"reconcile-{plain_step(credit.source)}", 0, intent


def _refund_entries(scene: Scene) -> Iterator[Effect]:
    """A refund of what had cleared the invoice: receivable against clearing, so that the credit note can absorb it."""
    for payment, account in _registered(scene):
        for refund in payment.refunds:
            worth = scene.company(payment, "refund", refund.refund_id, refund.share.applied)
            if not (refund.succeeded and refund.share.applied and worth):
                continue
            label = f"{scene.data.number} refund {refund.refund_id}"
            debit, step = partial(_owed, scene, payment, refund.share.applied, worth), f"refunded-{refund.refund_id}"
            when, clearing = (refund.refunded_on, label), account.clearing_account
            yield step, 0, partial(_entry, scene, account, when, debit, clearing)
            if refund.failed and scene.data.steps.there(step):
                back = partial(_entry, scene, account, when, partial(_reversed, debit), clearing)
                yield f"unrefunded-{refund.refund_id}", 0, back


def _dispute_entries(scene: Scene) -> Iterator[Effect]:
    """What a card network took rests on the dispute account until it is decided; the invoice stays paid that long."""
    for payment, account in _registered(scene):
        for dispute in payment.disputes:
            worth = scene.company(payment, "dispute", dispute.dispute_id, dispute.share.applied)
            if not (dispute.withdrawn and dispute.share.applied and worth):
                continue
            step, label = f"disputed-{dispute.dispute_id}", f"{scene.data.number} dispute {dispute.dispute_id}"
            debit = partial(EntryLine, account=account.dispute_account, balance=worth, label="")
            yield (
                step,
                0,
                partial(_entry, scene, account, (dispute.disputed_on, label), debit, account.clearing_account),
            )
            if scene.data.steps.there(step) and dispute.reinstated:
                when = (dispute.reinstated_on or dispute.disputed_on, label)
                back = partial(_entry, scene, account, when, partial(_reversed, debit), account.clearing_account)
                yield f"reinstated-{dispute.dispute_id}", 0, back
            elif scene.data.steps.there(step) and dispute.lost:
                yield _lost(scene, payment, account, dispute, worth)


def _lost(scene: Scene, payment: Payment, account: ProviderAccount, dispute: Dispute, worth: Money) -> Effect:
    """The customer owes again: the invoice is reopened.

    In foreign currency the ERP's own rate would leave a rest on the dispute account: there the receivable account is
    debited with what the PSP took.
    """
    label, day = f"{scene.data.number} chargeback {dispute.dispute_id}", dispute.closed_on or dispute.disputed_on
    if payment.amount.currency != scene.entity.currency:
        debit = partial(_owed, scene, payment, dispute.share.applied, worth)
        entry = partial(_entry, scene, account, (day, label), debit, account.dispute_account)
        return f"owed-{dispute.dispute_id}", 0, entry
    booked = {"payment": number(payment.registered), "journal": account.fee_journal, "account": account.dispute_account}
    told: dict[str, Any] = {"amount": worth, "booked_on": day, "label": label}
    return f"lost-{dispute.dispute_id}", 0, partial(ReopenInvoice, **told, **booked, **scene.open_item)


def _reopenings(scene: Scene) -> Iterator[Effect]:
    """A credit that went back to its payer opens the invoice again."""
    for credit in scene.data.credits:
        account = scene.provider(credit)
        paid, line = number(credit.registered), number(credit.statement_line)
        booked: dict[str, Any] = {"statement_line": line, "journal": 0, "account": 0}
        if account:
            booked = {"payment": paid, "journal": account.fee_journal, "account": account.clearing_account}
        for back in credit.returns:
            if back.share.applied > 0 and (paid if account else line):
                amount = Money(minor=back.share.applied, currency=credit.amount.currency)
                label = f"{scene.data.number} returned {back.reason}".strip()
                told: dict[str, Any] = {"amount": amount, "booked_on": back.returned_on, "label": label}
                intent = partial(ReopenInvoice, **told, **booked, **scene.open_item)
                yield f"reopen-{plain_step(back.movement)}", 0, intent


def _conversions(scene: Scene) -> Iterator[Effect]:
    """A foreign payment leaves clearing at what the ERP had booked it at, and comes in at what the PSP settled."""
    for payment, account in _registered(scene):
        line, booked = payment.charge_line, erp_value(scene, payment)
        if line is None or booked is None or payment.applied != payment.amount.minor:
            continue
        if line.gross.currency != scene.entity.currency:
            continue
        yield f"convert-{payment.source}", 0, partial(_conversion, scene, account, payment, line, booked)


def _conversion(
    scene: Scene, account: ProviderAccount, payment: Payment, line: Line, booked: Money
) -> BookJournalEntry:
    label = f"{scene.data.number} settled in {line.gross.currency}"
    sides = (
        EntryLine(account=account.clearing_account, balance=-booked, label=label, foreign=-payment.amount),
        EntryLine(account=account.clearing_account, balance=line.gross, label=label),
        EntryLine(account=account.fx_account, balance=booked - line.gross, label=label),
    )
    return _booked(scene, account, (line.settled_on, label), tuple(side for side in sides if side.balance))


def erp_value(scene: Scene, payment: Payment) -> Money | None:
    """What the ERP booked a foreign payment at, in company currency; None when it did not say, or isn't foreign."""
    if payment.amount.currency == scene.entity.currency or not payment.company:
        return None
    return Money.of(Decimal(payment.company), scene.entity.currency)


def _matches(scene: Scene) -> Iterator[Effect]:
    """A booked refund is matched with its credit note."""
    for refund in (r for payment in scene.data.payments for r in payment.refunds if r.live and r.note):
        end = scene.data.steps.end(f"refunded-{refund.refund_id}")
        entry = number(end.ids.get("move", "")) if end and end.there else None
        if entry:
            intent = partial(Reconcile, entity=scene.entity.id, move_id=refund.note, entry=entry)
            yield f"match-{refund.refund_id}", 0, intent


def _given_back(scene: Scene) -> Iterator[Effect]:
    """What a person says is to go back to the payer."""
    for given in scene.data.assignments:
        payment = scene.data.payment(given.source)
        if given.to == "refund" and payment is not None:
            ident = payment.payment_id or payment.source
            intent = partial(
                RefundPayment, entity=scene.entity.id, connection=payment.connection, payment_id=ident,
                amount=given.amount, reason="paid twice or too much",
            )  # fmt: skip
            yield f"refund-{payment.source}", 0, intent


def _entry(
    scene: Scene, account: ProviderAccount, when: tuple[date, str], debit: Debit, credit_account: int
) -> BookJournalEntry:
    """An entry of two lines: the debit, and the other account for as much the other way."""
    line = debit()
    credit = EntryLine(account=credit_account, balance=-line.balance, label=when[1])
    return _booked(scene, account, when, (but(line, label=when[1]), credit))


def _booked(
    scene: Scene, account: ProviderAccount, when: tuple[date, str], lines: tuple[EntryLine, ...]
) -> BookJournalEntry:
    day, label = when
    return BookJournalEntry(
        entity=scene.entity.id, journal=account.fee_journal, booked_on=day, label=label, lines=lines
    )


def _owed(scene: Scene, payment: Payment, minor: int, worth: Money) -> EntryLine:
    """A debit on the customer's receivable account. A foreign one is pinned on both sides."""
    foreign = Money(minor=minor, currency=payment.amount.currency)
    return EntryLine(
        account=RECEIVABLE_OF_MOVE, balance=worth, label="", partner_of_move=scene.data.move_id,
        foreign=None if foreign.currency == scene.entity.currency else foreign,
    )  # fmt: skip


def _reversed(debit: Debit) -> EntryLine:
    line = debit()
    return but(line, balance=-line.balance, foreign=-line.foreign if line.foreign else None)


def _registered(scene: Scene) -> Iterator[tuple[Payment, ProviderAccount]]:
    """Payments that stand in the ERP: only for them there is something to book."""
    for payment in scene.data.payments:
        account = scene.provider(payment)
        if account is not None and payment.registered:
            yield payment, account


def number(text: str) -> int | None:
    """An ERP's id, or None where there is none."""
    return int(text) if text.isdigit() and int(text) else None


def plain_step(ident: str) -> str:
    """An id as part of a step's name, which has no slash."""
    return ident.replace("/", ":")
