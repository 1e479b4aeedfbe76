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
_DONE = ("booked", "settled")
_REPORT = ("statement.entry_reported",)

ROWS: tuple[Row, ...] = (
    ((NEW,), _REPORT, ("pending", "doubtful", "asking", "booking", *_DONE)),
    (("pending", "vanished"), _REPORT, ("doubtful", "asking", "booking", *_DONE)),
    (("doubtful", "held"), _REPORT, ("asking", "booking", *_DONE)),
    (("asking",), (*_REPORT, "lookup.answered", "match.confirmed"), ("booking", *_DONE)),
    (("doubtful", "held"), ("match.confirmed",), ("double", "asking", "booking", *_DONE)),
    (("booking",), ("command.settled",), ("failed", *_DONE)),
    (("failed",), ("command.released",), ("booking",)),
    (("booked", "unlisted"), (*_REPORT, "movement.related"), ("settled",)),
    (("pending",), ("deadline.fell_due",), ("vanished",)),
    (("doubtful",), ("deadline.fell_due",), ("held",)),
    (("asking",), ("deadline.fell_due",), ("booking", *_DONE)),
    (("booking",), ("deadline.fell_due",), ()),
    (("booked",), ("deadline.fell_due",), ("unlisted",)),
    (("double", *_COUNTED), _REPORT, ()),
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
