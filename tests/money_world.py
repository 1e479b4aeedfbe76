"""A small world of invoices, cards and payouts that tells whatever may be told: for the property tests of money."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    DisputeReported,
    Fact,
    FactCorrected,
    InvoicePosted,
    InvoiceWithdrawn,
    MoneyUnapplied,
    PaymentCaptured,
    PaymentRegistered,
    PayoutCredited,
    PayoutLineReported,
    PayoutReported,
    RefundReported,
)
from nostro.model.facts.cards import LineKind
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.model.outcomes import OutcomeKind, done, failed, handed_over
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.payout.v1.state import PayoutState
from tests.stories import DAY, PSP, House, fact

TOTAL = 10_000


def money(minor: int, currency: str = "EUR") -> Money:
    return Money(minor=minor, currency=currency)


def invoice(move: int, residual: int = TOTAL, *, order: int = 1, currency: str = "EUR", **other: object) -> Fact:
    body = InvoicePosted.model_validate(
        {
            "connection": "odoo", "database": "db", "move_id": move, "number": f"INV/{move}", "kind": "invoice",
            "partner_id": 1, "issued_on": DAY, "total": money(TOTAL, currency), "residual": money(residual, currency),
            "changed_at": f"{order:06}", **other,
        }
    )  # fmt: skip
    return fact(body, order=f"{order:06}")


def withdrawn(move: int, order: int) -> Fact:
    """It is a draft again."""
    body = InvoiceWithdrawn(
        connection="odoo", database="db", move_id=move, number=f"INV/{move}", why="draft", changed_at=f"{order:06}"
    )
    return fact(body, order=f"{order:06}")


def capture(n: int, minor: int, move: int, *, currency: str = "EUR") -> Fact:
    return fact(
        PaymentCaptured(
            connection=PSP,
            charge_id=f"ch_{n}",
            payment_id=f"pi_{n}",
            amount=money(minor, currency),
            captured_on=DAY,
            invoice_hint=f"INV/{move}" if move else "",
        )
    )


def refund(n: int, minor: int, state: str, *, ident: int = 0, currency: str = "EUR") -> Fact:
    return fact(
        RefundReported.model_validate(
            {
                "connection": PSP,
                "refund_id": f"re_{n}_{ident}",
                "charge_id": f"ch_{n}",
                "amount": money(minor, currency),
                "state": state,
                "refunded_on": DAY,
            }
        )
    )


def dispute(n: int, minor: int, state: str, funds: str, *, currency: str = "EUR") -> Fact:
    return fact(
        DisputeReported.model_validate(
            {
                "connection": PSP,
                "dispute_id": f"dp_{n}",
                "charge_id": f"ch_{n}",
                "amount": money(minor, currency),
                "state": state,
                "funds": funds,
                "disputed_on": DAY,
            }
        )
    )


def line(
    n: int, kind: LineKind, gross: Money, *, source: str = "", payout: int = 1, presentment: Money | None = None
) -> Fact:
    fee = money(abs(gross.minor) // 50 if kind == "charge" else 0)
    return fact(
        PayoutLineReported(
            connection=PSP,
            line_id=f"txn_{kind}_{n}_{source}",
            payout_id=f"po_{payout}",
            kind=kind,
            vendor_kind=kind,
            source_id=source or f"ch_{n}",
            charge_id=f"ch_{n}",
            gross=gross,
            fee=fee,
            net=gross - fee,
            presentment=presentment,
        )
    )


def payout_told(minor: int, state: str, n: int = 1) -> Fact:
    body = {"connection": PSP, "payout_id": f"po_{n}", "amount": money(minor), "arrives_on": DAY, "state": state}
    return fact(PayoutReported.model_validate(body))


@dataclass
class World:
    """A PSP, a bank and an ERP that do whatever the drawn numbers say, and keep to what each may truthfully tell."""

    house: House
    draw: Callable[[int, int], int]
    captured: dict[int, Money] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    disputed: dict[int, str] = field(default_factory=dict)
    disputes_minor: dict[int, int] = field(default_factory=dict)
    refunds: dict[tuple[int, int], tuple[int, str]] = field(default_factory=dict)
    credits: dict[str, tuple[Subject, int]] = field(default_factory=dict)
    notes: dict[int, int] = field(default_factory=dict)
    order: int = 1
    count: int = 0

    def act(self) -> None:
        """One thing happens."""
        acts = (
            self.capture, self.capture, self.settle, self.settle_back, self.payout, self.refund, self.refund_ends,
            self.dispute, self.credit, self.give_back, self.answer, self.answer, self.snapshot, self.withdraw,
            self.match, self.deadline, self.adopt, self.credit_note, self.correct, self.release, self.nobody,
            self.note_changes,
        )  # fmt: skip
        acts[self.draw(0, len(acts) - 1)]()

    def next(self) -> int:
        self.count += 1
        return self.count

    def capture(self) -> None:
        n, minor = self.next(), self.draw(1, 2 * TOTAL)
        self.captured[n], self.taken[n] = money(minor, "USD" if self.draw(0, 5) == 0 else "EUR"), 0
        self.house.tell(capture(n, minor, self.draw(0, 3), currency=self.captured[n].currency))
        self.house.orphan()

    def settle(self) -> None:
        if n := self.some(self.captured):
            self.settles(n, "charge", self.captured[n].minor, f"ch_{n}")

    def settle_back(self) -> None:
        """The PSP settles a refund or dispute, or takes back that it did."""
        for (n, ident), (minor, state) in self.refunds.items():
            if state in ("succeeded", "failed"):
                self.settles(n, "refund", -minor, f"re_{n}_{ident}")
            if state == "failed":
                self.settles(n, "refund_failure", minor, f"re_{n}_{ident}")
        for n, told in self.disputed.items():
            if "withdrawn" in told or "reinstated" in told:
                self.settles(n, "dispute", -self.disputes_minor[n], f"dp_{n}")
            if "reinstated" in told:
                self.settles(n, "dispute_reversal", self.disputes_minor[n], f"dp_{n}")

    def settles(self, n: int, kind: LineKind, minor: int, source: str) -> None:
        shown = money(abs(minor), self.captured[n].currency)
        gross = money(minor * 9 // 10 if shown.currency == "USD" else minor)
        told = line(n, kind, gross, source=source, payout=self.draw(1, 2), presentment=shown)
        if not any(known.key == told.key for _, known, _ in self.house.log):
            self.house.tell(told)

    def payout(self) -> None:
        """The PSP keeps something, says how far a payout is, or the bank has it."""
        n, what = self.draw(1, 2), self.draw(0, 6)
        known = self.house.instances.get(Subject("payout", f"{PSP}/po_{n}"))
        if not known or not isinstance(known.data, PayoutState) or known.data.reissued_by:
            return
        net = known.data.net
        if what < 3:
            kind: LineKind = ("reserve_hold", "adjustment", "fee")[what]
            self.house.tell(line(self.next(), kind, money(-self.draw(1, TOTAL)), payout=n))
        elif what < 5:
            self.house.tell(payout_told(net, ("in_transit", "paid")[what - 3], n))
        elif what == 5:
            self.house.tell(payout_told(net, "failed", n))
            back = line(n, "payout_failure", money(net), source=f"po_{n}", payout=3)
            if not any(told.key == back.key for _, told, _ in self.house.log):
                self.house.tell(back)
        else:
            movement = f"main/m{self.next()}"
            self.house.bank_books(movement, money(net))
            body = PayoutCredited(payout_id=f"{PSP}/po_{n}", movement=movement, amount=money(net), booked_on=DAY)
            self.house.tell(fact(body))
            self.house.bank_told(movement)

    def release(self) -> None:
        """A person wants what had failed to be tried again."""
        failures = [
            (subject, name.split("/")[0])
            for subject, instance in sorted(self.house.instances.items())
            if isinstance(instance.data, CollectionState | PayoutState)
            for name, _ in instance.data.steps.failures(OutcomeKind.FAILED)
        ]
        if failures:
            self.house.release(*failures[self.draw(0, len(failures) - 1)])

    def nobody(self) -> None:
        """Money of nobody known comes in at the bank."""
        movement, minor = f"main/m{self.next()}", self.draw(1, TOTAL)
        self.house.bank_books(movement, money(minor))
        self.house.tell(fact(MoneyUnapplied(movement=movement, amount=money(minor), booked_on=DAY)))
        self.house.bank_told(movement)
        self.credits[movement] = (Subject("collection", f"DE/unapplied/{movement}"), minor)

    def correct(self) -> None:
        subject = sorted(self.house.instances)[self.draw(0, len(self.house.instances) - 1)]
        self.house.take(subject, fact(FactCorrected(of="a", by=str(self.next()), why="misread")))

    def refund(self) -> None:
        n = self.some(self.captured)
        left = self.left(n)
        if n and left > 0:
            minor, ident = self.draw(1, left), self.next()
            self.taken[n] += minor
            state = ("pending", "succeeded")[self.draw(0, 1)]
            self.refunds[n, ident] = (minor, state)
            self.house.tell(refund(n, minor, state, ident=ident, currency=self.captured[n].currency))

    def refund_ends(self) -> None:
        if self.refunds:
            key = sorted(self.refunds)[self.draw(0, len(self.refunds) - 1)]
            minor, state = self.refunds[key]
            then = {"pending": "succeeded", "succeeded": "failed"}.get(state)
            if then:
                self.refunds[key] = (minor, then)
                self.house.tell(refund(key[0], minor, then, ident=key[1], currency=self.captured[key[0]].currency))
                self.taken[key[0]] -= minor if then == "failed" else 0

    def dispute(self) -> None:
        n = self.some(self.captured)
        left = self.left(n)
        was = self.disputed.get(n, "" if left > 0 else "nothing left")
        then = {
            "": (("inquiry", "kept"), ("open", "withdrawn")),
            "inquiry kept": (("won", "kept"), ("open", "withdrawn")),
            "open withdrawn": (("lost", "withdrawn"), ("won", "withdrawn"), ("won", "reinstated")),
            "won withdrawn": (("won", "reinstated"),),
        }.get(was)
        if n and then:
            state, funds = then[self.draw(0, len(then) - 1)]
            if not was:
                self.taken[n] += left
                self.disputes_minor[n] = left
            self.disputed[n] = f"{state} {funds}"
            self.house.tell(dispute(n, self.disputes_minor[n], state, funds, currency=self.captured[n].currency))

    def credit(self) -> None:
        movement, minor = f"main/m{self.next()}", self.draw(1, 2 * TOTAL)
        to = Subject("collection", f"DE/db/{self.draw(1, 2)}")
        self.house.bank_books(movement, money(minor))
        body = CollectionCredited(
            subject=to.id, movement=movement, amount=money(minor), booked_on=DAY, statement_line=str(self.count)
        )
        self.house.tell(fact(body))
        self.house.bank_told(movement)
        self.credits[movement] = (to, minor)

    def give_back(self) -> None:
        if self.credits:
            original = sorted(self.credits)[self.draw(0, len(self.credits) - 1)]
            to, minor = self.credits.pop(original)
            movement = f"main/m{self.next()}"
            self.house.bank_books(movement, money(-minor))
            body = CollectionReturned(
                subject=to.id, movement=movement, original_movement=original, amount=money(minor), booked_on=DAY
            )
            self.house.tell(fact(body))
            self.house.bank_told(movement)

    def answer(self) -> None:
        pending = [w.step for key, (_, w) in self.house.commands.items() if key not in self.house.settled]
        if pending:
            ends = (
                done(payment=self.next(), move=self.count, notes={"company_amount": "7.00"}),
                failed(FailureKind.CONFLICT, "no"),
                handed_over("nobody knows"),
            )
            step = pending[self.draw(0, len(pending) - 1)]
            self.house.answer(step, ends[self.draw(0, 2) if self.draw(0, 3) == 0 else 0])

    def snapshot(self) -> None:
        self.order += 1
        self.house.tell(invoice(self.draw(1, 2), self.draw(0, TOTAL), order=self.order))

    def withdraw(self) -> None:
        if self.draw(0, 3) == 0:
            self.order += 1
            self.house.tell(withdrawn(1, self.order))

    def match(self) -> None:
        spare = [
            subject
            for subject, instance in sorted(self.house.instances.items())
            if isinstance(instance.data, CollectionState) and instance.data.spare
        ]
        if spare:
            subject = spare[self.draw(0, len(spare) - 1)]
            target = f"DE/db/{self.draw(1, 2)}"
            if target == subject.id:
                self.house.confirm(subject, target, "refund")
            else:
                self.house.confirm(subject, target)

    def deadline(self) -> None:
        due = [s for s, i in sorted(self.house.instances.items()) if i.deadline_revision]
        if due:
            self.house.fall_due(due[self.draw(0, len(due) - 1)])

    def adopt(self) -> None:
        if n := self.some(self.captured):
            self.order += 1
            body = PaymentRegistered(
                connection="odoo", database="db", payment_id=900 + n, paid_on=DAY, journal=11, move_ids=(),
                amount=money(self.draw(1, self.captured[n].minor), self.captured[n].currency), state="paid",
                provider_reference=f"pi_{n}", changed_at=str(self.order),
            )  # fmt: skip
            self.house.tell(fact(body, order=f"{self.order:06}"))

    def credit_note(self) -> None:
        self.order += 1
        move = 100 + self.next()
        self.notes[move] = self.draw(1, 2)
        self.posts(move)

    def note_changes(self) -> None:
        """A credit note is a draft again, or is posted anew with another amount."""
        if self.notes:
            self.order += 1
            move = sorted(self.notes)[self.draw(0, len(self.notes) - 1)]
            if self.draw(0, 1):
                self.house.tell(withdrawn(move, self.order))
            else:
                self.posts(move)

    def posts(self, move: int) -> None:
        total, of = money(self.draw(1, TOTAL)), self.notes[move]
        self.house.tell(invoice(move, 0, order=self.order, kind="credit_note", total=total, reverses_move=of))

    def left(self, n: int) -> int:
        return self.captured[n].minor - self.taken[n] if n else 0

    def some(self, of: dict[int, Money]) -> int:
        return sorted(of)[self.draw(0, len(of) - 1)] if of else 0
