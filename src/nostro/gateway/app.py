"""The public HTTP application. Deny by default: there is nothing here that doesn't prove who speaks."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Route

from nostro.gateway.problems import fail, refuse
from nostro.gateway.webhooks import Door


def build_app(door: Door) -> FastAPI:
    """The application for the door's port. No pages of documentation, no anonymous route."""
    app = FastAPI(
        title="Nostro",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        routes=[
            Route("/in/{connection}", door.receive, methods=["POST"]),
            Route("/in/{connection}/{token}", door.receive, methods=["POST"]),
        ],
    )
    app.add_exception_handler(HTTPException, refuse)
    app.add_exception_handler(Exception, fail)
    return app
