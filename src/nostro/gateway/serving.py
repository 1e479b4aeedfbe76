"""Serves an application in this process' own event loop, with granian, until it is told to stop."""

from __future__ import annotations

import asyncio
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from nostro.model.failures import OutOfService

CONNECTIONS_WAITING = 1024
REQUESTS_AT_ONCE = 256
"""More than these wait in the socket's queue: memory stays bounded at so many bodies."""


async def serve(app: Any, address: str, port: int, stop: asyncio.Event) -> None:  # noqa: ANN401 - any ASGI application
    """Returns when `stop` is set and the requests that were under way are answered.

    Raises `OutOfService` when the port is taken. The server shares ports (SO_REUSEPORT), so that two of them would
    divide the requests between them without a word: therefore the port is tried first.
    """
    await _try_port(address, port)
    server = Server(
        app,
        address=address,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=CONNECTIONS_WAITING,
        backpressure=REQUESTS_AT_ONCE,
        log_enabled=False,
        log_level=LogLevels.warning,
    )
    serving = asyncio.create_task(server.serve(), name=f"serve {port}")
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]  # granian annotates only some of its methods
        await serving


async def _try_port(address: str, port: int) -> None:
    try:
        trial = await asyncio.start_server(lambda *_: None, address, port, start_serving=False)
    except OSError as error:
        message = f"Port {port} on {address} can't be opened: {error.strerror or error}."
        raise OutOfService(message, "Stop what uses it, or give another port.") from error
    trial.close()
    await trial.wait_closed()
