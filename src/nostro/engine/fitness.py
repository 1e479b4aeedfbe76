"""Whether this release can do what is asked of it: work under a bundle, go on with instances of a process, and
understand a fact.

A worker that lacks something refuses: at its start the whole house, later the shards that need it, which go to a worker
that can. Nothing is decided by guess, and nobody's subject is set aside for a release that is merely older.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pydantic import ValidationError

from nostro.connectors.kit.manifest import Connector
from nostro.connectors.registry import CONNECTORS
from nostro.governance.bundle import Bundle, digest_of
from nostro.governance.rules import Rules
from nostro.model.facts import BY_TYPE
from nostro.model.failures import ReleaseTooOld
from nostro.processes.kit.decision import Rules as AnyRules
from nostro.processes.kit.process import Process
from nostro.store.database import Database, Statements

SQL = Statements("engine")
REMEDY = "Run the release that was here before, or a newer one; whatever waits, waits. Nothing was decided."
RUNBOOK = "worker-refuses"


def fitting_rules(content: bytes, connectors: Mapping[str, Connector] = CONNECTORS) -> Rules:
    """The rules of a bundle's bytes. Raises `ReleaseTooOld` when the bundle needs something that this release lacks."""
    name = digest_of(content)[:12]
    try:
        rules = Rules.from_bundle(content)
    except (ValueError, TypeError, LookupError) as error:
        raise _too_old(f"Bundle {name} can't be understood by this release ({type(error).__name__}).") from error
    missing = list(_missing(rules.contents, connectors))
    if missing:
        raise _too_old(f"Bundle {name} needs what this release lacks: {'; '.join(missing)}.")
    return rules


def _missing(bundle: Bundle, connectors: Mapping[str, Connector]) -> Iterator[str]:
    used: dict[str, Connector] = {}
    for connection in bundle.connections:
        connector = connectors.get(connection.kind)
        if connector is None:
            yield f"connector {connection.kind} of connection {connection.id}"
            continue
        used[connection.id] = connector
        try:
            connector.manifest.config.model_validate(connection.settings)
        except ValidationError:
            yield f"the settings of connection {connection.id}"
    for interface in bundle.interfaces:
        known = used[interface.connection].manifest.operations if interface.connection in used else interface.operations
        for operation in interface.operations:
            if operation not in known:
                yield f"operation {operation} of interface {interface.id}"


def understood(rules_from: Callable[[bytes], AnyRules], content: bytes | None, digest: bytes) -> AnyRules:
    """A stored bundle's rules. Raises `ReleaseTooOld`, whatever it is that stands against them."""
    name = digest.hex()[:12]
    if content is None:
        raise _too_old(f"Bundle {name} is in force and is not in this database.")
    try:
        return rules_from(content)
    except ReleaseTooOld:
        raise
    except Exception as error:  # whatever a bundle does to this release, it can't work under it
        raise _too_old(f"Bundle {name} can't be understood by this release ({type(error).__name__}).") from error


def lacks(processes: Mapping[str, Process], process: str, version: int) -> str:
    """What of it this release lacks, as part of a sentence; empty: nothing."""
    known = processes.get(process)
    if known is None:
        return f"process {process}"
    return "" if 1 <= version <= len(known.versions) else f"version {version} of process {process}"


def lacks_fact(fact_type: str, version: int) -> str:
    """The same of a fact, which a newer release may have told."""
    known = BY_TYPE.get(fact_type)
    if known is None:
        return f"fact {fact_type}"
    return f"version {version} of fact {fact_type}" if version > known.version else ""


async def demand_versions(database: Database, processes: Mapping[str, Process]) -> None:
    """Raises `ReleaseTooOld` when an instance needs a process or a version that this release lacks."""
    async with database.transaction() as tx:
        rows = await tx.rows(SQL.versions_needed)
    missing = [(why, row.count) for row in rows if (why := lacks(processes, row.process, row.version))]
    if missing:
        told = "; ".join(f"{count} instances need {why}" for why, count in missing)
        raise _too_old(f"This release can't go on with what has begun: {told}.")


def _too_old(sentence: str) -> ReleaseTooOld:
    return ReleaseTooOld(sentence, REMEDY, runbook=RUNBOOK)
