"""What `audit verify` keeps of checkpoints: little of each, since there are thousands a day for ever."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

from nostro.model.ids import SHARDS
from nostro.store.audit import Anchor, Seals
from nostro.store.sealing import FIRST, Checkpoint, Head, SealKey, sign

KEY = SealKey.from_text(base64.b64encode(b"s" * 32).decode())
AT = datetime(2026, 8, 31, tzinfo=UTC)
BYTES_EACH = 1000
"""A checkpoint itself has more than 5,000."""


def leaf(shard: int, position: int) -> bytes:
    return hashlib.sha256(f"{shard}/{position}".encode()).digest()


def checkpoints(count: int) -> Iterator[Checkpoint]:
    """Five facts behind each other."""
    positions, previous = dict.fromkeys(range(SHARDS), 0), FIRST
    for number in range(1, count + 1):
        for n in range(5):
            positions[(number * 7 + n * 13) % SHARDS] += 1
        heads = {shard: Head(position, leaf(shard, position)) for shard, position in positions.items()}
        made = sign(KEY, number, AT, heads, previous)
        previous = made.digest
        yield made


def test_few_bytes_of_each_checkpoint_are_kept() -> None:
    seals, count = Seals(), 300
    tracemalloc.start()
    for checkpoint in checkpoints(count):
        seals.add(checkpoint)
    del checkpoint
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < count * BYTES_EACH


def test_what_is_kept_of_them_is_all_that_they_say() -> None:
    seals, made = Seals(), list(checkpoints(100))
    for checkpoint in made:
        seals.add(checkpoint)
    assert all(seals.holds(Anchor(one.number, one.digest)) for one in made)
    assert not any(seals.holds(Anchor(one.number + 1, one.digest)) for one in made)
    assert not seals.holds(Anchor(0, made[0].digest))
    assert seals.findings == []
    assert seals.sealed == 500
    named = {(shard, told) for one in made for shard, told in one.named().items() if not told.startswith("0:")}
    kept = [(shard, place, found) for shard in range(SHARDS) for place, found in seals.leaves(shard).items()]
    assert {(shard, f"{place}:{one.hex()}") for shard, place, found in kept for one in found} == named


def test_two_leaves_at_one_position_and_a_way_back_are_kept_and_told() -> None:
    seals = Seals()
    for number, (position, told) in enumerate([(2, b"a"), (2, b"b"), (1, b"c"), (2, b"a")], 1):
        heads = {shard: Head(0, bytes(32)) for shard in range(SHARDS)} | {7: Head(position, told * 32)}
        seals.add(sign(KEY, number, AT, heads, FIRST))
    assert seals.leaves(7) == {2: {b"a" * 32, b"b" * 32}, 1: {b"c" * 32}}
    assert [finding.where for finding in seals.findings] == ["checkpoint 3"]
