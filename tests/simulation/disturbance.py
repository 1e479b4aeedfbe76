"""What disturbs a run: faults of the outside, and what happens to workers between two of their steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from nostro.sandbox.entropy import chance
from nostro.sandbox.faults import FaultPlan, Faulty, Outage, Rates, System
from nostro.sandbox.stage import MONDAY, ODOO, TUESDAY, at
from nostro.sandbox.wire import WireRequest

KINDS = ("crash", "crash", "crash", "pause", "cut", "uncertain", "orphan")
"""A worker is dropped; sleeps past its leases; its connection breaks before, or after, the commit; `orphan`: it is
dropped while the other side goes on with its call, and the effect comes later."""
POINTS = (
    *("send act", "send act", "sent act", "sent act", "send ask", "dispatch started", "dispatch started"),
    *("dispatch begin", "dispatch commit", "dispatch committed", "dispatch committed"),
    *("read begin", "read commit", "read committed", "decide begin", "decide commit", "decide committed"),
    *("poll begin", "poll commit", "poll committed", "folders begin", "folders commit", "folders committed"),
    *("door begin", "door commit", "door committed", "route commit", "deadlines commit", "deadlines committed"),
    *("tenure commit", "tenure committed", "slots commit", "slots committed", "checkpoints commit"),
)
"""Between which steps: the loop, and where in its database transaction; `started`: an Act's start was committed."""
SELDOM = {
    **{f"pin {place}": 20 for place in ("begin", "commit", "committed")},
    **{f"limits {place}": 10 for place in ("begin", "commit", "committed")},
    **{f"modes {place}": 4 for place in ("begin", "commit", "committed")},
    **{f"partitions {place}": 2 for place in ("begin", "commit", "committed")},
    "decide started": 6,
    "sent ask": 300,
    "route begin": 10,
    "route committed": 10,
    "deadlines begin": 8,
    "tenure begin": 60,
    "slots begin": 60,
    "checkpoints begin": 20,
    "checkpoints committed": 20,
}
"""All other instants, each with about how often anybody is there: in some seeds one more blow falls there."""
AT_REFUNDS = ("send refund", "sent refund")
"""Around the bytes of a refund, in worlds in which people give money back: what is paid out twice can't be fetched."""
OFTEN = {"dispatch": 60, "read": 60, "decide": 60, "poll": 60, "send": 40, "sent": 25, "started": 25, "folders": 60}


@dataclass(frozen=True, slots=True, order=True)
class Blow:
    """Something that happens to whoever passes `point` for the `nth` time, counted over all workers."""

    nth: int
    point: str
    kind: str

    def __str__(self) -> str:
        words = {
            "crash": "the worker is killed",
            "orphan": "the worker is killed, and the other side goes on with its call",
            "pause": "the worker stops for longer than its leases",
            "cut": "its connection to PostgreSQL breaks",
            "uncertain": "its connection to PostgreSQL breaks right behind the commit",
        }
        return f"{words[self.kind]} at '{self.point}', the {self.nth}th time that anybody is there"


class Chosen(Faulty):
    """A system behind its faults, of which single ones can be left out by name (`odoo/main POST /path #3`)."""

    def __init__(self, name: str, system: System, plan: FaultPlan, left_out: frozenset[str]) -> None:
        super().__init__(name, system, plan)
        self.left_out = left_out
        self.faults: list[str] = []
        """What was met, in order: the name of the call and the fault."""

    def fate(self, request: WireRequest, drawn: float) -> str:
        """As the plan says, unless it was left out."""
        fault = super().fate(request, drawn)
        call = f"{self.name} {request.method} {request.path} #{self._calls[request.method, request.path]}"
        if fault == "none" or call in self.left_out:
            return "none"
        self.faults.append(f"{call}: {fault}")
        return fault


@dataclass(slots=True)
class Swarm:
    """Not every seed meets everything: what is left out lets the rest reach further."""

    seed: int
    codes: Sequence[str]
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = chance(self.seed, "swarm")

    def plans(self) -> dict[str, FaultPlan]:
        """The fault plans of the outside."""
        drawn = self._chance
        rates = Rates(**{name: drawn.choice((0.0, 0.02, 0.06)) for name in Rates.__slots__})
        plan = FaultPlan(self.seed, rates if drawn.random() < 0.8 else Rates(), latency_seconds=(0.0, 0.02))
        plans = {ODOO: _with_outage(plan, drawn, MONDAY)}
        for code in self.codes:
            lost, doubled, late = (drawn.choice((0.0, 0.1, 0.4)) for _ in range(3))
            psp = replace(plan, webhook_lost=lost, webhook_doubled=doubled, webhook_late=late)
            plans[f"psp/{code.lower()}"] = _with_outage(psp, drawn, TUESDAY)
            halved = drawn.choice((0.0, 0.0, 0.3))
            plans[f"bank/{code.lower()}"] = FaultPlan(self.seed, file_halved=halved)
        return plans

    def blows(self, *, given_back: bool = False) -> tuple[Blow, ...]:
        """What happens to workers. `given_back`: in a world in which people may give money back."""
        drawn = chance(self.seed, "blows")
        wanted = drawn.choice((0, 1, 2, 3, 4, 6))
        blows = {_blow(drawn) for _ in range(wanted)}
        elsewhere = chance(self.seed, "blow elsewhere")
        if elsewhere.random() < 0.4:
            point = elsewhere.choice(sorted(SELDOM))
            blows.add(_blow_at(point, SELDOM[point], elsewhere))
        if given_back:
            aimed = chance(self.seed, "blow at a refund")
            blows.add(_blow_at(aimed.choice(AT_REFUNDS), 1, aimed))
        return tuple(sorted(blows))


def _blow(drawn: Random) -> Blow:
    point = drawn.choice(POINTS)
    return _blow_at(point, OFTEN.get(point.partition(" ")[0], 20), drawn)


def _blow_at(point: str, often: int, drawn: Random) -> Blow:
    kinds = [kind for kind in KINDS if possible(kind, point)]
    return Blow(1 + int(often * drawn.random() ** 2), point, drawn.choice(kinds))


def possible(kind: str, point: str) -> bool:
    """At the socket nobody sleeps: nothing could be checked after it, so only a key on the other side would help."""
    if point.startswith("send"):
        return kind == "crash" or (kind == "orphan" and point != "send ask")
    if point.startswith("sent"):
        return kind in ("crash", "pause")
    if kind == "orphan":
        return False
    if point.endswith(" commit"):
        return kind in ("crash", "cut")
    return kind != "uncertain" or point.endswith(("committed", "started"))


def _with_outage(plan: FaultPlan, drawn: Random, day: date) -> FaultPlan:
    if drawn.random() < 0.6:
        return plan
    first = at(day, drawn.randrange(7, 16))
    outage = Outage(first, first + timedelta(minutes=drawn.choice((5, 20, 60))), refused=drawn.random() < 0.5)
    return replace(plan, outages=(outage,))
