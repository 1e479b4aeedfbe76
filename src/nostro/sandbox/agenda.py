"""What a system will do later, on business time."""

import heapq
from collections.abc import Callable
from datetime import datetime


class Agenda:
    """Dated actions, run in the order of their due time, then of their entry. Each is told its own due time."""

    def __init__(self) -> None:
        self._actions: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._entered = 0

    def at(self, due: datetime, action: Callable[[datetime], None]) -> None:
        """Enter an action; one that is due already runs at the next `run`."""
        self._entered += 1
        heapq.heappush(self._actions, (due, self._entered, action))

    def next_due(self) -> datetime | None:
        """When the first action is due, or None."""
        return self._actions[0][0] if self._actions else None

    def run(self, now: datetime) -> None:
        """Do everything that is due by `now`, including what these actions enter for a time before it."""
        while self._actions and self._actions[0][0] <= now:
            due, _, action = heapq.heappop(self._actions)
            action(due)
