"""Makes the plan of a failing seed smaller, as long as it still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.simulation.run import Plan, Verdict

Run = Callable[[Plan], Verdict]
TRIES, TURNS = 60, 100_000
"""It ends, whatever a seed does: after so many runs, or so many turns in all."""
T = TypeVar("T")


def kind_of(flaw: str) -> str:
    """What kind of flaw it is: `lost`, `doubled`, `replay`..."""
    return flaw.partition(":")[0].partition(" (")[0]


@dataclass(slots=True)
class Shrinking:
    """Tries to leave out deals, circumstances, blows and faults.

    At most `tries` runs, and none more once they took all `turns`.
    """

    run: Run
    best: Verdict
    tries: int = TRIES
    turns: int = TURNS

    def shrink(self) -> Verdict:
        """The smallest plan that was found to fail like the first one."""
        before = None
        while before != self.best.plan and self._may_try():
            before = self.best.plan
            self._least(sorted(self.best.deals), self._without_deals)
            self._least(sorted(self.best.circumstances.told()), self._without_circumstances)
            self._least(list(self.best.blows), self._without_blows)
            self._least([fault.rpartition(": ")[0] for fault in self.best.faults], self._without_faults)
        return self.best

    def _least(self, parts: Sequence[T], without: Callable[[Sequence[T]], Plan]) -> None:
        """Leaves out halves, quarters and so on of what is there."""
        size = len(parts)
        while size and parts:
            kept: list[T] = []
            for start in range(0, len(parts), size):
                part = parts[start : start + size]
                if not self._fails(without(part)):
                    kept += part
            parts, size = kept, size // 2

    def _fails(self, plan: Plan) -> bool:
        if not self._may_try():
            return False
        verdict = self.run(plan)
        self.tries, self.turns = self.tries - 1, self.turns - verdict.turns
        wanted = {kind_of(flaw) for flaw in self.best.flaws}
        if wanted & {kind_of(flaw) for flaw in verdict.flaws}:
            self.best = verdict
            return True
        return False

    def _may_try(self) -> bool:
        return self.tries > 0 and self.turns > 0

    def _without_deals(self, part: Sequence[int]) -> Plan:
        return replace(self.best.plan, without_deals=self.best.plan.without_deals | set(part))

    def _without_circumstances(self, part: Sequence[str]) -> Plan:
        return replace(self.best.plan, circumstances=self.best.circumstances.without(part))

    def _without_blows(self, part: Sequence[object]) -> Plan:
        return replace(self.best.plan, blows=tuple(blow for blow in self.best.blows if blow not in part))

    def _without_faults(self, part: Sequence[str]) -> Plan:
        return replace(self.best.plan, without_faults=self.best.plan.without_faults | set(part))
