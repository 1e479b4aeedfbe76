"""The table of mutants fits the source; `make mutants` runs it."""

from __future__ import annotations

import pytest

from tests.mutants.run import ROOT, broken_text, broken_texts
from tests.mutants.table import MUTANTS, NAMED, Mutant

LEAST = 25


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_a_piece_that_stands_once_in_the_source_and_names_tests_that_are_there(mutant: Mutant) -> None:
    assert broken_text(mutant)
    for test in (*mutant.tests, *mutant.simulations):
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8")


def test_what_is_broken_besides_is_another_mutant_and_both_are_in_the_source() -> None:
    pairs = [(mutant, NAMED[mutant.besides]) for mutant in MUTANTS if mutant.besides]
    assert pairs
    for one, other in pairs:
        texts = broken_texts(one)
        assert one is not other
        assert not other.besides
        assert one.new in texts[one.file]
        assert other.new in texts[other.file]


def test_each_of_the_ten_guarantees_is_broken_by_some_mutant() -> None:
    assert {mutant.guarantee for mutant in MUTANTS} >= set(range(1, 11))
    assert len(MUTANTS) >= LEAST
