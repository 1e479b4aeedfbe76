"""A house without database: processes taking facts in, references leading the way, commands answered on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from nostro.ledger import Holding, Proof, accounts, fold, prove
from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.entities import LegalEntity, ProviderAccount
from nostro.model.facts import (
    CommandReleased,
    CommandSettled,
    DeadlineFellDue,
    Fact,
    FactBody,
    LookupAnswered,
    MatchConfirmed,
)
from nostro.model.facts.house import Target
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, done, failed
from nostro.model.references import Reference
from nostro.processes import collection, payout
from nostro.processes.collection.v1 import decide as collection_decide
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import CaseOpening, Instance, Lookup, Posting, PostingRule, Service, Wanted
from nostro.processes.kit.process import PASSED, STALE, UNEXPECTED, Process, Transition, take_in
from nostro.processes.payout.v1 import books
from nostro.processes.payout.v1 import decide as payout_decide
from nostro.processes.payout.v1.state import PayoutState
from nostro.processes.payout.v4.decide import standing
from nostro.processes.payout.v4.state import PayoutStateV4

PSP = "psp-de"
DAY = date(2026, 8, 31)
NOON = datetime(2026, 8, 31, 12, tzinfo=UTC)


def eur(value: str) -> Money:
    return Money.of(value, "EUR")


def usd(value: str) -> Money:
    return Money.of(value, "USD")


def entity(*, odoo_provider: bool = False) -> LegalEntity:
    at_psp = ProviderAccount(
        connection=PSP, currency="EUR", journal=11, clearing_account=1201, fee_account=6301, fx_account=6401,
        reserve_account=1301, dispute_account=1401, fee_journal=12, odoo_provider=odoo_provider,
    )  # fmt: skip
    return LegalEntity(
        id="DE", country="DE", currency="EUR", zone="Europe/Berlin", calendar="TARGET", odoo_connection="odoo",
        odoo_company=1, provider_accounts=(at_psp,),
    )  # fmt: skip


@dataclass(frozen=True)
class SmallRules:
    """Rules by hand: cards post at capture, transfers when booked, whatever `denied` names does not."""

    of: LegalEntity = field(default_factory=entity)
    denied: frozenset[tuple[str, str]] = frozenset()
    limits: dict[str, int] = field(default_factory=dict)
    in_mode: Literal["observe", "propose", "act"] = "act"
    bundle: str = "00"

    def entity(self, entity: str) -> LegalEntity:
        assert entity == self.of.id
        return self.of

    def posting(self, entity: str, method: str, state: str) -> PostingRule:
        del entity
        known = {("card", "captured"), ("transfer", "booked"), ("sepa_debit", "paid_out")} - self.denied
        if (method, state) in known:
            return PostingRule(f"{method} at {state}", posts=True, account="clearing")
        return PostingRule("no row", posts=False, account="none")

    def serves(self, entity: str, operation: str) -> Service:
        del entity
        return Service("odoo", operation)

    def mode(self, connection: str, operation: str, entity: str = "") -> Literal["observe", "propose", "act"]:
        del connection, operation, entity
        return self.in_mode

    def limit(self, name: str, entity: str, otherwise: int) -> int:
        del entity
        return self.limits.get(name, otherwise)

    def day(self, entity: str, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.entity(entity).zone)).date()

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        on = day + timedelta(days=later)
        return CutOff(rule=rule, day=on, at=datetime.combine(on, rule.by, UTC))


def fact(body: FactBody, *, order: str = "", at: datetime = NOON) -> Fact:
    return Fact(body=body, entity="DE", origin="test", actor="test", occurred_at=at, received_at=at, sender_order=order)


@dataclass
class House:
    """Facts go in one by one; what processes emit is taken in at once, what leads nowhere waits until it does."""

    rules: SmallRules = field(default_factory=SmallRules)
    processes: Sequence[Process] = (collection.PROCESS, payout.PROCESS)
    instances: dict[Subject, Instance] = field(default_factory=dict)
    references: dict[tuple[str, Reference], list[Subject]] = field(default_factory=dict)
    waiting: list[Fact] = field(default_factory=list)
    log: list[tuple[Subject, Fact, Transition]] = field(default_factory=list)
    commands: dict[str, tuple[Subject, Wanted]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    cases: dict[tuple[Subject, str], CaseOpening] = field(default_factory=dict)
    opened: list[CaseOpening] = field(default_factory=list)
    """All that was opened, changed cases included."""
    postings: list[Posting] = field(default_factory=list)
    bank_holds: list[Holding] = field(default_factory=list)
    asking: list[tuple[Subject, Lookup]] = field(default_factory=list)

    def tell(self, *facts: Fact) -> None:
        """Each fact finds its subject, or waits. What no process here owns is left out."""
        for told in (one for one in facts if any(p.name == one.body.owner for p in self.processes)):
            subject = self._subject(told)
            if subject is None:
                self.waiting.append(told)
            else:
                self.take(subject, told)

    def take(self, subject: Subject, told: Fact) -> Transition:
        """A fact into a subject, and all that follows from it."""
        process = next(p for p in self.processes if p.name == subject.process)
        instance = self.instances.get(subject) or process.new(subject.id, told.entity)
        transition = take_in(process, instance, told, self.rules, told.occurred_at)
        assert transition == take_in(process, replace(instance, calls=None), told, self.rules, told.occurred_at)
        self.instances[subject] = transition.after
        assert transition.after.state == self._standing(transition), f"{told.type} does not lead there"
        self.log.append((subject, told, transition))
        for reference in process.registers(told):
            known = self.references.setdefault((process.name, reference), [])
            known += [subject] if subject not in known else []
        self._follow(subject, told, transition)
        waiting, self.waiting = self.waiting, []
        self.tell(*waiting)
        self.look_up()
        return transition

    def look_up(self) -> None:
        """Look-ups are answered as soon as a reference leads anywhere, or at once where nothing is waited for."""
        asking, self.asking = self.asking, []
        for n, (subject, asked) in enumerate(asking):
            targets = next((found for reference in asked.references if (found := self._targets(reference))), ())
            if targets or not asked.wait_seconds:
                told = LookupAnswered(lookup=f"{subject}/{len(self.log)}", targets=targets)
                self.asking += asking[n + 1 :]
                self.take(subject, fact(told))
                return
            self.asking.append((subject, asked))

    def _targets(self, reference: Reference) -> tuple[Target, ...]:
        found = self.references.get(("collection", reference), [])
        named = {"kind": reference.kind, "value": reference.value}
        return tuple(Target(process=s.process, subject=s.id, **named) for s in found)

    def wait(self) -> None:
        """Fifteen minutes pass: what can begin something of its own does, the rest waits on."""
        self.orphan(only=[told for told in self.waiting if self._owner(told).orphaned(told)])

    def orphan(self, only: Sequence[Fact] | None = None) -> None:
        """The waiting time is over: what leads nowhere goes where its process says that orphans go."""
        gone = self.waiting if only is None else list(only)
        self.waiting = [told for told in self.waiting if told not in gone]
        for told in gone:
            process = self._owner(told)
            begin = process.orphaned(told)
            self.take(Subject(process.name, begin.subject if begin else f"orphan/{told.key}"), told)

    def answer(self, step: str, outcome: Outcome | None = None) -> None:
        """The command of this step ends; done, if nothing else is said."""
        for key, (subject, wanted) in list(self.commands.items()):
            if key not in self.settled and wanted.step == step:
                self.settled.add(key)
                self.take(subject, self._ended(key, wanted, outcome or self._done(wanted)))

    def answer_all(self) -> None:
        """Every open command is done, and those that follow too."""
        for _ in range(50):
            open_steps = [w.step for key, (_, w) in self.commands.items() if key not in self.settled]
            if not open_steps:
                return
            self.answer(open_steps[0])
        raise AssertionError(open_steps)

    def refuse(self, step: str, sentence: str = "refused") -> None:
        """The command of this step has provably failed."""
        self.answer(step, failed(FailureKind.REFUSED, sentence))

    def fall_due(self, subject: Subject) -> Transition:
        """The deadline of the subject's waiting state passes."""
        instance = self.instances[subject]
        name = next(t.deadline for s, _, t in reversed(self.log) if s == subject and t.deadline)
        body = DeadlineFellDue(
            name=name, subject=str(subject), due_at=NOON.isoformat(), revision=instance.deadline_revision
        )
        return self.take(subject, fact(body))

    def confirm(self, subject: Subject, target: str, kind: str = "invoice_number") -> Transition:
        """A person says where money that is over belongs."""
        to = Target(process="collection", subject=target, kind=kind, value="")
        act = f"act-{len(self.log)}"
        return self.take(subject, fact(MatchConfirmed(act=act, target=to)))

    def release(self, subject: Subject, step: str) -> Transition:
        """A person asks for another try of a step."""
        key = next(key for key, (s, w) in self.commands.items() if s == subject and w.step == step)
        return self.take(subject, fact(CommandReleased(act=f"act-{len(self.log)}", key=key, verdict="release")))

    def bank_books(self, movement: str, amount: Money) -> None:
        """A bank movement is booked: it rests on suspense until somebody takes it over."""
        bank, suspense = accounts.bank("DE", "main"), accounts.suspense("DE")
        debit, credit = (bank, suspense) if amount.minor >= 0 else (suspense, bank)
        self.postings.append(Posting(debit, credit, Money(minor=abs(amount.minor), currency=amount.currency)))
        self.bank_holds.append(Holding(movement, suspense, -amount))

    def bank_told(self, movement: str) -> None:
        """The movement's money was taken over by a collection or payout."""
        self.bank_holds = [holding for holding in self.bank_holds if holding.subject != movement]

    def proof(self) -> Proof:
        """The transit ledger against what every subject says that it holds."""
        held: list[Holding] = list(self.bank_holds)
        for subject, instance in self.instances.items():
            held += next(p for p in self.processes if p.name == subject.process).holds(instance, self.rules)
        return prove(fold(self.postings), held)

    def state(self, subject: Subject) -> str:
        return self.instances[subject].state

    def open_cases(self, subject: Subject) -> set[str]:
        return {reason for at, reason in self.cases if at == subject}

    def steps(self, prefix: str = "") -> list[str]:
        """The steps that were asked for, by prefix."""
        return [wanted.step for _, wanted in self.commands.values() if wanted.step.startswith(prefix)]

    def _standing(self, transition: Transition) -> str:
        """Where the state alone says that the subject stands: the table has to allow it."""
        after = transition.after
        if transition.decision.rule in (STALE, PASSED, UNEXPECTED):
            return transition.before.state
        entity = self.rules.entity(after.entity)
        calls = after.calls
        if isinstance(after.data, CollectionState) and calls is not None:
            scene = Scene(after.subject.id, entity, self.rules, after.data)
            return collection_decide.standing(scene, after.data.steps.pending(calls.wanted))
        if not isinstance(after.data, PayoutState):
            return after.state
        stands = standing if isinstance(after.data, PayoutStateV4) else payout_decide.standing
        return stands(after.data, asked=bool(after.data.steps.pending(books.wanted(after.data, entity))))

    def _owner(self, told: Fact) -> Process:
        return next(p for p in self.processes if p.name == told.body.owner)

    def _subject(self, told: Fact) -> Subject | None:
        process = self._owner(told)
        begin = process.begins(told)
        if begin is not None:
            return Subject(process.name, begin.subject)
        for reference in process.correlates(told):
            hits = self.references.get((process.name, reference), [])
            if hits:
                return hits[0] if len(hits) == 1 else None
        return None

    def _follow(self, subject: Subject, told: Fact, transition: Transition) -> None:
        decision = transition.decision
        for wanted in decision.intents:
            key = wanted.key(subject).text
            assert key not in self.commands, f"{key} was asked for twice"
            self.commands[key] = (subject, wanted)
        for reason in decision.closes:
            self.cases.pop((subject, reason), None)
        for case in decision.opens:
            self.opened.append(case)
            self.cases.setdefault((subject, case.reason), case)
        self.postings += decision.postings
        self.asking += [(subject, decision.lookup)] if decision.lookup else []
        self.tell(*(replace(told, body=body, sender_order="") for body in decision.emits))

    def _done(self, wanted: Wanted) -> Outcome:
        number = 1000 + len(self.settled)
        return done(payment=number, move=number, notes={"company_amount": "90.00"})

    def _ended(self, key: str, wanted: Wanted, outcome: Outcome) -> Fact:
        body = CommandSettled(
            key=key, step=wanted.step, occurrence=wanted.occurrence, generation=wanted.generation,
            operation=wanted.intent.operation, connection="odoo", outcome=outcome,
        )  # fmt: skip
        return fact(body)
