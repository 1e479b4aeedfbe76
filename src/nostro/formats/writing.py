"""Every format that can be written, and what its writer is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from nostro.formats.iso20022.camt_write import write_camt
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.statements import ReportKind, StatementHead


@dataclass(frozen=True, slots=True)
class Order:
    """How something is to be written. `say` hears what can't be carried; `profile` names a bank's."""

    created_at: datetime
    say: Callable[[str], object]
    profile: str = ""


Writer = Callable[[Iterable[Item], Order], Iterator[bytes]]


def _camt(kind: ReportKind, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    return write_camt(_as(kind, items), order.created_at, order.say)


def _as(kind: ReportKind, items: Iterable[Item]) -> Iterator[Item]:
    """Statements as another kind: a notification needs no balances, a statement does."""
    return (item.model_copy(update={"kind": kind}) if isinstance(item, StatementHead) else item for item in items)


WRITERS: Mapping[str, Writer] = {
    "camt.053": partial(_camt, "statement"),
    "camt.052": partial(_camt, "report"),
    "camt.054": partial(_camt, "notification"),
}


def writer(name: str) -> Writer:
    """The writer of that name. Raises `FormatRefused` for one that there isn't."""
    if name not in WRITERS:
        raise FormatRefused(f"Nothing writes {name!r}.", f"There are {', '.join(sorted(WRITERS))}.")
    return WRITERS[name]
