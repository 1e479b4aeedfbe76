"""Connections as the running house knows them: made by the composition root from landscape and secrets, then fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nostro.connectors.kit.manifest import Access, Connector
from nostro.governance.calendars import Zone
from nostro.model.entities import LegalEntity

SOCKETS = 8
"""At most so many sockets a slot: one big pool collapses, several small ones don't."""


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """One connection. `secrets` are in the clear, in memory only.

    Its dispatch is leased in slots, each with an equal part of rate and concurrency. `slots`: in how many, by these
    rules; workers that began with others may have divided it otherwise. `calls_per_second` and `concurrency` default to
    the manifest's. `lanes`: where subjects begin that its receipts bring, by entity.
    """

    id: str
    connector: Connector
    config: Any
    url: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    entities: tuple[LegalEntity, ...] = ()
    zones: Mapping[str, Zone] = field(default_factory=dict)
    slots: int = 1
    calls_per_second: float | None = None
    concurrency: int | None = None
    lanes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The id, as `ingress` calls it."""
        return self.id

    def slot_rate(self, slots: int) -> float:
        """Calls per second of one of so many slots."""
        manifest = self.connector.manifest
        return (self.calls_per_second or manifest.calls_per_second) / slots

    def slot_concurrency(self, slots: int) -> int:
        """Dispatches that one of so many slots drives at once."""
        wanted = (self.concurrency or self.connector.manifest.concurrency) // slots
        return max(1, min(SOCKETS, wanted))

    @property
    def reading_lane(self) -> str:
        """Where its webhooks wait to be read: what is critical for one of its entities may not wait behind the rest."""
        return "critical" if "critical" in self.lanes.values() else "standard"

    def access(self, session: Mapping[str, Any]) -> Access:
        """What rendering a call needs."""
        return Access(self.url, self.secrets, session)


Connections = Mapping[str, OpenConnection]
"""By id."""
