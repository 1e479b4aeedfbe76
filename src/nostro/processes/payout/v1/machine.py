"""The payout's machine: its lines are collected, its cost is booked, its arrival at the bank is expected."""

from __future__ import annotations

from datetime import timedelta

from nostro.processes.kit.machine import NEW, Effect, Machine, Row, Terminal, Waiting, edges_of

OVERDUE = {
    "collecting": ("payout_incomplete", "The lines of this payout do not add up to it."),
    "booking": ("booking_late", "What was asked for this payout is not booked yet; it may wait for a release."),
    "expecting": ("payout_not_arrived", "This payout should have arrived at the bank."),
    "failed": ("payout_not_reissued", "A failed payout's money has not left again."),
}
"""State -> the case that its deadline opens, with its sentence. Leaving the state closes it."""

_GROUNDS = """payout_amount_differs payout_failed manual_payout payout_adjustment payout_line_unknown
payout_currency_foreign no_provider_account booking_failed booking_unknown fact_corrected"""

EVERYWHERE = ("collecting", "booking", "expecting", "closed", "failed", "reissued")
ROWS: tuple[Row, ...] = (
    ((NEW,), ("payout.reported",), ("collecting", "expecting", "failed")),
    ((NEW,), ("payout.line_reported", "payout.credited"), ("collecting",)),
    ((NEW,), ("payout.reissued",), ("reissued",)),
    (("collecting",), ("payout.reported", "payout.line_reported"), ("booking", "expecting", "closed")),
    (("expecting", "closed"), ("payout.reported", "payout.line_reported"), ("booking", "collecting")),
    (("collecting",), ("payout.credited",), ("closed",)),
    (("expecting",), ("payout.credited",), ("closed",)),
    (("booking",), ("command.settled",), ("expecting", "closed", "collecting")),
    (("collecting", "booking", "expecting", "closed"), ("payout.reported",), ("failed",)),
    (EVERYWHERE, ("payout.reissued",), ("reissued",)),
    (("expecting", "closed", "collecting"), ("command.released",), ("booking",)),
    (EVERYWHERE, ("payout.reported", "payout.line_reported", "payout.credited", "command.settled"), ()),
    (EVERYWHERE, ("command.released", "deadline.fell_due", "fact.corrected", "case.closed"), ()),
)

MACHINE = Machine(
    process="payout",
    version=1,
    states={
        "collecting": Waiting("collecting", timedelta(days=3), "its report or lines are awaited"),
        "booking": Waiting("booking", timedelta(hours=4), "its cost is being booked"),
        "expecting": Waiting("expecting", timedelta(days=7), "on its way to the bank"),
        "closed": Terminal("arrived, and its cost is booked"),
        "failed": Waiting("failed", timedelta(days=14), "its money is with the PSP and leaves with another payout"),
        "reissued": Terminal("failed; its money left with another payout"),
    },
    edges=edges_of(ROWS),
    effects={"entry": Effect("book_journal_entry", "none: what the lines say later is booked as the difference")},
    case_reasons=frozenset(_GROUNDS.split()) | {reason for reason, _ in OVERDUE.values()},
)
