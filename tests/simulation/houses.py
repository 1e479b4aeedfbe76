"""The house of a seed: founded in an empty database, opened by each worker with rules and release of its birth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from nostro.egress.anchors import Anchors
from nostro.engine.activation import activate
from nostro.governance.rules import Rules
from nostro.model.clock import Now
from nostro.model.facts import Fact
from nostro.model.ids import SHARDS
from nostro.processes.kit.decision import Decision, Instance, State
from nostro.processes.kit.decision import Rules as AnyRules
from nostro.processes.kit.process import Process
from nostro.processes.registry import PROCESSES
from nostro.runtime.clock import Clock
from nostro.runtime.house import House
from nostro.sandbox.entropy import chance
from nostro.store.database import Statements
from nostro.store.entropy import SeededEntropy
from nostro.store.install import Deployment
from nostro.store.keys import Keys
from nostro.store.log import genesis
from nostro.store.sealing import SealKey
from tests.simulation.circumstances import Circumstances
from tests.simulation.database import Connections, Freely, Gate, SimulatedDatabase, empty
from tests.simulation.ground import ground, rules_under
from tests.simulation.life import Course

INSTALL = Statements("install")
NEVER_THROWS = "receipt"
Decide = Callable[[Instance, State, Fact, AnyRules], Decision]


class Thrown(ValueError):
    """What a decision with a fault in it throws."""


@dataclass(slots=True)
class Houses:
    """`codes`: the companies; `files`: where their banks put files; `told`: how the house is run by now."""

    connections: Connections
    course: Course
    codes: tuple[str, ...]
    files: Path
    seed: int
    told: Circumstances
    poisonous: bool = False
    """Whether the decisions of some subjects throw."""
    rules: dict[str, Rules] = field(default_factory=dict)
    """All that were in force, by bundle."""

    async def found(self) -> House:
        """An empty database becomes a house whose landscape is published. What is asked of it from outside."""
        for code in self.codes:
            (self.files / code.lower()).mkdir()
        empty(self.connections)
        house = self.house(Freely(), "outside")
        async with house.database.transaction() as tx:
            check = house.keys.index("deployment", "check")
            named = {"id": house.deployment.id, "shards": SHARDS, "environment": "test", "check": check}
            await tx.row(INSTALL.deploy, **named, at=self.course.now().business)
            heads = [genesis(house.deployment.id, number) for number in range(SHARDS)]
            await tx.run(INSTALL.make_shards, shards=list(range(SHARDS)), heads=heads)
        await self.publish(house, "engine", "at its first start")
        return house

    async def publish(self, house: House, actor: str, reason: str) -> None:
        """Puts in force what its owner has configured by now; who begins to work from now on works with it."""
        rules = rules_under(self.told)
        self.rules[rules.bundle] = rules
        await activate(house.database, house.keys, rules.contents.content, actor, reason, self.course.now())

    def house(self, gate: Gate, name: str, *, older: bool = False) -> House:
        """The house as whoever is called so opens it now. `older`: by a release without the newest versions."""
        base, rules = ground(), rules_under(self.told)
        database = SimulatedDatabase(self.connections, gate)
        entropy = SeededEntropy(chance(self.seed, name).getrandbits(64))
        return House(
            folder=base.land.folder,
            state=self.files / "nowhere",
            land=base.land,
            database=database,
            keys=Keys({1: base.master}, entropy),
            entropy=entropy,
            clock=Told(database, course=self.course),
            deployment=Deployment(f"simulated-{self.seed:06}".encode()[-16:].rjust(16), "test", 1, ""),
            quarantine="",
            anchors=Anchors([]),
            seal_key=SealKey.from_text(base.seal),
            rules=rules,
            connections=base.connections_for(self.codes, self.files, rules),
            processes={process.name: self._released(process, older=older) for process in PROCESSES},
        )

    def _released(self, process: Process, *, older: bool) -> Process:
        """As a release has it. The newer one's last version decides as the one before: the judge sees no other."""
        newest = process.versions if older or not self.told.release else (*process.versions, process.versions[-1])
        if not self.told.poison or process.name == NEVER_THROWS:
            return replace(process, versions=newest)
        faulty = {id(one): replace(one, decide=self._faulty(one.decide)) for one in newest}
        return replace(process, versions=tuple(faulty[id(one)] for one in newest))

    def _faulty(self, decide: Decide) -> Decide:
        def thrown(instance: Instance, state: State, fact: Fact, rules: AnyRules) -> Decision:
            if self.poisonous and hashlib.sha256(instance.subject.id.encode()).digest()[0] % 2:
                raise Thrown
            return decide(instance, state, fact, rules)

        return thrown


class Told(Clock):
    """The clock of a worker in a simulation."""

    __slots__ = ("course",)

    def __init__(self, database: SimulatedDatabase, *, course: Course) -> None:
        super().__init__(database)
        self.course = course

    async def now(self) -> Now:
        """Both clocks."""
        return self.course.now()
