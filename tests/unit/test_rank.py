"""Shards and slots are shared out so that who decides also sends."""

from __future__ import annotations

import pytest

from nostro.engine.rank import rank_of
from nostro.model.ids import SHARDS


@pytest.mark.parametrize("workers, slots", [(1, 1), (2, 2), (2, 4), (3, 3), (4, 8)])
def test_who_takes_its_share_of_shards_takes_the_slots_over_which_their_commands_leave(
    workers: int, slots: int
) -> None:
    living = [f"host-{n}" for n in range(workers)]
    for worker in living:
        rank = rank_of(worker, living)
        shards = rank.shards(range(SHARDS))[: SHARDS // workers]
        taken = rank.slots(("psp", n) for n in range(slots))[: slots // workers]
        assert {shard % slots for shard in shards} == {slot for _, slot in taken}


def test_nothing_is_left_to_a_worker_that_has_enough() -> None:
    rank = rank_of("one", ["two", "three"])
    assert sorted(rank.shards(range(SHARDS))) == list(range(SHARDS))
    assert sorted(rank.slots([("psp", 1), ("bank", 0)])) == [("bank", 0), ("psp", 1)]
