"""Moneyback's HTTP: JSON both ways, a reference in the query, errors by status."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.manifest import Access
from nostro.model.calls import HttpReply, HttpRequest, Message
from nostro.model.failures import FailureKind
from tests.conformance.moneyback.config import Config

ERRORS = {
    400: FailureKind.INVALID,
    401: FailureKind.DENIED,
    403: FailureKind.UNAUTHORISED,
    404: FailureKind.NOT_FOUND,
    409: FailureKind.CONFLICT,
    422: FailureKind.REFUSED,
    429: FailureKind.LIMITED,
}
"""By status. Every other one, a proxy's 502 too, says nothing about the effect: ambiguous."""


def render(message: Message, key: str, config: Config, access: Access) -> HttpRequest:
    """The call as it leaves. What stands in `passing` goes with the body."""
    headers = {"authorization": f"Bearer {access.secrets['api_key']}", "api-version": config.api_version}
    headers |= {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})  # none with an Ask
    url, told = access.url.rstrip("/") + message.target, {**message.body, **message.passing}
    if message.verb == "GET":
        return HttpRequest("GET", f"{url}?{urlencode(told, doseq=True)}" if told else url, headers, b"")
    return HttpRequest(message.verb, url, headers, json.dumps(told).encode())


def understand(_: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
    """Content, kind of failure or None, and a sentence that names the error, never what was asked about."""
    try:
        content = exact_json(reply.body)  # numbers as Decimal, never as float
    except (ValueError, RecursionError):
        content = None
    if 200 <= reply.status < 300:
        return (content, None, "") if content is not None else (None, FailureKind.AMBIGUOUS, "A reply without JSON.")
    return content, ERRORS.get(reply.status, FailureKind.AMBIGUOUS), f"Moneyback answered {reply.status}."
