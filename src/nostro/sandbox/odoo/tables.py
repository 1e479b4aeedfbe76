"""The rows of every model, with an undo log: a call that fails leaves nothing behind but the ids that it used up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Row = dict[str, Any]
"""A record. Empty values are `False`, as Odoo says them; amounts are Decimal, instants aware UTC, references ids."""

INDEXED = frozenset(
    {
        ("account.move.line", "move_id"),
        ("account.partial.reconcile", "debit_move_id"),
        ("account.partial.reconcile", "credit_move_id"),
    }
)
"""References that are asked for backwards and never change."""


class Tables:
    """All rows by model and id, in the order of their ids."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self._index: defaultdict[tuple[str, str, int], dict[int, Row]] = defaultdict(dict)
        self._last_id: Counter[str] = Counter()
        self._undo: list[Callable[[], object]] = []
        self.numbers: defaultdict[str, set[int]] = defaultdict(set)
        """Document numbers in use by journal and prefix; a deleted document frees its number for the next one."""
        self.written: list[tuple[str, int]] = []
        """What this transaction created or wrote, in order: what automations hear of."""

    def begin(self) -> None:
        """Start a database transaction."""
        self._undo.clear()
        self.written.clear()

    def rollback(self) -> None:
        """Take back everything since `begin`, except that ids stay used up, as PostgreSQL's sequences do."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()

    def of(self, model: str) -> Mapping[int, Row]:
        """All rows of a model."""
        return self._rows[model]

    def by(self, model: str, field: str, ident: int) -> list[Row]:
        """The rows whose indexed reference is `ident`, oldest first."""
        return list(self._index[model, field, ident].values())

    def insert(self, model: str, values: Mapping[str, Any], now: datetime, uid: int) -> Row:
        """A new row. `now` is the start of the database transaction, which Odoo stamps on all that it writes."""
        self._last_id[model] += 1
        ident = self._last_id[model]
        row = {**values, "id": ident, "create_date": now, "write_date": now, "create_uid": uid, "write_uid": uid}
        self._put(model, row)
        self._undo.append(lambda: self._take(model, row))
        self.written.append((model, ident))
        return row

    def update(self, model: str, row: Row, changes: Mapping[str, Any], now: datetime, uid: int) -> None:
        """Change a row in place; nothing is written when nothing differs."""
        if all(key in row and row[key] == value for key, value in changes.items()):
            return
        before = dict(row)
        self._undo.append(lambda: _restore(row, before))
        row.update(changes, write_date=now, write_uid=uid)
        self.written.append((model, row["id"]))

    def delete(self, model: str, row: Row) -> None:
        """Remove a row; no tombstone is left."""
        self._take(model, row)
        self._undo.append(lambda: self._put(model, row))

    def take_number(self, prefix: str) -> int:
        """The highest number in use, plus one."""
        number = max(self.numbers[prefix], default=0) + 1
        self.numbers[prefix].add(number)
        self._undo.append(lambda: self.numbers[prefix].discard(number))
        return number

    def free_number(self, prefix: str, number: int) -> None:
        """Give a number back."""
        self.numbers[prefix].discard(number)
        self._undo.append(lambda: self.numbers[prefix].add(number))

    def _put(self, model: str, row: Row) -> None:
        self._rows[model][row["id"]] = row
        for field in [field for indexed, field in INDEXED if indexed == model]:
            self._index[model, field, row[field]][row["id"]] = row

    def _take(self, model: str, row: Row) -> None:
        del self._rows[model][row["id"]]
        for field in [field for indexed, field in INDEXED if indexed == model]:
            del self._index[model, field, row[field]][row["id"]]


def _restore(row: Row, before: Row) -> None:
    row.clear()
    row.update(before)
