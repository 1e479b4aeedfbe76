"""What the house logs while it is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn

import structlog
from structlog.typing import EventDict, WrappedLogger

Hear = Callable[[str, str], None]
HEARD: ContextVar[Hear] = ContextVar("HEARD")
"""Who hears level and sentence of a log line."""


@contextmanager
def listening() -> Iterator[None]:
    """Logs go to whoever listens, from warnings upwards, until the block ends."""
    before = structlog.get_config()
    structlog.configure(processors=[_hear], wrapper_class=structlog.make_filtering_bound_logger(30))
    try:
        yield
    finally:
        structlog.configure(**before)


def _hear(_: WrappedLogger, level: str, event: EventDict) -> NoReturn:
    told = " ".join(f"{name}={value!r}" for name, value in sorted(event.items()) if name not in ("event", "exc_info"))
    error = event.get("exc_info")
    why = f" {error!r}" if isinstance(error, BaseException) else ""
    hear = HEARD.get(_unheard)
    hear("error" if level == "exception" else level, f"{event['event']} {told}{why}")
    raise structlog.DropEvent


def _unheard(_level: str, _sentence: str) -> None:
    """Nobody listens."""
