"""Every mutant of the table is noticed by one of its tests, so that no guarantee rests on a test that can't fail."""

from __future__ import annotations

import pytest

from tests.mutants.run import judge
from tests.mutants.table import MUTANTS, Mutant

pytestmark = pytest.mark.timeout(400)
GUARANTEES = range(1, 11)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_guarantee_is_noticed(mutant: Mutant) -> None:
    verdict = judge(mutant)
    assert verdict.noticed, f"{mutant.breaks} Nobody noticed:\n{verdict.output}"


def test_every_guarantee_is_broken_by_some_mutant_and_each_has_a_name_of_its_own() -> None:
    assert {mutant.guarantee for mutant in MUTANTS} >= set(GUARANTEES)
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
