"""What the fifth version sees otherwise: a choice is for parts, and who may yet get more hears nothing before."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.model.facts.house import Target
from nostro.processes.bank_movement.v1.state import Lead
from nostro.processes.bank_movement.v3.state import MovementStateV3

CHOSEN = "chosen"
"""The kind of lead that a person's choice is: parts that have it belong to whom he named."""


class MovementStateV5(MovementStateV3):
    """`subject`: the movement's own. `relisted`: a statement lists it, though it was said to be another one told again.

    A person's choice is the answer to a lead of its own, which the parts have that it is for.
    """

    subject: str = ""
    relisted: bool = False

    @property
    def taken_back(self) -> tuple[Target, ...]:
        """The other movements that this one may take back; where a person chose, what he did."""
        if self.chosen is not None:
            return (self.chosen,) if self.chosen.process == "bank_movement" else ()
        return tuple([target for target in self._led_to(self.original) if target.subject != self.subject])

    def _led_to(self, leads: tuple[Lead, ...]) -> tuple[Target, ...]:
        if not (leads and self.answers):
            return ()
        found = [answer for answer in self.answers if answer.lead in leads]
        if found and found[-1].lead[0] == CHOSEN:
            return found[-1].targets
        return tuple({(t.process, t.subject): t for answer in found for t in answer.targets}.values())

    @property
    def contested(self) -> bool:
        """Whether references of one payment lead to different subjects."""
        return not self.taken_back and super().contested

    @property
    def shares(self) -> dict[tuple[str, str], int]:
        """What belongs to whom, (process, subject) -> minor units.

        Each hears of his share once: who may get more of what is contested has none yet.
        """
        led = super().shares
        if not led:
            return led
        contested = [found for part in self.parts if len(found := self.targets(part)) > 1]
        waiting = {(target.process, target.subject) for found in contested for target in found}
        return {whose: minor for whose, minor in led.items() if self.may_be(whose[0]) and whose not in waiting}

    def may_be(self, process: str) -> bool:
        """Whether a subject of the process is told that (part of) the movement is its own."""
        return process == "payout" or (process == "collection" and self.direction == "credit")

    def unsaid(self, shares: Mapping[tuple[str, str], int]) -> int:
        """What of a debit that takes nothing back nobody was told of, in minor units. `shares`: its own."""
        return self.total.minor - sum(shares.values())
