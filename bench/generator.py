"""Sends webhooks whose bytes were signed beforehand, over connections that stay open; a child of its own.

`rate` 0: as fast as answers come. An event that got no answer is sent again until it is acknowledged. Protocols and not
streams: what this process uses of a shared core, the door lacks.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from bench.door import CONNECTION, SECRET
from bench.report import percentile
from bench.worker import main, say
from nostro.runtime.memory import settle_memory

BODY_BYTES = 1024
AGAIN_SECONDS = 0.05
TICK_SECONDS = 0.001
ANSWERS_SECONDS = 30
"""So long after the end the last answers may come."""
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


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


class Sender(asyncio.Protocol):
    """One connection, one request at a time. `number`: what waits for its acknowledgement; `due`: when it was to go."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.transport: asyncio.Transport | None = None
        self.number: int | None = None
        self.due = 0.0
        self.read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Goes on where the last connection was cut."""
        self.transport, self.read = cast("asyncio.Transport", transport), b""
        if self.number is None:
            self.generator.free(self)
        else:
            self.again()

    def send(self, number: int, due: float) -> None:
        """One event."""
        self.number, self.due = number, due
        if self.transport is not None:
            self.transport.write(self.generator.requests[number])

    def again(self) -> None:
        """The same event once more."""
        if self.number is not None:
            self.generator.again += 1
            self.send(self.number, self.due)

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        self.read += data
        head, found, rest = self.read.partition(END_OF_HEAD)
        if not found or len(rest) < _length(head):
            return
        self.read = b""
        if head[9:12] == b"200":
            self.generator.acknowledge(self)
            self.generator.free(self)
        else:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.again)

    def connection_lost(self, failure: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Comes back soon."""
        self.transport = None
        if not self.generator.over.is_set():
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.generator.connect, self)


class Generator:
    """What is sent and what came back."""

    def __init__(self, order: dict[str, Any]) -> None:
        at = int(datetime.now(UTC).timestamp())
        self.port, self.connections = order["port"], order["connections"]
        self.requests = [signed(n, at) for n in range(order["events"])]
        self.next: Iterator[int] = iter(range(order["events"]))
        self.rate, self.seconds, self.warm = order["rate"], order["seconds"], order["warm"]
        self.idle: deque[Sender] = deque()
        self.busy = self.unsent = 0
        self.latencies: list[float] = []
        self.acknowledged: list[int] = []
        self.again = 0
        self.began = self.end = 0.0
        self.over, self.answered, self.stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.connecting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the time is over and what was sent is answered."""
        self.began = time.monotonic()
        self.end = self.began + self.warm + self.seconds
        for _ in range(self.connections):
            self.connect(Sender(self))
        if self.rate:
            await self._paced()
        await asyncio.wait([asyncio.ensure_future(self.stopped.wait())], timeout=max(0.0, self.end - time.monotonic()))
        self.end = min(self.end, time.monotonic())
        if self.busy:
            await asyncio.wait([asyncio.ensure_future(self.answered.wait())], timeout=ANSWERS_SECONDS)
        self.over.set()

    def connect(self, sender: Sender) -> None:
        """Opens its connection, and tries it again until somebody listens."""
        task = asyncio.create_task(self._connect(sender))
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)

    async def _connect(self, sender: Sender) -> None:
        while not self.over.is_set():
            try:
                await asyncio.get_running_loop().create_connection(lambda: sender, "127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    def free(self, sender: Sender) -> None:
        """This connection has nothing to do."""
        if self.rate:
            self.idle.append(sender)
        elif (now := time.monotonic()) < self.end:
            self._give(sender, now)

    def _give(self, sender: Sender, due: float) -> None:
        number = next(self.next, None)
        if number is not None:
            self.busy += 1
            sender.send(number, due)

    async def _paced(self) -> None:
        """Each event at its time, or as soon after it as a connection is free."""
        given = 0
        while (now := time.monotonic()) < self.end:
            while self.idle and (due := self.began + given / self.rate) <= now:
                given += 1
                self._give(self.idle.popleft(), due)
            await asyncio.sleep(TICK_SECONDS)
        self.unsent = int((self.end - self.began) * self.rate) - given

    def acknowledge(self, sender: Sender) -> None:
        """An event is kept."""
        now = time.monotonic()
        self.busy -= 1
        self.acknowledged.append(cast("int", sender.number))
        sender.number = None
        if self.began + self.warm <= now < self.end:
            self.latencies.append(now - sender.due)
        if now >= self.end and not self.busy:
            self.answered.set()


def _length(head: bytes) -> int:
    at = head.lower().find(LENGTH)
    return int(head[at + len(LENGTH) :].partition(b"\r\n")[0]) if at >= 0 else 0


async def work(order: dict[str, Any]) -> dict[str, Any]:
    """Signs everything, says that it is ready, then sends.

    `names`: it goes on until it is told to end, and tells every event that was acknowledged.
    """
    generator = Generator(order)
    settle_memory()  # its own pauses would be told as the door's
    say({"ready": True})
    before = sum(os.times()[:2])
    listening = asyncio.create_task(_until_told(generator)) if order.get("names") else None
    await generator.run()
    if listening is not None:
        await listening
    spent, took = sum(os.times()[:2]) - before, time.monotonic() - generator.began
    return {
        "acknowledged": len(generator.acknowledged),
        "unanswered": generator.busy,
        "unsent": generator.unsent,
        "counted": len(generator.latencies),
        "p50_ms": 1000 * percentile(generator.latencies, 0.5),
        "p99_ms": 1000 * percentile(generator.latencies, 0.99),
        "again": generator.again,
        "cpu_share": spent / took,
        "names": generator.acknowledged if order.get("names") else [],
    }


async def _until_told(generator: Generator) -> None:
    await asyncio.to_thread(sys.stdin.readline)
    generator.stopped.set()


if __name__ == "__main__":
    main(work)
