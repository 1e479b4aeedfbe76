"""The receipt of an act: what `acts` writes once policy has allowed it, and `read` reads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from nostro.model.base import Instant, Value

Said = Annotated[str, Field(min_length=1)]


class ActReceipt(Value):
    """Who did what on whose behalf, why, under which right and bundle, and what he had seen (a digest).

    `told` is the body of a fact of `type`; `process` and `subject` are whom it is addressed to, empty where the fact
    has an owner.
    """

    act: str
    type: str
    version: int
    told: dict[str, Any]
    process: str = ""
    subject: str = ""
    entity: str
    actor: Said
    on_behalf_of: str = ""
    reason: Said
    at: Instant
    seen: str
    right: str
    bundle: str
