"""The golden log lived by many companies at once, as rows of the log: every process, several bundles, sealed fields.

The first copy is the log that was decided live on a database, with the decisions that stand in its file. In the others
each id is another one, so that nothing which is remembered by value is found more often than in a real log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from bench.place import ROOT
from nostro.engine.fitness import fitting_rules
from nostro.engine.transition import transition
from nostro.model.canonical import canonical
from nostro.model.facts import BY_TYPE, Fact, join, split
from nostro.model.facts.base import Position
from nostro.model.failures import ReplayDiffers
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Instance, Rules
from nostro.processes.kit.digest import decision_digest
from nostro.processes.registry import by_name
from nostro.store.arrivals import Blob, bound_to
from nostro.store.keys import DataKey, Keys
from nostro.store.log import FactRow, leaf_of

_VERSIONS = ".".join(str(len(process.versions)) for process in by_name().values())
LOG = ROOT / "tests" / "golden" / "log" / f"story.{_VERSIONS}.jsonl"
"""Named after the newest versions, in the order of the registry."""
KEY = DataKey(b"k" * 16, b"s" * 32)
KNOWN: Mapping[bytes, DataKey | None] = {KEY.id: KEY}
IDS = re.compile(
    r"""\b(?:ch|pi|dp|re|po|txn)_|\bact-|\bINV/|\bdb(?=[/"])|\bmain(?=/statement"|/lines/)|\b[0-9a-f]{20}\b|\b(?:0f){16}\b"""
)
"""What names something of one company: ids of the ERP, the provider and the bank, a chain of statements, a receipt."""
Line = dict[str, Any]


@dataclass(slots=True)
class Story:
    """The log of so many companies, as it is recorded; `instances` are where its subjects stand."""

    keys: Keys
    rules: Mapping[bytes, Rules]
    rows: list[FactRow] = field(default_factory=list)
    instances: dict[Subject, Instance] = field(default_factory=dict)

    def record(self, line: Line, *, golden: bool) -> None:
        """Decides a fact and adds its row. Raises `ReplayDiffers` when the golden log says otherwise."""
        fact, subject = fact_of(line), Subject(*line["subject"].split("/", 1))
        process, at = by_name()[subject.process], datetime.fromisoformat(line["at"])
        before = self.instances.get(subject) or process.new(subject.id, line["entity"])
        bundle = bytes.fromhex(line["bundle"])
        taken = transition(process, before, fact, self.rules[bundle], at)
        decided = decision_digest(subject, taken.decision)
        if golden and decided != hashlib.sha256(canonical(line["decision"])).digest():
            raise ReplayDiffers(f"Fact {line['n']} of the golden log is decided otherwise now.")
        self.instances[subject] = taken.after
        row = _row(fact, _sealed(self.keys, fact), taken.after, at)._replace(
            position=len(self.rows) + 1,
            state_before=taken.before.state,
            rule=taken.decision.rule,
            decided=decided,
            bundle=bundle,
        )
        previous = self.rows[-1].leaf if self.rows else bytes(32)
        self.rows.append(row._replace(leaf=leaf_of(previous, row)))


def lived(keys: Keys, companies: int) -> Story:
    """The story of so many companies, side by side."""
    text = LOG.read_text(encoding="utf-8").splitlines()
    told = [orjson.loads(line) for line in text]
    rules = {bytes.fromhex(one["bundle"]): fitting_rules(canonical(one["content"])) for one in told if "content" in one}
    story = Story(keys, rules)
    for line, one in zip(text, told, strict=True):
        if "fact" in one:
            for company in range(companies):
                story.record(one if not company else orjson.loads(_renamed(line, company)), golden=not company)
    return story


def _renamed(line: str, company: int) -> str:
    """The line as another company would have told it; the digests of its bundle and decision stay what they are."""
    return IDS.sub(lambda found: _another(found.group(), company), line)


def _another(name: str, company: int) -> str:
    if len(name) >= 20:
        return hashlib.sha256(f"{company}/{name}".encode()).hexdigest()[: len(name)]
    return f"{name}{company}" if name in ("db", "main") else f"{name}{company}0"


def fact_of(line: Line) -> Fact:
    """The fact in a line of the golden log."""
    kind, _, version = line["fact"].partition("/")
    return Fact(
        body=join(kind, int(version), canonical(line["body"]), None),
        entity=line["entity"],
        origin=line["origin"],
        actor=line["actor"],
        occurred_at=datetime.fromisoformat(line["occurred_at"]),
        received_at=datetime.fromisoformat(line["received_at"]),
        receipt=bytes.fromhex(line["receipt"]) if line["receipt"] else None,
        item=line["item"],
        sender_order=line["sender_order"],
        on_behalf_of=line["on_behalf_of"],
        reason=line["reason"],
        cause=Position(*line["cause"]) if line["cause"] else None,
    )


def _sealed(keys: Keys, fact: Fact) -> Blob:
    clear, secret = split(fact.body)
    return Blob(clear) if secret is None else Blob(clear, keys.seal(KEY, secret, bound_to(fact.key)), KEY.id)


def _row(fact: Fact, blob: Blob, after: Instance, at: datetime) -> FactRow:
    """The fact's columns, and what it left its subject as."""
    return FactRow(
        shard=0, position=0, month=at.date().replace(day=1), process=after.subject.process, version=after.version,
        subject=after.subject.id, revision=after.revision, entity=fact.entity, type=fact.type,
        type_version=BY_TYPE[fact.type].version, natural_key=fact.body.natural_key(), origin=fact.origin,
        receipt=fact.receipt, item=fact.item, cause_shard=fact.cause.shard if fact.cause else None,
        cause_position=fact.cause.number if fact.cause else None, body=blob.clear, sealed_body=blob.sealed,
        data_key=blob.data_key, state_before="", state_after=after.state, rule="", decided=b"", bundle=b"",
        actor=fact.actor, on_behalf_of=fact.on_behalf_of, reason=fact.reason, occurred_at=fact.occurred_at,
        received_at=fact.received_at, decided_at=at.astimezone(UTC), sender_order=fact.sender_order,
    )  # fmt: skip
