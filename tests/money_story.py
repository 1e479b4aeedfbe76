"""Some days of one company through the real engine and all processes, with rules that change twice on the way.

Everything is told by hand and in order, so that the log that comes out is the same each time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from nostro.engine.activation import activate
from nostro.engine.deadlines import Deadlines
from nostro.engine.decide import Decider
from nostro.engine.fitness import fitting_rules
from nostro.engine.parked import Rejoin
from nostro.engine.tenure import Tenure
from nostro.governance.bundle import Bundle, Connection, Interface
from nostro.governance.calendars import BankCalendar, Turn, Zone
from nostro.landscape import starting
from nostro.landscape.check import NEEDED
from nostro.model.clock import Now
from nostro.model.facts import (
    CaseClosed,
    CommandReleased,
    CommandSettled,
    Fact,
    FactBody,
    MatchConfirmed,
    ReceiptRead,
    RerunAsked,
)
from nostro.model.facts.house import RejectedItem, Target
from nostro.model.failures import FailureKind
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.outcomes import Outcome, done, failed
from nostro.processes.registry import by_name
from nostro.routing.route import Routable, route
from nostro.store.blobs import seal_all
from nostro.store.database import Database
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from tests.money_world import capture, dispute, invoice, line, payout_told, refund
from tests.movements import banking_entity, report
from tests.series import listed, statement
from tests.stories import PSP, eur, fact, usd

START = datetime(2026, 8, 31, 6, tzinfo=UTC)
POSTING = (Path(starting.__file__ or "").parent / "rules" / "posting.json").read_text(encoding="utf-8")
RECEIPT = "0f" * 16


def bundle(*, cards_post: bool = True, mode: str = "act", **limits: int) -> Bundle:
    """The rules of the company; without `cards_post` a card is booked when it was paid out, not when captured."""
    table = json.loads(POSTING)
    for node in table["nodes"]:
        if node["type"] == "decisionTableNode" and not cards_post:
            rows = node["content"]["rules"]
            node["content"]["rules"] = [row for row in rows if "card-at-capture" not in row["row"]]
    year = {"first": date(2026, 1, 1), "last": date(2027, 12, 31)}
    summer = Turn(at=datetime(2026, 3, 29, 1, tzinfo=UTC), ahead_seconds=7200)
    winter = Turn(at=datetime(2026, 10, 25, 1, tzinfo=UTC), ahead_seconds=3600)
    made = {"id": "odoo", "kind": "odoo", "settings": {"database": "db", "login": "nostro"}, "mode": mode}
    return Bundle(
        environment="test",
        entities=(banking_entity(),),
        connections=(
            Connection.model_validate(made),
            Connection(id=PSP, kind="stripe", mode="act"),
            Connection(id="bank", kind="bank_files", mode="act", settings={"folder": "inbox"}),
            Connection(id="people", kind="people", mode="act"),
        ),
        interfaces=(
            Interface(id="books", connection="odoo", operations=tuple(sorted(NEEDED)), mode="act"),
            Interface(id="cards", connection=PSP, operations=("annotate_payment", "refund_payment"), mode="act"),
        ),
        posting=json.dumps(table),
        limits={name: {"DE": value} for name, value in limits.items()},
        calendars=(BankCalendar(id="TARGET", closed=frozenset({date(2026, 12, 25)}), **year),),
        zones=(Zone(id="Europe/Berlin", ahead_seconds=3600, turns=(summer, winter), **year),),
    )


@dataclass
class Story:
    """One worker on a database, and everybody outside."""

    database: Database
    now: Now = field(default_factory=lambda: Now(START, START))
    answered: set[str] = field(default_factory=set)
    acts: int = 0

    def __post_init__(self) -> None:
        self.keys = Keys({1: b"k" * 32}, SeededEntropy(7))
        self.processes = dict(by_name())
        self.tenure = Tenure(self.database, "worker-1", {})
        self.decider = Decider(self.database, self.keys, self.processes, self.tenure, fitting_rules)
        self.rejoin = Rejoin(self.database, self.keys, self.processes)
        self.deadlines = Deadlines(self.database, self.tenure)

    async def begin(self, rules: Bundle) -> None:
        """An empty database and the first rules."""
        await install(self.database, self.keys, "test", SeededEntropy(8), self.now.business)
        await self.tenure.step(self.now)
        await self.publish(rules)

    async def publish(self, rules: Bundle) -> str:
        """Other rules come into force."""
        done = await activate(self.database, self.keys, rules.content, "controller", "the rules changed", self.now)
        await self.settle()
        return done.digest

    async def tell(self, *facts: Fact | FactBody, to: str = "") -> None:
        """Facts come in at this instant; `to`: the subject, for those that no process owns."""
        told = [self._at(one if isinstance(one, Fact) else fact(one)) for one in facts]
        blobs = await seal_all(self.database, self.keys, told, self.now.business)
        subject = Subject(*to.split("/", 1)) if to else None
        batch = [Routable(one, blob, subject) for one, blob in zip(told, blobs, strict=True)]
        async with self.database.transaction() as tx:
            await route(tx, self.keys, self.processes, batch, self.now.business)
        await self.settle()

    async def answer(self, refused: str = "") -> None:
        """Every command that left is done; those of the operation `refused` are refused."""
        while rows := await self._open():
            for row in rows:
                self.answered.add(row.key_text)
                key = IdempotencyKey.parse(row.key_text)
                refusal = failed(FailureKind.REFUSED, "the period is locked")
                outcome = refusal if row.operation == refused else self._done(row.key_text)
                body = CommandSettled(
                    key=row.key_text, step=key.step, occurrence=key.occurrence, generation=key.generation,
                    operation=row.operation, connection=row.connection, outcome=outcome,
                )  # fmt: skip
                await self.tell(body, to=f"{row.process}/{row.subject}")

    async def person(self, act: type[FactBody], to: str, **fields: Any) -> None:  # noqa: ANN401 - any field of the act
        """Somebody decides."""
        self.acts += 1
        await self.tell(act.model_validate({"act": f"act-{self.acts}", **fields}), to=to)

    async def later(self, **by: float) -> None:
        """Time goes on, and what has fallen due is decided."""
        step = timedelta(**by)
        self.now = Now(self.now.business + step, self.now.machine + step)
        await self.tenure.step(self.now)
        await self.settle()

    async def settle(self) -> None:
        """Until nothing is left to do at this instant."""
        while (
            await self.rejoin.step(self.now) + await self.deadlines.step(self.now) + await self.decider.step(self.now)
        ):
            pass

    async def all(self, query: str) -> Sequence[Any]:
        """Rows of a query, for looking."""
        async with self.database.transaction() as tx:
            return await (await tx.execute(query.encode())).fetchall()

    def _at(self, one: Fact) -> Fact:
        return replace(one, occurred_at=self.now.business, received_at=self.now.business)

    async def _open(self) -> list[Any]:
        rows = await self.all("select * from command_open where status = 'ready' order by since, key_text")
        return [row for row in rows if row.key_text not in self.answered]

    def _done(self, key: str) -> Outcome:
        number = 1000 + len(self.answered)
        return done(payment=number, move=number, statement_line=number, notes={"company_amount": "90.00"})


async def live(story: Story) -> None:
    """The days, one after the other."""
    await story.begin(bundle())
    await cards(story)
    await story.publish(bundle(cards_post=False))
    await more_cards_and_the_bank(story)
    await story.publish(bundle(mode="observe", overpayment_tolerance_minor=100))
    await exceptions(story)


async def cards(story: Story) -> None:
    """Three invoices, two of them paid by card; one card is refunded, another charged back."""
    await story.tell(invoice(1), invoice(2), invoice(3))
    await story.tell(capture(1, 10_000, 1), capture(2, 10_000, 2))
    await story.answer()
    await story.tell(refund(1, 4_000, "pending"), refund(1, 4_000, "succeeded"))
    await story.tell(dispute(2, 10_000, "open", "withdrawn"), dispute(2, 10_000, "lost", "withdrawn"))
    await story.answer()
    await story.later(hours=3)


async def more_cards_and_the_bank(story: Story) -> None:
    """Under rules that book cards when they are paid out: a payout, its credit at the bank, a transfer, a statement."""
    await story.tell(invoice(4), capture(4, 10_000, 4))
    await story.answer()
    await story.tell(line(4, "charge", eur("100.00")), payout_told(9_800, "in_transit"), payout_told(9_800, "paid"))
    await story.tell(statement(1), report(amount=eur("98.00"), text="STRIPE po_1", day=date(2026, 9, 1)))
    await story.tell(
        report(amount=eur("100.00"), text="Invoice INV/3", structured="", invoice_hints=("INV/3",), ordinal=1)
    )
    await story.answer(refused="reconcile")
    await story.tell(
        report(amount=eur("55.00"), text="somebody", ordinal=2),
        report(amount=eur("7.00"), direction="debit", ordinal=3),
    )
    await story.later(hours=1)
    await story.answer()


async def exceptions(story: Story) -> None:
    """Observing only: an invoice paid twice, a receipt with a reject, a missing statement; people act."""
    await story.tell(invoice(5), capture(5, 10_000, 5), capture(6, 10_000, 5), capture(7, 50, 5))
    reject = RejectedItem(item=2, where="/Document[1]", why="no amount")
    counts = {"items": 2, "read": 1, "duplicate": 0, "ignored": 0, "rejected": 1}
    told = {"receipt": RECEIPT, "digest": "d", "connection": "bank", "rejects": (reject,), **counts}
    await story.tell(ReceiptRead.model_validate({**told, "reading": 1}))
    await story.tell(RerunAsked(receipt=RECEIPT, act="act-rerun"))
    await story.tell(statement(3))
    await story.later(hours=30)
    [row, *_] = await story.all("select * from command_open where status = 'would_do' order by since, key_text")
    await story.person(CommandReleased, f"{row.process}/{row.subject}", key=row.key_text, verdict="release")
    [case, *_] = await story.all("select * from exception_case where closed_at is null order by opened_at, id")
    await story.person(CaseClosed, f"{case.process}/{case.subject}", case=case.id)
    loose = await story.all("select subject from subject where process = 'bank_movement' order by subject")
    target = Target(process="collection", subject="DE/db/3", kind="invoice_number", value="")
    await story.person(MatchConfirmed, f"bank_movement/{loose[-1].subject}", target=target)
    await story.answer()
    await story.later(days=3)


async def told_again(story: Story) -> None:
    """Acting again: an entry that its bank moves, one that it restates, a refused cost, a foreign dispute won."""
    await story.publish(bundle())
    for document, day, place in (("S4", 3, "7.00"), ("S5", 4, "900.00")):
        moved = report(document=document, amount=eur("41.00"), day=date(2026, 9, day), place=place, text="moved")
        await story.tell(moved.model_copy(update={"servicer_reference": "2026090300017"}))
    for document, amount in (("S6", "43.00"), ("S6 corrected", "34.00")):
        restated = report(document=document, amount=eur(amount), day=date(2026, 9, 4), place="500.00", text="restated")
        await story.tell(restated.model_copy(update={"servicer_reference": "2026090400018"}))
        await story.later(minutes=20)
        await story.answer()
    await says_that_it_is_the_known_one(story)
    for n, lines in enumerate((("43.00", "12.00"), ("43.00",), ("43.00", "12.00"))):
        await story.tell(listed(*lines, told_at=f"2026-09-05T0{n}:30:00.000000+00:00"))
    await story.tell(line(9, "charge", eur("30.00"), payout=2), payout_told(2_940, "paid", 2))
    await story.answer(refused="book_journal_entry")
    sold = usd("100.00")
    await story.tell(invoice(6, currency="USD"), capture(8, 10_000, 6, currency="USD"))
    await story.answer()
    await story.tell(line(8, "charge", eur("88.00"), payout=3, presentment=sold))
    await story.tell(dispute(8, 10_000, "open", "withdrawn", currency="USD"))
    await story.tell(line(8, "dispute", eur("-90.00"), source="dp_8", payout=3, presentment=sold))
    await story.answer()
    await story.tell(dispute(8, 10_000, "won", "reinstated", currency="USD"))
    await story.tell(line(8, "dispute_reversal", eur("91.00"), source="dp_8", payout=3, presentment=sold))
    await story.answer()
    await statements_told_again(story)
    await story.later(days=1)


async def statements_told_again(story: Story) -> None:
    """One that was missing comes, in two pages; the third is restated, and comes again as either."""
    first = statement(2, closing="24.00", page=1, last_page=False, content_digest="p1")
    await story.tell(statement(2, opening="24.00", statement_id="S2#2", page=2, content_digest="p2"), first)
    for n, digest in enumerate(("other", "other", "d3"), 1):
        await story.later(minutes=20)
        made, closing = f"2026-09-0{n + 6}T05:30:00+00:00", "40.00" if digest == "d3" else "39.00"
        await story.tell(statement(3, closing=closing, content_digest=digest, created_at=made))
    await story.tell(statement(4))


async def says_that_it_is_the_known_one(story: Story) -> None:
    """A person looks at the entry that a statement told with another amount: the difference is booked."""
    [case] = await story.all("select * from exception_case where reason = 'entry_restated' and closed_at is null")
    [known] = json.loads(bytes(case.candidates))
    target = Target(process="bank_movement", subject=known, kind="", value="")
    await story.person(MatchConfirmed, f"{case.process}/{case.subject}", target=target)
    await story.answer()
