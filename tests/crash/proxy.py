"""A TCP proxy before PostgreSQL's socket, which cuts connections when it is told to, and leads elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

PART_BYTES = 65_536


@dataclass
class Proxy:
    """Leads to `target`, a Unix socket. `refusing`: nobody gets through; `silent`: no answer does."""

    target: Path
    port: int = 0
    refusing: bool = False
    silent: bool = False
    cuts: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def cut(self) -> None:
        """Everything that is open breaks off, wherever it is in a sentence."""
        for task in self._open:
            self.cuts += 1
            task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.ensure_future(self._through(reader, writer))
        self._open.add(task)
        await asyncio.wait((task,))
        self._open.discard(task)
        writer.transport.abort()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            return
        with contextlib.suppress(OSError):
            back, forth = await asyncio.open_unix_connection(self.target)
            try:
                ways = {asyncio.ensure_future(_carry(reader, forth)), asyncio.ensure_future(self._back(back, writer))}
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
            finally:
                forth.transport.abort()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(PART_BYTES):
                if not self.silent:
                    writer.write(part)
                    await writer.drain()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(PART_BYTES):
            writer.write(part)
            await writer.drain()


@contextlib.asynccontextmanager
async def proxied(target: Path) -> AsyncIterator[Proxy]:
    """A proxy on a free port of the loopback interface."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await asyncio.sleep(0.1)  # until what was cut is closed
