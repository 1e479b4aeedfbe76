"""Listening: the door and the health page, each an ASGI application on a port, inside the running loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from nostro.gateway.serving import serve
from nostro.model.failures import OutOfService

LOOPBACK = "127.0.0.1"
START_SECONDS = 15.0
STOP_SECONDS = 3.0
"""So long requests under way may take to be answered."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_here(host: str) -> bool:
    """Whether somebody can listen at this address at all, on whatever port."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def next_free(port: int, until: ExitStack | None = None) -> int:
    """This port or the next free one above it. Raises `OutOfService` when the next hundred are taken.

    Who listens only later gives `until`: so long a UDP socket of the same number tells others who choose that it is
    taken, whoever they are, and is gone when we are.
    """
    for candidate in range(port, min(port + 100, 65_536)):
        with ExitStack() as trying:
            mark = trying.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            try:
                mark.bind((LOOPBACK, candidate))
            except OSError:
                continue
            if is_free(candidate):
                if until is not None:
                    until.push(trying.pop_all())
                return candidate
    message = f"No port from {port} to {port + 99} is free."
    raise OutOfService(message, "Stop what holds them.")


@asynccontextmanager
async def listening(app: Any, port: int, host: str = LOOPBACK) -> AsyncIterator[None]:  # noqa: ANN401 - any ASGI application
    """Serves an application while the block runs. Raises `OutOfService` when the port is taken or nothing answers."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, host, port, stop))
    try:
        await _answering(port, host, serving)
        yield
    finally:
        stop.set()
        await asyncio.wait([serving], timeout=STOP_SECONDS)


async def _answering(port: int, host: str, task: asyncio.Task[None]) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not task.done():
                try:
                    _, writer = await asyncio.open_connection(host, port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return
    except TimeoutError:
        pass
    if task.done() and (failure := task.exception()) is not None:
        raise failure
    message = f"Nothing answers on port {port}."
    raise OutOfService(message, "The log says why.")
