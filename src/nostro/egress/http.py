"""The HTTP client: one a slot, at most eight sockets, no redirects, bounded bodies. Headers are never logged."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Self

import httpx

from nostro.egress.connections import SOCKETS
from nostro.egress.transport import LEAVING_SECONDS, NoReply, NotSent
from nostro.model.calls import HttpReply, HttpRequest

CONNECT_SECONDS = 5.0
REPLY_BYTES = 32 * 1024 * 1024
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, TimeoutError)


class HttpTransport:
    """Use as an async context manager. The environment's proxies and credentials are left alone.

    `certificates`: a folder or file of further certificate authorities, for partners with their own.
    """

    def __init__(self, *, sockets: int = SOCKETS, certificates: str | None = None) -> None:
        trusted = ssl.create_default_context()
        if certificates is not None:
            trusted.load_verify_locations(certificates)
        self._client = httpx.AsyncClient(
            verify=trusted,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=sockets, max_keepalive_connections=sockets),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """As `Transport.send`. A reply beyond 32 MB is none: what it says was not taken in."""
        leaving = _Leaving(timeout_seconds)
        built = self._built(request, leaving)
        try:
            async with asyncio.timeout(LEAVING_SECONDS) as leaving.limit:
                reply = await self._client.send(built, stream=True)
                try:
                    return HttpReply(reply.status_code, _lowered(reply.headers), await _bounded(reply))
                finally:
                    await reply.aclose()
        except NoReply:
            raise
        except Exception as error:  # noqa: BLE001 - whatever breaks, only what is proven not to have left is "not sent"
            if isinstance(error, _NEVER_LEFT) and not leaving.begun:
                raise NotSent(type(error).__name__) from None
            raise NoReply(type(error).__name__) from None

    def _built(self, request: HttpRequest, leaving: _Leaving) -> httpx.Request:
        timeouts = httpx.Timeout(leaving.reply_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        try:
            return self._client.build_request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=timeouts,
                extensions={"trace": leaving.see},
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise NotSent(type(error).__name__) from None


class _Leaving:
    """Watches a call on its way out: its last byte leaves in time or never, then the reply has its own."""

    def __init__(self, reply_seconds: float) -> None:
        self.reply_seconds = reply_seconds
        self.begun = False
        self.limit: asyncio.Timeout | None = None

    async def see(self, event: str, _: object) -> None:
        """What httpcore says while it works."""
        if event.endswith("send_request_headers.started"):
            self.begun = True
        elif event.endswith("send_request_body.complete") and self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + self.reply_seconds)


def _lowered(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _bounded(reply: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in reply.aiter_bytes():
        body += chunk
        if len(body) > REPLY_BYTES:
            raise NoReply("too large")
    return bytes(body)
