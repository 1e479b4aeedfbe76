"""The posting policy: when an operational event becomes an accounting commitment, and on which side of the books."""

from __future__ import annotations

from typing import Any, get_args

from nostro.governance.answers import DENIED, Account, PostingRule
from nostro.governance.tables import DecisionTable, Flaw, flaws
from nostro.model.entities import LegalEntity

INPUTS = frozenset({"entity", "country", "currency", "method", "state"})
OUTPUTS: dict[str, frozenset[Any]] = {
    "row": frozenset(),
    "posts": frozenset({True, False}),
    "account": frozenset(get_args(Account)),
}


def posting_flaws(text: str) -> list[Flaw]:
    """What is wrong with a posting table."""
    return flaws(text, INPUTS, OUTPUTS)


class PostingPolicy:
    """The table, and its answers so far: it is pure, so each question is asked once."""

    def __init__(self, text: str) -> None:
        self._table = DecisionTable(text, INPUTS, OUTPUTS)
        self._answers: dict[tuple[str, str, str], PostingRule] = {}

    def rule(self, entity: LegalEntity, method: str, state: str) -> PostingRule:
        """The row that speaks about a payment of this method that has come this far; no row denies."""
        asked = (entity.id, method, state)
        if asked not in self._answers:
            told = self._table.answer(
                entity=entity.id, country=entity.country, currency=entity.currency, method=method, state=state
            )
            self._answers[asked] = PostingRule(**told) if told else DENIED
        return self._answers[asked]
