"""What people do in a simulation: what waits for them, with the world outside before their eyes, under four eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nostro.acts.matter import Act, Close, CloseRecovery, Decide, Match, OpenRecovery, Rerun
from nostro.acts.submit import Desk, Signature
from nostro.governance.rules import Rules
from nostro.ingress.limits import Limits
from nostro.ingress.receiving import Intake
from nostro.model.facts.house import Target
from nostro.model.failures import ActRefused
from nostro.model.ids import Subject
from nostro.model.intents import INTENTS_BY_OPERATION
from nostro.projections.worklist import OpenCase, WaitingCommand, open_cases, waiting_commands
from nostro.runtime.demo.judge import DEAD
from nostro.runtime.demo.summary import KEYED, effects_in
from nostro.runtime.house import House
from nostro.sandbox.entropy import chance
from nostro.sandbox.stage import END
from nostro.store.database import Statement, Statements
from tests.simulation.life import Course

CLERK, TREASURER, CONTROLLER = "clerk", "treasurer", "controller"
AUDIT, RECOVERY = Statements("audit"), Statements("recovery")
LOOKED_UP_AFTER = timedelta(hours=1)
"""Whoever asks the other side so long after knows: nothing that left us is still under way."""
UNPAID = Statement(
    "unpaid", b"select subject from subject where process = 'collection' and subject like %(ending)s order by subject"
)
REJECTS = frozenset({"rejected_items", "unreadable"})
SETTLED_ELSEWHERE = frozenset({"chargeback", "statement_missing", "statement_doubled"})
"""Reasons of cases that explain no difference, so that they may be closed."""
OVER = frozenset({"paid_twice", "overpaid", "unapplied_money", "withdrawn_with_money"})
"""Reasons of cases whose money can go back to a card."""
DENIED, READ_AGAIN, CLOSED, MATCHED, GIVEN_BACK = 0.3, 0.5, 0.5, 0.7, 0.8


@dataclass(slots=True)
class People:
    """Three of them, at the desk of the house. `flaws`: what they were let do, or kept from, against the rules."""

    house: House
    course: Course
    seed: int
    flaws: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    async def look(self, rules: Rules, *, mended: bool) -> None:
        """A round through what waits. `mended`: whatever had thrown throws no more."""
        desk = self._desk(rules)
        done = dict(effects_in(_standing(self.course.world.books()["systems"])))
        for command in await waiting_commands(self.house.database):
            await self._command(desk, command, done)
        for case in await open_cases(self.house.database):
            await self._case(desk, case, mended=mended)

    async def _command(self, desk: Desk, command: WaitingCommand, done: Mapping[str, str]) -> None:
        """What is proposed is let go, or denied where nobody misses it; what was handed over is looked up outside.

        `done`: the id of each effect there, by our key.
        """
        old = self.course.now().business - command.since > LOOKED_UP_AFTER
        if command.status == "proposed" and self._drawn(command.key) < DENIED and self._harmless(command):
            await self._try(desk, Decide(command.key, "discard"), TREASURER)
        elif command.status == "proposed":
            await self._never(desk, Decide(command.key, "release"), CLERK)
            await self._one_of(desk, Decide(command.key, "release"))
        elif command.status == "handed_over" and old and command.operation in KEYED:
            await self._one_of(desk, found(command, done.get(command.correlation)))

    def _harmless(self, command: WaitingCommand) -> bool:
        """Of a refund that was denied the money stays where it is, and may be given back another time."""
        return command.operation in ("annotate_payment", "refund_payment")

    async def _case(self, desk: Desk, case: OpenCase, *, mended: bool) -> None:
        if case.reason == "poisoned" and mended:
            await self._try(desk, Close(case.id), TREASURER)
        elif case.reason in REJECTS and case.process == "receipt":
            again = self._drawn(case.id) < READ_AGAIN and case.id not in self._seen
            await self._try(desk, Rerun(case.subject) if again else Close(case.id), CLERK)
        elif case.reason in SETTLED_ELSEWHERE and self._drawn(case.id) < CLOSED:
            await self._try(desk, Close(case.id), TREASURER)
        elif case.reason == "unknown_payer" and self._drawn(case.id) < MATCHED:
            await self._match(desk, case)
        elif case.reason in OVER and self._drawn(case.id) < GIVEN_BACK and self.course.now().business < END:
            back = Target(process=case.process, subject=case.subject, kind="refund", value="")
            await self._try(desk, Match(Subject(case.process, case.subject), back), TREASURER)
        self._seen.add(case.id)

    async def _match(self, desk: Desk, case: OpenCase) -> None:
        """Money of which nobody knew whose it is turns out to be for the invoice that nobody has paid."""
        invoice = self.course.world.results.get(f"{case.entity}-unpaid")
        if invoice is None:  # it isn't written yet, or its act failed
            return
        async with self.house.database.transaction() as tx:
            rows = await tx.rows(UNPAID, ending=f"{case.entity}/%/{invoice['id']}")
        if len(rows) == 1 and case.id not in self._seen:
            target = Target(process="collection", subject=rows[0].subject, kind="person", value="")
            await self._try(desk, Match(Subject(case.process, case.subject), target), TREASURER)

    # A recovery

    async def open_recovery(self, rules: Rules) -> bool:
        """The treasurer begins a new life of the database, as of two hours ago."""
        since = self.course.now().business - timedelta(hours=2)
        async with self.house.database.transaction() as tx:
            life, newest = await tx.row(AUDIT.life), await tx.row(RECOVERY.newest_number)
        assert life is not None
        assert newest is not None
        act = OpenRecovery(since=since, epoch=life.epoch + 1, kept=newest.number, lost=newest.number)
        return await self._try(self._desk(rules), act, TREASURER)

    async def close_recovery(self, rules: Rules) -> bool:
        """The controller closes it once everything was read again; whoever opened it may not. Whether it is closed."""
        async with self.house.database.transaction() as tx:
            recovery = await tx.row(RECOVERY.newest_recovery)
        if recovery is None or recovery.closed_at is not None:
            return recovery is not None
        served = tuple(sorted(self.house.connections))
        act = CloseRecovery(recovery.epoch, served, at=self.course.now().business)
        await self._never(self._desk(rules), act, TREASURER)
        return await self._try(self._desk(rules), act, CONTROLLER)

    # At the desk

    def _desk(self, rules: Rules) -> Desk:
        return Desk(
            self.house.database, Intake(self.house.database, self.house.keys, Limits(self.house.database)), rules
        )

    async def _one_of(self, desk: Desk, act: Act) -> None:
        """The treasurer, or somebody else where he has proposed it himself."""
        if not await self._try(desk, act, TREASURER) and not await self._try(desk, act, CONTROLLER):
            self.flaws.append(f"7: neither of two may {act}")

    async def _never(self, desk: Desk, act: Act, who: str) -> None:
        if await self._try(desk, act, who):
            self.flaws.append(f"7: {who} was let {act}")

    async def _try(self, desk: Desk, act: Act, who: str) -> bool:
        try:
            seen = (await desk.look(act)).seen
            await desk.submit(act, Signature(who, "as the simulation has it"), seen, self.course.now().business)
        except ActRefused as refused:
            self.course.tell(f"{who} may not {_said(act)}: {refused.sentence}")
            return False
        self.course.tell(f"{who} {_said(act)}")
        return True

    def _drawn(self, what: str) -> float:
        return chance(self.seed, "people", what).random()


def _standing(outside: Mapping[str, Any]) -> dict[str, Any]:
    """The books without what is a draft: a person sees that nobody has posted it."""
    return {
        path: {**books, "moves": [move for move in books["moves"] if move["state"] not in DEAD]}
        if books["kind"] == "odoo"
        else books
        for path, books in outside.items()
    }


def found(command: WaitingCommand, ident: str | None) -> Decide:
    """What a person says of a command whose effect has this id there, or isn't there."""
    if ident is None:
        return Decide(command.key, "confirm_not_done")
    makes = INTENTS_BY_OPERATION[command.operation].makes
    return Decide(command.key, "confirm_done", ident if makes else "")


def _said(act: Act) -> str:
    """The act as the story tells it."""
    match act:
        case Decide(key=key, verdict=verdict):
            return f"{verdict.replace('_', ' ')}: {key}"
        case Match(subject=subject, target=target) if target.kind == "refund":
            return f"give back what is over of {subject}"
        case Match(subject=subject, target=target):
            return f"match {subject} with {target.subject}"
        case Close(case=case):
            return f"close case {case}"
        case Rerun(receipt=receipt):
            return f"read again: receipt {receipt}"
        case OpenRecovery(epoch=epoch):
            return f"open recovery {epoch}"
        case CloseRecovery(epoch=epoch):
            return f"close recovery {epoch}"
