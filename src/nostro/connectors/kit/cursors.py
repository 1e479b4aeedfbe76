"""Cursors as text, and how a walk that was the same as the last one is known to be no news."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nostro.model.calls import FetchPage
from nostro.model.canonical import canonical, digest

State = dict[str, Any]
REMEMBERED = 64
"""Pages of the last walk that are known again; a longer walk over the overlap is told again, which harms nobody."""


def state_of(cursor: str) -> State:
    """A cursor's state; "" is the beginning."""
    return dict(json.loads(cursor)) if cursor else {}


def cursor_of(state: State) -> str:
    """The cursor of a state."""
    return canonical(state).decode()


def turned(state: State, then: State, things: Sequence[Any], *, more: bool) -> FetchPage:
    """The page, and the cursor behind it. A page that the last walk told word for word counts as empty.

    An overlap is read again for ever while nothing new comes: that must leave a heartbeat, not a receipt.
    """
    told = digest(things).hex()[:16]
    walk = [*state.get("walk", ()), told][-REMEMBERED:]
    memory = {"walk": walk, "told": state.get("told", [])} if more else {"told": walk}
    cursor = cursor_of({**then, **memory}) if then else ""
    return FetchPage(cursor, more=more, empty=not things or told in state.get("told", ()))
