"""What has to hold after each seed: the house's books against the outside's, and the house against its own promises."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nostro.engine.deciding import load_subjects
from nostro.engine.replay import unlike
from nostro.engine.walk import Step, Walk
from nostro.governance.rules import Rules
from nostro.model.canonical import parse
from nostro.model.clock import Now
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.kit.machine import NEW, Terminal
from nostro.processes.kit.process import Process
from nostro.projections.worklist import OpenCase, WaitingCommand, waiting_commands
from nostro.runtime.demo.judge import CARD, Effect, judge
from nostro.runtime.demo.proof import differences
from nostro.runtime.demo.summary import KEYED, SQL, Summary, keys_in, summarise
from nostro.runtime.house import House
from nostro.sandbox.judgement import intended
from nostro.sandbox.stage import ODOO, TUESDAY
from nostro.sandbox.world import World
from nostro.store.audit import verify
from tests.simulation.business import Business
from tests.simulation.database import Connections
from tests.simulation.door import not_kept
from tests.simulation.given_back import not_as_asked, without_what_is_over
from tests.simulation.ground import ground
from tests.simulation.guarantees import READ_IN_ALL, not_held, order_of_news, persons, secrets
from tests.simulation.handed_over import unexplained, untold
from tests.simulation.judging_circumstances import not_kept_to
from tests.simulation.play import Play

AUDITED_EVERY = 4
"""Walking all 64 chains costs more than many a seed."""
FATES = ("read", "duplicate", "ignored", "rejected")


async def flaws(play: Play, business: Business, world: World) -> AsyncIterator[str]:
    """Everything that isn't as it has to be, a sentence each."""
    house, now = play.house, play.course.now()
    outside = world.books()["systems"]
    summary = await summarise(house.database, outside, now.business)
    for flaw in _left_over(play, now):
        yield flaw
    for flaw in _promises(play):
        yield flaw
    for flaw in _stranded(house, play.connections):
        yield flaw
    commands = await waiting_commands(house.database)
    for flaw in untold(commands, summary.cases):
        yield flaw
    async for flaw in _books(play, summary, commands, business, world):
        yield flaw
    for flaw in _once(play.connections, outside):
        yield flaw
    for flaw in not_as_asked(play.connections, outside, business, world, house.processes["collection"]):
        yield flaw
    async for flaw in _log(house, play.connections, thorough=play.houses.seed % AUDITED_EVERY == 0):
        yield flaw
    unspoken = persons(business) | secrets(house, ground().master)
    for flaw in not_held(play.connections, unspoken, play.asking.most, play.course.logged):
        yield flaw
    for flaw in not_kept_to(play.connections, play.houses, play.happening, play.course):
        yield flaw


# The outside's books


async def _books(
    play: Play, summary: Summary, commands: Sequence[WaitingCommand], business: Business, world: World
) -> AsyncIterator[str]:
    """What is doubled is always wrong; what is missing may be explained by a case, or was never anybody's."""
    outside = world.books()["systems"]
    judgement = judge(intended(business, world), outside[ODOO], TUESDAY)
    nobodys = _given_back(play.connections, play.house.processes["collection"])
    judgement = without_what_is_over(judgement, outside, business, world, summary.cases)
    lost = [one for one in judgement.lost if not (one.kind == CARD and _taken(nobodys, (one.entity, one.amount)))]
    doubled = tuple(_but_withdrawn(judgement.doubled, summary.cases))
    for one in doubled:
        yield f"doubled: {one.kind} {one.entity} {one.name} {one.amount}"
    for one in judgement.misdated:
        yield f"misdated: {one.kind} {one.entity} {one.name} {one.amount}"
    judged = replace(judgement, doubled=doubled, lost=tuple(unexplained(lost, commands, summary.cases)))
    for found in await differences(play.house, summary, judged, outside, business.companies):
        yield f"differs: {found.where}: ours {found.ours}, theirs {found.theirs}"


def _but_withdrawn(doubled: Sequence[Effect], cases: Sequence[OpenCase]) -> Iterator[Effect]:
    """A bank booked nothing of what it no longer lists; a person is told of each, and takes it back."""
    withdrawn = Counter((case.entity, case.amount) for case in cases if case.reason == "no_longer_listed")
    yield from (one for one in doubled if not _taken(withdrawn, (one.entity, one.amount)))


def _taken(from_: Counter[Any], what: object) -> bool:
    """Whether there was one; each explains but once."""
    from_[what] -= 1
    return from_[what] >= 0


def _given_back(connections: Connections, collection: Process) -> Counter[tuple[str, Money | None]]:
    """Card payments that waited for an invoice in vain and went back whole: there was never anything to book. What
    went back after its payout is in the next one, and settles until then.
    """
    rows = connections.ask(
        """select entity, version, state, body from subject
        where process = 'collection' and subject like %s and state in ('applied', 'settling')""",
        ["%/unapplied/%"],
    )
    found = Counter[tuple[str, Money | None]]()
    for entity, version, state, body in rows:
        data: Any = type(collection.version(version).initial).model_validate(parse(body))
        found.update((entity, one.amount) for one in data.payments if state == "applied" or _is_back(one))
    return found


def _is_back(payment: Any) -> bool:  # noqa: ANN401 - of whichever version
    """Whether all of it was given back, by whomever."""
    return bool(sum(one.amount.minor for one in payment.refunds if one.live) == payment.amount.minor)


def _once(connections: Connections, outside: Mapping[str, Any]) -> Iterator[str]:
    """Each command that succeeded stands in the outside's books once, under its key, and none stands there twice."""
    found = Counter(keys_in(outside))
    yield from (f"done {times} times: {key}" for key, times in sorted(found.items()) if times > 1 and len(key) == 19)
    wanted = connections.ask(
        "select correlation, operation from command_closed where outcome = 'done' order by correlation"
    )
    for correlation, operation in wanted:
        if operation in KEYED and not found[correlation]:
            yield f"closed as done, and not in the outside's books: {operation} {correlation}"


# What must not be left


_HELD = "select count(*) from {} where holder <> '' and until > %(machine)s"
"""Asked at once: a little later every lease would have ended by itself. Those of who died had to end before that."""
UNDER_WAY = f"select {{}} from ({SQL.under_way.text.decode().rstrip().rstrip(';')}) as things"
_LEFT = {
    "a receipt is unread": UNDER_WAY.format("unread"),
    "an arrival is undecided": UNDER_WAY.format("undecided"),
    "a command is under way": UNDER_WAY.format("unsent"),
    "a dispatch is open": "select count(*) from dispatch where status in ('open', 'waiting')",
    "a fact is parked past its deadline": "select count(*) from parked where until <= %(business)s",
    "a subject was set aside": "select count(*) from subject where poisoned <> ''",
    "a shard is held, and nobody is there": _HELD.format("shard"),
    "a slot or feed is held, and nobody is there": _HELD.format("lease"),
    "a deadline has passed": "select count(*) from deadline where due_at <= %(business)s - interval '1 hour'",
    "a receipt was never read": """select count(*) from receipt r where r.kind <> 'reply' and not exists (
        select from fact f where f.process = 'receipt' and f.type = 'receipt.read' and f.receipt = r.id)""",
    "a subject's revisions have a gap": """select count(*) from (
        select 1 from fact group by shard, process, subject
        having count(*) <> max(revision) or min(revision) <> 1) x""",
    "a state row stands elsewhere than its log": """select count(*) from subject s where s.position <> coalesce((
        select max(f.position) from fact f where f.shard = s.shard and f.process = s.process
        and f.subject = s.subject), 0)""",
    "a shard's log has a gap": """select count(*) from shard s where s.position <> (
        select count(*) from fact f where f.shard = s.shard)""",
    "a receipt's items don't come out": "select count(*) from exception_case where reason = 'equation_broken'",
    "a posting moves nothing": "select count(*) from posting where minor = 0 or debit = credit",
}


def _left_over(play: Play, now: Now) -> Iterator[str]:
    asked = {"business": now.business, "machine": now.machine}
    for sentence, statement in _LEFT.items():
        ((count,),) = play.connections.ask(statement, asked)
        if count:
            yield f"{sentence} ({count})"


def _promises(play: Play) -> Iterator[str]:
    """Acknowledged means durable; and the item equation of each receipt, by count and by amount."""
    yield from not_kept(play.connections, play.acknowledged)
    for (body,) in play.connections.ask(f"{READ_IN_ALL} order by shard, position"):
        yield from unequal(parse(body))


def unequal(told: Any) -> Iterator[str]:  # noqa: ANN401 - a fact `receipt.read`
    """Where items = read + duplicate + ignored + rejected fails: by count; by amount, currency and direction."""
    if int(told["items"]) != sum(int(told[fate]) for fate in FATES):
        yield f"items of receipt {told['receipt']}: {told}"
    sums = told.get("amounts", {})
    for side in sorted({side for one in sums.values() for side in one}):
        came, *known = (Decimal(sums.get(fate, {}).get(side, "0")) for fate in ("items", *FATES))
        if came != sum(known):
            yield f"amounts of receipt {told['receipt']}, {side}: {sums}"


def _stranded(house: House, connections: Connections) -> Iterator[str]:
    """A subject that waits has its deadline, or a case that a person sees."""
    rows = connections.ask(
        """select s.process, s.subject, s.version, s.state from subject s where not exists (
        select from deadline d where d.shard = s.shard and d.process = s.process and d.subject = s.subject)
        and not exists (select from exception_case c where c.shard = s.shard and c.process = s.process
        and c.subject = s.subject and c.closed_at is null) order by s.process, s.subject"""
    )
    for process, subject, version, state in rows:
        if process in house.processes and state != NEW:
            states = house.processes[process].version(version).machine.states
            if not isinstance(states[state], Terminal):
                yield f"stranded: {process} {subject} waits in {state} without a deadline"


# The log


async def _log(house: House, connections: Connections, *, thorough: bool) -> AsyncIterator[str]:
    if thorough:
        verdict = await verify(house.database, house.deployment.id, house.seal_key.private.public_key(), [])
        for finding in verdict.findings:
            yield f"audit: {finding.where}: {finding.sentence}"
    walk = Walk(house.database, house.keys, house.processes, Rules.from_bundle)
    for (shard,) in connections.ask("select shard from shard where position > activations order by shard"):
        newest: dict[Subject, Step] = {}
        async for steps in walk.shard(shard):
            for step in (step for step in steps if not step.equal):
                yield f"replay: {step.row.subject} {step.row.type} was {step.row.state_after}, is {step.after.state}"
            for flaw in order_of_news(steps):
                yield flaw
            newest |= {step.before.subject: step for step in steps if step.row.process in house.processes}
        async for flaw in _states(house, newest):
            yield flaw


async def _states(house: House, newest: Mapping[Subject, Step]) -> AsyncIterator[str]:
    """The state rows of a shard are what the log makes of them, down to what they have absorbed."""
    async with house.database.transaction() as tx:
        held = await load_subjects(tx, house.keys, house.processes, newest)
    for subject, step in newest.items():
        told = unlike(held[subject], step.after) if subject in held else "no state row"
        if told:
            yield f"state: {subject} has {told}"


def log_of(connections: Connections) -> list[str]:
    """What was decided, in the order of its time: for whoever looks for the cause of a flaw."""
    rows = connections.ask(
        """select decided_at, process, subject, type, state_before, state_after, rule from fact
        where process not in ('house', 'receipt') order by decided_at, shard, position"""
    )
    return [
        f"{r.decided_at:%a %H:%M:%S} {r.process} {r.subject}: {r.type}, {r.state_before} -> {r.state_after} ({r.rule})"
        for r in rows
    ]


def cases_of(connections: Connections) -> list[str]:
    """Open cases."""
    rows = connections.ask(
        "select process, subject, reason, sentence from exception_case where closed_at is null order by opened_at, id"
    )
    return [f"{row.process} {row.subject}: {row.reason}: {row.sentence}" for row in rows]


_DIGESTED = (
    "select shard, position, head from shard order by shard",
    "select process, subject, revision, state, body, sealed_body from subject order by process, subject",
    "select shard, position, n, debit, credit, currency, minor from posting order by shard, position, n",
    "select number, digest from checkpoint order by number",
    *(
        f"select md5(string_agg(md5(t::text), '' order by md5(t::text))) from {table} t"
        for table in ("seen", "reference", "deadline", "parked", "feed", "lease")
    ),
    *(
        f"select md5(string_agg(md5(t::text), '' order by {key})) from {table} t"
        for table, key in (
            ("receipt", "shard, id"),
            ("receipt_part", "shard, receipt, n"),
            ("attempt_call", "shard, dispatch, n"),
            ("command_open", "shard, key"),
            ("command_closed", "shard, key"),
            ("exception_case", "shard, id"),
            ("approval", "shard, key, act"),
            ("recovery", "epoch"),
            ("dispatch", "shard, id"),
        )
    ),
)


def digest(connections: Connections, world: World, story: Sequence[str]) -> str:
    """Over log, states, postings, seals, receipts, calls, commands, cases, acts, the outside's books and the story:
    alike for two runs of a seed, byte for byte.
    """
    whole = hashlib.sha256()
    for statement in _DIGESTED:
        for row in connections.ask(statement):
            whole.update(repr(tuple(row)).encode())
    whole.update(json.dumps(world.books(), sort_keys=True, default=str).encode())
    whole.update("\n".join(story).encode())
    return whole.hexdigest()
