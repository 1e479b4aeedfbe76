"""What ingress knows about a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nostro.connectors.kit.manifest import Connector
from nostro.model.entities import LegalEntity

Count = Callable[..., None]
"""Adds to a counter: `count(name, amount, **labels)`."""


def silent(*_: object, **__: object) -> None:
    """Counts nothing."""


class Source(Protocol):
    """A connection of the landscape: its connector, config, secrets by name, and the entities that use it."""

    @property
    def name(self) -> str:
        """The connection's id in the landscape."""

    @property
    def connector(self) -> Connector:
        """What kind of system it is."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - each connector has its own config model
        """The validated config."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """Secrets in the clear, in memory only."""

    @property
    def entities(self) -> tuple[LegalEntity, ...]:
        """The entities that it may speak for."""


Sources = Mapping[str, Source]
"""Connections by id."""
