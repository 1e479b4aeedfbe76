"""What is done to the house of a seed while it works: rules change, people act, something bad comes in."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from nostro.governance.rules import Rules
from nostro.runtime.house import House
from nostro.sandbox.entropy import chance
from nostro.sandbox.stage import ENTITIES
from nostro.sandbox.wire import Delivery, FileStep
from tests.simulation.circumstances import Happening
from tests.simulation.ground import rules_under
from tests.simulation.houses import Houses
from tests.simulation.life import Course
from tests.simulation.people import CONTROLLER, People
from tests.simulation.rejects import Bad, bad, delivery

AGAIN = timedelta(minutes=10)
"""So long after the door answered otherwise than 200 a sender comes again."""


@dataclass(slots=True)
class Happenings:
    """`agenda` is what is still to come. `came`: what has come in that the world knows to be bad."""

    houses: Houses
    house: House
    course: Course
    agenda: list[Happening] = field(init=False)
    people: People = field(init=False)
    came: Bad | None = None
    recovering: bool = False

    def __post_init__(self) -> None:
        self.agenda = self.houses.told.happenings(self.houses.seed)
        self.people = People(self.house, self.course, self.houses.seed)

    def due(self) -> Iterator[str]:
        """What is due now, taken off the agenda."""
        while self.agenda and self.agenda[0].at <= self.course.now().business:
            yield self.agenda.pop(0).what

    async def do(self, what: str) -> None:
        """Does it, at the terminal: nobody else does anything meanwhile."""
        houses = self.houses
        match what:
            case "people look":
                await self.people.look(self._rules(), mended=not houses.poisonous)
            case "open a recovery":
                self.recovering = await self.people.open_recovery(self._rules())
            case "close the recovery":
                await self._close()
            case "publish":
                houses.told = replace(houses.told, republished=True)
                self.course.tell(f"{CONTROLLER} puts other rules in force")
                await houses.publish(self.house, CONTROLLER, "as the simulation has it")
            case _:
                houses.poisonous = what == "poison"
                self.course.tell("decisions throw" if houses.poisonous else "decisions are mended")

    async def _close(self) -> None:
        """Closes the recovery, or tries again in half an hour: everything has to be read again before."""
        self.recovering = not await self.people.close_recovery(self._rules())
        if self.recovering:
            insort(self.agenda, Happening(self.course.now().business + timedelta(minutes=30), "close the recovery"))

    def bring(self) -> FileStep | tuple[str, Delivery]:
        """Something bad, as a file or as a webhook."""
        drawn = chance(self.houses.seed, "bad")
        entity = drawn.choice([entity for entity in ENTITIES if entity.code in self.houses.codes])
        now = self.course.follow()
        kind = self.houses.told.rejects
        self.came = bad(kind, entity, now)
        if kind == "event":
            return entity.psp_path, delivery(entity, self.came.content, now)
        return FileStep(entity.code.lower(), self.came.name, self.came.content, now)

    def answered(self, status: int | None) -> None:
        """How its delivery went. Who was not told that it is kept sends it again."""
        if status != 200:
            insort(self.agenda, Happening(self.course.now().business + AGAIN, "something bad"))

    def _rules(self) -> Rules:
        return rules_under(self.houses.told)
