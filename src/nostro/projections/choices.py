"""What the cases of a work list are about, as their subjects stand now.

The decision that opened a case saw its own subject alone: what the items are that it names, and what is open of them,
is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from nostro.model.canonical import parse
from nostro.model.failures import POISON
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.collection.shown import NEWS, at_stake, open_of
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import State
from nostro.processes.kit.process import STALE
from nostro.processes.payout.v1.state import PayoutState
from nostro.processes.registry import by_name
from nostro.projections.amounts import amount_of
from nostro.store.arrivals import bound_to
from nostro.store.database import Row, Statement, Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("trace")
PROCESSES = by_name()
NEWS_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the subjects that a case may be about.

    `amount`: what is open of an item, or what a movement moved. `partner` is who the ERP says that it is, as
    `connection/id`. `day`: when an item is due, money without one came in, a movement was booked, a payout arrives.
    """

    subject: str
    entity: str
    state: str
    number: str = ""
    partner: str = ""
    amount: Money | None = None
    day: date | None = None


async def choices(tx: Transaction, subjects: Iterable[Subject]) -> dict[Subject, Choice]:
    """The subjects that there are."""
    rows = await tx.rows(SQL.standings, stale=STALE, **_places(sorted(set(subjects))))
    return {Subject(row.process, row.subject): _choice(row) for row in rows}


async def amounts(tx: Transaction, asked: Sequence[tuple[Subject, str]]) -> dict[tuple[Subject, str], Money]:
    """What cases without amount are about, by subject and reason, as far as that is one sum of one currency."""
    subjects = sorted({subject for subject, _ in asked if subject.process == "collection"})
    rows = await tx.rows(SQL.standings, stale=STALE, **_places(subjects))
    states = {Subject(row.process, row.subject): _state_of(row) for row in rows}
    told = await _bodies(tx, [s for s, reason in asked if reason == "unknown_charge"], SQL.told_to, types=list(NEWS))
    wanted = await _bodies(tx, [s for s, reason in asked if reason == "booking_late"], SQL.open_intents)
    found: dict[tuple[Subject, str], Money] = {}
    for subject, reason in asked:
        data = states.get(subject)
        if reason == "booking_late":
            amount = _one_sum([money for intent in wanted.get(subject, ()) if (money := amount_of(intent))])
        else:
            amount = at_stake(data, reason, told.get(subject, ())) if isinstance(data, CollectionState) else None
        found |= {(subject, reason): amount} if amount else {}
    return found


async def confidential(tx: Transaction, keys: Keys, subjects: Iterable[Subject]) -> dict[Subject, dict[str, str]]:
    """The names, texts and account numbers that were told last about subjects, as far as their keys still exist.

    Only for whoever has proved a right to act there.
    """
    rows = await tx.rows(SQL.sealed_about, limit=NEWS_LIMIT, **_places(sorted(set(subjects))))
    known = await keys.load(tx, {row.data_key for row in rows})
    found: dict[Subject, dict[str, str]] = {}
    for row in rows:
        if key := known[row.data_key]:
            told = parse(keys.open(key, row.sealed_body, bound_to(f"{row.type}:{row.natural_key}")))
            found.setdefault(Subject(row.process, row.subject), {}).update({n: str(v) for n, v in told.items() if v})
    return found


def named(text: str, process: str) -> Subject:
    """The subject that a case names as a candidate: `process/id`, or an id of its own process."""
    first, _, rest = text.partition("/")
    return Subject(first, rest) if first in PROCESSES else Subject(process, text)


def _choice(row: Row) -> Choice:
    place = (f"{row.process}/{row.subject}", row.entity, row.state)
    match _state_of(row):
        case CollectionState() as data:
            told = parse(row.told) if row.told else {}
            due = date.fromisoformat(str(told["due_on"])) if told.get("due_on") else None
            day = min((one.received_on for one in data.spare), default=None) if data.kind == "unapplied" else due
            partner = f"{data.connection}/{data.partner_id}" if data.partner_id else ""
            return Choice(*place, data.number, partner, open_of(data), day)
        case MovementState(amount=Money() as amount) as data:
            signed = amount if data.direction == "credit" else -amount
            number = next((one.servicer_reference for one in data.reports if one.servicer_reference), "")
            return Choice(*place, number or data.reference, amount=signed, day=data.booked_on)
        case PayoutState(payout=payout):
            return Choice(*place, payout.payout_id, amount=payout.amount, day=payout.arrives_on)
        case _:
            return Choice(*place)


def _state_of(row: Row) -> State | None:
    """The state; None where it can't be understood: its own case says so, and the list of cases has to be seen."""
    process = PROCESSES.get(row.process)
    if process is None or row.version > len(process.versions):
        return None
    try:
        return type(process.version(row.version).initial).model_validate(parse(row.body))
    except POISON:
        return None


async def _bodies(
    tx: Transaction, subjects: Sequence[Subject], statement: Statement, **more: object
) -> dict[Subject, list[Mapping[str, Any]]]:
    found: dict[Subject, list[Mapping[str, Any]]] = {}
    if subjects:
        for row in await tx.rows(statement, limit=NEWS_LIMIT, **_places(subjects), **more):
            with suppress(*POISON):
                found.setdefault(Subject(row.process, row.subject), []).append(parse(row.body))
    return found


def _one_sum(some: Sequence[Money]) -> Money | None:
    currencies = {money.currency for money in some}
    return Money(minor=sum(money.minor for money in some), currency=currencies.pop()) if len(currencies) == 1 else None


def _places(subjects: Sequence[Subject]) -> dict[str, object]:
    return {
        "shards": [subject.shard for subject in subjects],
        "processes": [subject.process for subject in subjects],
        "subjects": [subject.id for subject in subjects],
    }
