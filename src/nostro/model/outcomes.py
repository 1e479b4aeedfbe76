"""How a command ended."""

from __future__ import annotations

from enum import StrEnum

from nostro.model.base import Value
from nostro.model.failures import FailureKind


class OutcomeKind(StrEnum):
    """`done` and `adopted` mean the effect is there once.

    `adopted`: somebody else's act or an earlier try of ours was found.
    """

    DONE = "done"
    ADOPTED = "adopted"
    FAILED = "failed"  # proven not done
    HANDED_OVER = "handed_over"  # a person decides; the command stays open
    DISCARDED = "discarded"  # a person decided that it shall not be done


class Outcome(Value):
    """One command's end. `ids` are the other side's ids by kind (`move`, `payment`, `statement_line`...).

    `notes`: `date` when the ERP booked on another day than asked, `company_amount` what a payment in foreign currency
    is worth on the ledger account that it was booked to (a plain decimal in company currency), `written_at` when the
    ERP wrote it by its own order (as `changed_at` of what it tells), `journal` where what was found stands on another;
    `amount`, `open` and `state` where what was found or booked is not quite what was asked.
    """

    kind: OutcomeKind
    ids: dict[str, str] = {}
    notes: dict[str, str] = {}
    failure: FailureKind | None = None
    sentence: str = ""

    @property
    def there(self) -> bool:
        """Whether the effect exists outside."""
        return self.kind in (OutcomeKind.DONE, OutcomeKind.ADOPTED)


def done(*, adopted: bool = False, notes: dict[str, str] | None = None, **ids: str | int) -> Outcome:
    """The effect is there."""
    kind = OutcomeKind.ADOPTED if adopted else OutcomeKind.DONE
    return Outcome(kind=kind, ids={name: str(value) for name, value in ids.items()}, notes=notes or {})


def failed(kind: FailureKind, sentence: str) -> Outcome:
    """The effect is proven not to be there."""
    return Outcome(kind=OutcomeKind.FAILED, failure=kind, sentence=sentence)


def handed_over(sentence: str, kind: FailureKind | None = None) -> Outcome:
    """Nobody but a person can say."""
    return Outcome(kind=OutcomeKind.HANDED_OVER, failure=kind, sentence=sentence)
