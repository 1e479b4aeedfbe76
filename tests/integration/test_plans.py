"""How statements are planned that reach rows of queues: by their keys, also when a queue was empty at that moment, or
held only what no statement was about.

PostgreSQL keeps a plan. One that was made for no rows compares each row of a batch with each that waits; it would be
kept until the table is analyzed again, a minute later or so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from nostro.store.database import BY_INDEX, Statement, Statements
from tests.dispatch_world import installed

QUEUES = (
    "arrival",
    "command_open",
    "dispatch",
    "dispatch_member",
    "deadline",
    "reading",
    "parked",
    "parked_reference",
    "woken",
)
GROW = ("subject",)
"""Never emptied, but small once."""
WORKING = [(name, of) for of in ("dispatch", "engine", "ingress", "routing") for name in vars(Statements(of))]
OF_ALL = {
    "arrivals_waiting",
    "readings_waiting",
    "commands_ready",
    "commands_at_persons",
    "commands_waiting",
    "parked_waiting",
    "standing",
    "look_round",
    "versions_needed",
    "ready_kinds",
    "keep_back",
}
"""They count, or go through a queue in an order, a part at a time."""
ALSO = ("reading_due", "parked_until", "parked_reference_pkey")
"""Indexes that hold a key behind something else. A plan for an empty queue may take them for its key."""
SCAN = re.compile(r"(?:Index Scan|Index Only Scan|Bitmap Index Scan)(?: Backward)? (?:using|on) (?P<index>\w+)")
STATES = {
    "new": "",
    "emptied": "analyze {}",
    "emptied and cut": "vacuum (analyze) {}",
    "nothing under way": "vacuum (analyze) {}",
}
ANY = {
    "smallint": "mod(n, 64)",
    "integer": "n",
    "bigint": "n",
    "text": "md5(n::text)",
    "bytea": "decode(md5(n::text), 'hex')",
    "boolean": "false",
    "timestamp with time zone": "now() + n * interval '1 ms'",
    "date": "current_date",
}
GIVEN = {("command_open", "status"): "'ready'", ("dispatch", "status"): "'open'", ("parked", "kind"): "'fact'"}
STAY = {("command_open", "status"): "'answered'", ("dispatch", "status"): "'closed'"}
"""What is in a queue while nothing is under way."""


def used(connection: psycopg.Connection[tuple[object, ...]], state: str) -> None:
    """Many rows were in each queue, and left, or others stay; then the planner took notice."""
    fill(connection, GIVEN)
    for queue in QUEUES:
        connection.execute(sql.SQL("delete from {}").format(sql.Identifier(queue)))
    if state == "nothing under way":
        fill(connection, STAY, sorted({queue for queue, _ in STAY}))
    for queue in QUEUES:
        connection.execute(sql.SQL(STATES[state]).format(sql.Identifier(queue)))


def fill(
    connection: psycopg.Connection[tuple[object, ...]],
    given: Mapping[tuple[str, str], str],
    queues: Sequence[str] = QUEUES,
) -> None:
    """A thousand rows for each queue, of anything that isn't given."""
    columns = """select attname, format_type(atttypid, null) from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''"""
    for queue in queues:
        found = connection.execute(columns, [queue]).fetchall()
        made = {str(name): given.get((queue, str(name)), ANY.get(str(kind))) for name, kind in found}
        filled = {name: value for name, value in made.items() if value is not None}
        names = sql.SQL(", ").join(map(sql.Identifier, filled))
        values = sql.SQL(", ").join(sql.SQL(value) for value in filled.values())
        many = "insert into {} ({}) select {} from generate_series(1, 1000) n"
        connection.execute(sql.SQL(many).format(sql.Identifier(queue), names, values))


def plan(connection: psycopg.Connection[tuple[object, ...]], statement: Statement) -> list[str]:
    """As it is kept for later."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    text = re.sub(r"%\((\w+)\)s", numbered, statement.text.decode()).replace("%%", "%")
    connection.execute("deallocate all")
    connection.execute(f"prepare kept as {text}".encode())
    given = f"({', '.join(['null'] * len(names))})" if names else ""
    return [str(line) for (line,) in connection.execute(f"explain execute kept{given}".encode())]


def led(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    """The first column of each index of these tables."""
    rows = connection.execute(
        """select i.relname, a.attname from pg_index x join pg_class i on i.oid = x.indexrelid
        join pg_class t on t.oid = x.indrelid join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
        where t.relname = any(%s) and t.relnamespace = 'public'::regnamespace""",
        [[*QUEUES, *GROW]],
    )
    return {str(index): str(column) for index, column in rows}


def unbounded(lines: list[str], first: dict[str, str]) -> Iterator[str]:
    """Reads of a whole queue, or of its whole index."""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        scan = SCAN.search(line)
        if scan and scan["index"] in first and scan["index"] not in ALSO:
            by = f'(?:Index Cond: |AND )\\(*(?:ROW\\()?"?{first[scan["index"]]}"? '
            if not re.search(by, below):
                yield f"{line.strip()} {below.strip()}"
        elif re.search(rf"Seq Scan on ({'|'.join([*QUEUES, *GROW])})\b", line):
            yield line.strip()


@pytest_asyncio.fixture
async def house(database_url: str) -> str:
    async with installed(database_url):
        return database_url


@pytest.mark.parametrize("state", STATES)
def test_rows_of_queues_are_reached_by_their_keys_however_empty_a_queue_was(house: str, state: str) -> None:
    with worked_in(house, state) as connection:
        first = led(connection)
        read = {
            name: found
            for name, of in WORKING
            if name not in OF_ALL and (found := list(unbounded(plan(connection, getattr(Statements(of), name)), first)))
        }
    assert read == {}


@pytest.mark.parametrize("state", STATES)
def test_what_a_subject_asks_still_is_found_by_its_name_however_much_is_parked(house: str, state: str) -> None:
    with worked_in(house, state) as connection:
        assert "parked_look_up_of" in "\n".join(plan(connection, Statements("routing").asked_of))


@contextmanager
def worked_in(house: str, state: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A worker's session, with the kind of plan that it keeps, after its queues were used."""
    with psycopg.connect(house, autocommit=True, prepare_threshold=None) as connection:
        for name, value in {**BY_INDEX, "plan_cache_mode": "force_generic_plan"}.items():
            connection.execute("select set_config(%s, %s, false)", [name, value])
        if STATES[state]:
            used(connection, state)
        yield connection
