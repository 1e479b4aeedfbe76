"""What of the ten guarantees neither the outside's books nor the item equation can show, asked of the log itself."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from psycopg import sql

from nostro.engine.walk import Step
from nostro.model.canonical import parse
from nostro.model.ids import SHARDS, short_digest
from nostro.processes.kit.process import PASSED, STALE, UNEXPECTED
from nostro.routing.route import told_name
from nostro.runtime.house import House
from nostro.sandbox.scenario import Scenario
from nostro.store.database import Row
from tests.simulation.database import Connections

MOST = {"arrival": SHARDS + 24, "reading": 16, "command_open": 12}
"""9: what a seed's handful of deals may leave waiting at once, and the first bundle on each shard."""
PERSONAL = frozenset({"name", "payer"})
"""10: where the script says who somebody is, and what his account's number is."""
_ACTORLESS = {
    "7: a fact has no actor": "select count(*) from fact where actor = ''",
    "7: a command has no actor": "select count(*) from command_open where actor = ''",
    "7: an act has no reason": "select count(*) from fact where origin = 'people' and reason = ''",
    "7: a decision names no rules": "select count(*) from fact where bundle = '' and process <> 'house'",
}
READ_IN_ALL = "select body from fact where process = 'receipt' and type = 'receipt.read'"
APPENDED = """select encode(r.id, 'hex') as receipt, f.item from receipt r join fact f on f.receipt = r.id
    where r.kind <> 'reply' and f.type <> 'receipt.read'"""
FACTS = "select type, natural_key from fact where receipt is not null"
TOLD = "select key, encode(receipt, 'hex') from seen where receipt is not null order by receipt, key"
PARKED = "select arrival from parked where kind = 'fact'"
_COMMANDS = """
select c.*, (select min(a.started_at) from attempt_call a where a.dispatch = c.dispatch) as began from (
    select process, subject, connection, body, position, dispatch, closed_at from command_closed
    union all
    select process, subject, connection, body, position, dispatch, timestamptz '9999-12-31 00:00+00' from command_open
    where status in ('ready', 'dispatched', 'handed_over', 'answered')) c
order by began, process, subject, position"""

_BESIDE = """
select c.subject, c.body, f.body as told from (
    select shard, process, subject, operation, position, body from command_closed
    union all select shard, process, subject, operation, position, body from command_open) c
join fact f on f.shard = c.shard and f.process = c.process and f.subject = c.subject and f.position <= c.position
where c.operation = 'register_customer_payment' and f.type = 'payment.registered'"""
"""What is asked for, with what the ERP had told by then."""


def not_held(
    connections: Connections, unspoken: set[str], most: Mapping[str, int], logged: Iterable[str]
) -> Iterator[str]:
    """What isn't as 3, 4, 5, 7, 9 and 10 have it.

    `unspoken`: what stands nowhere in the clear; `most`: the longest that each queue was; `logged`: the house's log.
    """
    yield from order_of_calls(connections.ask(_COMMANDS))
    yield from appended(connections)
    yield from told_and_gone(connections)
    yield from beside(connections.ask(_BESIDE))
    for sentence, statement in _ACTORLESS.items():
        ((count,),) = connections.ask(statement)
        if count:
            yield f"{sentence} ({count})"
    yield from (f"9: {n} waited in {table}" for table, n in sorted(most.items()) if n > MOST[table])
    yield from _in_the_clear(connections, unspoken, logged)


def order_of_calls(commands: Iterable[Row]) -> Iterator[str]:
    """3: what one thing is asked for leaves in the order in which it was decided, each when the last has ended."""
    queues: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in commands:
        if one.began is not None:
            queues[one.process, one.subject].append(one)
            line = parse(one.body).get("statement_line")  # only one command at a time may work on it
            queues[one.connection, f"line {line}"] += [one] if line is not None else []
    for (whose, what), queue in sorted(queues.items()):
        for first, then in pairwise(queue):
            same = (first.process, first.subject) == (then.process, then.subject)
            if same and first.position > then.position:
                yield f"3: a call for {whose} {what} has overtaken another"
            if then.began < first.closed_at and (first.dispatch, first.position) != (then.dispatch, then.position):
                yield f"3: a call for {whose} {what} began while another was under way"


def appended(connections: Connections) -> Iterator[str]:
    """4: of as many items as a receipt says were read in it a fact stands in the log, or is parked.

    Of several readings of a receipt the last says it of all: what the ones before have told counts as read in it too.
    """
    said, there = Counter[str](), defaultdict[str, set[int]](set)
    for told in sorted((parse(body) for (body,) in connections.ask(READ_IN_ALL)), key=_reading):
        said[str(told["receipt"])] = int(str(told["read"]))
    for receipt, item in connections.ask(APPENDED):
        there[receipt].add(item)
    for (arrival,) in connections.ask(PARKED):
        parked: Any = parse(arrival)
        if parked["receipt"]:
            there[parked["receipt"]].add(int(parked["item"]))
    for receipt in sorted(said.keys() | there.keys()):
        if said[receipt] != len(there[receipt]):
            yield f"4: receipt {receipt} says {said[receipt]} items were read, and {len(there[receipt])} are there"


def _reading(told: Mapping[str, Any]) -> int:
    return int(told["reading"])


def told_and_gone(connections: Connections) -> Iterator[str]:
    """4: every fact that a receipt was the first to tell stands in the log, or is parked."""
    there = {told_name(f"{kind}:{key}")[1] for kind, key in connections.ask(FACTS)}
    for (arrival,) in connections.ask(PARKED):
        told = parse(arrival)
        there.add(told_name(f"{told['type']}:{told['natural_key']}")[1])
    receipts = {short_digest("receipt", bytes(ident)) for (ident,) in connections.ask("select id from receipt")}
    known = there | receipts
    for key, receipt in connections.ask(TOLD):
        if bytes(key) not in known:
            yield f"4: receipt {receipt} told a fact that stands nowhere"


def beside(asked: Iterable[Row]) -> Iterator[str]:
    """5: what the ERP has registered itself isn't asked for by us, be it that it would be found there."""
    for one in asked:
        reference = parse(one.body)["provider_reference"]
        if reference == parse(one.told).get("provider_reference"):
            yield f"5: {one.subject} asks for {reference}, which the ERP has registered itself"


def order_of_news(steps: Iterable[Step]) -> Iterator[str]:
    """3: news older by its sender's order than what its subject has taken in changes nothing, and none else is held so.

    Not asked of what the subject says that it has absorbed, but of the log.
    """
    newest: dict[tuple[str, str, str], str] = {}
    for step in steps:
        row, body = step.row, step.fact.body if step.fact else None
        if body is None or not body.stream or row.rule in (PASSED, UNEXPECTED):
            continue
        key, order = (row.process, row.subject, body.stream), body.order or row.sender_order
        older = order < newest.get(key, "")
        if older != (row.rule == STALE) or (older and row.state_before != row.state_after):
            yield f"3: {row.process} {row.subject} took {row.type} of {order} in behind {newest.get(key)}: {row.rule}"
        newest[key] = max(order, newest.get(key, ""))


def persons(scenario: Scenario) -> set[str]:
    """Customers and the numbers of their accounts."""
    found: set[str] = set()

    def look(told: Any) -> None:  # noqa: ANN401 - the script is JSON
        parts = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
        for key, value in parts:
            if key in PERSONAL and isinstance(value, str):
                found.add(value)
            look(value)

    for act in scenario.script:
        look(act.op)
    return found


def secrets(house: House, *keys: bytes) -> set[str]:
    """What its connections prove themselves with and are proven to; and these keys, as they may be written."""
    written = {text for key in keys for text in (base64.b64encode(key).decode(), key.hex())}
    return written.union(*(one.secrets.values() for one in house.connections.values()))


def _in_the_clear(connections: Connections, unspoken: set[str], logged: Iterable[str]) -> Iterator[str]:
    """10: no customer, no customer's account and no secret is told anywhere in the tables, nor in what is logged."""
    spelled = sorted({f"%{spelling}%" for one in unspoken for spelling in (one, one.encode().hex())})
    for table in sorted(connections.used):
        query = sql.SQL("select count(*) from {} t where t::text like any(%s)").format(sql.Identifier(table))
        ((count,),) = connections.ask(query, [spelled])
        if count:
            yield f"10: {count} rows of {table} say in the clear who somebody is, or a secret"
    yield from (f"10: logged in the clear: {line}" for line in logged if any(one in line for one in unspoken))
