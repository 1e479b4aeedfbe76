"""A worker that ends gives back what it holds, in an order in which nothing takes it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nostro.runtime.workers import Worker

pytestmark = pytest.mark.asyncio


class Noting:
    """Notes what it is asked for."""

    def __init__(self, name: str, asked: list[str]) -> None:
        self.name, self.asked = name, asked

    def __getattr__(self, what: str) -> Callable[..., Awaitable[None]]:
        async def ask(*_: object) -> None:
            self.asked.append(f"{self.name}.{what}")

        return ask


async def test_looks_that_last_end_before_their_leases_are_given_back() -> None:
    asked = list[str]()
    parts: dict[str, Any] = {name: Noting(name, asked) for name in Worker.__dataclass_fields__}
    await Worker(**(parts | {"dispatchers": [], "loops": []})).rest()
    assert asked.index("folders.stop") < asked.index("leases.release")
    assert {"tenure.release", "slots.release", "readings.release", "checkpoints.seal"} <= set(asked)
