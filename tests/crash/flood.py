"""A flood of signed webhooks from a process of its own: as fast as answers come, over connections that stay open.

    python -m tests.crash.flood URL SECRET SIGNED_AT CONNECTIONS EVENTS SECONDS

Ends when so many events were sent or the time is over (0: no bound), and prints what came back as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


async def flood(url: str, secret: str, signed_at: datetime, connections: int, bounds: tuple[int, float]) -> Answers:
    """All connections until a bound is reached: events, seconds."""
    answers, numbers, began = Answers(), count(1), time.monotonic()
    most, seconds = bounds
    place = urlsplit(url)

    async def send() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while (not most or answers.sent < most) and (not seconds or time.monotonic() - began < seconds):
            answers.sent += 1
            ident = f"{signed_at:%d}{connections}x{most}n{next(numbers):07}"
            status, headers, body = await exchange(reader, writer, request(url, secret, signed_at, event(ident, "eur")))
            answers.statuses[status] += 1
            if status == 200:
                answers.acknowledged[f"evt_{ident}"] = json.loads(body)["receipt"]
            elif "retry-after" not in headers:
                answers.without_retry_after += 1
        writer.close()

    await asyncio.gather(*(send() for _ in range(connections)))
    answers.seconds = time.monotonic() - began
    return answers


def main() -> None:
    """The command line."""
    url, secret, signed_at, connections, events, seconds = sys.argv[1:]
    at = datetime.fromisoformat(signed_at).astimezone(UTC)
    answers = asyncio.run(flood(url, secret, at, int(connections), (int(events), float(seconds))))
    sys.stdout.write(json.dumps(vars(answers)))


if __name__ == "__main__":
    main()
