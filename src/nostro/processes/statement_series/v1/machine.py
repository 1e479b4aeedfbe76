"""The series' machine: whether the next statement is awaited, overdue, or one before it is in question."""

from __future__ import annotations

from datetime import timedelta

from nostro.processes.kit.machine import NEW, Machine, Row, Terminal, Waiting, edges_of

REASONS = frozenset(
    {"statement_missing", "statement_doubled", "statement_restated", "balance_chain_broken", "statement_inconsistent"}
)
WATCHED = ("current", "broken", "late")
ROWS: tuple[Row, ...] = (
    ((NEW,), ("statement.received",), ("kept", *WATCHED)),
    (("kept", *WATCHED), ("statement.received",), ("kept", *WATCHED)),
    (("current", "broken"), ("deadline.fell_due",), ("late",)),
    (("late",), ("deadline.fell_due",), ()),
)
MACHINE = Machine(
    process="statement_series",
    version=1,
    states={
        "current": Waiting("statement", timedelta(days=5), "complete so far; the next statement is awaited"),
        "broken": Waiting(
            "statement_after_gap", timedelta(days=5), "a statement is missing or misfits; the next is awaited"
        ),
        "late": Waiting("overdue", timedelta(days=1), "the statement that was due is not there"),
        "kept": Terminal("kept for the trace; nobody expects the next one at a stated time"),
    },
    edges=edges_of(ROWS),
    effects={},
    case_reasons=REASONS,
)
