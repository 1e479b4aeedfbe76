"""Places of a slot: what is under way over it, and whose turn the next place is.

What follows from a call that is over takes its place, past others that wait: under load each command would else be
written twice, as ready and as taken by a claim. It passes only who came lately, nobody of a more critical lane, and
where it fills a call. After a few such dispatches a claim has a place, and sees who waits by now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.egress.journal import Journal, Slot
from nostro.egress.line import Line
from nostro.engine.claims import ANYBODY, NOBODY, Waiting
from nostro.engine.endings import Ending
from nostro.model.clock import Now
from nostro.store.arrivals import LANES

CRITICAL = LANES.index("critical")
"""Nobody passes who waits there."""
PASSES = 8
"""So many dispatches may begin without a claim's look at who waits."""
LATELY = timedelta(seconds=1)
"""And so long after that look (machine time)."""


@dataclass(slots=True)
class Seat:
    """A slot that is worked on: its line, its fenced writes, and what is being driven, at most `most` at a time.

    `offered`: dispatches that are being written with the decisions of their commands. `claimed`: places that a claim is
    filling. `ending`: how many that are over wait for their end to be written. `held`: nothing may leave, as far as
    anybody has looked.
    """

    slot: Slot
    line: Line
    journal: Journal
    most: int
    running: dict[bytes, asyncio.Task[None]] = field(default_factory=dict)
    offered: set[bytes] = field(default_factory=set)
    claimed: int = 0
    ending: int = 0
    held: bool = False
    _seen: Waiting = ANYBODY
    """Who waits, as the last look at it left it."""
    _turned_away: int = NOBODY.lane
    """The most critical lane of what asked for a place since then, and found none."""
    _looked: datetime | None = None
    """When that was (machine time)."""
    _begun: int = 0
    """So many dispatches since then."""
    _asked: int = 0
    """How often something asked for a place that may pass those who wait, or would have."""
    _followed: bool = True
    """So it was while the dispatch that ended last was decided."""

    @property
    def waits(self) -> int:
        """The most critical lane in which commands may wait for a turn."""
        return min(self._seen.lane, self._turned_away)

    def free(self, now: Now) -> int:
        """Places for a claim. Those of dispatches that are over are kept for what follows, where that may pass."""
        if not (self._followed and self._seen.lately):
            return self._places(self.ending)
        return self._places(0) or (0 if self._has_looked(now) else min(1, self._places(self.ending)))

    def takes(self, dispatch: bytes, lane: int, now: Now, *, fills: bool) -> bool:
        """Whether a dispatch begins that waited for no turn; then it has a place. `fills`: it makes use of its call."""
        alone, looked = self.waits == NOBODY.lane, self._has_looked(now)
        may_pass = alone or (fills and self.waits > CRITICAL and lane <= self.waits and self._seen.lately)
        self._asked += may_pass
        place = self._places(self.ending) if looked else alone and self._places(0)
        if not (may_pass and place):
            self._turned_away = min(self._turned_away, lane)
            return False
        self.offered.add(dispatch)
        self._begun += 1
        return True

    def looked(self, now: Now, waiting: Waiting) -> None:
        """Who waits was looked at."""
        self._seen, self._looked, self._begun = waiting, now.machine, 0

    @contextmanager
    def claims(self, places: int) -> Iterator[None]:
        """A claim fills so many places. If it fails, anybody may wait."""
        self._turned_away, self.claimed = NOBODY.lane, places
        try:
            yield
        except BaseException:  # whatever broke it off
            self._seen = ANYBODY
            raise
        finally:
            self.claimed = 0

    @contextmanager
    def ends(self, ending: Ending) -> Iterator[None]:
        """A dispatch is over, and waits for its end to be written."""
        asked = self._asked
        self.ending += 1
        try:
            yield
        finally:
            self.ending -= 1
            self._followed = ending.committed and self._asked > asked

    def _places(self, over: int) -> int:
        calling = len(self.running) - min(over, self.most)
        return max(0, self.most - calling - len(self.offered) - self.claimed)

    def _has_looked(self, now: Now) -> bool:
        lately = self._looked is not None and abs(now.machine - self._looked) < LATELY
        return lately and self._begun < PASSES
