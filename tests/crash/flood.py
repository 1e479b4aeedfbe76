"""A flood of signed webhooks from a process of its own: so many a second, whatever is answered, as senders do.

    python -m tests.crash.flood URL SECRET SIGNED_AT CONNECTIONS RATE SECONDS < EVENTS

EVENTS: one JSON text a line. Whatever was refused is sent again in its turn; when all is acknowledged, what was is told
once more. Ends after SECONDS (0: when all is acknowledged) and prints what came back as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urlsplit

from nostro.model.canonical import canonical
from nostro.sandbox.psp.events import signature

MADE_AT = 1_788_134_400
"""When the payouts were made and when they arrive (seconds): not of interest here."""


@dataclass
class Answers:
    """What came back. `acknowledged`: event -> the receipt that the door named."""

    sent: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: dict[str, str] = field(default_factory=dict)
    without_retry_after: int = 0


def event(ident: str, currency: str) -> bytes:
    """A payout that was made: it becomes a subject of its own, and nothing more follows from it."""
    payout = {"id": f"po_{ident}", "object": "payout", "amount": 1000, "currency": currency, "status": "pending"}
    payout |= {"automatic": True, "created": MADE_AT, "arrival_date": MADE_AT, "livemode": False}
    told = {"id": f"evt_{ident}", "object": "event", "type": "payout.created", "created": MADE_AT, "livemode": False}
    return canonical({**told, "data": {"object": payout}})


def request(url: str, secret: str, signed_at: datetime, body: bytes) -> bytes:
    """The whole request, signed."""
    place = urlsplit(url)
    lines = (
        f"POST {place.path} HTTP/1.1",
        f"host: {place.netloc}",
        "content-type: application/json",
        f"stripe-signature: {signature(body, (secret,), signed_at)}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer."""
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0")))


@dataclass
class Flood:
    """What is sent where, how often, and how long."""

    url: str
    secret: str
    signed_at: datetime
    connections: int
    rate: float
    seconds: float
    events: Sequence[bytes]
    answers: Answers = field(default_factory=Answers)

    async def run(self) -> Answers:
        """All connections, each at its turn, until the end."""
        self.began = time.monotonic()
        self.numbers = count()
        self.waiting = deque((json.loads(body)["id"], body) for body in self.events)
        await asyncio.gather(*(self._send() for _ in range(self.connections)))
        self.answers.seconds = self._elapsed()
        return self.answers

    async def _send(self) -> None:
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while not self._over():
            await asyncio.sleep(max(0.0, next(self.numbers) / self.rate - self._elapsed()))
            if self.waiting and not self._over():
                await self._tell(reader, writer, *self.waiting.popleft())
        writer.close()

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ident: str, body: bytes) -> None:
        answers, at = self.answers, self.signed_at + timedelta(seconds=self._elapsed())
        answers.sent += 1
        status, headers, told = await exchange(reader, writer, request(self.url, self.secret, at, body))
        answers.statuses[status] += 1
        if status == 200:
            answers.acknowledged[ident] = json.loads(told)["receipt"]
        answers.without_retry_after += status != 200 and "retry-after" not in headers
        if status != 200 or self.seconds:
            self.waiting.append((ident, body))

    def _elapsed(self) -> float:
        return time.monotonic() - self.began

    def _over(self) -> bool:
        if self.seconds:
            return self._elapsed() >= self.seconds
        return len(self.answers.acknowledged) == len(self.events)


def main() -> None:
    """The command line."""
    url, secret, signed_at, connections, rate, seconds = sys.argv[1:]
    at, events = datetime.fromisoformat(signed_at).astimezone(UTC), sys.stdin.buffer.read().splitlines()
    answers = asyncio.run(Flood(url, secret, at, int(connections), float(rate), float(seconds), events).run())
    sys.stdout.write(json.dumps(vars(answers)))


if __name__ == "__main__":
    main()
