"""What the engine itself does when a person releases or discards a command, or closes a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nostro.engine.batch import Batch, Case, Closing, SubjectRow, candidates, words_of
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import CaseClosed, CommandReleased, CommandSettled, Fact, Position
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, OutcomeKind
from nostro.processes.kit.decision import Rules
from nostro.routing.references import arrival_from
from nostro.store.arrivals import Blob, arrival_for
from nostro.store.database import Row, Statements, Transaction

SQL = Statements("engine")
WAITING = frozenset({"would_do", "proposed", "handed_over"})
"""Commands about which a person may still say something."""
VERDICTS = {
    "discard": OutcomeKind.DISCARDED,
    "confirm_done": OutcomeKind.ADOPTED,
    "confirm_not_done": OutcomeKind.FAILED,
}


async def serve_release(
    tx: Transaction, batch: Batch, fact: Fact, subject: Subject, now: Now, rules: Rules | None
) -> None:
    """Lets the command go, or settles it as the person says. `rules`: those in force, if any are.

    A command that has ended meanwhile stays as it ended; one that has moved on since, or may not leave any more, as it
    stands. What he said is in the log, and it waits for a person who has seen how it is.
    """
    body = fact.body
    assert isinstance(body, CommandReleased)
    key = IdempotencyKey.parse(body.key)
    command = await tx.row(SQL.command_by_key, shard=subject.shard, key=key.bytes)
    if command is not None and not (_as_seen(body, command) and _may(body, command, rules)):
        return
    actor = {"actor": fact.actor, "on_behalf_of": fact.on_behalf_of}
    await tx.run(
        SQL.approve,
        shard=subject.shard,
        key=key.bytes,
        act=body.act,
        verdict=body.verdict,
        reason=fact.reason,
        at=now.business,
        **actor,
    )
    if command is None:
        return
    if body.verdict == "release":
        await tx.run(SQL.release_command, shard=subject.shard, key=key.bytes, at=now.business, actor=fact.actor)
        return
    await tx.run(SQL.answer_command, shard=subject.shard, key=key.bytes)
    settled = CommandSettled(
        key=body.key,
        step=key.step,
        occurrence=key.occurrence,
        generation=key.generation,
        operation=command.operation,
        connection=command.connection,
        outcome=Outcome(kind=VERDICTS[body.verdict], ids=body.ids or {}, sentence=fact.reason),
    )
    cause = Position(command.shard, command.position)  # as of any end: the fact that asked for the command
    follow = replace(fact, body=settled, origin="engine", receipt=None, cause=cause)
    batch.direct.append(arrival_for(follow, Blob(canonical(settled)), subject, command.lane, now.business))


def _as_seen(body: CommandReleased, command: Row) -> bool:
    """Whether an open command waits for a person, and has not moved since this one looked at it."""
    dispatch = "" if command.dispatch is None else bytes(command.dispatch).hex()
    unmoved = body.status is None or (body.status, body.dispatch or "") == (command.status, dispatch)
    return unmoved and command.status in WAITING


def _may(body: CommandReleased, command: Row, rules: Rules | None) -> bool:
    """Nothing is let go where nothing is written."""
    if body.verdict != "release" or rules is None:
        return True
    return rules.mode(command.connection, command.operation, command.entity) != "observe"


async def serve_case(tx: Transaction, batch: Batch, fact: Fact, body: CaseClosed, row: SubjectRow, now: Now) -> bool:
    """Closes the case. Closing a poisoned subject's case lets what was set aside for it arrive again, in its order.

    One that says something else by now than its person saw stays as it is. Returns whether the subject is poisoned no
    more.
    """
    subject = row.instance.subject
    case = await tx.row(SQL.case_by_id, shard=subject.shard, id=body.case)
    if case is None:
        return False
    told = [one for one in batch.cases if one.about == (subject, case.reason)]
    if not (body.seen is None or body.seen == _says(case, told)):
        return False
    if case.closed_at is None and told and not _closes(told):  # what the batch says of it is written first
        batch.cases.append(Closing(subject, case.reason, fact.actor))
    else:
        await tx.run(SQL.close_case, shard=subject.shard, id=body.case, at=now.business, actor=fact.actor)
    if case.reason != "poisoned":
        return False
    kept = await tx.rows(SQL.take_back, shard=subject.shard, process=subject.process, subject=subject.id)
    if not (row.poisoned or kept):  # a row that was put back as a backup has it doesn't say so any more
        return False
    again = (arrival_from(k.arrival, k.sealed_body, k.data_key)._replace(hops=0) for k in kept)  # led there by a person
    batch.direct += sorted(again, key=lambda a: (a.at, a.item, a.key))
    row.poisoned, row.changed = "", True
    return True


def _closes(told: Sequence[Case | Closing]) -> bool:
    """Whether a case is closed by what a batch says of its kind; what is opened behind that is another one."""
    return any(isinstance(one, Closing) for one in told)


def _says(case: Row, told: Sequence[Case | Closing]) -> str:
    """The digest of what an open case says, after what was decided before in this batch; empty: it is closed."""
    if case.closed_at is not None or _closes(told):
        return ""
    if told and isinstance(last := told[-1], Case):
        return words_of(last.opening.sentence, last.opening.amount, candidates(last.opening))
    amount = None if case.minor is None else Money(minor=case.minor, currency=case.currency)
    return words_of(case.sentence, amount, bytes(case.candidates))
