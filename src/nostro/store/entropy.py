"""The one source of chance: keys, nonces, tokens, jitter. Seeded in simulations."""

from __future__ import annotations

import os
import random
from typing import Protocol


class Entropy(Protocol):
    """Random bytes and random numbers."""

    def bytes(self, count: int) -> bytes:
        """`count` random bytes."""

    def uniform(self) -> float:
        """A number from 0 up to 1, for jitter."""


class SystemEntropy:
    """The operating system's chance."""

    def bytes(self, count: int) -> bytes:
        """`count` bytes fit for keys."""
        return os.urandom(count)

    def uniform(self) -> float:
        """A number from 0 up to 1."""
        return random.SystemRandom().random()


class SeededEntropy:
    """Repeatable chance for simulations. Never for keys that protect anything."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def bytes(self, count: int) -> bytes:
        """`count` bytes that the seed determines."""
        return self._random.randbytes(count)

    def uniform(self) -> float:
        """A number from 0 up to 1 that the seed determines."""
        return self._random.random()
