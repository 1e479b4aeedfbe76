"""Time as an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Now:
    """The two clocks of a step, both aware and in UTC.

    `business` moves deadlines, cut-offs, proofs of absence and Waits; `machine` moves leases, sockets and call
    deadlines. Equal in production; the demo and the simulation move business time ahead.
    """

    business: datetime
    machine: datetime
