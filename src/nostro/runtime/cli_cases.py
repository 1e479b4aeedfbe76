"""How cases, waiting commands and the matter of an act are shown, to people and to programs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from nostro.acts.made import MADE
from nostro.acts.matter import Act, CloseRecovery, Decide, Match, Matter, OpenRecovery
from nostro.model.facts.house import Target
from nostro.model.intents import INTENTS_BY_OPERATION
from nostro.projections.choices import Choice
from nostro.projections.worklist import LIMIT, OpenCase, WaitingCommand
from nostro.runtime.house import House
from nostro.runtime.output import age, card, clean, phrase, table, when, zone_of
from nostro.runtime.wording import readable

RUNBOOK = "docs/operate/{}.md"
HOW = {
    "would_do": "The connection is in observe: refuse it, or raise its mode and approve it.",
    "proposed": "Approve or refuse it.",
    "handed_over": "Nobody can prove whether it was done: look there, then confirm --done{} or --not-done.",
}
SHOWN = 5
"""So many candidates of a case are told in the list of cases; all that were looked up stand with the case."""
_IT_IS = (("it belongs to another item", "match {} INVOICE"),)
_OVER = (*_IT_IS, ("it came by card and goes back", "match {} refund"))
_AGAIN = (("what kept it from being read was mended", "rerun {}"),)
_TRY = (("the cause is mended", "approve {}"),)
_THERE = "confirm {} --done"
_SEEN = (("it is there", _THERE), ("it is not there", "confirm {} --not-done"))
WAYS: Mapping[str, Sequence[tuple[str, str]]] = {
    "ambiguous_match": _IT_IS,
    "booking_failed": _TRY,
    "booking_unknown": _SEEN,
    "equation_broken": _AGAIN,
    "other_currency": _OVER,
    "overpaid": _OVER,
    "paid_twice": _OVER,
    "poisoned": (("the cause is mended (of a damaged row: it was put back from a backup)", "close {}"),),
    "possible_double": (("it is a movement of its own", "match {} own"),),
    "rejected_items": _AGAIN,
    "statement_line_failed": _TRY,
    "statement_line_unknown": _SEEN,
    "unapplied_aged": _OVER,
    "unapplied_money": _OVER,
    "unexplained_debit": (("it takes back a movement, or is a payout taken back", "match {} MOVEMENT_OR_PAYOUT"),),
    "unknown_payer": _IT_IS,
    "unreadable": _AGAIN,
    "withdrawn_with_money": _OVER,
}
"""What a person may do about a case, by its reason: when, and with which command. The runbook says what to weigh."""
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
    lines |= {f"{MADE[kind].name} there": ident for kind, ident in matter.ids.items()}
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
    names = ("id", "process", "subject", "entity", "reason", "sentence", "candidates", "opened_at", "closed_at")
    told = {name: getattr(found, name) for name in (*names, "closed_by")} | {"amount": found.money}
    told |= {"choices": [{**asdict(one), "match": matching(found, one)} for one in found.choices]}
    return {**told, "age_s": int((at - found.opened_at).total_seconds()), "runbook": RUNBOOK.format(found.reason)}


def ways(found: OpenCase) -> Sequence[tuple[str, str]]:
    """What may be done about a case. News of a charge that nobody told can be given an item; an item's own can't."""
    if found.reason == "unknown_charge" and "/unknown/" in found.subject:
        return (("you know which item that charge had paid", "match {} INVOICE"),)
    return WAYS.get(found.reason, ())


def matching(found: OpenCase, choice: Choice) -> str:
    """The command that says that a case is about this one. It names it by its id: several may bear its number."""
    return _command("match {} " + shlex.quote(choice.subject), found)


def _command(words: str, found: OpenCase) -> str:
    return f'nostro {words.format(found.id)} --reason "..."'


def command_told(command: WaitingCommand) -> dict[str, object]:
    """A waiting command as a program reads it."""
    names = ("correlation", "key", "entity", "connection", "operation", "status", "note", "since", "process", "subject")
    return {name: getattr(command, name) for name in (*names, "amount")}


def case_what(found: OpenCase) -> str:
    """Reason and sentence in one cell: beside each other they leave no room on a terminal of 80 columns."""
    more = len(found.candidates) - SHOWN
    rest = [f"and {more} more" if more == 1 else f"and {more} others"] if found.choices and more > 0 else []
    lines = [f"- {choice_told(one)}" for one in found.choices[:SHOWN]]
    return "\n".join([f"{found.reason}: {sentence(found)}", *lines, *rest])


def sentence(found: OpenCase, zone: ZoneInfo | None = None) -> str:
    """What a case says, as a clerk reads it: with the numbers of its candidates where its decision knew ids only."""
    told = found.sentence
    for one in found.choices if found.reason == "ambiguous_match" else ():
        own = one.subject.partition("/")[2]
        told = re.sub(rf"(?<![\w/]){re.escape(own)}(?![\w/])", one.number or own, told)
    account = found.subject.split("/")[1:2] if found.process == "statement_series" else []
    return readable(" ".join([told, *(f"Account: {name}." for name in account)]), zone)


def choice_told(one: Choice) -> str:
    """A subject in a line: number, amount, day and partner."""
    item = one.number and one.subject.startswith("collection/")
    amount = "" if one.amount is None else f"{one.amount} open" if item else str(one.amount)
    day = f"due {one.day}" if one.day and item else str(one.day or "")
    partner = f"partner {one.partner}" if one.partner else ""
    return ", ".join(part for part in (one.number, amount, day, partner, one.entity, one.state) if part)


def draw_lists(console: Console, *, found: list[OpenCase], commands: list[WaitingCommand], at: datetime) -> None:
    """All that waits, as two tables."""
    rows = [(c.id, c.entity, c.money, "closed" if c.closed_at else age(at - c.opened_at), case_what(c)) for c in found]
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


def draw_one(
    console: Console,
    *,
    house: House,
    found: OpenCase | None,
    commands: list[WaitingCommand],
    known: Mapping[str, Mapping[str, str]],
) -> None:
    """One case with the commands of its subject, and what can be done. `known`: what is confidential, by subject."""
    if found is not None:
        zone = zone_of(house.rules.entities.get(found.entity))
        closed = f"{when(found.closed_at, zone)} by {found.closed_by}" if found.closed_at else ""
        amount = str(found.money) if found.money else ""
        lines = {"case": found.id, "what": sentence(found, zone), "amount": amount, "entity": found.entity}
        names = "" if found.choices else "\n".join(found.candidates)
        about = f"{found.process}/{found.subject}"
        lines |= {"about": f"{choice_told(found.about)}\n{about}" if found.about else about, "candidates": names}
        lines |= {name.replace("_", " "): told for name, told in known.get(about, {}).items()}
        lines |= {"opened": when(found.opened_at, zone), "closed": closed, "runbook": RUNBOOK.format(found.reason)}
        console.print(card(lines))
        _draw_ways(console, found, commands, known)
    for command in commands:
        how = HOW[command.status].format(_with_id([command]))
        console.print(f"{command.correlation}: {command.operation} at {command.connection}. {how}")


def _with_id(commands: Sequence[WaitingCommand]) -> str:
    """The option by which a person names what he has found to be done, where that has an id."""
    makes = any(INTENTS_BY_OPERATION[one.operation].makes for one in commands if one.status == "handed_over")
    return " --id ID" if makes else ""


def _draw_ways(
    console: Console, found: OpenCase, commands: Sequence[WaitingCommand], known: Mapping[str, Mapping[str, str]]
) -> None:
    """What it may be about, and each thing that can be done as a command to copy: on one line, however long."""
    for one in found.choices:
        who = ", ".join(known.get(one.subject, {}).values())
        console.print(clean(f"It may be {choice_told(one)}{f', {who}' if who else ''}:"))
        _draw_command(console, matching(found, one), found)
    if found.closed_at is None:
        for when_so, words in ways(found):
            console.print(f"If {when_so}:")
            more = _with_id(commands) if words == _THERE else ""
            _draw_command(console, _command(f"{words}{more}", found), found)
        if found.reason != "poisoned":
            console.print("If it was settled elsewhere (what is settled here closes its case by itself):")
            _draw_command(console, _command("close {}", found), found)
    console.print("The whole story:")
    console.print(f"  nostro trace {found.id}", soft_wrap=True)


def _draw_command(console: Console, command: str, found: OpenCase) -> None:
    if found.closed_at is None:
        console.print(clean(f"  {command}"), soft_wrap=True)
