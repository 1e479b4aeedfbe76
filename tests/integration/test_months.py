"""What lies in partitions by month: where it is known when something began, no month before is looked into."""

from __future__ import annotations

import psycopg

from nostro.store.database import Statements

BEGAN = "2026-10-05"
DISPATCH = (
    "insert into dispatch (shard, id, connection, operation, slot, status, run_at, began_at)"
    " values (1, 'd', 'psp', 'pay', 0, 'open', %(at)s, %(at)s)"
)
CALL = "insert into attempt_call values (1, 'd', 1, date_trunc('month', %(at)s::date), 'x', %(at)s, %(at)s)"
BY_INDEX = "set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off"


def test_the_journal_of_a_dispatch_is_looked_for_in_the_months_since_it_began(database_url: str) -> None:
    asked = {"shards": [1], "dispatches": [b"d"]}
    calls = Statements("dispatch").calls.text
    with psycopg.connect(database_url) as connection:
        connection.execute(BY_INDEX)
        connection.execute(DISPATCH, {"at": BEGAN})
        connection.execute(CALL, {"at": BEGAN})
        assert connection.execute(calls, asked).rowcount == 1
        plan = [line for (line,) in connection.execute(b"explain (analyze, costs off) " + calls, asked).fetchall()]
    months = [line for line in plan if " on attempt_call_" in line]
    assert [line for line in months if "never executed" not in line and ("2026_08" in line or "2026_09" in line)] == []
    assert [line for line in months if "2026_10" in line and "rows=1" in line]
