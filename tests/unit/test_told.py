"""What is decided in memory with the end of its dispatch is what whoever opens it from the log finds there."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from nostro.egress.drive import Ended, Held
from nostro.egress.shell import Rested
from nostro.engine.claims import ENGINE, Dispatch
from nostro.engine.jobs import Loaded
from nostro.engine.settle import told_by
from nostro.model.clock import Now
from nostro.model.failures import FailureKind
from nostro.model.outcomes import Outcome, OutcomeKind, done, failed, handed_over
from nostro.store.arrivals import Arrival
from nostro.store.blobs import open_fact
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys

AT = datetime(2026, 9, 2, 6, 30, tzinfo=UTC)
KEYS = Keys({1: b"m" * 32}, SystemEntropy())
NOTES = {"written_at": "2026-09-02", "journal": "5"}
OUTCOMES = (
    done(payment=7, move="BNK1/2026/00007", notes=NOTES).model_copy(update={"notes": {**NOTES, "date": "2026-09-03"}}),
    done(adopted=True, effect='"ü"'),
    failed(FailureKind.INVALID, "The move is posted."),
    handed_over("Nobody knows.", FailureKind.AMBIGUOUS),
    handed_over("It is held."),
    Outcome(kind=OutcomeKind.DISCARDED, sentence="It was paid by hand."),
)


def loaded(actor: str = ENGINE) -> Loaded:
    members = [
        SimpleNamespace(
            key_text=f"payout/po_1/book-{n}/0/1", process="payout", subject="po_1", step=f"book-{n}", occurrence=0,
            generation=1, operation="book_journal_entry", entity="DE", actor=actor, shard=3, position=17 + n, lane=1,
        )
        for n in range(len(OUTCOMES))
    ]  # fmt: skip
    dispatch = Dispatch(3, b"d" * 16, "book_journal_entry", AT, look_up_first=False)
    return Loaded(dispatch, members, Held("Nobody drives it."))


def test_every_kind_of_outcome_is_among_them() -> None:
    assert {outcome.kind for outcome in OUTCOMES} == set(OutcomeKind)


@pytest.mark.parametrize("actor", [ENGINE, "treasury"])
@pytest.mark.parametrize("receipt", [None, b"r" * 16])
@pytest.mark.parametrize("end", [Ended(OUTCOMES), Held("A person looks.", FailureKind.AMBIGUOUS)])
def test_a_fact_that_comes_with_its_arrival_is_what_that_tells(
    end: Ended | Held, receipt: bytes | None, actor: str
) -> None:
    """In every part, and the order of ids and notes too: a decision may not see another fact than its replay."""
    told = told_by(loaded(actor), Rested(end, receipt), "odoo-de", Now(AT, AT))
    assert len(told) == len(OUTCOMES)
    for one in told:
        opened = open_fact(KEYS, Arrival._make(one), {})
        assert one.fact == opened
        assert repr(one.fact) == repr(opened)
        assert one.sealed_body is None
