"""Webhooks go through the door's own application, without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from nostro.sandbox.wire import Delivery
from tests.simulation.database import Connections

KEPT = "select encode(id, 'hex') from receipt where kind <> 'reply' and id = any(%s)"


async def deliver(door: FastAPI, delivery: Delivery) -> tuple[int, str]:
    """The HTTP status that the door answers, and the receipt that it names."""
    target = urlsplit(delivery.url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": target.path,
        "raw_path": target.path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in delivery.headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8470),
    }
    status: list[int] = []
    told: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": delivery.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(int(message["status"]))
        elif message["type"] == "http.response.body":
            told.append(message.get("body", b""))

    await door(scope, receive, send)
    receipt = str(json.loads(b"".join(told)).get("receipt", "")) if status[0] == 200 else ""
    return status[0], receipt


def not_kept(connections: Connections, acknowledged: Sequence[str]) -> Iterator[str]:
    """1: which of the receipts that a sender was told of isn't there; none of those was named that is empty."""
    ids = [bytes.fromhex(receipt) for receipt in acknowledged]
    kept = {receipt for (receipt,) in connections.ask(KEPT, [ids])}
    yield from (f"acknowledged and not kept: {receipt}" for receipt in acknowledged if receipt not in kept)
