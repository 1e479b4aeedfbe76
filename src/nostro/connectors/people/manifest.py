"""What the connector declares: it takes acts in, and does nothing outside."""

from __future__ import annotations

from nostro.connectors.kit.manifest import Manifest
from nostro.model.base import Value


class PeopleConfig(Value):
    """There is nothing to set: people and their rights stand in people.yaml."""


MANIFEST = Manifest(name="people", title="What people do in Nostro", config=PeopleConfig, body_limit=65_536)
