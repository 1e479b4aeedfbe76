"""The receipt's machine: read, or read with something left for a person; read again after a fix."""

from __future__ import annotations

from datetime import timedelta

from nostro.processes.kit.machine import NEW, Effect, Machine, Row, Terminal, Waiting, edges_of

READINGS = ("read", "has_rejects", "told_differently", "unreadable", "unequal")
"""What a reading can come to."""
REASON = {
    "has_rejects": "rejected_items",
    "told_differently": "told_differently",
    "unreadable": "unreadable",
    "unequal": "equation_broken",
}
"""What a reading came to -> the case that it is."""
LATE = "reread_late"

ROWS: tuple[Row, ...] = (
    ((NEW, *READINGS, "rereading"), ("receipt.read",), READINGS),
    ((*READINGS, "rereading"), ("rerun.asked",), ("rereading",)),
    (("has_rejects", "told_differently", "unreadable", "unequal"), ("case.closed",), ("read",)),
    (("read", "rereading"), ("case.closed",), ()),
    (("rereading",), ("deadline.fell_due",), ()),
    ((*READINGS, "rereading"), ("fact.corrected", "command.settled", "command.released"), ()),
)

MACHINE = Machine(
    process="receipt",
    version=1,
    states={
        "read": Terminal("every item is accounted for"),
        "has_rejects": Terminal("some items could not be read; a person has the case"),
        "told_differently": Terminal("items known by their key came with another content; a person has the case"),
        "unreadable": Terminal("nothing in it could be read; a person has the case"),
        "unequal": Terminal("items do not add up: Nostro itself is wrong; a person has the case"),
        "rereading": Waiting("reread", timedelta(hours=1), "a person asked for another reading"),
    },
    edges=edges_of(ROWS),
    effects={"reread": Effect("reread", "none: facts that are known already are not told twice")},
    case_reasons=frozenset(REASON.values()) | {LATE},
)
