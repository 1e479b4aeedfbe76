"""What people do at a terminal: see what waits for them, and approve, refuse, confirm, match, close and run again.

Each act shows what it is about, asks who types, and goes through `acts`: policy and four eyes are the same here as
anywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from nostro.acts.matter import Act, Close, Decide, Match, Rerun, Word
from nostro.acts.submit import Desk, Signature
from nostro.governance.rights import Asked
from nostro.ingress.limits import Limits
from nostro.ingress.receiving import Intake
from nostro.model.facts.house import Target
from nostro.model.failures import ActRefused, Refused, offered
from nostro.model.ids import IdempotencyKey, Subject
from nostro.projections.choices import confidential, named
from nostro.projections.worklist import OpenCase, case, open_cases, waiting_commands
from nostro.runtime.at_terminal import person
from nostro.runtime.cli_cases import case_told, command_told, draw_lists, draw_matter, draw_one, verb
from nostro.runtime.cli_frame import DONE, INTERRUPTED, Frame, register
from nostro.runtime.cli_references import command_of, inspected, only_subject, receipt_of, subject_of
from nostro.runtime.house import House
from nostro.store.database import Statements

SQL = Statements("engine")
ALIVE = timedelta(seconds=30)
REASON = 'nostro {} NOSABCDEFGHIJKLMNOP --reason "{}"'

Ref = Annotated[str, typer.Argument(metavar="REF", help="Correlation id (NOS...), key, or id of its case (C-...).")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the log.")]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, as the options say it."""

    claimed: Annotated[str, typer.Option("--as", metavar="ID", help="Who you are in people.yaml.")] = ""
    passphrase_env: Annotated[
        str, typer.Option("--passphrase-env", metavar="NAME", help="The variable that holds your passphrase.")
    ] = ""

    def proved(self, frame: Frame, house: House) -> str:
        """The person's id, proved. Raises `ActRefused` for anybody else."""
        asking = _from_variable(self.passphrase_env) if self.passphrase_env else None
        return person(frame, self.claimed, house.rules, asking)


@dataclass(frozen=True, slots=True)
class Hand(Reader):
    """Who acts, as the options say it."""

    behalf: Annotated[str, typer.Option("--on-behalf-of", metavar="ID", help="For whom, if not yourself.")] = ""
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False


def _from_variable(name: str) -> Callable[[str], str]:
    passphrase = os.environ.get(name, "")
    if not passphrase:
        raise Refused(f"The variable {name} is not set.", "Put the passphrase into it.")
    return lambda _: passphrase


def add_to(app: typer.Typer) -> None:
    """Registers the commands."""
    register(app, cases, "nostro cases", "nostro cases --entity DE", "nostro cases C-7QX2ABCD --as clerk")
    register(app, approve, REASON.format("approve", "checked with the bank"))
    register(app, refuse, REASON.format("refuse", "the customer withdrew"))
    register(app, confirm, REASON.format("confirm", "seen in Odoo").replace(" --r", " --done --id 4711 --r"))
    shown = 'nostro match C-7QX2ABCD INV/2026/00042 --reason "named in the mail of 3 May"'
    register(app, match, shown, 'nostro match C-7QX2ABCD refund --reason "paid twice"')
    register(app, close, 'nostro close C-7QX2ABCD --reason "written off"')
    register(app, rerun, 'nostro rerun C-7QX2ABCD --reason "the reader was mended"')


async def cases(
    frame: Frame,
    ref: Annotated[str, typer.Argument(metavar="[CASE]", help="One case, or one waiting command.")] = "",
    *,
    entity: Annotated[str, typer.Option("--entity", metavar="ID", help="Of one legal entity only.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Closed cases too.")] = False,
    reader: Reader,
) -> None:
    """Show what waits for a person: cases, and commands to approve, refuse or confirm.

    With --as, of one case also the names and texts that are kept encrypted: to whoever may match in its entity.
    """
    async with inspected(frame) as house:
        if ref:
            await _one(frame, house, ref, reader)
            return
        if entity and entity not in house.rules.entities:
            raise ActRefused(f"There is no entity {entity}.", offered(entity, sorted(house.rules.entities)))
        found = await open_cases(house.database, entity, closed=everything)
        commands = await waiting_commands(house.database, entity)
        at = (await house.now()).business
    told = {"as_of": at, "cases": [case_told(c, at) for c in found], "commands": [command_told(c) for c in commands]}
    frame.output.show(told, partial(draw_lists, found=found, commands=commands, at=at))


async def _one(frame: Frame, house: House, ref: str, reader: Reader) -> None:
    found = await case(house.database, ref)
    subject = Subject(found.process, found.subject) if found else _about(await command_of(house.database, ref))
    commands = await waiting_commands(house.database, subject=subject)
    at = (await house.now()).business
    known = await _known(frame, house, reader, found, at) if found and reader.claimed else {}
    told = {"as_of": at, "subject": str(subject), "commands": [command_told(c) for c in commands]}
    told |= {"case": case_told(found, at) if found else None, "confidential": known}
    frame.output.show(told, partial(draw_one, house=house, found=found, commands=commands, known=known))


async def _known(
    frame: Frame, house: House, reader: Reader, found: OpenCase, at: datetime
) -> dict[str, dict[str, str]]:
    """What is confidential about a case's subjects. Raises `ActRefused` for whoever may not match there."""
    actor = reader.proved(frame, house)
    verdict = house.rules.may(Asked("match", found.entity, actor), at.date())
    if not verdict.allowed:
        raise ActRefused(verdict.sentence, verdict.remedy)
    seen = [found.about, *(one for one in found.choices if one.entity == found.entity)]
    subjects = [named(one.subject, found.process) for one in seen if one is not None]
    async with house.database.transaction() as tx:
        return {str(subject): told for subject, told in (await confidential(tx, house.keys, subjects)).items()}


def _about(key: IdempotencyKey) -> Subject:
    return Subject(key.process, key.subject)


async def approve(frame: Frame, hand: Hand, ref: Ref, reason: Reason) -> int:
    """Let a command go that waits for a person. Who proposed it can't approve it."""
    return await _decide(frame, hand, ref, reason, partial(Decide, verdict="release"))


async def refuse(frame: Frame, hand: Hand, ref: Ref, reason: Reason) -> int:
    """Discard a command that waits for a person: it will never be done."""
    return await _decide(frame, hand, ref, reason, partial(Decide, verdict="discard"))


async def confirm(
    frame: Frame,
    hand: Hand,
    ref: Ref,
    reason: Reason,
    done: Annotated[bool | None, typer.Option("--done/--not-done", help="What you found on the other side.")] = None,
    made: Annotated[
        str, typer.Option("--id", metavar="ID", help="With --done, of what was made: its id on the other side.")
    ] = "",
) -> int:
    """Say of a command that was handed over whether it was done, after having looked on the other side.

    Of a payment, refund, statement line or journal entry that is there, what follows needs its id: say --id.
    """
    if done is None:
        raise ActRefused("Was it done or not?", "Look on the other side, then say --done or --not-done.")
    word: Word = "confirm_done" if done else "confirm_not_done"
    return await _decide(frame, hand, ref, reason, partial(Decide, verdict=word, made=made))


async def match(
    frame: Frame,
    hand: Hand,
    what: Annotated[str, typer.Argument(metavar="CASE_OR_MOVEMENT", help="A case, a movement, money that is over.")],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="Invoice number or id that it belongs to; `refund`; `own`: it is no double."
        ),
    ],
    reason: Reason,
) -> int:
    """Say what money belongs to where references don't say it, or that it goes back."""
    async with at_desk(frame) as (house, desk):
        subject, of = await subject_of(house, what), await case(house.database, what)
        act = Match(subject, await _target(house, subject, target, of.entity if of else ""))
        return await acting(frame, house, desk, act, hand, reason)


async def close(
    frame: Frame,
    hand: Hand,
    ref: Annotated[str, typer.Argument(metavar="CASE", help="The case (C-...).")],
    reason: Reason,
) -> int:
    """Close a case. Closing that of a poisoned subject lets what was set aside for it run again."""
    async with at_desk(frame) as (house, desk):
        return await acting(frame, house, desk, Close(ref.upper()), hand, reason)


async def rerun(
    frame: Frame,
    hand: Hand,
    ref: Annotated[str, typer.Argument(metavar="REF", help="A receipt's id, or the case about it (C-...).")],
    reason: Reason,
) -> int:
    """Have a receipt read again, after what kept it from being read was mended. Nothing is booked twice by it."""
    async with at_desk(frame) as (house, desk):
        return await acting(frame, house, desk, Rerun(await receipt_of(house, ref)), hand, reason)


async def _decide(frame: Frame, hand: Hand, ref: str, reason: str, act: Callable[[str], Decide]) -> int:
    async with at_desk(frame) as (house, desk):
        key = await command_of(house.database, ref)
        return await acting(frame, house, desk, act(key.text), hand, reason)


@asynccontextmanager
async def at_desk(frame: Frame) -> AsyncIterator[tuple[House, Desk]]:
    """Where a person acts, under the rules in force."""
    async with inspected(frame) as house:
        intake = Intake(house.database, house.keys, Limits(house.database))
        yield house, Desk(house.database, intake, house.rules)


async def acting(frame: Frame, house: House, desk: Desk, act: Act, hand: Hand, reason: str) -> int:
    """Shows the matter, proves the person, asks once more, and submits exactly what was shown."""
    matter = await desk.look(act)
    if not frame.output.json:
        draw_matter(frame.output.aside, house, act, matter)
    actor = hand.proved(frame, house)
    if not (hand.yes or frame.output.json) and sys.stdin.isatty() and not asked(f"{verb(act)} as {actor}?"):
        frame.output.note("Nothing was done.")
        return INTERRUPTED
    now = await house.now()
    done = await desk.submit(act, Signature(actor, reason, hand.behalf), matter.seen, now.business)
    working = await _workers(house, now.machine)
    told = {"act": done.act, "receipt": done.receipt, "right": done.right, "new": done.new, "actor": actor}
    told |= {"on_behalf_of": hand.behalf, "subject": str(matter.subject), "workers": working}
    lines = [f"Kept as {done.act}, by {actor} under the right {done.right}."]
    if not done.new:
        lines = [f"{done.act} was kept before, and not decided yet; nothing is done twice."]
    if not working:
        lines.append("No worker runs: it takes effect when `nostro up` or `nostro worker` does.")
    frame.output.show(told, lambda console: console.print("\n".join(lines)))
    return DONE


async def _target(house: House, subject: Subject, text: str, entity: str) -> Target:
    """What a person names: another subject, `refund`, or `own` (a movement that is no double of another)."""
    if text in ("refund", "own"):
        return Target(
            process=subject.process, subject=subject.id, kind="refund" if text == "refund" else "person", value=""
        )
    found = await only_subject(house, text, other_than=subject, entity=entity)
    return Target(process=found.process, subject=found.id, kind="person", value="")


async def _workers(house: House, machine: datetime) -> int:
    async with house.database.transaction() as tx:
        row = await tx.row(SQL.count_workers, alive_after=machine - ALIVE, beyond=machine + ALIVE)
    return int(row.count) if row else 0


def asked(question: str) -> bool:
    """Asks for a yes at the terminal. Anything else, and the end of the input, is a no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
