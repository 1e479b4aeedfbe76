"""What an act is about, as it stands now: what a person has to see first, and what his rights are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from nostro.acts.made import ids_of
from nostro.engine.batch import words_of
from nostro.engine.transition import NOT_AS_SEEN, in_order
from nostro.governance.rights import ALL, ENGINE
from nostro.model.canonical import digest, parse
from nostro.model.facts.house import Target
from nostro.model.failures import ActRefused
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.intents import INTENTS_BY_OPERATION
from nostro.model.money import Money
from nostro.projections.amounts import commanded, matched, readable, untold
from nostro.store.database import Row, Statements, Transaction

SQL = Statements("acts")
AUDIT = Statements("audit")
RECOVERY = Statements("recovery")
FRESH = timedelta(minutes=10)
"""What came in so lately is decided within the hour in which everything is looked up after a recovery was closed."""
UNREADABLE = "state"
"""Why a subject is set aside whose stored state can't be understood."""
LATER = "Look again at what it is about: `nostro cases`."
FINISH = "Finish the upgrade first: `nostro upgrade --finish`."
Word = Literal["release", "discard", "confirm_done", "confirm_not_done"]
"""What a person may say of a command."""


@dataclass(frozen=True, slots=True)
class Decide:
    """Let a waiting command go, discard it, or say of a handed-over one whether it was done.

    `made`: the id of what it has made, as the other side knows it.
    """

    key: str
    verdict: Word
    made: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """Say which subject a subject's money belongs to (`Target.kind` `refund`: that it goes back)."""

    subject: Subject
    target: Target


@dataclass(frozen=True, slots=True)
class Close:
    """Close a case."""

    case: str


@dataclass(frozen=True, slots=True)
class Rerun:
    """Have a receipt read again."""

    receipt: str


@dataclass(frozen=True, slots=True)
class OpenRecovery:
    """Begin a new life of a restored database. `kept` and `lost` are checkpoints, as in `recovery.opened`."""

    since: datetime
    epoch: int
    kept: int
    lost: int


@dataclass(frozen=True, slots=True)
class CloseRecovery:
    """Say that everything since the restore was looked up. `served`: the connections that there are now."""

    epoch: int
    served: tuple[str, ...] = field(default=(), repr=False)
    at: datetime = field(kw_only=True, repr=False)


Act = Decide | Match | Close | Rerun | OpenRecovery | CloseRecovery
RIGHTS: Mapping[str, str] = {
    "release": "approve",
    "discard": "refuse",
    "confirm_done": "confirm",
    "confirm_not_done": "confirm",
}
"""Verdict -> the right that it takes."""
MONEYLESS = frozenset(name for name, intent in INTENTS_BY_OPERATION.items() if not intent.moves_money)


@dataclass(frozen=True, slots=True)
class Matter:
    """`says` is what a person sees; its digest tells whether that is still so. `entity` `*`: it is everybody's.

    `moneyless`: a command that moves nothing, whatever is said of it. `stands`: what the fact tells of what was seen
    (`status` and `dispatch` of a command, the `sums` of a match, what a case said); empty as long as a worker of the
    last release may read it. `ids`: of what a command has made. `turn`: another one as soon as something was heard at
    the subject, a word that came to nothing included.
    """

    right: str
    subject: Subject
    entity: str
    says: Mapping[str, object]
    amount: Money | None = None
    proposers: frozenset[str] = frozenset()
    moneyless: bool = False
    connection: str = ""
    operation: str = ""
    stands: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    turn: str = ""

    @property
    def seen(self) -> str:
        """The digest (hex) of what a person sees."""
        return digest(self.says).hex()


async def look(tx: Transaction, act: Act) -> Matter:
    """The matter of an act. Raises `ActRefused` when there is none, or when it is too late."""
    match act:
        case Decide():
            return await _command(tx, act)
        case Close():
            return await _case(tx, act)
        case Match():
            return await _match(tx, act)
        case Rerun():
            return await _receipt(tx, act)
        case OpenRecovery():
            return await _opening(tx, act)
        case CloseRecovery():
            return await _closing(tx, act)


async def _command(tx: Transaction, act: Decide) -> Matter:
    try:
        key = IdempotencyKey.parse(act.key)
    except ValueError:
        raise ActRefused(f"{act.key} is no key of a command.", LATER) from None
    subject = Subject(key.process, key.subject)
    row = await tx.row(SQL.waiting_command, shard=subject.shard, key=key.bytes, correlation=key.correlation_id)
    if row is None or row.status in ("ready", "dispatched", "answered"):
        raise ActRefused("This command doesn't wait for a person any more.", LATER)
    if act.verdict.startswith("confirm") and row.status != "handed_over":
        raise ActRefused("Only a command that was handed over can be confirmed.", "Approve or refuse it.")
    if row.status == "failed" and act.verdict != "release":
        raise ActRefused("A command that failed can only be released, for another try.", "Or close its case.")
    if act.verdict == "discard" and row.status == "handed_over":
        raise ActRefused("A command that was handed over may have been done.", "Say whether it was: confirm it.")
    told, amount = parse(row.body), commanded(row)
    ids = _made(act, row, told)
    people = await tx.rows(SQL.proposers, shard=subject.shard, position=row.position, unheard=NOT_AS_SEEN)
    dispatch = "" if row.dispatch is None else bytes(row.dispatch).hex()
    names = {"status": row.status, "note": row.note, "since": row.since, "dispatch": dispatch or None}
    return Matter(
        right=RIGHTS[act.verdict],
        subject=subject,
        entity=row.entity,
        says={**names, "key": row.key_text, "amount": amount, **_named(row), **told},
        amount=amount,
        moneyless=row.operation in MONEYLESS or act.verdict == "discard",
        proposers=frozenset(name for p in people for name in (p.actor, p.on_behalf_of) if name) - {ENGINE},
        connection=row.connection,
        operation=row.operation,
        stands={"status": row.status, "dispatch": dispatch} if row.words_as_seen else {},
        ids=ids,
        turn=str(row.revision or 0),
    )


def _made(act: Decide, row: Row, told: Mapping[str, object]) -> dict[str, str]:
    if act.verdict != "confirm_done":
        if act.made:
            raise ActRefused("Only what was done has made something.", "Say --done, or leave --id out.")
        return {}
    ids = ids_of(row.operation, act.made, told)
    if ids and not row.words_with_ids:
        raise ActRefused("A worker of the last release, which can't read ids, may still run.", FINISH)
    return ids


async def _case(tx: Transaction, act: Close) -> Matter:
    row = await tx.row(SQL.case_of, id=act.case)
    if row is None:
        raise ActRefused(f"There is no case {act.case}.", LATER)
    if row.closed_at is not None:
        raise ActRefused(f"Case {act.case} is closed already.", LATER)
    if row.poisoned == UNREADABLE and not readable(row):
        sentence = f"The stored state of {row.process}/{row.subject} can't be understood yet: no word reaches it."
        raise ActRefused(sentence, "Put it back, or start a release that can, and then close the case.")
    says = {"case": row.id, "reason": row.reason, "sentence": row.sentence, "opened_at": row.opened_at, **_named(row)}
    says |= {"candidates": bytes(row.candidates)}
    amount = None if row.minor is None else Money(minor=row.minor, currency=row.currency)
    stands = {"seen": words_of(row.sentence, amount, bytes(row.candidates))} if row.acts_as_seen else {}
    subject, says = Subject(row.process, row.subject), {**says, "amount": amount}
    turn = f"{row.revision or 0}/{row.set_aside}"
    return Matter("close", subject, row.entity or ALL, says, amount, stands=stands, turn=turn)


async def _match(tx: Transaction, act: Match) -> Matter:
    row = await _subject(tx, act.subject)
    moved = matched(row, act.target)
    if moved is not None and not moved:
        sentence = f"Nothing of {act.subject} can go there: it was used or given back already, or is on its way back."
        raise ActRefused(sentence, LATER)
    if untold(row):
        sentence = f"This release can't tell what of {act.subject} would move: what it was told would come to nothing."
        raise ActRefused(sentence, "Act with the release that the newest worker has.")
    amounts = moved or ()
    amount = amounts[0] if len(amounts) == 1 else None
    says = {"state": row.state, "revision": row.revision, "target": act.target, "amount": amount, **_named(row)}
    says |= {"amounts": None if amount else amounts}
    stands = {"sums": in_order(amounts)} if row.acts_as_seen else {}
    return Matter("match", act.subject, row.entity, says, amount, stands=stands)


async def _receipt(tx: Transaction, act: Rerun) -> Matter:
    row = await _subject(tx, Subject("receipt", act.receipt))
    says = {"state": row.state, "revision": row.revision, **_named(row)}
    return Matter("rerun", Subject("receipt", act.receipt), row.entity or ALL, says)


async def _opening(tx: Transaction, act: OpenRecovery) -> Matter:
    life, newest = await tx.row(AUDIT.life), await tx.row(RECOVERY.newest_recovery)
    assert life is not None
    if newest is not None and newest.closed_at is None and not life.quarantine:
        raise ActRefused(f"Recovery {newest.epoch} is open already.", "Close it, or see `nostro recover`.")
    if act.epoch <= life.epoch:
        raise ActRefused(f"Life {act.epoch} has begun already.", "See `nostro recover`.")
    says = {"quarantine": life.quarantine, "life": act.epoch, "since": act.since, "kept": act.kept, "lost": act.lost}
    return Matter("recover", _life(act.epoch), ALL, says)


async def _closing(tx: Transaction, act: CloseRecovery) -> Matter:
    row = await tx.row(RECOVERY.newest_recovery)
    if row is None or row.closed_at is not None or row.epoch != act.epoch:
        raise ActRefused("No recovery is open.", "See `nostro recover`.")
    life = await tx.row(AUDIT.life)
    if life is not None and life.quarantine:
        raise ActRefused(
            "The database was restored once more since.",
            "Open a recovery of that: `nostro recover --from TIME --reason WHY`.",
        )
    behind = await tx.rows(RECOVERY.feeds_behind, connections=list(act.served))
    if behind:
        told = ", ".join(f"{feed.connection} {feed.name}" for feed in behind)
        raise ActRefused(f"Not read to their end since the restore: {told}.", "Wait for them: `nostro recover`.")
    backlog = await tx.row(RECOVERY.backlog_before, before=act.at - FRESH)
    if backlog is not None and backlog.readings + backlog.arrivals:
        sentence = f"{backlog.readings} receipts and {backlog.arrivals} facts wait for longer than {FRESH}."
        raise ActRefused(sentence, "Wait until they are read and decided: `nostro recover`.")
    says = {"life": row.epoch, "since": row.since, "opened_by": row.opened_by, "reason": row.reason}
    return Matter("recover", _life(row.epoch), ALL, says, proposers=frozenset({row.opened_by, row.opened_for} - {""}))


def _life(epoch: int) -> Subject:
    return Subject("house", f"recovery/{epoch}")


async def _subject(tx: Transaction, subject: Subject) -> Row:
    row = await tx.row(SQL.subject_of, shard=subject.shard, process=subject.process, subject=subject.id)
    if row is None:
        raise ActRefused(f"There is no {subject}.", "Look it up: `nostro trace`.")
    return row


def _named(row: Row) -> dict[str, object]:
    named = ("process", "subject", "entity", "connection", "operation", "correlation")
    return {name: getattr(row, name) for name in named if hasattr(row, name)}
