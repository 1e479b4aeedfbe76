"""One batch being decided, in memory: each arrival becomes a row of the log and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from nostro.engine.batch import AskedLookup, Batch, Case, Closing, Command, SubjectRow
from nostro.engine.endings import Told
from nostro.engine.fitness import lacks, lacks_fact
from nostro.engine.hops import bound, emitted
from nostro.engine.recover import RECOVERIES, serve_recovery
from nostro.engine.tenure import HeldShard
from nostro.engine.transition import NOT_AS_SEEN, SERVED, houseless, transition
from nostro.engine.verdicts import serve_case, serve_release
from nostro.model.base import confidential_fields
from nostro.model.canonical import canonical, parse
from nostro.model.clock import Now
from nostro.model.facts import (
    BundleActivated,
    CaseClosed,
    CommandReleased,
    CommandSettled,
    Fact,
    FactBody,
    split_fields,
)
from nostro.model.facts.base import Position
from nostro.model.failures import Endless, Failure
from nostro.model.ids import Subject, correlation_id, key_bytes, shard_of, short_digest
from nostro.model.intents import Reread
from nostro.model.outcomes import OutcomeKind
from nostro.processes.kit.decision import CaseOpening, Instance, Rules, Wanted
from nostro.processes.kit.digest import decision_digest
from nostro.processes.kit.process import STALE, UNEXPECTED, Process, Transition, asked
from nostro.routing.references import UNREADABLE, Claim
from nostro.routing.route import HOUSE, Routable
from nostro.store.arrivals import Arrival, Blob
from nostro.store.blobs import open_fact
from nostro.store.database import Row, Statement, Statements, Transaction
from nostro.store.keys import DataKey, Keys
from nostro.store.log import FactRow, Made

SQL = Statements("engine")
POISONED = "poisoned"
FIRST_RERUN = 2
"""The number of the reading that a person asked for first: each has one of its own, for ever."""
OF_PEOPLE = frozenset({kind.fact_type for kind in (CommandReleased, CaseClosed, *RECOVERIES)})
"""Types of facts that people tell the engine itself."""
MODES = {"observe": "would_do", "propose": "proposed", "act": "ready"}


@dataclass(slots=True)
class Deciding:
    """The state of a batch while its arrivals are decided one after the other.

    `lacking`: bundles that this release can't work under, and why. `refused`: shards on which something needs what this
    release lacks; what comes there, from that arrival on, waits in the queue for a worker that can. `stopped`: those of
    them on which a fact can't be understood; there the house's own facts, which may end a lack, wait too. `released`:
    subjects that are poisoned no more; what was set aside goes first, so the rest of the batch waits for it. `tired`:
    something came to no end; the rest waits for the next batch, as several such would last longer than any lease.
    `telling_from`: the first place on their lanes of the facts that are emitted. `shards` are copies: it moves them.
    """

    keys: Keys
    processes: Mapping[str, Process]
    known: Mapping[bytes, DataKey | None]
    rules: Mapping[bytes, Rules]
    shards: dict[int, HeldShard]
    batch: Batch
    now: Now
    telling_from: datetime
    lacking: Mapping[bytes, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    released: set[Subject] = field(default_factory=set)
    tired: bool = False
    month: date = field(init=False)

    def __post_init__(self) -> None:
        """The month of the log that all of them go to."""
        self.month = self.now.business.date().replace(day=1)

    async def take(self, tx: Transaction, arrival: Arrival, *, poisonous: str = "") -> None:
        """Decides one arrival. Whatever its decision throws parks its subject, and nothing else.

        `poisonous`: what writing it alone came to, the time before.
        """
        subject = Subject(arrival.process, arrival.subject)
        row = self._row(subject, arrival)
        if self.tired or self._refuses(arrival, row) or subject in self.released:
            return
        if row.unreadable:
            self._set_aside(subject, arrival)
            return
        if row.poisoned and arrival.type != CaseClosed.fact_type:
            self.batch.poisoned.append(arrival)
            return
        if arrival.type == UNREADABLE:
            self._poison(row, arrival, arrival.reason)
            return
        if poisonous:
            self._poison(row, arrival, f"{poisonous} while what follows from {arrival.type} was written.")
            return
        try:
            fact = arrival.fact if type(arrival) is Told else open_fact(self.keys, arrival, self.known)
            transition = self._transition(row, arrival, fact)
            bound(arrival.hops, transition.decision)
        except Exception as error:  # noqa: BLE001 - its own subject only is stopped, kept and shown as a case
            self.tired = isinstance(error, Endless)
            told = f"{error.sentence} " if isinstance(error, Failure) else ""  # others may quote what is confidential
            self._poison(row, arrival, f"{told}{type(error).__name__} while {arrival.type} was decided.")
            return
        entry = self._append(arrival, transition, row)
        if arrival.type in OF_PEOPLE:
            await self._serve(tx, fact, row)
        self._follow(arrival, fact, transition, row, entry)

    async def _serve(self, tx: Transaction, fact: Fact, row: SubjectRow) -> None:
        """What people have said to the engine itself."""
        if isinstance(fact.body, CommandReleased):
            subject = row.instance.subject
            rules = self.rules.get(self.shards[subject.shard].bundle or b"")
            await serve_release(tx, self.batch, fact, subject, self.now, rules)
        elif isinstance(fact.body, CaseClosed):
            await self._close(tx, fact, fact.body, row)
        elif isinstance(fact.body, RECOVERIES):
            await serve_recovery(tx, fact, fact.body, self.now)

    def _refuses(self, arrival: Arrival, row: SubjectRow) -> bool:
        """Whether a worker with another release has to decide this, and with it all that follows on its shard."""
        shard = arrival.shard
        unknown = "" if arrival.type == UNREADABLE else lacks_fact(arrival.type, arrival.type_version)
        if unknown and shard not in self.stopped:
            self.stopped.add(shard)
            self.refused.setdefault(shard, f"{row.instance.subject} needs {unknown}.")
        if arrival.process == HOUSE:
            return shard in self.stopped
        if shard not in self.refused:
            bundle = self.shards[shard].bundle
            why = f"{row.instance.subject} needs {row.lacks}." if row.lacks else self.lacking.get(bundle or b"", "")
            if why:
                self.refused[shard] = why
        return shard in self.refused

    async def _close(self, tx: Transaction, fact: Fact, body: CaseClosed, row: SubjectRow) -> None:
        subject = row.instance.subject
        if await serve_case(tx, self.batch, fact, body, row, self.now):
            self.released.add(subject)
            waits = {a.key for a in self.batch.poisoned if Subject(a.process, a.subject) == subject}
            self.batch.poisoned = [a for a in self.batch.poisoned if a.key not in waits]

    def _row(self, subject: Subject, arrival: Arrival) -> SubjectRow:
        row = self.batch.subjects.get(subject)
        if row is None:
            process = self.processes.get(subject.process)
            new = process.new(subject.id, arrival.entity) if process else houseless(subject, arrival.entity)
            missing = "" if subject.process == HOUSE else lacks(self.processes, subject.process, new.version)
            row = self.batch.subjects[subject] = SubjectRow(new, arrival.lane, lacks=missing)
        return row

    def _transition(self, row: SubjectRow, arrival: Arrival, fact: Fact) -> Transition:
        if arrival.process == HOUSE and isinstance(fact.body, BundleActivated):
            self._activate(fact.body)
        bundle = self.shards[arrival.shard].bundle
        rules = self.rules.get(bundle) if bundle is not None else None
        return transition(self.processes.get(arrival.process), row.instance, fact, rules, self.now.business)

    def _activate(self, body: BundleActivated) -> None:
        """The later publication has the higher number; its instant may be the earlier one, read before its turn."""
        shard = self.shards[body.shard]
        if body.sequence > shard.activations:
            shard.bundle, shard.activations = bytes.fromhex(body.bundle), body.sequence

    def _append(self, arrival: Arrival, transition: Transition, row: SubjectRow) -> FactRow:
        shard = self.shards[arrival.shard]
        before, after = transition.before, transition.after
        decided, bundle = decision_digest(after.subject, transition.decision), shard.bundle or b""
        made = Made(
            shard.position + 1, self.month, after.version, after.revision, before.state, after.state,
            transition.decision.rule, decided, bundle, self.now.business,
        )  # fmt: skip
        entry = FactRow.of(arrival, made, shard.head)
        shard.position, shard.head = entry.position, entry.leaf
        self.batch.decided.append(arrival)
        self.batch.facts.append(entry)
        row.instance, row.position, row.changed = after, entry.position, True
        if arrival.data_key is not None and (key := self.known.get(arrival.data_key)):  # a destroyed one seals nothing
            row.data_key, row.key = arrival.data_key, key
        return entry

    def _follow(self, arrival: Arrival, fact: Fact, transition: Transition, row: SubjectRow, entry: FactRow) -> None:
        """Everything that the decision asks for."""
        decision, instance, batch = transition.decision, transition.after, self.batch
        subject = instance.subject
        if subject.process == HOUSE:
            return
        if decision.disowns:
            batch.disowned.append((subject, short_digest("fact", fact.key)))
        elif decision.rule not in (STALE, UNEXPECTED, SERVED, NOT_AS_SEEN):
            self._references(subject, fact)
        self._settle(entry.shard, fact)
        for n, wanted in enumerate(decision.intents):
            self._command(wanted, n, row, entry)
        hops = emitted(arrival.hops, passed_on=decision.disowns)
        for body in decision.emits:  # each has a place of its own: they arrive in the order in which they were told
            at = self.telling_from + timedelta(microseconds=len(batch.emitted))
            batch.emitted.append(Routable(self._emitted(body, fact, entry), Blob(b""), at=at, hops=hops))
        if decision.lookup is not None:
            batch.lookups.append(AskedLookup(decision.lookup, self._asked(arrival, instance, entry)))
        for opening in decision.opens:
            batch.cases.append(Case(subject, instance.entity, entry.position, opening))
        for reason in decision.closes:
            batch.cases.append(Closing(subject, reason))
        for n, posting in enumerate(decision.postings):
            batch.postings.append((entry, n, posting))
        self._deadline(transition)

    def _references(self, subject: Subject, fact: Fact) -> None:
        process = self.processes[subject.process]
        begin = asked(process.begins, fact) if fact.body.owner else None  # what is addressed to a subject begins none
        registered = asked(process.registers, fact)
        if begin is None and not registered:
            return
        by = short_digest("fact", fact.key)
        self.batch.owned += [Claim(r, subject, by) for r in (begin.identity if begin is not None else ())]
        self.batch.registers += [Claim(r, subject, by) for r in registered]

    def _deadline(self, transition: Transition) -> None:
        subject = transition.after.subject
        if transition.due_at is not None:
            self.batch.deadlines[subject] = (transition.deadline, transition.due_at, transition.after.revision)
        elif not transition.deadline and transition.before.deadline_revision and not transition.after.deadline_revision:
            self.batch.deadlines[subject] = None

    def _settle(self, shard: int, fact: Fact) -> None:
        """A command's end reaches the subject that wanted it."""
        if not isinstance(fact.body, CommandSettled):
            return
        key, outcome = key_bytes(fact.body.key), fact.body.outcome
        if outcome.kind is OutcomeKind.HANDED_OVER:
            self.batch.handed_over.append((shard, key, outcome.sentence))
        else:
            self.batch.settled.append((shard, key, outcome.kind.value, canonical(outcome.ids)))

    def _command(self, wanted: Wanted, n: int, row: SubjectRow, entry: FactRow) -> None:
        subject, intent, shard = row.instance.subject, wanted.intent, entry.shard
        if type(intent) is Reread:
            self.batch.rereads.append((bytes.fromhex(intent.receipt), FIRST_RERUN + wanted.occurrence))
            return
        rules, operation, entity = self.rules[entry.bundle], intent.operation, intent.entity
        connection = getattr(intent, "connection", "") or rules.serves(entity, operation).connection
        key, shared = wanted.key_text(subject), intent.works_on
        ordering_key = f"{connection}/{shared}" if shared else str(subject)
        clear, secret = split_fields(intent, confidential_fields(type(intent)))
        sealed = None if secret is None else row.seal(self.keys, secret, f"command:{key}")
        self.batch.commands.append(
            Command(
                shard, key_bytes(key), key, correlation_id(key), subject.process, subject.id, wanted.step,
                wanted.occurrence,
                wanted.generation, entity, connection, operation, row.lane,
                MODES[rules.mode(connection, operation, entity)],
                ordering_key, shard_of(ordering_key) if shared else shard, entry.position, n,
                clear, sealed,
                row.data_key if sealed else None, entry.bundle, "engine", self.now.business,
                self.keys.fingerprint(clear)[:16],
            )
        )  # fmt: skip

    def _emitted(self, body: FactBody, fact: Fact, entry: FactRow) -> Fact:
        return Fact(
            body=body,
            entity=entry.entity,
            origin=entry.process,
            actor="engine",
            on_behalf_of=fact.on_behalf_of or (fact.actor if fact.origin == "people" else ""),
            occurred_at=fact.occurred_at,
            received_at=fact.received_at,
            receipt=fact.receipt,
            item=fact.item,
            sender_order=fact.sender_order,
            cause=Position(entry.shard, entry.position),
        )

    def _asked(self, arrival: Arrival, instance: Instance, entry: FactRow) -> Arrival:
        """A look-up as an arrival that comes back to its subject: parked until it is answered."""
        lookup = f"{instance.subject}/{instance.revision}"
        return arrival._replace(
            key=short_digest("lookup", lookup), natural_key=lookup, type="lookup", body=b"{}",
            sealed_body=None, data_key=None,
            cause_shard=entry.shard, cause_position=entry.position,
        )  # fmt: skip

    def _set_aside(self, subject: Subject, arrival: Arrival) -> None:
        """What arrives for a subject whose stored state can't be understood waits for a release that can."""
        self.batch.poisoned.append(arrival)
        if subject not in self.batch.unreadable:
            self.batch.unreadable.add(subject)
            opening = CaseOpening(POISONED, "Its stored state can't be understood by this release. Nothing is lost.")
            self.batch.cases.append(Case(subject, arrival.entity, self.shards[arrival.shard].position, opening))

    def _poison(self, row: SubjectRow, arrival: Arrival, why: str) -> None:
        subject = Subject(arrival.process, arrival.subject)
        row.poisoned, row.changed = arrival.key.hex(), True
        self.batch.poisoned.append(arrival)
        rest = (
            "" if arrival.type == UNREADABLE else " The subject is set aside with what arrives for it; nothing is lost."
        )
        opening = CaseOpening(POISONED, f"{why}{rest}")
        self.batch.cases.append(Case(subject, arrival.entity, self.shards[arrival.shard].position, opening))


async def load_subjects(
    tx: Transaction,
    keys: Keys,
    processes: Mapping[str, Process],
    subjects: Iterable[Subject],
    statement: Statement = SQL.subjects,
) -> dict[Subject, SubjectRow]:
    """Those of the subjects that exist, in one statement: locked, unless it is another one."""
    names = sorted(set(subjects))
    rows = await tx.rows(
        statement,
        shards=[s.shard for s in names],
        processes=[s.process for s in names],
        subjects=[s.id for s in names],
    )
    known = await keys.load(tx, {row.data_key for row in rows if row.data_key is not None})
    return {
        (subject := Subject(row.process, row.subject)): _loaded(keys, processes, subject, row, known) for row in rows
    }


def _loaded(
    keys: Keys, processes: Mapping[str, Process], subject: Subject, row: Row, known: Mapping[bytes, DataKey | None]
) -> SubjectRow:
    missing = lacks(processes, row.process, row.version)
    if missing:
        return SubjectRow(houseless(subject, row.entity), row.lane, row.data_key, row.position, lacks=missing)
    try:
        return _understood(keys, processes, subject, row, known)
    except Exception:  # noqa: BLE001 - whatever a stored state does to this release stops its own subject only
        return SubjectRow(
            houseless(subject, row.entity), row.lane, row.data_key, row.position, POISONED, unreadable=True
        )


def _understood(
    keys: Keys, processes: Mapping[str, Process], subject: Subject, row: Row, known: Mapping[bytes, DataKey | None]
) -> SubjectRow:
    version = processes[row.process].version(row.version)
    key = known.get(row.data_key)
    if row.sealed_body is not None and key is not None:
        secret = parse(keys.open(key, row.sealed_body, f"subject:{subject}".encode()))
        state = version.state({**parse(row.body), **secret})
    else:
        state = version.stored_state(row.body)
    absorbed = {stream: str(order) for stream, order in parse(row.absorbed).items()} if row.absorbed != b"{}" else {}
    instance = Instance(
        subject, row.entity, row.version, row.revision, row.state, state, absorbed, row.deadline_revision
    )
    return SubjectRow(instance, row.lane, row.data_key, row.position, row.poisoned, key=key)
