"""What pure code can do wrong: it throws, also something of its own, or it comes to no end."""

from collections.abc import Callable
from typing import Any

import pytest

Wrong = Callable[..., Any]


def throws(*_: object) -> Any:  # noqa: ANN401 - it never returns
    raise RuntimeError


class OfItsOwn(Exception):
    """No kind of exception that Python or the house knows."""


def throws_its_own(*_: object) -> Any:  # noqa: ANN401 - it never returns
    raise OfItsOwn


def loops(*_: object) -> Any:  # noqa: ANN401 - it never returns
    while True:
        try:
            sum(range(100))
        except Exception:  # noqa: BLE001, S112 - as careless code does
            continue


MISBEHAVIOUR = pytest.mark.parametrize(
    "wrong, cause", [(throws, "RuntimeError"), (throws_its_own, "OfItsOwn"), (loops, "Endless")]
)
