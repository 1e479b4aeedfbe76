"""Logs of all processes that were decided once and for ever: pure code may not decide any of it otherwise.

`make golden` lives the story of tests/money_story.py again on a database and writes the newest log anew, in which every
process is of its newest version: a new version gets a log of its own, and those before it are only read. A person reads
the difference. Without that only files are read, and nothing but pure functions runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.story import LOG as NEWEST
from bench.story import fact_of
from nostro.engine.fitness import fitting_rules
from nostro.engine.transition import transition
from nostro.engine.walk import AUDIT, ENGINE
from nostro.governance.rules import Rules
from nostro.model.canonical import canonical, digest, parse
from nostro.model.facts import Fact
from nostro.model.facts.base import FactBody
from nostro.model.ids import SHARDS, Subject
from nostro.processes.kit.decision import Decision, Instance
from nostro.processes.kit.digest import decision_digest, decision_told
from nostro.processes.kit.process import Process
from nostro.processes.registry import by_name
from nostro.routing.route import HOUSE
from nostro.store.blobs import open_fact
from nostro.store.database import Database
from nostro.store.log import FactRow

FOLDER = NEWEST.parent
WRITING = os.environ.get("NOSTRO_GOLDEN") == "write"
SHOWN = 5
WHAT_TO_DO = """
If that was not meant: take the change back.
If it was meant, instances that live already must go on as they began. So leave the version that they have as it is and
give the process a new one: copy processes/<name>/v1 to v2, change v2, and add it as the last of `versions`.
Where the story itself was changed on purpose: `make golden` writes the log anew; read its difference before you commit.
"""
Line = dict[str, Any]
Processes = dict[str, Process]


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(canonical(value))


def lines(log: Path) -> tuple[dict[str, Rules], list[Line]]:
    """The bundles of a log by digest, and its facts."""
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    rules = {line["bundle"]: fitting_rules(canonical(line["content"])) for line in told if "content" in line}
    return rules, [line for line in told if "fact" in line]


def decided_again(rules: dict[str, Rules], told: list[Line], processes: Processes) -> Iterator[tuple[Line, Any]]:
    """Each fact with what is decided about it now; what throws is told as such."""
    instances: dict[Subject, Instance] = {}
    for line in told:
        subject = Subject(*line["subject"].split("/", 1))
        process = processes[subject.process]
        if line["version"] > len(process.versions):
            yield line, {"lacks": f"version {line['version']}"}
            continue
        before = instances.get(subject) or _begun(process, subject, line)
        try:
            taken = transition(
                process, before, fact_of(line), rules[line["bundle"]], datetime.fromisoformat(line["at"])
            )
        except Exception as error:  # noqa: BLE001 - told as what is now
            yield line, {"threw": f"{type(error).__name__}: {error}"}
            continue
        instances[subject] = replace(taken.after, state=line["state"][1])
        yield line, plain(decision_told(subject, taken.decision))


def _begun(process: Process, subject: Subject, line: Line) -> Instance:
    """The instance before its first fact, of the version that it was begun with."""
    version = line["version"]
    return replace(process.new(subject.id, line["entity"]), version=version, data=process.version(version).initial)


def altered(processes: Processes) -> str:
    """What pure code decides otherwise than the golden logs say, for the person who changed it; empty: nothing."""
    logs = [lines(log) for log in sorted(FOLDER.glob("*.jsonl"))]
    again = [pair for rules, told in logs for pair in decided_again(rules, told, processes)]
    found = [(line, now) for line, now in again if now != line["decision"]]
    shown = "\n".join(_shown(line, now) for line, now in found[:SHOWN])
    return f"{len(found)} of {len(again)} decisions are another now.\n{shown}\n{WHAT_TO_DO}" if found else ""


def _shown(line: Line, now: dict[str, Any]) -> str:
    was = line["decision"]
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    told = "".join(
        f"\n    {name}\n      was {json.dumps(was.get(name))}\n      is  {json.dumps(now.get(name))}" for name in names
    )
    where = f"in {line['state'][0]}, version {line['version']}, bundle {line['bundle'][:12]}"
    return f"  {line['subject']}: fact {line['n']}, {line['fact']} {where}{told}"


@pytest.mark.skipif(WRITING, reason="it is being written")
def test_pure_code_decides_the_golden_log_as_it_was_decided() -> None:
    assert not altered(dict(by_name())), altered(dict(by_name()))


@pytest.mark.skipif(WRITING, reason="it is being written")
def test_the_newest_golden_log_is_about_every_process_in_its_newest_version_with_several_bundles() -> None:
    rules, told = lines(NEWEST)
    newest = {(name, len(process.versions)) for name, process in by_name().items()}
    assert {(line["subject"].split("/")[0], line["version"]) for line in told} == newest
    assert len(rules) >= 3
    assert {line["bundle"] for line in told} == set(rules)
    assert sum(bool(line["decision"]["postings"]) for line in told) >= 10
    assert sum(bool(line["decision"]["opens"]) for line in told) >= 10


@pytest.mark.parametrize("log", sorted(FOLDER.glob("*.jsonl")), ids=lambda log: log.stem)
def test_digests_are_over_the_canonical_bytes_of_what_is_told(log: Path) -> None:
    rules, told = lines(log)
    again = zip(told, decisions_of(rules, told), strict=True)
    assert [line["n"] for line, (subject, decision) in again
            if decision_digest(subject, decision) != digest(line["decision"])] == []  # fmt: skip


@pytest.mark.parametrize("log", sorted(FOLDER.glob("*.jsonl")), ids=lambda log: log.stem)
def test_states_and_intents_are_the_same_in_their_bytes_and_in_what_is_parsed_of_them(log: Path) -> None:
    for instance, decision in instances_of(*lines(log)):
        version = by_name()[instance.subject.process].version(instance.version)
        body = canonical(instance.data)
        assert version.stored_state(body) == version.state(parse(body)) == instance.data
        for intent in (wanted.intent for wanted in decision.intents):
            kind, body = type(intent), canonical(intent)
            assert kind.model_validate_json(body) == kind.model_validate(parse(body)) == intent


@pytest.mark.skipif(WRITING, reason="it is being written")
def test_what_is_known_of_the_state_before_changes_no_decision() -> None:
    forgetful = {
        name: replace(process, versions=tuple(replace(v, decide=_forgetting(v.decide)) for v in process.versions))
        for name, process in by_name().items()
    }
    assert not altered(forgetful)


def _forgetting(decide: Callable[..., Decision]) -> Callable[..., Decision]:
    return lambda instance, *given: decide(replace(instance, calls=None), *given)


def changed(name: str, by: Callable[[Decision], Decision]) -> Processes:
    """The processes of a release in which somebody changed what one of them decides."""
    process = by_name()[name]
    first, *later = process.versions
    other = replace(first, decide=lambda *given: by(first.decide(*given)))
    return {**by_name(), name: replace(process, versions=(other, *later))}


def test_a_changed_decision_is_named_with_its_subject_its_fact_and_the_remedy() -> None:
    told = altered(changed("collection", lambda decision: replace(decision, intents=())))
    for part in ("collection/DE/db/1", "payment.captured/1", "was [{", "is  []", "make golden", "v2"):
        assert part in told


def test_a_decision_that_throws_now_is_named_too() -> None:
    def throws(_: Decision) -> Decision:
        raise RuntimeError("new")

    assert "RuntimeError: new" in altered(changed("payout", throws))


def test_a_change_that_comes_as_a_new_version_leaves_the_golden_log_alone() -> None:
    process = by_name()["collection"]
    [new, *_] = changed("collection", lambda decision: replace(decision, intents=()))["collection"].versions
    newest = replace(new, machine=replace(new.machine, version=len(process.versions) + 1))
    assert not altered({**by_name(), "collection": replace(process, versions=(*process.versions, newest))})


@pytest.mark.skipif(not WRITING, reason="NOSTRO_GOLDEN=write")
@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_write_the_golden_log(database_url: str) -> None:
    from tests.money_story import Story, live, told_again

    async with Database(database_url, size=4) as database:
        story = Story(database)
        await live(story)
        await told_again(story)
        async with database.transaction() as tx:
            rows = [
                FactRow(*row) for n in range(SHARDS) for row in await tx.rows(AUDIT.chain, shard=n, after=0, limit=9999)
            ]
            known = await story.keys.load(tx, {row.data_key for row in rows if row.data_key})
            bundles = [await tx.row(ENGINE.bundle, digest=digest) for digest in sorted({row.bundle for row in rows})]
        rows = sorted((row for row in rows if row.process != HOUSE), key=lambda r: (r.decided_at, r.shard, r.position))
        told = [_line(n, row, open_fact(story.keys, row, known)) for n, row in enumerate(rows, 1)]
    contents = [fitting_rules(bytes(row.content)) for row in bundles if row is not None]
    head = [{"bundle": rules.bundle, "content": plain(rules.contents)} for rules in contents]
    told = _with_decisions({rules.bundle: rules for rules in contents}, rows, told)
    FOLDER.mkdir(exist_ok=True)
    NEWEST.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (*head, *told)), encoding="utf-8")


def _line(n: int, row: FactRow, fact: Fact) -> Line:
    return {
        "n": n,
        "subject": f"{row.process}/{row.subject}",
        "version": row.version,
        "fact": f"{row.type}/{row.type_version}",
        "at": row.decided_at.astimezone(UTC).isoformat(),
        "state": [row.state_before, row.state_after],
        "bundle": row.bundle.hex(),
        "body": plain(_fields(fact.body)),
        "entity": row.entity,
        "origin": row.origin,
        "actor": row.actor,
        "on_behalf_of": row.on_behalf_of,
        "reason": row.reason,
        "receipt": row.receipt.hex() if row.receipt else "",
        "item": row.item,
        "cause": [row.cause_shard, row.cause_position] if row.cause_shard is not None else [],
        "occurred_at": row.occurred_at.astimezone(UTC).isoformat(),
        "received_at": row.received_at.astimezone(UTC).isoformat(),
        "sender_order": row.sender_order,
    }


def _fields(body: FactBody) -> dict[str, object]:
    return {name: getattr(body, name) for name in type(body).model_fields}


def _with_decisions(rules: dict[str, Rules], rows: list[FactRow], told: list[Line]) -> list[Line]:
    """Only what was really recorded is written down as decided."""
    made = [{**line, "decision": now} for line, now in decided_again(rules, told, dict(by_name()))]
    again = decisions_of(rules, told)
    assert [decision_digest(subject, decision) for subject, decision in again] == [row.decided for row in rows]
    return made


def instances_of(rules: dict[str, Rules], told: list[Line]) -> Iterator[tuple[Instance, Decision]]:
    """Each subject after each of its facts, and what was decided."""
    instances: dict[Subject, Instance] = {}
    for line in told:
        subject = Subject(*line["subject"].split("/", 1))
        process = by_name()[subject.process]
        before = instances.get(subject) or _begun(process, subject, line)
        taken = transition(process, before, fact_of(line), rules[line["bundle"]], datetime.fromisoformat(line["at"]))
        instances[subject] = taken.after
        yield taken.after, taken.decision


def decisions_of(rules: dict[str, Rules], told: list[Line]) -> list[tuple[Subject, Decision]]:
    return [(instance.subject, decision) for instance, decision in instances_of(rules, told)]
