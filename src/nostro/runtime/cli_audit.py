"""For auditors and for the persons in the log: `trace`, `audit verify`, `erase`, `transit`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from nostro.engine.rebuild import Rebuild, Rebuilt
from nostro.governance.rights import ALL, Asked
from nostro.model.failures import ActRefused, Refused
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.model.references import Reference
from nostro.projections.trace import trace as find_story
from nostro.projections.worklist import Part, balances, parts
from nostro.runtime.cli_frame import DONE, INTERRUPTED, WRONG, Frame, register
from nostro.runtime.cli_people import Hand, asked
from nostro.runtime.cli_references import inspected
from nostro.runtime.cli_story import draw_story
from nostro.runtime.output import clean, table, when
from nostro.store.audit import Finding, Verdict, verify
from nostro.store.erase import Erasure
from nostro.store.erase import erase as destroy
from nostro.store.quarantine import why_unsure

PARTIES = ("iban", "email", "partner")


def add_to(app: typer.Typer) -> None:
    """Registers the commands."""
    register(app, trace, "nostro trace INV/2026/00042", "nostro trace pi_3Nxyz", "nostro trace NOSABCDEFGHIJKLMNOP")
    register(app, transit, "nostro transit", "nostro transit psp/DE/stripe-de")
    shown = 'nostro erase email:someone@example.com --reason "asked for by letter of 3 May"'
    register(app, erase, shown, 'nostro erase partner:odoo/4711 --reason "asked for by letter of 3 May"')
    audit = typer.Typer(no_args_is_help=True, help="Prove that the log is whole.")
    register(audit, audit_verify, "nostro audit verify", "nostro audit verify --json", name="verify")
    audit.callback()(_audit)
    app.add_typer(audit, name="audit")


def _audit() -> None:
    """Prove that the log is whole."""


async def trace(
    frame: Frame,
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="Invoice number, end-to-end id, PSP id, correlation id, case, receipt, IBAN, process/id.",
        ),
    ],
) -> int:
    """Tell the whole story behind any reference: who said what, what was decided under which rule, what was done."""
    async with inspected(frame) as house:
        story = await find_story(house.database, house.keys, ref, house.scopes)
        at = (await house.now()).business
    entities = sorted({fact.entity for fact in story.facts if fact.entity})
    zones = {name: house.rules.entities[name].zone for name in entities if name in house.rules.entities}
    if not story.subjects:
        frame.output.note(
            f"Nothing is known about {ref}. It may not have come in yet: `nostro cases` shows what waits."
        )
    told = {"reference": ref, "as_of": at, "zones": zones, "subjects": story.subjects}
    told |= {"facts": story.facts, "commands": story.commands, "calls": story.calls, "cases": story.cases}
    told["cut_off"] = story.cut_off
    frame.output.show(told, partial(draw_story, story=story, rules=house.rules))
    return DONE if story.subjects else WRONG


async def audit_verify(frame: Frame) -> int:
    """Recompute every seal and hold the log against signed checkpoints and the anchors outside of the database."""
    async with inspected(frame) as house:
        anchors = await house.anchors.all()
        public = house.seal_key.private.public_key()
        with frame.output.progress("facts verified") as step:
            found = await verify(house.database, house.deployment.id, public, anchors, step)
        gone = await why_unsure(house.database, missing := house.anchors.missing())
        at = (await house.now()).business
    if gone:
        finding = Finding("anchor", ", ".join(map(str, missing)), f"{gone} See docs/operate/anchors-gone.md.")
        found = replace(found, findings=(*found.findings, finding))
    told = {"as_of": at, "key": house.seal_key.id, "facts": found.facts, "checkpoints": found.checkpoints}
    told |= {"anchors": len(anchors), "unsealed": found.unsealed, "findings": found.findings, "cuts": found.cuts}
    frame.output.show(told, partial(_draw_verdict, found=found, anchors=len(anchors), at=at))
    return WRONG if found.findings else DONE


def _draw_verdict(console: Console, *, found: Verdict, anchors: int, at: datetime) -> None:
    if found.findings:
        rows = [(finding.kind, finding.where, finding.sentence) for finding in found.findings]
        console.print(table("What is wrong", {"what": "whole", "where": "whole", "says": "left"}, rows))
        console.print(
            f"{len(found.findings)} found. Stop, keep a copy of the database, and see docs/operate/seal-broken.md."
        )
    else:
        console.print("The log is whole: nothing was changed, removed, reordered or cut off.")
    console.print(f"{found.facts} facts, {found.checkpoints} checkpoints, {anchors} anchors, as of {when(at, None)}.")
    for cut in found.cuts:
        console.print(
            f"A restore cut the log off behind checkpoint {cut.kept}: {cut.anchors} anchors up to {cut.lost} are of a "
            f"life that was lost. Recovery {cut.epoch} by {cut.by}: {clean(cut.reason)}"
        )
    if found.unsealed:
        console.print(f"{found.unsealed} facts are newer than the newest checkpoint: they are not sealed yet.")
    if not anchors:
        console.print("No anchor outside of the database could be read: cutting off its end would not be noticed.")


async def erase(
    frame: Frame,
    hand: Hand,
    party: Annotated[str, typer.Argument(metavar="PARTY", help="iban:..., email:... or partner:CONNECTION/ID")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays with the destroyed keys.")],
) -> int:
    """Erase a person: the keys of all that is kept about them are destroyed. Amounts, facts and seals stay whole."""
    reference = party_of(party)
    async with inspected(frame) as house:
        actor = hand.proved(frame, house)
        now = await house.now()
        verdict = house.rules.may(Asked("erase", ALL, actor, hand.behalf), now.business.date())
        if not verdict.allowed:
            raise ActRefused(verdict.sentence, verdict.remedy)
        if not _sure(frame, hand, party):
            frame.output.note("Nothing was erased.")
            return INTERRUPTED
        by = f"{actor}{f' for {hand.behalf}' if hand.behalf else ''}: {reason}"
        done = await destroy(house.database, house.keys, [reference], by, now.business)
        subjects = [Subject(process, subject) for process, subject in done.subjects]
        rebuilt = await Rebuild(house.database, house.keys, house.processes).run(subjects)
    told = {"actor": actor, "right": verdict.right, "keys_destroyed": done.keys, "keys_held": done.held}
    told |= {"receipts_destroyed": done.receipts, "receipts_kept": done.receipts_kept}
    told |= {"subjects": [str(subject) for subject in subjects], "states_rebuilt": rebuilt.states}
    told |= {"states_left": [str(subject) for subject in rebuilt.left]}
    frame.output.show(told, partial(_draw_erasure, done=done, rebuilt=rebuilt))
    return WRONG if rebuilt.left else DONE


def party_of(text: str) -> Reference:
    """A person's identifier from `kind:value`. Raises `Refused` for anything else."""
    kind, _, value = text.partition(":")
    if kind not in PARTIES or not value.strip() or (kind == "partner" and "/" not in value):
        forms = "iban:DE89..., email:someone@example.com, partner:CONNECTION/ID"
        raise Refused("This names nobody: the identifier's kind is missing or unknown.", f"Write one of {forms}.")
    return Reference.to(kind, value)


def _sure(frame: Frame, hand: Hand, party: str) -> bool:
    if hand.yes:
        return True
    if frame.output.json or not sys.stdin.isatty():
        raise Refused("Erasing can't be undone, and there is nobody to ask.", "Say --yes.")
    return asked(f"Destroy all that is kept about {clean(party)}? This can't be undone.")


def _draw_erasure(console: Console, *, done: Erasure, rebuilt: Rebuilt) -> None:
    if not (done.keys or done.held or done.receipts or done.receipts_kept or done.subjects):
        console.print("Nothing is kept about this person.")
        return
    console.print(f"{done.keys} data keys destroyed; {rebuilt.states} states rebuilt without what they protected.")
    if rebuilt.left:
        console.print(
            f"{len(rebuilt.left)} states could not be rebuilt and still hold what they knew: "
            f"{', '.join(map(str, rebuilt.left))}. What stands in the way is in the log; then erase again."
        )
    console.print(f"{done.receipts} raw receipts destroyed.")
    if done.receipts_kept:
        console.print(
            f"{done.receipts_kept} raw receipts stay: those that speak of others too until their retention ends, "
            "those that speak of what is not decided yet until it is and you erase again."
        )
    if done.held:
        console.print(f"{done.held} data keys are under a legal hold and stay until it ends.")


async def transit(
    frame: Frame,
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="Open one account to its parts.")] = "",
) -> int:
    """Show where money is between systems: the transit ledger's balances by account and currency."""
    async with inspected(frame) as house:
        held = await balances(house.database)
        opened = await parts(house.database, account) if account else []
        at = (await house.now()).business
    if account and account not in held:
        raise Refused(f"The transit ledger shows no balance on {account}.", "`nostro transit` lists all that it shows.")
    sums = _sums(held)
    shown = [{"account": name, "balance": money} for name, amounts in sorted(held.items()) for money in amounts]
    told = {"as_of": at, "source": "transit ledger", "balances": shown, "sums": sums}
    if account:
        told |= {"account": account, "balances": held[account], "parts": opened}
    frame.output.show(told, partial(_draw_transit, held=held, account=account, opened=opened, at=at))
    return WRONG if any(sums) else DONE


def _sums(held: Mapping[str, Sequence[Money]]) -> list[Money]:
    """What all balances of a currency come to: nothing, or the ledger is broken."""
    sums: dict[str, Money] = {}
    for money in (money for amounts in held.values() for money in amounts):
        sums[money.currency] = sums.get(money.currency, Money.zero(money.currency)) + money
    return [sums[currency] for currency in sorted(sums)]


def _draw_transit(
    console: Console, *, held: Mapping[str, Sequence[Money]], account: str, opened: Sequence[Part], at: datetime
) -> None:
    if account:
        rows = [(f"{part.process}/{part.subject}", part.amount) for part in opened]
        console.print(table(f"{account} by subject", {"subject": "left", "amount": "right"}, rows))
        console.print(f"In all: {', '.join(map(str, held[account]))}")
    elif held:
        lines = [(name, money) for name, amounts in sorted(held.items()) for money in amounts]
        console.print(table("Money in transit", {"account": "whole", "balance": "right"}, lines))
        console.print("Positive: held for us. Negative: held by us for somebody, or where it came from.")
        uneven = [money for money in _sums(held) if money]
        if uneven:
            console.print(f"THE LEDGER IS UNEVEN by {', '.join(map(str, uneven))}: see docs/operate/ledger-uneven.md.")
    else:
        console.print("Nothing is in transit.")
    console.print(f"As of {when(at, None)}; source: the transit ledger. Its parts: nostro transit ACCOUNT.")
