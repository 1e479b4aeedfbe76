"""What was told against what is read again from the file that was written: whatever differs has to be said aloud."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import NamedTuple, get_args

from nostro.model.base import Value
from nostro.model.messages import Instruction, MessageHead, PaymentStatus
from nostro.model.parties import BankAccount
from nostro.model.statements import Entry, References, Source, StatementEnd, StatementHead

ABOUT_ITSELF = frozenset({"checks", "source", "format", "not_read"})
"""Fields that say how a document was read, not what it says."""
_OF_THE_LETTER = ABOUT_ITSELF | {"balances", "kind", "created_at", "created_on", "declared_count", "declared_sum"}
"""Of heads: what a new document says of itself."""
_NOTHING: tuple[object, ...] = (None, "", (), {}, False)
_ALIKE = {"PRCD": "OPBD"}

_AHEAD = 1_000
"""So many entries may be left out before one that was not."""

Message = MessageHead | Instruction | PaymentStatus
Told = StatementHead | Entry | StatementEnd | Message


class Lost(NamedTuple):
    """A field, and what became of it."""

    field: str
    how: str = "was not carried"

    def __str__(self) -> str:
        return f"{self.field} {self.how}"


def lost(told: object, again: object, path: str = "") -> Iterator[Lost]:
    """The fields that say something and don't say the same again. What was only added is no loss."""
    if told == again or _is_nothing(told):
        return
    if isinstance(told, BankAccount) and isinstance(again, BankAccount):
        told = _national(told, again)
    if isinstance(told, Value) and isinstance(again, Value):
        yield from _in_parts(dict(told), dict(again), path)
    elif isinstance(told, Mapping) and isinstance(again, Mapping):
        yield from _in_parts(told, again, path)
    elif isinstance(told, str) and isinstance(again, str):
        yield from _of_text(told, again, path)
    elif (said := _texts(told)) is not None and (other := _texts(again)) is not None:
        yield from _of_text(said, other, path)
    elif isinstance(told, tuple) and isinstance(again, tuple) and len(told) == len(again):
        for number, (one, other) in enumerate(zip(told, again, strict=True), start=1):
            yield from lost(one, other, f"{path}[{number}]")
    else:
        yield Lost(path) if _is_nothing(again) else Lost(path, "was changed")


def _is_nothing(told: object) -> bool:
    """Whether that says nothing. An amount of zero says something, though Python takes it for false."""
    return told in _NOTHING and not isinstance(told, Decimal)


def _in_parts(told: Mapping[str, object], again: Mapping[str, object], path: str) -> Iterator[Lost]:
    for name, said in told.items():
        if name not in ABOUT_ITSELF:
            yield from lost(said, again.get(name), f"{path}.{name}" if path else name)


def _texts(told: object) -> str | None:
    """Lines as one text: where they break is the format's own."""
    if not isinstance(told, tuple) or not all(isinstance(line, str) for line in told):
        return None
    return " ".join(told)


def _of_text(told: str, again: str, path: str) -> Iterator[Lost]:
    """Blanks and the ends of lines are the format's own."""
    said, other = "".join(told.split()), "".join(again.split())
    if said == other:
        return
    if other and said.startswith(other):
        yield Lost(path, f"was cut: {len(said) - len(other)} signs are missing")
    elif said.casefold() == other.casefold():
        yield Lost(path, "was written in capitals")
    else:
        yield Lost(path, "was changed" if other else "was not carried")


def _national(told: BankAccount, again: BankAccount) -> BankAccount:
    """An IBAN and the national number in it name one account."""
    number = again.clearing_id + again.other
    whole = told.identification
    same = told.iban and again.other and not again.iban and number != whole and whole.endswith(number)
    return told.model_copy(update={"iban": "", "other": again.other}) if same else told


def compared(told: Told, again: Told | None) -> Iterator[str]:
    """A sentence, where something was not carried."""
    found = [Lost("all of it")] if again is None else list(_of_pair(told, again))
    if found:
        yield f"{place(told)}: {'; '.join(map(str, found))}."


@dataclass(slots=True)
class Stream:
    """Statements and payments as they are written, and what was not read again yet; each place is said once it was.

    What stands in its order is compared; an entry that is not the next is looked for among those that follow, and what
    was left out for it is lost. Several statements may become one, whose head and end then stand for all of them.
    """

    waiting: Mapping[type, deque[Told]] = field(default_factory=lambda: {kind: deque() for kind in get_args(Told)})
    last: dict[type, Told] = field(default_factory=dict)

    def told(self, item: object) -> None:
        """Something is written."""
        if isinstance(item, Told):
            self.waiting[type(item)].append(item)

    def again(self, item: object) -> Iterator[str]:
        """Something is read again."""
        if not isinstance(item, Told) or not (waiting := self.waiting[type(item)]):
            return
        self.last[type(item)] = item
        for _ in range(_left_out(waiting, item)):
            yield from compared(waiting.popleft(), None)
        yield from compared(waiting.popleft(), item)

    def end(self) -> Iterator[str]:
        """Nothing more is read."""
        for kind, waiting in self.waiting.items():
            last = self.last.get(kind) if kind not in (Entry, Instruction, PaymentStatus) else None
            for one in waiting:
                yield from compared(one, last)


def _left_out(waiting: Iterable[Told], again: Told) -> int:
    """How many stand before what is read again. Where it is none of them, it is the first one, changed."""
    if not isinstance(again, Entry):
        return 0
    mark = _mark(again)
    return next((number for number, one in enumerate(islice(waiting, _AHEAD)) if _mark(one) == mark), 0)


def place(one: Told) -> str:
    """Where it stands in its file."""
    source = getattr(one, "source", Source(where="the end"))
    return f"{source.where}, line {source.line}" if source.line else source.where or "the document"


def _mark(one: Told) -> object:
    if not isinstance(one, Entry):
        return None
    return one.amount, one.direction, one.booking_date or one.value_date, one.state


def _of_pair(told: Told, again: Told) -> Iterator[Lost]:
    match told, again:
        case (Entry(), Entry()):
            yield from lost(_plain(told), again if told.details else again.model_copy(update={"details": ()}))
        case (StatementEnd(), StatementEnd()):
            yield from _balances(told, again)
            yield from lost(told.additional, again.additional, "additional")
        case (StatementHead(), StatementHead() as other) | (MessageHead(), MessageHead() as other):
            left = {name: said for name, said in told if name not in _OF_THE_LETTER}
            yield from _in_parts(left, _with_currency(other), "")
        case _:
            yield from lost(told, again)


def _with_currency(head: StatementHead | MessageHead) -> dict[str, object]:
    """A statement's currency is its bank account's."""
    if isinstance(head, StatementHead) and not head.bank_account.currency:
        account = head.bank_account.model_copy(update={"currency": head.currency})
        return {**dict(head), "bank_account": account}
    return dict(head)


def _balances(told: StatementEnd, again: StatementEnd) -> Iterator[Lost]:
    kept = {(_ALIKE.get(one.code, one.code), one.on, one.amount) for one in again.balances}
    for one in told.balances:
        if (_ALIKE.get(one.code, one.code), one.on, one.amount) not in kept:
            yield Lost(f"the balance {one.code}")


def _plain(entry: Entry) -> Entry:
    """Without a single detail that says only what the entry says too."""
    if len(entry.details) != 1:
        return entry
    [only] = entry.details
    own = [name for name, value in only if name not in ABOUT_ITSELF and not _repeats(value, getattr(entry, name, None))]
    return entry if own else entry.model_copy(update={"details": (), "details_total": 0})


def _repeats(value: object, said: object) -> bool:
    """Whether a detail's field tells nothing beside its entry's: an entry has references of its own, too."""
    if isinstance(value, References) and isinstance(said, References):
        return all(part in _NOTHING or part == getattr(said, name) for name, part in value)
    return value in _NOTHING or value == said
