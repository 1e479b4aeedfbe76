"""The table of mutants fits the source; `make mutants` runs it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from tests.mutants.proven import LONG_SECONDS, Proof, Trial, proofs, stale, trials_of, turn
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


def proof_of(trial: Trial, seconds: int) -> Proof:
    """It was noticed."""
    return Proof(trial.digest, date(2026, 1, 1), seconds, "test_something")


def test_what_is_recorded_is_of_trials_that_there_are() -> None:
    assert proofs().keys() <= {trial.name for trial in trials_of(MUTANTS)}
    assert len({trial.name for trial in trials_of(MUTANTS)}) == len(trials_of(MUTANTS))


def test_every_long_trial_was_noticed_once_as_it_is_now() -> None:
    """CI tries them in turns, and one that nobody saw noticed proves nothing: `make mutants ARGS=NAME`."""
    assert stale([trial for trial in trials_of(MUTANTS) if trial.long], proofs()) == []


def test_a_mutant_that_was_changed_since_counts_as_never_noticed() -> None:
    trial, *others = trials_of(MUTANTS)
    proven = {each.name: proof_of(each, 1) for each in (trial, *others)}
    assert stale([trial, *others], proven) == []
    changed = Trial(replace(trial.mutant, new="pass"), trial.tests)
    assert stale([changed, *others], proven) == [trial.name]


def test_the_long_ones_take_turns_within_their_time_and_those_that_nobody_saw_come_first() -> None:
    long = [trial for trial in trials_of(MUTANTS) if trial.long]
    proven = {trial.name: proof_of(trial, 5 + 10 * n) for n, trial in enumerate(long)}
    turns = [turn(long, proven, hour) for hour in range(len(long))]
    assert {trial.name for each in turns for trial in each} == {trial.name for trial in long}
    for each in turns:
        assert len(each) == 1 or sum(proven[trial.name].seconds for trial in each) <= LONG_SECONDS
    for unseen in (long[3], long[5]):
        del proven[unseen.name]
    assert {turn(long, proven, hour)[0].name for hour in range(2)} == {long[3].name, long[5].name}


def test_each_of_the_ten_guarantees_is_broken_by_some_mutant() -> None:
    assert {mutant.guarantee for mutant in MUTANTS} >= set(range(1, 11))
    assert len(MUTANTS) >= LEAST


def test_the_table_of_guarantees_names_a_test_that_notices_a_mutant_of_each() -> None:
    _, _, table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("a test that fails without it |\n")
    rows = table.partition("\n\n")[0].splitlines()[1:]
    assert len(rows) == 10
    for guarantee, row in enumerate(rows, 1):
        named = re.findall(r"`(tests/[^`]+)`", row)
        noticing = {test for mutant in MUTANTS if mutant.guarantee == guarantee for test in mutant.tests}
        assert [each for each in named if any(test.startswith(each) for test in noticing)], row
