"""A house without database for bank movements: reports find theirs as routing does it, look-ups are answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from nostro.ledger import Holding, Proof, fold, prove
from nostro.model.entities import HouseBankAccount, LegalEntity
from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    CommandReleased,
    CommandSettled,
    DeadlineFellDue,
    EntryReported,
    Fact,
    FactBody,
    LookupAnswered,
    MatchConfirmed,
    MoneyUnapplied,
    PayoutCredited,
)
from nostro.model.facts.house import Target
from nostro.model.ids import Subject
from nostro.model.money import Amount, Money
from nostro.model.outcomes import Outcome, done
from nostro.model.references import Reference
from nostro.model.statements import Direction, ReportKind
from nostro.processes.bank_movement import PROCESS
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.kit.decision import CaseOpening, Instance, Lookup, Posting, Wanted
from nostro.processes.kit.process import Transition, take_in
from tests.stories import NOON, SmallRules, entity, eur, fact

MONDAY = date(2026, 8, 31)


def banking_entity() -> LegalEntity:
    """The entity of the stories, with a bank account whose statements are expected."""
    account = HouseBankAccount(
        id="main", identification="DE89370400440532013000", currency="EUR", connection="bank", odoo_journal=7
    )
    plain = entity()
    provider = plain.provider_accounts[0].model_copy(update={"statement_descriptor": "STRIPE"})
    return plain.model_copy(update={"bank_accounts": (account,), "provider_accounts": (provider,)})


def report(  # noqa: PLR0913 - an entry has this many sides, and all are named
    kind: ReportKind = "statement",
    document: str = "S1",
    *,
    amount: Money | None = None,
    direction: Direction = "credit",
    booked: bool = True,
    day: date | None = MONDAY,
    ordinal: int = 0,
    twin: int = 0,
    rank: int | None = None,
    place: str = "",
    text: str = "",
    payer: str = "",
    **more: object,
) -> EntryReported:
    """One entry of a document, as the reader tells it."""
    money = eur("100.00") if amount is None else amount
    marks = (kind, document, money, direction, day, text, payer, twin, *sorted(more.items()))
    return EntryReported.model_validate(
        {
            "account": "main",
            "kind": kind,
            "statement_id": document,
            "amount": money,
            "direction": direction,
            "booked": booked,
            "booking_date": day if booked else None,
            "value_date": day,
            "fingerprint": str(marks),
            "ordinal": ordinal,
            "twin": twin,
            "rank": twin if rank is None else rank,
            "place": Amount.model_validate({"value": place, "currency": "EUR"}) if place else None,
            "remittance": text or None,
            "counterparty_iban": payer or None,
            **more,
        }
    )


@dataclass
class Bank:
    """Facts go in one by one. Every emitted fact of the process comes back in; the others are kept in `emitted`."""

    rules: SmallRules = field(default_factory=lambda: SmallRules(of=banking_entity()))
    instances: dict[Subject, Instance] = field(default_factory=dict)
    references: dict[Reference, list[Subject]] = field(default_factory=dict)
    known: dict[Reference, Sequence[Target]] = field(default_factory=dict)
    """What references lead to outside of the process."""
    told: set[str] = field(default_factory=set)
    receipts: dict[bytes, int] = field(default_factory=dict)
    log: list[tuple[Subject, Fact, Transition]] = field(default_factory=list)
    lookups: list[tuple[Subject, Lookup]] = field(default_factory=list)
    """Whatever was asked and not answered, oldest first: one that is asked anew leaves the older ones parked."""
    commands: dict[str, tuple[Subject, Wanted]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    cases: dict[tuple[Subject, str], CaseOpening] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    emitted: list[FactBody] = field(default_factory=list)

    def tell(self, *bodies: FactBody, receipt: bytes | None = None) -> None:
        """Each fact finds its movement, as routing does it; one that was told before changes nothing.

        `receipt`: what they were read from, if that matters. A later receipt is of a later hour.
        """
        if receipt is not None:
            self.receipts.setdefault(receipt, len(self.receipts))
        for body in bodies:
            told = replace(fact(body), receipt=receipt)
            if receipt is not None:
                told = replace(told, occurred_at=NOON + timedelta(hours=self.receipts[receipt]))
            if told.key in self.told:
                continue
            self.told.add(told.key)
            begin = PROCESS.begins(told)
            assert begin is not None
            hit = next((self.references[r][0] for r in begin.identity if self.references.get(r)), None)
            subject = hit or Subject(PROCESS.name, begin.subject)
            claims = [r for r in begin.identity if not self.references.get(r)]
            for reference in claims:
                self.references[reference] = [subject]
            self.take(subject, told, claims)

    def take(self, subject: Subject, told: Fact, claims: Iterable[Reference] = ()) -> Transition:
        """A fact into a movement, and all that follows from it."""
        instance = self.instances.get(subject) or PROCESS.new(subject.id, told.entity)
        transition = take_in(PROCESS, instance, told, self.rules, told.occurred_at)
        assert transition == take_in(PROCESS, replace(instance, calls=None), told, self.rules, told.occurred_at)
        self.instances[subject] = transition.after
        self.log.append((subject, told, transition))
        if transition.decision.disowns:
            for reference in claims:
                del self.references[reference]
        else:
            self._register(subject, PROCESS.registers(told))
        self._follow(subject, transition, told.receipt)
        return transition

    def wait(self) -> None:
        """The time of every look-up is over."""
        while self.lookups:
            self.expire()

    def expire(self, which: int = 0) -> None:
        """The time of one look-up is over."""
        subject, _ = self.lookups.pop(which)
        self.take(subject, fact(LookupAnswered(lookup=f"{subject}/{len(self.log)}")))

    def learn(self, known: tuple[Reference, Sequence[Target]]) -> None:
        """A reference leads somewhere from now on, also for who has asked before."""
        self.known.update([known])
        self._answer_parked()

    def asked(self) -> Lookup:
        """What was asked last."""
        return self.lookups[-1][1]

    def answer(self, outcome: Outcome | None = None) -> None:
        """Every open command ends; done, if nothing else is said."""
        for key, (subject, wanted) in list(self.commands.items()):
            if key not in self.settled:
                self.settled.add(key)
                end = outcome or done(statement_line=1000 + len(self.settled))
                body = CommandSettled(
                    key=key, step=wanted.step, occurrence=wanted.occurrence, generation=wanted.generation,
                    operation=wanted.intent.operation, connection="odoo", outcome=end,
                )  # fmt: skip
                self.take(subject, fact(body))

    def confirm(self, subject: Subject, process: str, target: str) -> Transition:
        """A person says what a movement is, or whose."""
        to = Target(process=process, subject=target, kind="", value="")
        return self.take(subject, fact(MatchConfirmed(act=f"act-{len(self.log)}", target=to)))

    def release(self, subject: Subject) -> Transition:
        """A person asks for another try of the booking."""
        key = next(key for key, (s, _) in self.commands.items() if s == subject)
        return self.take(subject, fact(CommandReleased(act=f"act-{len(self.log)}", key=key, verdict="release")))

    def fall_due(self, subject: Subject) -> Transition:
        """The deadline of the movement's waiting state passes."""
        instance = self.instances[subject]
        name = next(t.deadline for s, _, t in reversed(self.log) if s == subject and t.deadline)
        due = DeadlineFellDue(
            name=name, subject=str(subject), due_at=NOON.isoformat(), revision=instance.deadline_revision
        )
        return self.take(subject, fact(due))

    def movements(self) -> list[MovementState]:
        """What every movement that counts knows of itself."""
        states = [instance.data for instance in self.instances.values()]
        return [data for data in states if isinstance(data, MovementState) and data.counts]

    def only(self) -> Subject:
        """The one movement that there is."""
        (subject,) = self.instances
        return subject

    def balance(self) -> int:
        """The bank account in the transit ledger, in minor units."""
        return fold(self.postings).get(("bank/DE/main", "EUR"), 0)

    def proof(self) -> Proof:
        """The transit ledger against what every movement holds, as if others took over what they were told."""
        held = [h for i in self.instances.values() for h in PROCESS.holds(i, self.rules)]
        others = [
            Holding("another", "suspense/DE", body.amount if isinstance(body, CollectionReturned) else -body.amount)
            for body in self.emitted
            if isinstance(body, CollectionCredited | CollectionReturned | MoneyUnapplied | PayoutCredited)
        ]
        return prove(fold(self.postings), [*held, *others])

    def story(self) -> list[str]:
        """What happened, line by line: for a person whose test has failed."""
        return [_line(subject, told, transition) for subject, told, transition in self.log]

    def open_cases(self) -> set[str]:
        """The reasons of all open cases."""
        return {reason for _, reason in self.cases}

    def _register(self, subject: Subject, references: Iterable[Reference]) -> None:
        for reference in references:
            holders = self.references.setdefault(reference, [])
            if subject not in holders:
                holders.append(subject)
                holders.sort()  # the database gives them by name, not by age
        self._answer_parked()

    def _answer_parked(self) -> None:
        for parked in list(self.lookups):
            if parked in self.lookups:
                self._answer(parked)

    def _answer(self, parked: tuple[Subject, Lookup]) -> None:
        subject, lookup = parked
        for reference in lookup.references:
            mine = [
                Target(process=s.process, subject=s.id, kind=reference.kind, value=reference.value)
                for s in self.references.get(reference, ())
            ]
            targets = (*mine, *self.known.get(reference, ()))
            if targets:
                self.lookups.remove(parked)
                body = LookupAnswered(lookup=f"{subject}/{len(self.log)}", targets=targets)
                self.take(subject, fact(body))
                return

    def _follow(self, subject: Subject, transition: Transition, receipt: bytes | None) -> None:
        decision = transition.decision
        for wanted in decision.intents:
            key = wanted.key(subject).text
            assert key not in self.commands, f"{key} was asked for twice"
            self.commands[key] = (subject, wanted)
        for reason in decision.closes:
            self.cases.pop((subject, reason), None)
        for case in decision.opens:
            self.cases[subject, case.reason] = case
        self.postings += decision.postings
        if decision.lookup is not None:
            self.lookups.append((subject, decision.lookup))
            self._answer(self.lookups[-1])
        for body in decision.emits:
            if body.owner == PROCESS.name:
                self.tell(body, receipt=receipt)
            else:
                self.emitted.append(body)


def _line(subject: Subject, told: Fact, transition: Transition) -> str:
    body, passed = told.body, " (passed on)" if transition.decision.disowns else ""
    what = f"{body.kind} {body.statement_id}/{body.twin}~{body.probe}" if isinstance(body, EntryReported) else told.type
    return f"{subject.id[-4:]} {transition.before.state} -> {transition.after.state}: {what}{passed}"


def knows(kind: str, value: str, process: str, subject: str, scope: str = "DE") -> tuple[Reference, Sequence[Target]]:
    """A reference that leads to another process's subject."""
    reference = Reference.to(kind, value, scope)
    return reference, (Target(process=process, subject=subject, kind=reference.kind, value=reference.value),)


__all__ = ["MONDAY", "NOON", "Bank", "banking_entity", "eur", "fact", "knows", "replace", "report"]
