"""The seam at the socket: what carries a rendered call. HTTP in production, a stand-in's `handle` in the simulation."""

from __future__ import annotations

from typing import Protocol

from nostro.model.calls import HttpReply, HttpRequest

LEAVING_SECONDS = 10
"""A transport is asked to send, and so long afterwards the last byte of the call has left, or none will any more."""


class NotSent(Exception):
    """Proven that no byte left: refused, unresolved, no free socket."""


class NoReply(Exception):
    """Bytes may have left, and no whole reply came."""


class Transport(Protocol):
    """Carries one call."""

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """The reply, header names in lower case. Raises `NotSent` or `NoReply`, and nothing else."""
