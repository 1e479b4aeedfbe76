"""Bank days and wall clocks as materialised in a bundle: arithmetic over lists, no holiday rule and no zone file.

A cut-off is the bank's wall clock (`08:00` in `Europe/Berlin` on a TARGET day); dates have no zone, instants are UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta

from nostro.model.base import Instant, Value

ONE_DAY = timedelta(days=1)


class BankCalendar(Value):
    """The days on which a payment system is closed, from `first` to `last` (both inclusive). Weekdays: Monday is 0."""

    id: str
    first: date
    last: date
    weekend: tuple[int, ...] = (5, 6)
    closed: frozenset[date] = frozenset()

    def opens_on(self, day: date) -> bool:
        """Whether the system settles on that day; raises `LookupError` outside of what was materialised."""
        if not self.first <= day <= self.last:
            message = f"calendar {self.id} ends on {self.last}: publish the landscape again to extend it"
            raise LookupError(message if day > self.last else f"calendar {self.id} begins on {self.first}")
        return day.weekday() not in self.weekend and day not in self.closed

    def business_day(self, day: date, offset: int) -> date:
        """The business day `offset` business days from `day`; a `day` that is none counts as the next one."""
        found = self._from(day, ONE_DAY)
        step = ONE_DAY if offset > 0 else -ONE_DAY
        for _ in range(abs(offset)):
            found = self._from(found + step, step)
        return found

    def _from(self, day: date, step: timedelta) -> date:
        while not self.opens_on(day):
            day += step
        return day


class Turn(Value):
    """From this instant on the zone's clocks stand so many seconds ahead of UTC."""

    at: Instant
    ahead_seconds: int


class Zone(Value):
    """A time zone's clock changes, `first` to `last` (both inclusive). Before the first turn `ahead_seconds` holds."""

    id: str
    first: date
    last: date
    ahead_seconds: int
    turns: tuple[Turn, ...] = ()

    def instant(self, day: date, wall_time: time) -> datetime:
        """The UTC instant of a wall time. Raises `LookupError` outside of what was materialised.

        Of an hour that occurs twice it is the first; a time that the clocks jump over is read by the clock before the
        jump (PEP 495, fold 0).
        """
        self._must_know(day)
        wall = datetime.combine(day, wall_time, UTC)
        ahead = self.ahead_seconds
        for turn in self.turns:
            if wall < turn.at + timedelta(seconds=max(ahead, turn.ahead_seconds)):
                break
            ahead = turn.ahead_seconds
        return wall - timedelta(seconds=ahead)

    def day(self, at: datetime) -> date:
        """The day of an instant on the zone's clocks. Raises `LookupError` outside of what was materialised."""
        passed = bisect_right(self.turns, at, key=lambda turn: turn.at)
        ahead = self.turns[passed - 1].ahead_seconds if passed else self.ahead_seconds
        found = (at + timedelta(seconds=ahead)).date()
        self._must_know(found)
        return found

    def _must_know(self, day: date) -> None:
        if not self.first <= day <= self.last:
            message = f"zone {self.id} is known from {self.first} to {self.last}: publish the landscape again"
            raise LookupError(message)
