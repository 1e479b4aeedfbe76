"""What went wrong among statements that travelled together is told, not what the driver says of those behind it."""

from __future__ import annotations

import pytest
from psycopg import errors

from nostro.model.failures import Failure, LostRace, StatementRefused
from nostro.store.database import translated


def aborted_by(cause: Exception | None) -> Exception:
    aborted = errors.PipelineAborted("pipeline aborted")
    aborted.__context__ = cause
    return aborted


@pytest.mark.parametrize(
    "cause,failure",
    [
        (errors.UniqueViolation("one"), StatementRefused),
        (errors.DeadlockDetected("two"), LostRace),
        (aborted_by(errors.NumericValueOutOfRange("three")), StatementRefused),
        (None, LostRace),
    ],
)
def test_an_aborted_pipeline_is_told_by_what_aborted_it(cause: Exception | None, failure: type[Failure]) -> None:
    with pytest.raises(failure), translated():
        raise aborted_by(cause)
