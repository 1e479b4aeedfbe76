"""The public HTTP application. Deny by default: there is nothing here that doesn't prove who speaks."""

from __future__ import annotations

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from nostro.gateway.problems import fail, refuse
from nostro.gateway.webhooks import Door

IN = "/in/"
logger = structlog.get_logger("nostro.gateway")


class Gateway(FastAPI):
    """The application for the door's port.

    A webhook goes to the door directly: it needs none of the framework's layers, and together they cost as much
    processor time as verifying and sealing what came.
    """

    def __init__(self, door: Door) -> None:
        """No pages of documentation, no anonymous route."""
        super().__init__(
            title="Nostro",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            routes=[
                Route("/in/{connection}", door.receive, methods=["POST"]),
                Route("/in/{connection}/{token}", door.receive, methods=["POST"]),
            ],
        )
        self.door = door
        self.add_exception_handler(HTTPException, refuse)
        self.add_exception_handler(Exception, fail)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the routes would have it; whatever isn't a webhook takes their way."""
        place = _webhook(scope)
        if place is None:
            await super().__call__(scope, receive, send)
            return
        scope["path_params"] = place
        request = Request(scope, receive)
        try:
            response = await self.door.receive(request)
        except Exception as error:  # the sender has to hear that nothing was kept, whatever happened here
            logger.exception("webhook_failed")
            response = await fail(request, error)
        await response(scope, receive, send)


def _webhook(scope: Scope) -> dict[str, str] | None:
    """The parameters of the door's path; None for anything else."""
    if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(IN):
        return None
    connection, slash, token = scope["path"][len(IN) :].partition("/")
    if not connection or "/" in token or bool(slash) != bool(token):
        return None
    return {"connection": connection, "token": token} if token else {"connection": connection}


def build_app(door: Door) -> Gateway:
    """The application around a door."""
    return Gateway(door)
