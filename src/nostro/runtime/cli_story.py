"""The story that `nostro trace` tells, drawn for people: one line of time with facts, commands and cases in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console

from nostro.governance.rules import Rules
from nostro.model.ids import IdempotencyKey
from nostro.projections.trace import Asked, Story, Told, Wished
from nostro.runtime.output import clean, phrase, table, when, zone_of

BUNDLE_CHARACTERS = 12
FIELDS = 8
"""So many fields of a fact are shown, amounts and the number first; more are in `--json`."""
_SEEN_ELSEWHERE = frozenset({"act", "digest", "entity", "fingerprint", "key", "receipt", "subject"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `rank` orders what bears the same instant: a fact, then what follows from it."""

    at: datetime
    rank: int
    who: str
    what: str
    then: str


def draw_story(console: Console, *, story: Story, rules: Rules) -> None:
    """The story in order; times in the entity's zone with UTC beside them."""
    if not story.subjects:
        return
    zone = _zone(story, rules)
    lines = sorted((*_facts(story), *_commands(story), *_cases(story)), key=lambda line: (line.at, line.rank))
    heads = {"when": "left", "who said it": "left", "what": "left", "what followed, and by which rule": "left"}
    rows = [(when(line.at, zone), line.who, line.what, line.then) for line in lines]
    told = table(f"The story of {', '.join(story.subjects)}", heads, rows)
    told.show_lines = True
    console.print(told)
    bundles = sorted({fact.bundle[:BUNDLE_CHARACTERS] for fact in story.facts if fact.bundle})
    console.print(f"Times in {zone.key if zone else 'UTC'}. Rules: bundle {', '.join(bundles)}. All fields: --json.")
    if any(fact.sealed for fact in story.facts):
        console.print("Names, account numbers and texts of persons are kept encrypted and are not shown.")


def _zone(story: Story, rules: Rules) -> ZoneInfo | None:
    own = [fact.entity for fact in story.facts if fact.subject in story.subjects and fact.entity in rules.entities]
    return zone_of(rules.entities[own[0]]) if own else None


def _facts(story: Story) -> Iterator[Line]:
    several = len({fact.subject for fact in story.facts}) > 1
    for fact in story.facts:
        about = f"\nabout {fact.subject}" if several else ""
        source = f"\nreceipt {fact.receipt}, item {fact.item}" if fact.receipt else ""
        yield Line(fact.at, 0, _who(fact), f"{fact.type}\n{_says(fact)}{about}{source}", _decision(fact))


def _who(fact: Told) -> str:
    told = fact.actor or fact.origin
    behalf = f" for {fact.on_behalf_of}" if fact.on_behalf_of else ""
    via = f"\nthrough {fact.origin}" if fact.origin not in ("", told) else ""
    return clean(f"{told}{behalf}{via}")


def _says(fact: Told) -> str:
    told = {name: part for name, part in fact.says.items() if name not in _SEEN_ELSEWHERE and part not in ("", [], {})}
    weighty = sorted(told.items(), key=lambda field: (not _is_money(field[1]), field[0] != "number"))
    shown = [f"{name.replace('_', ' ')} {phrase(part)}" for name, part in weighty[:FIELDS]]
    return clean("; ".join([*shown, *(["..."] if len(told) > FIELDS else [])]))


def _is_money(told: object) -> bool:
    return isinstance(told, dict) and told.keys() == {"value", "currency"}


def _decision(fact: Told) -> str:
    moved = f"{fact.before or 'new'} -> {fact.after}" if fact.before != fact.after else f"stays {fact.after}"
    rule = f"\nrule {fact.rule}" if fact.rule else ""
    return clean(f"{moved}{rule}{f'{chr(10)}because: {fact.reason}' if fact.reason else ''}")


def _commands(story: Story) -> Iterator[Line]:
    for command in story.commands:
        step = IdempotencyKey.parse(command.key).step
        what = f"asked: {command.operation} at {command.connection}\n{command.correlation} ({step})"
        yield Line(command.at, 1, "engine", what, "" if command.closed_at else _waits(command))
        if command.closed_at is not None:
            ids = "; ".join(f"{name} {phrase(told)}" for name, told in command.ids.items())
            yield Line(command.closed_at, 2, command.connection, f"{command.operation}: {command.outcome}", clean(ids))


def _waits(command: Wished) -> str:
    return clean(f"{command.outcome}. {command.note}".strip(". "))


def _cases(story: Story) -> Iterator[Line]:
    for case in story.cases:
        yield Line(case.at, 3, "engine", f"case {case.id}: {case.reason}", clean(case.sentence))
        if case.closed_at is not None:
            yield Line(case.closed_at, 3, case.closed_by, f"case {case.id} closed", _closing(case))


def _closing(case: Asked) -> str:
    return "what it was about is settled" if case.closed_by == "engine" else ""
