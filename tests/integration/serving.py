"""Applications over real HTTP on the loopback."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from nostro.gateway.serving import serve

_PORTS = itertools.count(20_000 + secrets.randbelow(10_000))
"""From below those that Linux (32768) and macOS (49152) give to outgoing connections: one of these may be taken at any
moment, also while a part of the house that has listened there is started again.
"""


def free_port() -> int:
    """A port that nobody listens on now, and another one each time."""
    while True:
        port = next(_PORTS)
        with socket.socket() as trial, suppress(OSError):
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as who will listen there does
            trial.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:  # noqa: ANN401 - any ASGI application
    """The application's URL while it is served."""
    port, stop = free_port(), asyncio.Event()
    serving = asyncio.create_task(serve(app, "127.0.0.1", port, stop))
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await serving
