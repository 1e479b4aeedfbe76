"""What the third version knows more: which statements list the movement, and with what other amount it was known."""

from __future__ import annotations

from datetime import datetime

from nostro.model.facts.house import Target
from nostro.model.money import Money
from nostro.processes.bank_movement.v1.state import MovementState, Part
from nostro.processes.kit.following import but


class MovementStateV3(MovementState):
    """`listed_by`: the statements that list it, each as the receipt that told it; `told_at`: when the bank made the
    newest one.

    `known`: the amount that the first of the `doubts` has; `restates`: that one, as a person found. Then the movement
    counts the difference: the rest is counted there.
    """

    listed_by: tuple[str, ...] = ()
    told_at: datetime | None = None
    known: Money | None = None
    restates: str = ""

    @property
    def counted(self) -> MovementState:
        """The difference between what was known and what is told now; where that is less, it takes back."""
        if not self.restates or self.known is None:
            return self
        more = self.total.minor - self.known.minor
        amount = Money(minor=abs(more), currency=self.total.currency)
        part = Part(amount=amount, leads=tuple(dict.fromkeys(lead for part in self.parts for lead in part.leads)))
        if more > 0:
            return but(self, amount=amount, parts=(part,))
        original = Target(process="bank_movement", subject=self.restates, kind="", value="")
        turned = {"direction": "debit" if self.direction == "credit" else "credit"}
        return but(self, amount=amount, parts=(part,), chosen=None if self.banks_own else original, **turned)

    @property
    def untouched(self) -> bool:
        """Whether it counts and nothing was booked, told or found of it yet."""
        begun = self.asked or self.answers or self.chosen or self.returns or self.steps.ends or self.restates
        return self.counts and not begun
