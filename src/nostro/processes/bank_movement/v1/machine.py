"""The movement's machine: what is awaited next. Amounts, reports and owners live in the state."""

from __future__ import annotations

from datetime import timedelta

from nostro.processes.bank_movement.v1.cases import REASONS
from nostro.processes.kit.machine import NEW, Effect, Machine, Terminal, Waiting

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
_WAITING = tuple(name for name, state in STATES.items() if isinstance(state, Waiting))
_COUNTED = ("asking", "booking", "failed", "booked", "unlisted", "settled")
_BEFORE = ("pending", "vanished", "doubtful", "held")
_ALL = (*_BEFORE, "double", *_COUNTED)

EDGES: dict[tuple[str, str], frozenset[str]] = {
    (NEW, "statement.entry_reported"): frozenset({"pending", "doubtful", "asking", "booking", "booked", "settled"}),
    **{(at, "statement.entry_reported"): frozenset({at, "doubtful", *_COUNTED}) for at in _BEFORE},
    **{(at, "statement.entry_reported"): frozenset({at, *_COUNTED}) for at in _COUNTED},
    ("double", "statement.entry_reported"): frozenset({"double"}),
    **{(at, "lookup.answered"): frozenset({at}) for at in _ALL},
    ("asking", "lookup.answered"): frozenset({"doubtful", *_COUNTED}),
    **{(at, "match.confirmed"): frozenset({at, *_COUNTED}) for at in _ALL},
    **{(at, "match.confirmed"): frozenset({at, "double", *_COUNTED}) for at in ("doubtful", "held")},
    **{(at, "movement.related"): frozenset({at, "settled"}) for at in _ALL},
    **{(at, "command.settled"): frozenset({at, *_COUNTED}) for at in _COUNTED},
    **{(at, "command.released"): frozenset({at, "booking"}) for at in _COUNTED},
    ("pending", "deadline.fell_due"): frozenset({"vanished"}),
    ("doubtful", "deadline.fell_due"): frozenset({"held"}),
    ("asking", "deadline.fell_due"): frozenset(_COUNTED) - {"asking"},
    ("booking", "deadline.fell_due"): frozenset({"booking"}),
    ("booked", "deadline.fell_due"): frozenset({"unlisted"}),
}

MACHINE = Machine(
    process="bank_movement",
    version=1,
    states=STATES,
    edges=EDGES,
    effects={
        "book": Effect("book_statement_line", "none: the bank moved the money; what takes it back is a movement too")
    },
    case_reasons=REASONS,
)
