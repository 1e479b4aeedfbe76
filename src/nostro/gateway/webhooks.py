"""The webhook door: verify, keep, and only then 2xx.

`POST /in/<connection>` for senders that sign; `POST /in/<connection>/<token>` is the unguessable path of those that
can't, and what they say is a hint. A plain Starlette route: the body is read as bytes and nothing is parsed here.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from nostro.connectors.kit.reading import Refusal, Verified
from nostro.gateway.problems import problem
from nostro.ingress.limits import RETRY_AFTER_SECONDS, Limits, Way
from nostro.ingress.receiving import Intake
from nostro.ingress.sources import Count, Source, Sources, silent
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable, OutOfService
from nostro.store.receipts import Received

TOKEN = "path_token"  # noqa: S105 - the name of a secret, not a secret
BODY_SECONDS = 10
UNKNOWN = "There is no such connection."
AGAIN_SECONDS = 5
logger = structlog.get_logger("nostro.gateway")


@dataclass(frozen=True, slots=True)
class Door:
    """What the webhook route needs. `sources` is asked anew each time: a landscape may be published meanwhile."""

    sources: Callable[[], Sources]
    intake: Intake
    limits: Limits
    clock: Callable[[], Awaitable[Now]]
    count: Count = silent
    time: Count = silent

    async def receive(self, request: Request) -> Response:
        """One webhook."""
        began = time.monotonic()
        source = self._source(request)
        connection = source.name if source else "unknown"
        try:
            response = await self._take(source, request) if source else problem(404, UNKNOWN)
        except DatabaseUnavailable as failure:
            response = problem(503, failure.sentence, retry_after_seconds=AGAIN_SECONDS)
        except OutOfService as failure:
            response = problem(503, failure.sentence, retry_after_seconds=RETRY_AFTER_SECONDS)
        except ClientDisconnect:
            response = problem(400, "The body ended early.")
        self.count("webhooks", connection=connection, status=str(response.status_code))
        self.time("webhook_seconds", time.monotonic() - began, connection=connection)
        if response.status_code >= 400:
            logger.info("webhook_refused", connection=connection, answer=response.status_code)
        return response

    def _source(self, request: Request) -> Source | None:
        """The connection; None also for one that takes no webhooks, or whose path was guessed."""
        source = self.sources().get(request.path_params["connection"])
        if source is None or not source.connector.manifest.takes_webhooks:
            return None
        told, ours = request.path_params.get("token", ""), source.secrets.get(TOKEN, "")
        if not told and source.connector.verify is not None:
            return source
        return source if ours and hmac.compare_digest(told.encode(), ours.encode()) else None

    async def _take(self, source: Source, request: Request) -> Response:
        self.limits.demand(Way.PUSHED)
        limit = source.connector.manifest.body_limit
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request, limit)
        except TimeoutError:
            return problem(408, f"The body took longer than {BODY_SECONDS} seconds.")
        if body is None:
            return problem(413, f"The body is larger than {limit} bytes; nothing was kept.")
        now = await self.clock()
        verified = _verify(source, body, request, now)
        if isinstance(verified, Refusal):
            return problem(verified.status, verified.sentence)
        kept = await self.intake.take(
            Received(
                connection=source.name,
                kind="webhook",
                received_at=now.business,
                signed=verified.signed,
                event_id=verified.event_id,
                content=verified.content or None,
            ),
            body,
        )
        return JSONResponse({"receipt": kept.id.hex()}, headers={"cache-control": "no-store"})


def _verify(source: Source, body: bytes, request: Request, now: Now) -> Verified | Refusal:
    """Who sent it. Without a `verify` the path proved where it was learned, and nothing more: a hint."""
    verify = source.connector.verify
    if verify is None:
        return Verified(event_id="", signed=False)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        return verify(body, headers, source.config, source.secrets, now.business)
    except Exception as error:
        logger.warning("verify_failed", connection=source.name, exc_info=error)
        return Refusal(401, "The signature could not be checked.")


async def _body(request: Request, limit: int) -> bytes | None:
    """The body; None as soon as it is known to be over the limit."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
