"""The partner of the six-step process as another system: over HTTP, with books of its own, as a child."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.six_steps import served
from bench.worker import main, say
from nostro.gateway.serving import serve


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Serves until the parent says the end; then tells how many effects its books hold."""
    books: dict[str, str] = {}
    stop = asyncio.Event()

    async def effects(request: Request) -> Response:
        return Response(served(books, orjson.loads(await request.body())), media_type="application/json")

    app = Starlette(routes=[Route("/effects", effects, methods=["POST"])])
    serving = asyncio.create_task(serve(app, "127.0.0.1", order["port"], stop))
    say({"ready": True})
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()
    await serving
    return {"effects": len(books), "cpu_seconds": sum(os.times()[:2])}


if __name__ == "__main__":
    main(work)
