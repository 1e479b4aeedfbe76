"""Cut-offs: the bank's wall clock on a bank day, and the instant that it stands for."""

from __future__ import annotations

from datetime import date, time

from nostro.model.base import Instant, Value


class LocalRule(Value):
    """What somebody keeps to: each business day of a calendar, by this time on the clocks of a zone."""

    by: time
    zone: str
    calendar: str


class CutOff(Value):
    """A local rule on one day. `at` is the instant that the bundle's calendars and zones made of it.

    The rule stays beside it: when calendars change, the instant is worked out anew.
    """

    rule: LocalRule
    day: date
    at: Instant
