"""A small process on real fact types, and a house of engine steps around it, for tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from nostro.engine.deadlines import Deadlines
from nostro.engine.decide import Decider
from nostro.engine.parked import Rejoin
from nostro.engine.tenure import Tenure
from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.canonical import digest
from nostro.model.clock import Now
from nostro.model.entities import LegalEntity
from nostro.model.facts import (
    BundleActivated,
    Fact,
    FactBody,
    PayoutLineReported,
    PayoutReported,
)
from nostro.model.ids import SHARDS, Subject
from nostro.model.intents import AnnotatePayment
from nostro.model.money import Money
from nostro.model.references import Reference
from nostro.processes.kit.decision import (
    CaseOpening,
    Decision,
    Instance,
    Lookup,
    Posting,
    PostingRule,
    Rules,
    Service,
    State,
    Wanted,
)
from nostro.processes.kit.following import but
from nostro.processes.kit.machine import NEW, Effect, Machine, Terminal, Waiting
from nostro.processes.kit.process import Begin, Process, Version
from nostro.routing.route import Routable, Routed, route
from nostro.store.blobs import seal_all
from nostro.store.database import Database
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys

START = datetime(2026, 8, 31, 6, tzinfo=UTC)
FACTS = ("payout.reported", "payout.line_reported", "deadline.fell_due", "command.settled", "lookup.answered")


class Tally(State):
    """What the synthetic process counts."""

    reports: int = 0
    lines: int = 0
    total: Money = Money.zero("EUR")


def _evolve(state: State, fact: Fact) -> State:
    assert isinstance(state, Tally)
    if isinstance(fact.body, PayoutLineReported):
        return but(state, lines=state.lines + 1, total=state.total + fact.body.net)
    return but(state, reports=state.reports + 1)


def _decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
    body = fact.body
    if isinstance(body, PayoutReported) and body.statement_descriptor == "throw":
        raise RuntimeError(body.payout_id)
    if fact.type == "deadline.fell_due":
        return Decision("over", rule="late", opens=(CaseOpening("payout_late", "It took too long."),))
    if isinstance(body, PayoutLineReported):
        wanted = Wanted(
            f"annotate-{body.line_id}",
            AnnotatePayment(entity="DE", connection="psp", payment_id=body.charge_id, invoice_number="INV/1"),
        )
        moved = Posting("suspense/DE", "psp/DE/psp", body.net)
        lookup = Lookup((Reference.to("psp", body.source_id),), 60, ("payout",)) if body.source_id else None
        return Decision("counting", rule="line", intents=(wanted,), postings=(moved,), lookup=lookup)
    return Decision("counting", rule="reported")


EDGES = {(at, fact): frozenset({"counting", "over"}) for at in (NEW, "counting", "over") for fact in FACTS}
MACHINE = Machine(
    process="payout",
    version=1,
    states={
        "counting": Waiting("count", timedelta(hours=1), "lines come in"),
        "over": Terminal("nothing comes any more"),
    },
    edges=EDGES,
    effects={"annotate": Effect("annotate_payment", "none: an annotation moves no money")},
    case_reasons=frozenset({"payout_late"}),
)


def _begins(fact: Fact) -> Begin | None:
    return Begin(fact.body.payout_id) if isinstance(fact.body, PayoutReported) else None


def _psp(fact: Fact) -> list[Reference]:
    ids = [getattr(fact.body, name, "") for name in ("payout_id",)]
    return [Reference.to("psp", name) for name in ids if name]


PROCESS = Process(
    name="payout",
    versions=(Version(MACHINE, Tally(), _evolve, _decide),),
    begins=_begins,
    correlates=_psp,
    registers=_psp,
    orphaned=lambda _: Begin("nobody's"),
    park_seconds=60,
)


@dataclass(frozen=True)
class StillRules:
    """Rules that never change."""

    bundle: str = "00" * 32
    allowed: Literal["observe", "propose", "act"] = "act"

    def entity(self, entity: str) -> LegalEntity:
        """No entity is known."""
        raise KeyError(entity)

    def posting(self, entity: str, method: str, state: str) -> PostingRule:
        """Nothing posts."""
        return PostingRule(f"{entity}/{method}/{state}", posts=False, account="none")

    def serves(self, entity: str, operation: str) -> Service:
        """Everything is done by `odoo`."""
        return Service(f"odoo-{entity}", operation)

    def mode(self, connection: str, operation: str, entity: str = "") -> Literal["observe", "propose", "act"]:
        """One mode for all."""
        return self.allowed if connection and operation else "observe"

    def limit(self, name: str, entity: str, otherwise: int) -> int:
        """The default."""
        return otherwise + 0 * len(name + entity)

    def day(self, entity: str, at: datetime) -> date:
        """Every clock shows UTC."""
        del entity
        return at.date()

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        """Every day is a business day, and every zone is UTC."""
        on = day + timedelta(days=later)
        return CutOff(rule=rule, day=on, at=datetime.combine(on, rule.by, UTC))


def payout(payout_id: str, *, state: Literal["pending", "paid"] = "paid", descriptor: str = "") -> PayoutReported:
    """A payout of 10 EUR."""
    return PayoutReported(
        connection="psp",
        payout_id=payout_id,
        amount=Money.of("10", "EUR"),
        arrives_on=date(2026, 9, 2),
        state=state,
        statement_descriptor=descriptor,
    )


def line(payout_id: str, line_id: str, net: str = "1", *, source: str = "") -> PayoutLineReported:
    """A line of a payout."""
    money = Money.of(net, "EUR")
    return PayoutLineReported(
        connection="psp",
        line_id=line_id,
        payout_id=payout_id,
        kind="charge",
        vendor_kind="charge",
        source_id=source,
        charge_id=f"ch_{line_id}",
        gross=money,
        fee=Money.zero("EUR"),
        net=money,
    )


def as_fact(body: FactBody, at: datetime = START) -> Fact:
    """A fact that the payment provider told."""
    return Fact(body=body, entity="DE", origin="psp", actor="psp", occurred_at=at, received_at=at)


@dataclass
class House:
    """One worker's engine steps on a database."""

    database: Database
    worker: str = "worker-1"
    rules: StillRules = field(default_factory=StillRules)
    now: Now = field(default_factory=lambda: Now(START, START))

    def __post_init__(self) -> None:
        """Wire the steps."""
        self.entropy = SeededEntropy(7)
        self.keys = Keys({1: b"k" * 32}, self.entropy)
        self.processes = {"payout": PROCESS}
        self.tenure = Tenure(self.database, self.worker, {"payout": 1})
        self.decider = Decider(self.database, self.keys, self.processes, self.tenure, lambda _: self.rules)
        self.rejoin = Rejoin(self.database, self.keys, self.processes)
        self.deadlines = Deadlines(self.database, self.tenure)

    async def begin(self) -> None:
        """Install, and let the bundle come into force."""
        await self.install()
        await self.settle()

    async def install(self) -> None:
        """Install, take the shards, and have an empty bundle activated on each."""
        await install(self.database, self.keys, "test", self.entropy, self.now.business)
        content = b"{}"
        bundle = digest({})
        async with self.database.transaction() as tx:
            await tx.execute(
                "insert into bundle values (%s, %s, %s, 'test', 1) on conflict do nothing", (bundle, content, START)
            )
        await self.tenure.step(self.now)
        activations = [BundleActivated(bundle=bundle.hex(), shard=n, sequence=1) for n in range(SHARDS)]
        await self.tell([as_fact(body) for body in activations], [Subject("house", f"{n}") for n in range(SHARDS)])

    def later(self, **by: float) -> None:
        """Let both clocks go on."""
        step = timedelta(**by)
        self.now = Now(self.now.business + step, self.now.machine + step)

    async def tell(self, facts: Sequence[Fact], to: Sequence[Subject] | None = None) -> Routed:
        """Route facts as a reading does."""
        blobs = await seal_all(self.database, self.keys, facts, self.now.business)
        batch = [
            Routable(fact, blob, to[n] if to else None) for n, (fact, blob) in enumerate(zip(facts, blobs, strict=True))
        ]
        async with self.database.transaction() as tx:
            return await route(tx, self.keys, self.processes, batch, self.now.business)

    async def settle(self) -> int:
        """Step until nothing is left to do at this instant."""
        total = 0
        while True:
            done = await self.rejoin.step(self.now) + await self.deadlines.step(self.now)
            done += await self.decider.step(self.now)
            total += done
            if not done:
                return total

    async def all(self, query: str) -> list[tuple[object, ...]]:
        """Rows of a query, for looking."""
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await (await tx.execute(query.encode())).fetchall()]
