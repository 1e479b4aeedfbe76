"""The simulation's way to PostgreSQL keeps what was committed and nothing else."""

from __future__ import annotations

import pytest
from psycopg.errors import DivisionByZero

from tests.simulation.database import Connections


def test_a_commit_that_is_owed_outlives_a_database_transaction_that_asks_nothing(connections: Connections) -> None:
    connections.used.add("lease")
    with connections.one() as wire:
        wire.run(b"insert into lease (kind, name, slot, token, until) values ('feed', 'owed', 0, 1, now())", {})
    with connections.one():
        pass
    with pytest.raises(DivisionByZero), connections.one() as wire:
        wire.run(b"update lease set token = 2 where name = 'owed' returning 1 / 0", {})
    assert connections.ask("select token from lease where name = 'owed'") == [(1,)]
    with connections.one() as wire:
        wire.run(b"delete from lease where name = 'owed'", {})
