"""The look at the queue: what a step decides next, and up to where nothing else waits.

Every lane has a share that never reaches zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from nostro.store.arrivals import LANES, Arrival
from nostro.store.database import Database, Row, Statements

SQL = Statements("engine")
SHARES = {"critical": 0.70, "standard": 0.25, "bulk": 0.05}
Place = tuple[datetime, int, bytes]
"""Where an arrival stands on its lane."""


@dataclass(frozen=True, slots=True)
class Found:
    """The oldest arrivals, in the order in which they are decided.

    `lanes`, `shards`: on a lane of which more waits than was taken, or of a shard of which more may wait on it than was
    read, the place of the last one; whatever else waits there is behind it.
    """

    queue: Sequence[Arrival]
    lanes: Mapping[int, Place]
    shards: Mapping[tuple[int, int], Place]

    def nobody_passed(self, told: Arrival) -> bool:
        """Whether it may be decided with these, as if it had been on the queue: whatever waits before it, on its lane
        and of its shard, is among them, and what waits on more critical lanes.
        """
        ends = (self.lanes.get(told.lane), self.shards.get((told.lane, told.shard)))
        before = all(end is None or place(told) < end for end in ends)
        return before and not any(lane < told.lane for lane in self.lanes)


@dataclass(slots=True)
class Look:
    """Reads the oldest arrivals of each lane."""

    _deeper: int = 0
    """How often what is asked of a shard is doubled."""

    async def find(self, database: Database, held: Sequence[int], most: int) -> Found:
        """At most so many, on the shards that are held.

        What a lane leaves unused goes to the next ones; so each is asked for all that could come to it.
        """
        shares = [max(1, int(most * SHARES[lane])) for lane in LANES]
        limits = list(accumulate(shares))
        per_shard = min(most, (1 + 2 * most // len(held)) << self._deeper)
        asked = {"lanes": list(range(len(LANES))), "limits": limits, "shards": list(held), "per_shard": per_shard}
        rows = await database.look(SQL.queue, **asked)
        queue: list[Arrival] = []
        lanes: dict[int, Place] = {}
        unused = 0
        for lane, share in enumerate(shares):
            found = [row for row in rows if row.lane == lane]
            taken = found[: share + unused]
            unused += share - len(taken)
            queue += map(Arrival._make, taken)
            if len(taken) < len(found) or len(found) == limits[lane]:
                lanes[lane] = place(taken[-1])
        of_shards, of_lanes = Counter((row.lane, row.shard) for row in rows), Counter(row.lane for row in rows)
        shards = {(row.lane, row.shard): place(row) for row in rows if of_shards[row.lane, row.shard] == per_shard}
        if per_shard < most and any(of_lanes[lane] < limits[lane] for lane, _ in shards):
            self._deeper += 1  # a share was not filled although one of the shards has more
        elif max(of_shards.values(), default=0) < per_shard // 2:
            self._deeper = max(0, self._deeper - 1)
        return Found(queue, lanes, shards)


def place(arrival: Arrival | Row) -> Place:
    """`at`, item and key."""
    return arrival.at, arrival.item, arrival.key
