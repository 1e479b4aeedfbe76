"""What has to hold after a seed of how its house was run: lanes, rates, rules, acts of people, rejects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from nostro.model.canonical import parse
from nostro.store.arrivals import lane_number
from tests.simulation.database import Connections
from tests.simulation.ground import rules_under
from tests.simulation.happenings import Happenings
from tests.simulation.houses import Houses
from tests.simulation.life import Course, Sent

SETTLED_SECONDS = 30.0
"""So long somebody may still ask over a slot that others have by now."""
LOWERED_SECONDS = 5
"""So long a publication may take to be committed."""
ON_ITS_WAY_SECONDS = 0.1
"""Between the turn of a call and its bytes its start is committed: of two calls the first may be so much later."""
_PINNED = """
select count(*) from fact f join shard s using (shard) where s.position > s.activations
and encode(f.bundle, 'hex') is distinct from (
    select convert_from(a.body, 'UTF8')::json ->> 'bundle' from fact a
    where a.shard = f.shard and a.type = 'bundle.activated' and a.position <= f.position
    order by a.position desc limit 1)"""
_COMMANDS = """
select c.key_text, c.connection, c.operation, c.entity, c.fate, encode(f.bundle, 'hex') as bundle, f.actor,
    array(select a.verdict from approval a where a.shard = c.shard and a.key = c.key order by a.at, a.act) as verdicts,
    array(select a.actor from approval a where a.shard = c.shard and a.key = c.key order by a.at, a.act) as actors
from (select shard, key, key_text, connection, operation, entity, position, outcome as fate from command_closed
    union all select shard, key, key_text, connection, operation, entity, position, status from command_open) c
join fact f on f.shard = c.shard and f.position = c.position order by c.key_text"""
_LANES = """
select count(*) from subject s join fact f on f.shard = s.shard and f.process = s.process and f.subject = s.subject
where f.revision = 1 and f.origin = any(%(origins)s) and s.process <> 'receipt' and s.lane <> %(lane)s"""
_READ = """
select r.name || r.event_id as name, f.body from fact f join receipt r on r.id = f.receipt
where f.process = 'receipt' and f.type = 'receipt.read' order by f.shard, f.position"""
_LOWERED = """
select count(*) from fact a join bundle b on encode(b.digest, 'hex') = convert_from(a.body, 'UTF8')::json ->> 'bundle'
join fact f on f.shard = a.shard and f.position < a.position and f.bundle <> b.digest
join command_closed c on c.shard = f.shard and c.position = f.position
join attempt_call t on t.dispatch = c.dispatch and t.started_at > b.published_at + %(grace)s * interval '1 second'
where a.type = 'bundle.activated' and encode(b.digest, 'hex') = %(bundle)s
    and not exists (select from approval p where p.shard = c.shard and p.key = c.key and p.verdict = 'release')"""
"""Calls of what was decided before a bundle that were begun under it, though no person had let them go."""
_OPEN = "select count(*) from recovery where closed_at is null"
_PROPOSED = "select count(*) from command_open where status in ('proposed', 'would_do')"


class _Command(NamedTuple):
    """What became of a command. `verdicts` of people, each with his name; `actor`: who told what it follows from."""

    key_text: str
    connection: str
    operation: str
    entity: str
    fate: str
    bundle: str
    actor: str
    verdicts: Sequence[str]
    actors: Sequence[str]


def not_kept_to(connections: Connections, houses: Houses, happening: Happenings, course: Course) -> Iterator[str]:
    """What isn't as the circumstances have it, a sentence each."""
    yield from happening.people.flaws
    if _count(connections, _PINNED):
        yield f"8: a decision names other rules than its shard's log had in force ({_count(connections, _PINNED)})"
    for row in connections.ask(_COMMANDS):
        yield from _released(_Command(*row), houses)
    yield from _lowered(connections, houses)
    if _count(connections, _OPEN):
        yield "a recovery was not closed"
    if _count(connections, _PROPOSED):
        yield f"commands still wait to be let go ({_count(connections, _PROPOSED)})"
    yield from _lanes(connections, houses)
    yield from rejects(connections, happening)
    if houses.told.rate:
        slots = {int(houses.told.slots or 1), houses.told.slots_now}
        yield from too_fast(course.sent, course.changes, int(houses.told.rate), slots)


def _released(command: _Command, houses: Houses) -> Iterator[str]:
    """7: what is only proposed leaves when a second person says so; what isn't needs nobody."""
    mode = houses.rules[command.bundle].mode(command.connection, command.operation, command.entity)
    if mode == "propose" and command.fate != "proposed" and not {"release", "discard"} & set(command.verdicts):
        yield f"7: {command.key_text} was only proposed, and is {command.fate} without anybody's word"
    if mode == "act" and command.fate == "proposed" and not houses.told.republished:
        yield f"7: {command.key_text} was to leave, and is only proposed"
    if command.fate == "done" and "discard" in command.verdicts:
        yield f"7: {command.key_text} was denied, and is done"
    for verdict, actor in zip(command.verdicts, command.actors, strict=True):
        if actor == command.actor and verdict != "discard":
            yield f"7: {actor} proposed {command.key_text} and said himself: {verdict}"


def _lowered(connections: Connections, houses: Houses) -> Iterator[str]:
    """7: where a mode is lowered, what has not left by then leaves when a person says so. (After a recovery the journal
    also has what is only presumed.)
    """
    told = houses.told
    lowered = told.mode == "propose" and replace(told, republished=False).mode == "act"
    if lowered and told.republished and not told.recovery:
        asked = {"bundle": rules_under(told).bundle, "grace": LOWERED_SECONDS}
        ((count,),) = connections.ask(_LOWERED, asked)
        if count:
            yield f"7: calls left without anybody's word after the mode was lowered ({count})"


def _lanes(connections: Connections, houses: Houses) -> Iterator[str]:
    """9: subjects begin on the lane of the interface that brings them."""
    if houses.told.lane:
        origins = [f"{kind}-{code.lower()}" for kind in ("stripe", "bank") for code in houses.codes]
        ((count,),) = connections.ask(_LANES, {"origins": origins, "lane": lane_number(houses.told.lane)})
        if count:
            yield f"9: subjects are on another lane than {houses.told.lane} ({count})"


def rejects(connections: Connections, happening: Happenings) -> Iterator[str]:
    """4: what the world knows to be bad is rejected and counted each time that it is read, and nothing else is."""
    bad = {happening.came.name: happening.came.rejected} if happening.came else {}
    read = {name: parse(body) for name, body in connections.ask(_READ)}
    for name, told in read.items():
        if int(str(told["rejected"])) != bad.get(name, 0):
            yield f"4: rejected of receipt {told['receipt']}: {told['rejected']}, not {bad.get(name, 0)}: {told}"
    yield from (f"4: {name} came in, and nobody has read it" for name in bad.keys() - read.keys())


def too_fast(sent: Sequence[Sent], changes: Sequence[float], rate: int, slots: Collection[int]) -> Iterator[str]:
    """9: in no stretch of time more calls leave over a connection than its rate allows, whoever has its slots.

    After a rest a slot may send a second's worth at once; whoever takes one over begins as after a rest.
    `slots`: in how many the connection was divided, one number after the other.
    """
    for loop in sorted({one.loop for one in sent}):
        times = [one.seconds for one in sent if one.loop == loop]
        for first, began in enumerate(times):
            for count, ended in enumerate(times[first:], 1):
                seats = max(slots) + sum(began - SETTLED_SECONDS < at <= ended for at in changes)
                if count > rate * (ended - began + ON_ITS_WAY_SECONDS) + seats * (rate / min(slots) + 1):
                    yield f"9: {count} calls of {loop} left within {ended - began:.2f} s, at {rate} a second"
                    return


def _count(connections: Connections, statement: str) -> int:
    ((count,),) = connections.ask(statement)
    return int(count)
