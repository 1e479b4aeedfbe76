"""What rules answer to a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["observe", "propose", "act"]
MODES: tuple[Mode, ...] = ("observe", "propose", "act")
"""From the most careful on: of two, the one that stands first holds."""

Account = Literal["clearing", "receivable", "suspense", "none"]


@dataclass(frozen=True, slots=True)
class PostingRule:
    """One row of the posting policy: when and where a commitment is made. `row` names it for the trace."""

    row: str
    posts: bool
    account: Account


DENIED = PostingRule("no row", posts=False, account="none")
"""What the policy answers where no row speaks."""


@dataclass(frozen=True, slots=True)
class Service:
    """Who does an operation for an entity: the connection, and the interface under which it is governed."""

    connection: str
    interface: str
