"""The webhook door: verify, keep, and only then 2xx.

`POST /in/<connection>` for senders that sign; `POST /in/<connection>/<token>` is the unguessable path of those that
can't, and what they say is a hint. A plain Starlette route: the body is read as bytes and nothing is parsed here.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from nostro.connectors.kit.reading import Refusal, Verified
from nostro.egress.connections import Connections, OpenConnection
from nostro.egress.line import Count, silent
from nostro.gateway.problems import Problem, problem
from nostro.ingress.limits import RETRY_AFTER_SECONDS, Limits, Way
from nostro.ingress.receiving import Intake
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable, OutOfService
from nostro.store.arrivals import lane_number
from nostro.store.receipts import Received

TOKEN = "path_token"  # noqa: S105 - the name of a secret, not a secret
BODY_SECONDS = 10
FORGOTTEN_BYTES = 16 * 1024 * 1024
UNKNOWN = "There is no such connection."
AGAIN_SECONDS = 5
JSON = "application/json"
NOT_STORED = {"cache-control": "no-store"}
logger = structlog.get_logger("nostro.gateway")


@dataclass(frozen=True, slots=True)
class Door:
    """What the webhook route needs."""

    connections: Connections
    intake: Intake
    limits: Limits
    clock: Callable[[], Awaitable[Now]]
    count: Count = silent
    time: Count = silent

    async def receive(self, request: Request) -> Response:
        """One webhook."""
        began = time.monotonic()
        connection = self._connection(request)
        try:
            response = await self._take(connection, request) if connection else problem(404, UNKNOWN)
        except DatabaseUnavailable as failure:
            response = problem(503, failure.sentence, retry_after_seconds=AGAIN_SECONDS)
        except OutOfService as failure:
            response = problem(503, failure.sentence, retry_after_seconds=RETRY_AFTER_SECONDS)
        except TimeoutError:
            response = problem(503, "PostgreSQL can't be reached.", retry_after_seconds=AGAIN_SECONDS)
        except ClientDisconnect:
            response = problem(400, "The body ended early.")
        label = connection.id if connection else "unknown"
        self.count("webhooks", connection=label, status=str(response.status_code))
        self.time("webhook_seconds", time.monotonic() - began, connection=label)
        if isinstance(response, Problem):
            answer, sentence = response.status_code, response.sentence
            logger.info("webhook_refused", connection=label, answer=answer, sentence=sentence)
        return response

    def _connection(self, request: Request) -> OpenConnection | None:
        """The connection; None also for one that takes no webhooks, or whose path was guessed."""
        connection = self.connections.get(request.path_params["connection"])
        if connection is None or not connection.connector.manifest.takes_webhooks:
            return None
        told, ours = request.path_params.get("token", ""), connection.secrets.get(TOKEN, "")
        if not told and connection.connector.verify is not None:
            return connection
        return connection if ours and hmac.compare_digest(told.encode(), ours.encode()) else None

    async def _take(self, connection: OpenConnection, request: Request) -> Response:
        self.limits.demand(Way.PUSHED, lane_number(connection.reading_lane), connection.id)
        limit = connection.connector.manifest.body_limit
        body = None
        try:
            async with asyncio.timeout(BODY_SECONDS):  # one for both: setting a timer costs as much as reading them
                body = await _body(request, limit)
                now = await self.clock()  # it asks the database now and then
        except TimeoutError:
            if body is None:
                return problem(408, f"The body took longer than {BODY_SECONDS} seconds.")
            raise
        if body is None:
            return problem(413, f"The body is larger than {limit} bytes; nothing was kept.")
        verified = _verify(connection, body, request, now)
        if isinstance(verified, Refusal):
            return problem(verified.status, verified.sentence)
        kept = await self.intake.take(
            Received(
                connection=connection.id,
                kind="webhook",
                received_at=now.business,
                signed=verified.signed,
                event_id=verified.event_id,
                content=verified.content or None if verified.signed else b"",
                lane=connection.reading_lane,
            ),
            body,
        )
        return Response(b'{"receipt":"%b"}' % kept.id.hex().encode(), headers=NOT_STORED, media_type=JSON)


def _verify(connection: OpenConnection, body: bytes, request: Request, now: Now) -> Verified | Refusal:
    """Who sent it.

    A sender that can't sign proved where it learned the path, and nothing more: it gives a hint. The same hint again
    within a minute is the same receipt; later it is another, since something else may have changed.
    """
    verify = connection.connector.verify
    if verify is None:
        digest = hashlib.sha256(body).hexdigest()
        return Verified(event_id=f"{digest}/{now.business:%Y-%m-%dT%H:%M}", signed=False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    try:
        return verify(body, headers, connection.config, connection.secrets, now.business)
    except Exception as error:  # a sender that can make the check throw has proved nothing
        logger.warning("verify_failed", connection=connection.id, exc_info=error)
        return Refusal(401, "The signature could not be checked.")


async def _body(request: Request, limit: int) -> bytes | None:
    """The body; None for one over the limit.

    Some more of it is read and forgotten: most senders look for an answer only after they have sent everything.
    """
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= limit + FORGOTTEN_BYTES:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    return b"".join(chunks) if size <= limit else None
