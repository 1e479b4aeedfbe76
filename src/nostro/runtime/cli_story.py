"""The story that `nostro trace` tells, drawn for people: one line of time with facts, commands and cases in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from nostro.governance.rules import Rules
from nostro.model.ids import SHARDS, IdempotencyKey
from nostro.projections.calls import Called
from nostro.projections.trace import Asked, Story, Told, Wished
from nostro.runtime.output import clean, phrase, table, when, zone_of
from nostro.runtime.wording import readable

BUNDLE_CHARACTERS = 12
REFUSED = 400
"""From this HTTP status on an answer is no success."""
FIELDS = 8
"""So many fields of a fact are shown, amounts and the number first; more are in `--json`."""
_SEEN_ELSEWHERE = frozenset({"act", "digest", "entity", "fingerprint", "key", "receipt", "subject"})


FATES = {
    "not_sent": "no byte of it had left",
    "found": "looked up: it was done there",
    "not_found": "looked up: it was not done there",
    "handed_over": "nobody could say whether it was done: handed to a person",
    "looked_up": "it is looked up before anything is sent again",
}
"""What was done about a call that wasn't answered well, where it was not sent again."""


STANDING = {
    "would_do": "would be done: the connection is in observe",
    "proposed": "waits for a person to approve it",
    "ready": "not sent yet",
    "dispatched": "under way, or being looked up",
    "handed_over": "handed to a person",
    "answered": "a person has said how it ends",
}
"""Where a command waits."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story.

    `place` orders what bears the same instant: shard and position of a fact, then what follows from it by rank.
    """

    at: datetime
    place: tuple[int, int, int]
    who: str
    what: str
    then: str


def draw_story(console: Console, *, story: Story, rules: Rules) -> None:
    """The story in order; times in the entity's zone with UTC beside them."""
    if not story.subjects:
        return
    zone, names = _zone(story, rules), _names(story)
    lines = sorted(
        (*_facts(story, names, zone), *_commands(story), *_calls(story, zone), *_cases(story, zone)),
        key=lambda line: (line.at, line.place),
    )
    heads = {"when": "left", "who said it": "left", "what": "left", "what followed, and by which rule": "left"}
    rows = [(when(line.at, zone), line.who, line.what, line.then) for line in lines]
    told = table(f"The story of {', '.join(names[one] for one in story.subjects)}", heads, rows)
    told.show_lines = True
    console.print(told)
    bundles = sorted({fact.bundle[:BUNDLE_CHARACTERS] for fact in story.facts if fact.bundle})
    console.print(f"Times in {zone.key if zone else 'UTC'}. Rules: bundle {', '.join(bundles)}. All fields: --json.")
    if story.cut_off:
        console.print(
            "There is more than is told here, which is the oldest part: ask for one subject, or one of its ids."
        )
    if len(story.subjects) > 1:
        console.print(f"Of one of these alone: nostro trace {story.subjects[0]}")
    if any(fact.sealed for fact in story.facts):
        console.print("Names, account numbers and texts of persons are kept encrypted and are not shown here.")


def _zone(story: Story, rules: Rules) -> ZoneInfo | None:
    own = [fact.entity for fact in story.facts if fact.subject in story.subjects and fact.entity in rules.entities]
    return zone_of(rules.entities[own[0]]) if own else None


def _names(story: Story) -> dict[str, str]:
    """What people call each subject: by the number that its items were told with, and its id."""
    names = {subject: subject for subject in (*story.subjects, *(fact.subject for fact in story.facts))}
    for fact in story.facts:
        if fact.type.startswith("invoice.") and fact.says.get("number"):
            names[fact.subject] = f"{fact.says['number']} ({fact.subject})"
    return names


def _facts(story: Story, names: Mapping[str, str], zone: ZoneInfo | None) -> Iterator[Line]:
    for fact in story.facts:
        about = "" if story.subjects == (fact.subject,) else f"\nabout {names[fact.subject]}"
        source = f"\nreceipt {fact.receipt}, item {fact.item}" if fact.receipt else ""
        told = _TOLD[fact.type](fact, names) if fact.type in _TOLD else f"{fact.type}\n{_says(fact, zone)}"
        yield Line(fact.at, (fact.shard, fact.position, 0), _who(fact), f"{told}{about}{source}", _decision(fact))


def _answered(fact: Told, names: Mapping[str, str]) -> str:
    """Where a reference led."""
    targets: Any = fact.says["targets"]
    led = [(one, f"{one['process']}/{one['subject']}") for one in targets]
    lines = [f"{one['kind'].replace('_', ' ')} {one['value']} leads to {names.get(to, to)}" for one, to in led]
    return clean("\n".join([fact.type, *(lines or ["nothing known bears these references"])]))


def _settled(fact: Told, _: Mapping[str, str]) -> str:
    """How a command ended: what was asked, the ids that the other side gave it, and what it said."""
    outcome = fact.says["outcome"]
    assert isinstance(outcome, Mapping)
    told = [
        f"{fact.says['operation']}: {_word(str(outcome['kind']))}",
        _id(IdempotencyKey.parse(str(fact.says["key"]))),
    ]
    notes = dict(outcome.get("notes") or {})
    if moved := notes.pop("date", ""):
        told.append(f"booked on {moved}: the day asked for is in a period that is closed there")
    told += [_pairs(outcome.get("ids")), _pairs(notes), str(outcome.get("sentence") or "")]
    return clean("\n".join(part for part in told if part))


_TOLD = {"command.settled": _settled, "lookup.answered": _answered}
"""Facts of the house itself, in words instead of fields."""


def _pairs(told: object) -> str:
    return "; ".join(f"{name} {phrase(part)}" for name, part in told.items()) if isinstance(told, Mapping) else ""


def _id(key: IdempotencyKey) -> str:
    return f"{key.correlation_id} ({key.step})"


def _word(outcome: str) -> str:
    """`adopted` is the house's word."""
    return "found done already (adopted)" if outcome == "adopted" else outcome.replace("_", " ")


def _who(fact: Told) -> str:
    told = fact.actor or fact.origin
    behalf = f" for {fact.on_behalf_of}" if fact.on_behalf_of else ""
    via = f"\nthrough {fact.origin}" if fact.origin not in ("", told) else ""
    return clean(f"{told}{behalf}{via}")


def _says(fact: Told, zone: ZoneInfo | None) -> str:
    told = {
        name: part
        for name, part in fact.says.items()
        if name not in _SEEN_ELSEWHERE and part not in ("", [], {}, False)
    }
    weighty = sorted(told.items(), key=lambda field: (not _is_money(field[1]), field[0] != "number"))
    shown = [f"{name.replace('_', ' ')} {phrase(part)}" for name, part in weighty[:FIELDS]]
    return clean(readable("; ".join([*shown, *(["..."] if len(told) > FIELDS else [])]), zone))


def _is_money(told: object) -> bool:
    return isinstance(told, dict) and told.keys() == {"value", "currency"}


def _decision(fact: Told) -> str:
    moved = f"{fact.before or 'new'} -> {fact.after}" if fact.before != fact.after else f"stays {fact.after}"
    rule = f"\nrule {fact.rule}" if fact.rule and fact.type != "command.settled" else ""
    return clean(f"{moved}{rule}{f'{chr(10)}because: {fact.reason}' if fact.reason else ''}")


def _commands(story: Story) -> Iterator[Line]:
    ended = {fact.says.get("key") for fact in story.facts if fact.type == "command.settled"}
    for command in story.commands:
        key, place = IdempotencyKey.parse(command.key), (command.shard, command.position)
        what = f"asked: {command.operation} at {command.connection}\n{_id(key)}"
        yield Line(command.at, (*place, 1), "engine", what, "" if command.closed_at else _waits(command))
        if command.closed_at is not None and command.key not in ended:
            told = f"{command.operation}: {_word(command.outcome)}\n{_id(key)}"
            yield Line(command.closed_at, (*place, 3), command.connection, told, clean(_pairs(command.ids)))


def _calls(story: Story, zone: ZoneInfo | None) -> Iterator[Line]:
    """Calls that were not simply answered: when they left, to where, under which key, and what was done then."""
    commands = {command.key: command for command in story.commands}
    resent = {(call.key, call.again) for call in story.calls if call.again}
    for call in story.calls:
        command, again = commands[call.key], (call.key, call.n) in resent
        if call.fate == "answered" and not again and (call.status or 0) < REFUSED:
            continue
        head = f"{'sent again' if again else 'sent'}: {command.operation} at {command.connection}, call {call.n}"
        what = "\n".join(part for part in (head, _id(IdempotencyKey.parse(call.key)), call.target) if part)
        place = (command.shard, command.position, 2)
        yield Line(call.at, place, "engine", clean(what), "\n".join(_came_back(call, zone)))


def _came_back(call: Called, zone: ZoneInfo | None) -> Iterator[str]:
    if call.fate != "not_sent":
        yield "no answer came" if call.answered_at is None else f"answered: HTTP {call.status}"
    if call.fate == "sent_again":
        yield f"looked up: it was not done there; sent again as call {call.again}"
    elif call.fate in FATES:
        yield f"{FATES[call.fate]}{f', next at {when(call.until, zone)}' if call.until else ''}"
    if call.fate in ("answered", "not_sent") and call.again:
        yield f"sent again as call {call.again}"


def _waits(command: Wished) -> str:
    return clean(f"{STANDING.get(command.outcome, command.outcome)}. {command.note}".strip(". "))


def _cases(story: Story, zone: ZoneInfo | None) -> Iterator[Line]:
    for case in story.cases:
        place = (case.shard, case.position, 4)
        yield Line(case.at, place, "engine", f"case {case.id}: {case.reason}", clean(readable(case.sentence, zone)))
        if case.closed_at is not None:
            yield Line(case.closed_at, (SHARDS, 0, 0), case.closed_by, f"case {case.id} closed", _closing(case))


def _closing(case: Asked) -> str:
    return "what it was about is settled" if case.closed_by == "engine" else ""
