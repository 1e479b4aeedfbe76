"""What is polled at Moneyback: its changes by their number, given when they are committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nostro.connectors.kit.manifest import Feed
from nostro.model.calls import FetchPage, Message
from tests.conformance.moneyback.config import Config


def _fetch(cursor: str, config: Config, _: datetime) -> Message:
    return Message("/changes", {"after": cursor or "0", "limit": config.page_size}, "GET")


def _page(cursor: str, content: Sequence[Any], config: Config) -> FetchPage:
    newest = str(content[-1]["number"]) if content else cursor
    return FetchPage(newest, more=len(content) == config.page_size, empty=not content)


FEEDS = {"changes": Feed("changes", _fetch, _page, every_seconds=300)}
