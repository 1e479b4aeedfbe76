"""A process of six steps, each a command with a trivial effect and a reply; and the partner that serves them.

It is data for the kit as every process is: a machine with a deadline for each waiting state, checked when imported. It
stands on fact and intent types of the real vocabulary, whose meaning it doesn't use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import orjson

from nostro.connectors.kit.manifest import Absence, Access, Connector, Manifest, Once, Operation, Order, Wire
from nostro.governance.answers import PostingRule, Service
from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.base import Value
from nostro.model.calls import Act, Exchange, HttpReply, HttpRequest, Message
from nostro.model.entities import LegalEntity
from nostro.model.facts import Fact, PayoutReported
from nostro.model.failures import FailureKind
from nostro.model.intents import AnnotatePayment
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, done, failed
from nostro.model.references import Reference
from nostro.processes.kit.decision import Decision, Instance, Rules, State, Wanted
from nostro.processes.kit.following import but
from nostro.processes.kit.machine import NEW, Effect, Machine, Terminal, Waiting, edges_of
from nostro.processes.kit.process import Begin, Process, Version

STEPS = 6
FACTS_AN_INSTANCE = STEPS + 1
PARTNER = "partner"
ENTITY = "DE"
URL = "http://partner.bench"
WAITING = [f"step{n}" for n in range(1, STEPS + 1)]
TEN = Money.of("10", "EUR")
DAY = date(2026, 9, 2)


class Chain(State):
    """How many steps are done."""

    done: int = 0


def _evolve(state: State, fact: Fact) -> State:
    assert isinstance(state, Chain)
    return but(state, done=state.done + 1) if fact.type == "command.settled" else state


def _decide(before: Instance, state: State, fact: Fact, _: Rules) -> Decision:
    assert isinstance(state, Chain)
    if fact.type == "deadline.fell_due":
        return Decision(before.state, rule="late")
    if state.done == STEPS:
        return Decision("over", rule="the last reply is there")
    step, subject = state.done + 1, before.subject.id
    intent = AnnotatePayment(entity=ENTITY, connection=PARTNER, payment_id=subject, invoice_number=f"STEP/{step}")
    return Decision(f"step{step}", rule="the next step", intents=(Wanted(f"annotate-{step}", intent),))


MACHINE = Machine(
    process="payout",
    version=1,
    states={name: Waiting("reply", timedelta(hours=1), "a reply comes") for name in WAITING}
    | {"over": Terminal("all steps are done")},
    edges=edges_of(
        [
            ([NEW], ["payout.reported"], ["step1"]),
            *(([f"step{n}"], ["command.settled"], [f"step{n + 1}"]) for n in range(1, STEPS)),
            ([f"step{STEPS}"], ["command.settled"], ["over"]),
            (WAITING, ["deadline.fell_due"], []),
        ]
    ),
    effects={"annotate": Effect("annotate_payment", "none: an annotation moves no money")},
)


def _named(fact: Fact) -> list[Reference]:
    return [Reference.to("psp", fact.body.payout_id)] if isinstance(fact.body, PayoutReported) else []


def _begins(fact: Fact) -> Begin | None:
    return Begin(fact.body.payout_id, tuple(_named(fact))) if isinstance(fact.body, PayoutReported) else None


PROCESS = Process(
    name="payout",
    versions=(Version(MACHINE, Chain(), _evolve, _decide),),
    begins=_begins,
    correlates=_named,
    registers=_named,
    orphaned=lambda _: None,
)


@dataclass(frozen=True)
class OneRule:
    """Rules under which every effect leaves for the one partner."""

    bundle: str = "00" * 32

    def entity(self, entity: str) -> LegalEntity:
        """No entity is known."""
        raise KeyError(entity)

    def posting(self, entity: str, method: str, state: str) -> PostingRule:
        """Nothing posts."""
        return PostingRule(f"{entity}/{method}/{state}", posts=False, account="none")

    def serves(self, entity: str, operation: str) -> Service:
        """The partner does everything."""
        return Service(PARTNER, f"{entity}/{operation}")

    def mode(self, connection: str, operation: str, entity: str = "") -> Literal["observe", "act"]:
        """It acts."""
        return "act" if connection and operation and entity is not None else "observe"

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


def beginning(number: str, at: datetime) -> Fact:
    """The fact that begins an instance."""
    body = PayoutReported(
        connection="psp", payout_id=number, amount=TEN, arrives_on=DAY, state="paid", statement_descriptor=""
    )
    return Fact(body=body, entity=ENTITY, origin="psp", actor="psp", occurred_at=at, received_at=at)


class Nothing(Value):
    """A partner has nothing to configure."""


def _exchange(orders: Sequence[Order], _: Any) -> Exchange[Sequence[Outcome]]:  # noqa: ANN401 - the manifest's
    """One call with all orders; the partner knows our keys, so an ambiguous one is asked again."""
    act = Act(Message("/effects", {"keys": [order.correlation for order in orders]}), orders[0].correlation)
    reply = yield act
    while reply.ambiguous:
        reply = yield act
    if not reply.ok:
        return [failed(reply.failure or FailureKind.INVALID, reply.sentence) for _ in orders]
    return [done(effect=number) for number in reply.content]


def _render(message: Message, key: str, _: Any, access: Access) -> HttpRequest:  # noqa: ANN401 - the manifest's
    return HttpRequest("POST", access.url + message.target, {"key": key}, orjson.dumps(dict(message.body)))


def _understand(_: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
    kind = None if reply.status == 200 else FailureKind.AMBIGUOUS
    return orjson.loads(reply.body), kind, ""


def connector(batch: int) -> Connector:
    """The partner's connector; `batch` orders travel in one call."""
    operation = Operation(
        "annotate_payment",
        _exchange,
        Once.THEIR_KEY,
        Absence(0),
        batch=batch,
        key_lifetime=timedelta(hours=24),
        deadline_seconds=30,
    )
    manifest = Manifest(
        name=PARTNER,
        title="Partner",
        config=Nothing,
        operations={operation.name: operation},
        calls_per_second=1_000_000.0,
        concurrency=32,
    )
    return Connector(manifest, lambda _: iter(()), Wire(_render, _understand))


@dataclass
class Partner:
    """A transport that ends in memory: books by key, as another system keeps them."""

    books: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """Does each effect that it hasn't done yet, and tells the numbers of all."""
        assert timeout_seconds > 0
        self.calls += 1
        return HttpReply(200, {}, served(self.books, orjson.loads(request.body)))


def served(books: dict[str, str], told: Mapping[str, Sequence[str]]) -> bytes:
    """What the partner answers."""
    return orjson.dumps([books.setdefault(key, str(len(books))) for key in told["keys"]])
