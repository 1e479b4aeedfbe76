"""A transport that lets only questions through: *observe* is kept where bytes would leave, not by good intent."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from nostro.egress.transport import NotSent, Transport
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.failures import BrokenPromise

METHODS = frozenset({"search_read", "search", "search_count", "read", "fields_get", "context_get", "has_access"})
"""Methods of Odoo's models that change nothing. What isn't here counts as writing."""
PAGES = ("/web/version", "/json/version")
LOGIN = ("version", "authenticate")


@dataclass(slots=True)
class Guard:
    """What was refused, by whichever transport, and how many questions each kind of system was asked."""

    refused: list[str] = field(default_factory=list)
    questions: Counter[str] = field(default_factory=Counter)

    def over(self, transport: Transport, kind: str) -> ReadOnly:
        """The same transport, behind the guard. `kind` is the connector's."""
        return ReadOnly(transport, kind, self)

    def hold(self) -> None:
        """Raises `BrokenPromise` if anything ever tried to write."""
        if self.refused:
            raise BrokenPromise(
                f"Nostro tried to write while it was told to observe: {', '.join(self.refused)}. Nothing was sent.",
                "This is a fault of Nostro's: please report it.",
            )


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Carries questions, and refuses the rest before a byte leaves."""

    inner: Transport
    kind: str
    guard: Guard

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """As `Transport.send`. Raises `NotSent` for whatever might write."""
        asked = only_asks(request) if self.kind == "odoo" else request.method == "GET"
        if not asked:
            self.guard.refused.append(f"{request.method} {urlsplit(request.url).path}")
            reason = "read only"
            raise NotSent(reason)
        self.guard.questions[self.kind] += 1
        return await self.inner.send(request, timeout_seconds)


def only_asks(request: HttpRequest) -> bool:
    """Whether a request to an Odoo, in either protocol, calls nothing that can change anything."""
    path = urlsplit(request.url).path
    if request.method == "GET":
        return path.endswith(PAGES)
    if path.endswith("/jsonrpc"):
        return _rpc_asks(request.body)
    *_, root, two, _model, method = ("", "", "", "", *path.split("/"))
    return (root, two) == ("json", "2") and method in METHODS


def _rpc_asks(body: bytes) -> bool:
    try:
        params = json.loads(body)["params"]
        service, method, args = params["service"], params["method"], params["args"]
        if service == "common":
            return method in LOGIN
        return (service, method) == ("object", "execute_kw") and args[4] in METHODS
    except (ValueError, LookupError, TypeError):
        return False
