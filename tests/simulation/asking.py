"""Which loops would find something to do, asked of the database instead of letting each of them look in vain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from nostro.model.clock import Now
from nostro.runtime.demo.summary import SQL
from nostro.runtime.workers import Worker
from tests.simulation.database import Connections
from tests.simulation.guarantees import MOST
from tests.simulation.life import MACHINE

UNDECIDED = b"select distinct 'decide ' || shard from arrival"
LENGTH = "most "
"""So begins what isn't the name of a loop, but a queue's and how much waits in it."""
BRANCHES = [
    *(UNDECIDED if b" arrival" in branch else branch for branch in SQL.due.text.split(b"\nunion all ")),
    *(f"select '{LENGTH}{queue} ' || count(*) from {queue}".encode() for queue in MOST),
]
LOOKED_AT = [set(re.findall(r"\b(?:from|join) (\w+)", branch.decode())) for branch in BRANCHES]
"""Of each branch of the question: the tables that can change its answer."""


@dataclass(slots=True)
class Asking:
    """Asks again what can have changed: when something was written there, or business time has gone on by a second."""

    connections: Connections
    undecided: set[int] = field(default_factory=set)
    """The shards on which something arrived."""
    most: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MOST, 0))
    """The longest that each queue was."""
    _at: datetime = MACHINE
    _found: list[set[str]] = field(default_factory=lambda: [set() for _ in BRANCHES])

    def due(self, now: Now) -> set[str]:
        """The names of loops that somebody's step would find something in."""
        at, changed = now.business.replace(microsecond=0), self.connections.changed
        asked = [n for n, tables in enumerate(LOOKED_AT) if at != self._at or not tables.isdisjoint(changed)]
        if asked:
            self._ask(asked, now)
        self._at = at
        changed.clear()
        found = {name for names in self._found for name in names}
        on_shards = {name for name in found if name.startswith("decide ")}
        self.undecided = {int(name.partition(" ")[2]) for name in on_shards}
        return found - on_shards | ({"decide"} if on_shards else set())

    def _ask(self, branches: list[int], now: Now) -> None:
        query = b" union all ".join(
            b"select %d as branch, loop from (%s) found (loop)" % (n, BRANCHES[n].rstrip(b";\n ")) for n in branches
        )
        for n in branches:
            self._found[n].clear()
        for row in self.connections.ask(query, {"now": now.business}):
            if row.loop.startswith(LENGTH):
                _, queue, length = row.loop.split()
                self.most[queue] = max(self.most[queue], int(length))
            else:
                self._found[row.branch].add(row.loop)

    def may(self, worker: Worker, loop: str, now: Now) -> bool:
        """Whether a worker believes to hold what a loop works on."""
        kind, _, connection = loop.partition(" ")
        if kind == "decide":
            return not self.undecided.isdisjoint(worker.tenure.shards)
        if kind == "dispatch":
            driven = any(one.running for one in worker.dispatchers if one.connection.id == connection)
            return driven or bool(worker.slots.held(connection, now))
        return kind not in ("poll", "pin") or bool(worker.slots.held(connection, now))
