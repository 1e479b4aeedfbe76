"""Sends webhooks whose bytes were signed beforehand, over connections that stay open; a child of its own.

`rate` 0: as fast as answers come. An event that got no answer is sent again until it is acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from bench.door import CONNECTION, SECRET
from bench.report import percentile
from bench.worker import main, say

BODY_BYTES = 1024
AGAIN_SECONDS = 0.05


def signed(number: int, at: int) -> bytes:
    """A whole request: an event of 1 KB, signed as Stripe signs."""
    event = {"id": f"evt_{number:09}", "object": "event", "type": "charge.succeeded", "created": at, "livemode": False}
    event["data"] = {"object": {"id": f"ch_{number:09}", "object": "charge", "amount": 1000, "description": ""}}
    missing = BODY_BYTES - len(orjson.dumps(event))
    event["data"]["object"]["description"] = "x" * missing  # type: ignore[index]  # it was put there above
    body = orjson.dumps(event)
    mark = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    head = f"POST /in/{CONNECTION} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    head += f"stripe-signature: t={at},v1={mark}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Generator:
    """What is sent and what came back."""

    def __init__(self, order: dict[str, Any]) -> None:
        at = int(datetime.now(UTC).timestamp())
        self.port = order["port"]
        self.requests = [signed(order["first"] + n, at) for n in range(order["events"])]
        self.next: Iterator[int] = iter(range(order["events"]))
        self.rate, self.seconds, self.warm = order["rate"], order["seconds"], order["warm"]
        self.latencies: list[float] = []
        self.acknowledged: list[int] = []
        self.again = 0
        self.began = 0.0

    async def sender(self) -> None:
        """One connection, one request at a time."""
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for number in self.next:
            due = self.began + number / self.rate if self.rate else time.monotonic()
            if due >= self.began + self.warm + self.seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while time.monotonic() < self.began + self.warm + self.seconds + 30:
                try:
                    if streams is None:
                        streams = await asyncio.open_connection("127.0.0.1", self.port)
                    status = await _exchange(*streams, self.requests[number])
                except (OSError, asyncio.IncompleteReadError):
                    status, streams = 0, None
                if status == 200:
                    self._note(number, due)
                    break
                self.again += 1
                await asyncio.sleep(AGAIN_SECONDS)
            if time.monotonic() >= self.began + self.warm + self.seconds:
                break
        if streams is not None:
            streams[1].close()

    def _note(self, number: int, due: float) -> None:
        self.acknowledged.append(number)
        now = time.monotonic()
        if self.began + self.warm <= now < self.began + self.warm + self.seconds:
            self.latencies.append(now - due)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Signs everything, says that it is ready, then sends."""
    generator = Generator(order)
    say({"ready": True})
    generator.began, before = time.monotonic(), sum(os.times()[:2])
    await asyncio.gather(*(generator.sender() for _ in range(order["connections"])))
    spent, took = sum(os.times()[:2]) - before, time.monotonic() - generator.began
    return {
        "acknowledged": len(generator.acknowledged),
        "counted": len(generator.latencies),
        "p50_ms": 1000 * percentile(generator.latencies, 0.5),
        "p99_ms": 1000 * percentile(generator.latencies, 0.99),
        "again": generator.again,
        "cpu_share": spent / took,
    }


if __name__ == "__main__":
    main(work)
