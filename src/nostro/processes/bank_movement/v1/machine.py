"""The movement's machine: what is awaited next. Amounts, reports and owners live in the state."""

from __future__ import annotations

from datetime import timedelta

from nostro.processes.bank_movement.v1.cases import REASONS
from nostro.processes.kit.machine import NEW, Effect, Machine, Row, Terminal, Waiting, edges_of

STATES: dict[str, Waiting | Terminal] = {
    "pending": Waiting("vanish", timedelta(days=10), "announced, not booked; nothing is posted"),
    "vanished": Terminal("announced and never booked; booked late, it goes on"),
    "doubtful": Waiting("doubt", timedelta(days=5), "maybe told twice; a statement or a person is awaited"),
    "held": Terminal("maybe told twice, and no statement has decided; a person does"),
    "double": Terminal("another movement, told again: it counts nowhere"),
    "asking": Waiting("answer", timedelta(days=4), "whose money it is was asked of the references"),
    "booking": Waiting("booking", timedelta(days=1), "the statement line was asked for"),
    "failed": Terminal("the ERP refuses the statement line; a person mends the cause and releases it"),
    "booked": Waiting("statement", timedelta(days=5), "in the books; the statement that lists it is awaited"),
    "unlisted": Terminal("in the books, and no statement lists it; a person looks"),
    "settled": Terminal("in the books and in a statement"),
}
_COUNTED = ("asking", "booking", "failed", "booked", "unlisted", "settled")
_BEFORE = ("pending", "vanished", "doubtful", "held")
_LISTED = ("booked", "unlisted", "settled")

ROWS: tuple[Row, ...] = (
    ((NEW,), ("statement.entry_reported",), ("pending", "doubtful", "asking", "booking", "booked", "settled")),
    (_BEFORE, ("statement.entry_reported",), ("doubtful", "asking", "booking", "booked", "settled")),
    (("booked", "unlisted"), ("statement.entry_reported", "movement.related"), ("settled",)),
    (("asking",), ("lookup.answered",), ("booking", *_LISTED)),
    (("doubtful", "held"), ("match.confirmed",), ("double", "asking", "booking", *_LISTED)),
    (("asking",), ("match.confirmed",), ("booking", *_LISTED)),
    (("booking", "failed"), ("command.settled",), ("failed", *_LISTED)),
    (("failed",), ("command.released",), ("booking",)),
    (("pending",), ("deadline.fell_due",), ("vanished",)),
    (("doubtful",), ("deadline.fell_due",), ("held",)),
    (("asking",), ("deadline.fell_due",), ("booking", *_LISTED)),
    (("booking",), ("deadline.fell_due",), ()),
    (("booked",), ("deadline.fell_due",), ("unlisted",)),
    (("double", *_COUNTED), ("statement.entry_reported",), ()),
    (tuple(STATES), ("lookup.answered", "match.confirmed", "movement.related", "command.released"), ()),
    (_COUNTED, ("command.settled",), ()),
)

MACHINE = Machine(
    process="bank_movement",
    version=1,
    states=STATES,
    edges=edges_of(ROWS),
    effects={"book": Effect("book_statement_line", "none: what takes a movement back is a movement too")},
    case_reasons=REASONS,
)
