"""How cases, waiting commands and the matter of an act are shown, to people and to programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rich.console import Console
from rich.table import Table

from nostro.acts.matter import Act, CloseRecovery, Decide, Match, Matter, OpenRecovery
from nostro.model.facts.house import Target
from nostro.projections.worklist import LIMIT, OpenCase, WaitingCommand
from nostro.runtime.house import House
from nostro.runtime.output import age, card, phrase, table, when, zone_of

RUNBOOK = "docs/operate/{}.md"
HOW = {
    "would_do": "The connection is in observe: refuse it, or raise its mode and approve it.",
    "proposed": "Approve or refuse it.",
    "handed_over": "Nobody can prove whether it was done: look there, then confirm --done or --not-done.",
}
WAITING = {"entity": "whole", "amount": "right", "age": "right", "what": "left"}
_SHOWN_ABOVE = frozenset({"connection", "kind", "operation", "process", "subject"})


def verb(act: Act) -> str:
    """What the act is called."""
    verdicts = {"release": "Approve", "discard": "Refuse", "confirm_done": "Confirm as done"}
    if isinstance(act, OpenRecovery | CloseRecovery):
        return "Open the recovery" if isinstance(act, OpenRecovery) else "Close the recovery"
    return verdicts.get(act.verdict, "Confirm as not done") if isinstance(act, Decide) else type(act).__name__


def draw_matter(console: Console, house: House, act: Act, matter: Matter) -> None:
    """What somebody is about to sign: amount and account first, then everything else that is known of it."""
    entity = house.rules.entities.get(matter.entity)
    lines: dict[str, object] = {"what": matter.operation, "at": matter.connection, "amount": matter.amount}
    lines |= {"journal": matter.says.get("journal") or None, "entity": matter.entity, "about": matter.subject}
    lines |= {"proposed by": ", ".join(sorted(matter.proposers))} if isinstance(act, Decide) else {}
    lines |= {"target": _target_told(act.target)} if isinstance(act, Match) else {}
    lines |= {name: told for name, told in legible(matter.says).items() if name not in {*lines, *_SHOWN_ABOVE}}
    texts = {
        name.replace("_", " "): when(told, zone_of(entity)) if isinstance(told, datetime) else phrase(told)
        for name, told in lines.items()
    }
    console.print(card(texts, verb(act)))


def legible(says: Mapping[str, object]) -> dict[str, object]:
    """An intent in a clerk's words: an account or journal that the ERP finds by itself has no number to show."""
    told = {name: value for name, value in says.items() if name not in ("account", "journal") or value}
    lines = told.get("lines")
    if isinstance(lines, list):
        receivable = {"account": "receivable of the invoice's customer"}
        told["lines"] = [{**line, **({} if line["account"] else receivable)} for line in lines]
    return told


def _target_told(target: Target) -> str:
    return "give it back" if target.kind == "refund" else f"{target.process}/{target.subject}"


def case_told(found: OpenCase, at: datetime) -> dict[str, object]:
    """A case as a program reads it."""
    names = ("id", "process", "subject", "entity", "reason", "sentence", "amount", "candidates")
    told = {name: getattr(found, name) for name in (*names, "opened_at", "closed_at", "closed_by")}
    return {**told, "age_s": int((at - found.opened_at).total_seconds()), "runbook": RUNBOOK.format(found.reason)}


def command_told(command: WaitingCommand) -> dict[str, object]:
    """A waiting command as a program reads it."""
    names = ("correlation", "key", "entity", "connection", "operation", "status", "note", "since", "process", "subject")
    return {name: getattr(command, name) for name in (*names, "amount")}


def case_what(found: OpenCase) -> str:
    """Reason and sentence in one cell: beside each other they leave no room on a terminal of 80 columns."""
    return f"{found.reason}: {found.sentence}"


def draw_lists(console: Console, *, found: list[OpenCase], commands: list[WaitingCommand], at: datetime) -> None:
    """All that waits, as two tables."""
    rows = [(c.id, c.entity, c.amount, "closed" if c.closed_at else age(at - c.opened_at), case_what(c)) for c in found]
    if rows:
        console.print(table("Cases", {"case": "whole", **WAITING}, rows))
    if commands:
        console.print(_commands(commands, at))
    if not rows and not commands:
        console.print("Nothing waits for a person.")
    elif LIMIT in (len(rows), len(commands)):
        console.print(f"Only the oldest {LIMIT} are shown; --entity narrows them.")
    else:
        console.print("More about one: nostro cases ID. The whole story: nostro trace ID.")


def _commands(commands: list[WaitingCommand], at: datetime) -> Table:
    rows = [
        (
            c.correlation,
            c.entity,
            c.amount,
            age(at - c.since),
            f"{c.operation} at {c.connection}: {c.status}. {c.note}".strip(". "),
        )
        for c in commands
    ]
    return table("Commands that wait for a person", {"command": "whole", **WAITING}, rows)


def draw_one(console: Console, *, house: House, found: OpenCase | None, commands: list[WaitingCommand]) -> None:
    """One case with the commands of its subject, and what can be done."""
    if found is not None:
        zone = zone_of(house.rules.entities.get(found.entity))
        closed = f"{when(found.closed_at, zone)} by {found.closed_by}" if found.closed_at else ""
        amount = str(found.amount) if found.amount else ""
        lines = {"case": found.id, "what": found.sentence, "amount": amount, "entity": found.entity}
        lines |= {"about": f"{found.process}/{found.subject}", "candidates": "\n".join(found.candidates)}
        lines |= {"opened": when(found.opened_at, zone), "closed": closed, "runbook": RUNBOOK.format(found.reason)}
        console.print(card(lines))
    for command in commands:
        console.print(f"{command.correlation}: {command.operation} at {command.connection}. {HOW[command.status]}")
    if found is not None and found.closed_at is None:
        console.print(f"When it is settled: nostro close {found.id} --reason ...  The story: nostro trace {found.id}")
