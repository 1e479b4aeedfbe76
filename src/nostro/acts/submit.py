"""The one way in for what people do: policy first, then a receipt. What follows is decided like any sender's news."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from nostro.acts.matter import (
    LATER,
    Act,
    Close,
    CloseRecovery,
    Decide,
    Match,
    Matter,
    OpenRecovery,
    Rerun,
    look,
)
from nostro.connectors.people.wire import ActReceipt
from nostro.governance.bundle import PEOPLE
from nostro.governance.rights import ALL, Asked, Verdict
from nostro.governance.rules import Rules
from nostro.ingress.receiving import Intake
from nostro.model.canonical import canonical
from nostro.model.facts import (
    CaseClosed,
    CommandReleased,
    FactBody,
    MatchConfirmed,
    RecoveryClosed,
    RecoveryOpened,
    RerunAsked,
)
from nostro.model.failures import ActRefused
from nostro.model.ids import short_digest
from nostro.store.database import Database
from nostro.store.receipts import Received


@dataclass(frozen=True, slots=True)
class Signature:
    """Who acts, on whose behalf, and why. `actor` proved who he is before (see `identity`)."""

    actor: str
    reason: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """An act that is kept. `new` is false when the very same act was submitted before and nobody has heard it yet."""

    act: str
    receipt: str
    right: str
    new: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """Where people act: under the rules in force, on what stands in the database."""

    database: Database
    keeper: Intake
    rules: Rules

    async def look(self, act: Act) -> Matter:
        """What the act is about, as it stands now. Show it, and pass its `seen` on to `submit`."""
        async with self.database.transaction() as tx:
            return await look(tx, act)

    async def submit(self, act: Act, signature: Signature, seen: str, at: datetime) -> Submitted:
        """Keeps the act's receipt, as far as policy allows. `at`: business time, UTC.

        Raises `ActRefused` when rights, limits or four eyes stand against it, when what the person saw (`seen`) is no
        longer so, or when there is nothing to act upon.
        """
        matter = await self.look(act)
        right = self._allowed(act, matter, signature, seen, at).right
        name = act_id(signature.actor, act, seen, matter.turn)
        told = _told(act, name, matter)
        addressed = ("", "") if told.owner else (matter.subject.process, matter.subject.id)
        body = canonical(
            ActReceipt(
                act=name,
                type=told.fact_type,
                version=told.version,
                told=told.model_dump(),
                process=addressed[0],
                subject=addressed[1],
                entity=self._entity(matter),
                actor=signature.actor,
                on_behalf_of=signature.on_behalf_of,
                reason=signature.reason,
                at=at,
                seen=seen,
                right=right,
                bundle=self.rules.bundle,
            )
        )
        received = Received(
            connection=PEOPLE, kind="act", received_at=at, signed=True, event_id=name, content=canonical(told)
        )
        kept = await self.keeper.take(received, body)
        return Submitted(name, kept.id.hex(), right, kept.new)

    def _allowed(self, act: Act, matter: Matter, signature: Signature, seen: str, at: datetime) -> Verdict:
        if not signature.reason.strip():
            raise ActRefused("Every act has a reason.", "Say why: --reason.")
        asked = Asked(
            act=matter.right,
            entity=matter.entity,
            actor=signature.actor,
            on_behalf_of=signature.on_behalf_of,
            amount=matter.amount,
            proposers=matter.proposers,
            moneyless=matter.moneyless,
        )
        verdict = self.rules.may(asked, at.date())
        if not verdict.allowed:
            raise ActRefused(verdict.sentence, verdict.remedy)
        if seen != matter.seen:
            raise ActRefused("This is no longer what you saw.", LATER)
        if isinstance(act, Decide) and act.verdict == "release":
            mode = self.rules.mode(matter.connection, matter.operation, matter.entity)
            if mode == "observe":
                sentence = f"{matter.connection} is in observe for {matter.operation}: nothing is written there."
                raise ActRefused(sentence, "Raise its mode and publish the landscape, or refuse the command.")
        return verdict

    def _entity(self, matter: Matter) -> str:
        """A receipt of several entities is kept under the first one's keys; acting upon it takes a right for all."""
        return next(iter(self.rules.entities)) if matter.entity == ALL else matter.entity


def act_id(actor: str, act: Act, seen: str, turn: str) -> str:
    """The same act of the same person on the same thing, seen in the same state, is one act until it was heard.

    What came to nothing then, as rules or the thing itself had changed for a while, he can say again.
    """
    raw = short_digest("act", actor, repr(act), seen, turn)
    return "ACT" + base64.b32encode(raw).decode()[:16]


def _told(act: Act, name: str, matter: Matter) -> FactBody:
    match act:
        case Decide(key=key, verdict=verdict):
            ids = dict(matter.ids) or None
            return CommandReleased(act=name, key=key, verdict=verdict, ids=ids, **matter.stands)
        case Match(target=target):
            return MatchConfirmed(act=name, target=target, **matter.stands)
        case Close(case=case):
            return CaseClosed(act=name, case=case, **matter.stands)
        case Rerun(receipt=receipt):
            return RerunAsked(act=name, receipt=receipt)
        case OpenRecovery(since=since, epoch=epoch, kept=kept, lost=lost):
            return RecoveryOpened(act=name, since=since, epoch=epoch, kept=kept, lost=lost)
        case CloseRecovery(epoch=epoch):
            return RecoveryClosed(act=name, epoch=epoch)
