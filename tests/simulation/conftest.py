"""What simulations ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nostro.store.embedded import EmbeddedServer
from tests.simulation.database import Connections
from tests.simulation.place import database


@pytest.fixture(scope="session")
def connections(postgres_server: EmbeddedServer) -> Iterator[Connections]:
    """A database for this test process; each seed empties it."""
    with database(postgres_server, f"test_{os.getpid()}_simulation") as opened:
        yield opened
