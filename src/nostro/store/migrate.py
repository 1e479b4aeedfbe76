"""Brings a database to this release's schema: numbered SQL files, each once, under an advisory lock.

A file's first line says whether it runs before or after the new code. What runs before is applied when the first
process of the new release starts, and the last release goes on working. What runs after takes away what only the last
release needs: it waits for `finish`, which refuses while a process of an older release is connected. Partitions are
made for the months around a date by `partition`, which the `partitions` loop calls as time goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Protocol, TypeVar

from psycopg import AsyncConnection, OperationalError, errors, sql

from nostro.model.canonical import parse
from nostro.model.failures import OutOfService, ReleaseTooOld
from nostro.store.address import unreachable

LOCK = 0x6E6F7374726F  # "nostro"
MONTHLY = ("receipt", "receipt_part", "fact", "posting", "command_closed", "attempt_call")
SEEN_PARTITIONS = 16
_SELDOM = sql.SQL("autovacuum_analyze_scale_factor = 1")
"""What only grows is analyzed when it has doubled: its statistics hardly change, and each time costs half a second."""
LOCK_SECONDS = 2
"""So long a migration waits for a table that is in use; whoever comes after it waits as long, and works on then."""
QUEUE_SECONDS = 60
"""So long one attempt waits until nobody else changes the schema."""
ATTEMPTS = 30
REST_SECONDS = 0.5
NAME_BYTES = 63
"""PostgreSQL cuts a name off there."""
NAMED = "nostro "
"""How a connection's application name begins; the newest migration that its release knows follows."""
RUNBOOK = "upgrade"
_LACKING = """
select name from unnest(%s::text[]) as wanted (name)
where not exists (select from pg_class where relname = name and relnamespace = current_schema()::regnamespace)"""
"""`to_regclass` would answer from a cache, which may not know yet what was committed while this transaction waited."""
_ASIDE = sql.SQL(
    "create table {} (like {} including constraints including defaults including generated including storage"
    " including compression) with ({})"
)
_ATTACHED = sql.SQL("alter table {} attach partition {} for values from ({}) to ({})")
_SEALS = """
select from pg_roles r where rolname = 'nostro_checkpoint' and pg_has_role(current_user, r.oid, 'member')
  and has_table_privilege(r.oid, 'shard', 'select') and has_table_privilege(r.oid, 'checkpoint', 'select')
  and has_table_privilege(r.oid, 'checkpoint', 'insert')
  and has_column_privilege(r.oid, 'deployment', 'epoch', 'select')
  and has_column_privilege(r.oid, 'deployment', 'quarantine', 'select')"""
_SEALER = """
do $$
begin
    if not exists (select from pg_roles where rolname = 'nostro_checkpoint') then
        begin
            create role nostro_checkpoint nologin;
        exception when duplicate_object or unique_violation then
            null; -- another database of this server was first
        end;
    end if;
    grant select on shard, checkpoint to nostro_checkpoint;
    grant insert on checkpoint to nostro_checkpoint;
    grant select (epoch, quarantine) on deployment to nostro_checkpoint;
    execute format('grant nostro_checkpoint to %I', current_user);
end
$$"""
"""As migrations made it."""
_LATELY = """
select versions from worker
where seen_at between clock_timestamp() - interval '1 minute' and clock_timestamp() + interval '1 minute'"""
_TELLS_PHASE = "select from pg_attribute where attrelid = 'migration'::regclass and attname = 'phase'"
Connection = AsyncConnection[tuple[object, ...]]
T = TypeVar("T")


class Phase(StrEnum):
    """When a migration runs."""

    BEFORE = "before the new code"
    AFTER = "after the new code"


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of `migrations/`."""

    name: str
    phase: Phase
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a database stands to this release: what is not applied, and the older releases that are connected."""

    waiting: Sequence[Migration]
    older: Sequence[str]


@cache
def migrations() -> tuple[Migration, ...]:
    """All files in their order. Raises `ValueError` for one that doesn't say its phase."""
    folder = resources.files("nostro.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(_read(file.name, file.read_text()) for file in files)


def _read(name: str, text: str) -> Migration:
    return Migration(name, Phase(text.partition("\n")[0].removeprefix("-- phase: ")), text)


def release() -> str:
    """This release as its connections are named: by the newest migration that it knows."""
    return (NAMED + migrations()[-1].name)[:NAME_BYTES]


async def migrate(url: str) -> list[str]:
    """Applies what runs before the new code, to an empty database everything; returns the files that were applied.

    Raises `ReleaseTooOld` when the database has left this release behind, `OutOfService` when an upgrade before this
    one was not finished, `DatabaseUnavailable` when PostgreSQL is gone. Then nothing was applied.
    """
    return await _attempted(url, _begin)


async def finish(url: str) -> list[str]:
    """Applies everything that is missing. Raises as `migrate`, and `OutOfService` while an older release works."""
    return await _attempted(url, _finish)


async def standing(url: str) -> Standing:
    """How the database stands; nothing is applied. Raises `DatabaseUnavailable`, `ReleaseTooOld`."""
    return await _attempted(url, _standing)


async def _attempted(url: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    """In one database transaction, again where a table was in use for too long."""
    message = ""
    for _ in range(ATTEMPTS):
        try:
            async with await AsyncConnection.connect(url, application_name=release()) as connection:
                message = "Another process changes the schema, or waits for a table that has to change."
                await _alone(connection, QUEUE_SECONDS)
                message = "A table that has to change was in use each time."
                return await work(connection)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            await asyncio.sleep(REST_SECONDS)
        except OperationalError as error:
            raise unreachable(error) from error
    raise OutOfService(message, "Nothing was changed; try again when less is going on.", runbook=RUNBOOK)


async def _alone(connection: Executes, queue_seconds: int = LOCK_SECONDS) -> None:
    """Until the database transaction ends, nobody else changes the schema, and what it waits for it waits for 2 s.

    `queue_seconds`: so long for others who change it: a migration may last.
    """
    await connection.execute(sql.SQL("set local lock_timeout = {}").format(queue_seconds * 1000))
    await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
    await connection.execute(sql.SQL("set local lock_timeout = {}").format(LOCK_SECONDS * 1000))


async def _begin(connection: Connection) -> list[str]:
    """What would run after is left out, unless something that runs before comes behind it: one upgrade at a time."""
    known, missing = await _missing(connection)
    if not known:
        return await _apply(connection, missing)
    last = max((place for place, one in enumerate(missing, 1) if one.phase is Phase.BEFORE), default=0)
    applied = await _apply(connection, missing[:last])
    await _make_sealer(connection)
    return applied


async def _make_sealer(connection: Connection) -> None:
    """The role under which the log is sealed, where a dump was put back on a server that lacks it: no dump holds roles.

    Who may not make it goes on without: what can't be sealed is told where it is sealed.
    """
    if await (await connection.execute(_SEALS)).fetchall():
        return
    await connection.execute("savepoint before_role")
    try:
        await connection.execute(_SEALER)
    except errors.InsufficientPrivilege:
        await connection.execute("rollback to savepoint before_role")


async def _finish(connection: Connection) -> list[str]:
    _, due = await _missing(connection)
    lately = 0 if await _older(connection) else await _seen_lately(connection)
    if due and lately:
        message = f"{lately} workers of an older release were seen in the last minute."
        raise OutOfService(message, "End them; one that was killed is forgotten in a minute.", runbook=RUNBOOK)
    return await _apply(connection, due)


async def _standing(connection: Connection) -> Standing:
    return Standing((await _missing(connection))[1], await _older(connection))


async def _apply(connection: Connection, due: Sequence[Migration]) -> list[str]:
    """Raises `OutOfService` when one of them takes away what somebody who is connected needs."""
    older = await _older(connection) if any(one.phase is Phase.AFTER for one in due) else []
    if older:
        message = f"{len(older)} connections of an older release are open ({', '.join(sorted(set(older)))})."
        raise OutOfService(message, "End its workers, doors and commands first; nothing was changed.", runbook=RUNBOOK)
    for one in due:
        await connection.execute(sql.SQL(one.text))
        await connection.execute("insert into migration (name, phase) values (%s, %s)", (one.name, one.phase))
    await _partition_seen(connection)
    return [one.name for one in due]


async def _missing(connection: Connection) -> tuple[set[object], list[Migration]]:
    """The names that are applied, and what is not. Raises `ReleaseTooOld` when a newer release finished its upgrade."""
    await connection.execute("create table if not exists migration (name text primary key)")
    if not await (await connection.execute(_TELLS_PHASE)).fetchall():  # to ask costs no lock, which `alter` takes first
        await connection.execute("alter table migration add column phase text not null default ''")
    rows = await (await connection.execute("select name, phase from migration order by name")).fetchall()
    ours = migrations()
    names = {one.name for one in ours}
    left = [str(name) for name, phase in rows if phase == Phase.AFTER and name not in names]
    if left:
        message = f"The database was upgraded for good by a newer release ({', '.join(left)})."
        raise ReleaseTooOld(message, "Run the newer release. Nothing was changed.", runbook=RUNBOOK)
    known = {row[0] for row in rows}
    return known, [one for one in ours if one.name not in known]


async def _older(connection: Connection) -> list[str]:
    """The older releases whose processes are connected, one entry a connection."""
    rows = await connection.execute(
        "select application_name from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    named = [str(name) for (name,) in await rows.fetchall()]
    return sorted(name.removeprefix(NAMED) for name in named if name.startswith(NAMED) and name < release())


async def _seen_lately(connection: Connection) -> int:
    """How many workers of older releases may come back, though they are not connected at this moment: PostgreSQL was
    started anew, or a pool stands between. Whoever ends in order is not seen any more.
    """
    if not await (await connection.execute("select where to_regclass('worker') is not null")).fetchall():
        return 0
    rows = await (await connection.execute(_LATELY)).fetchall()
    told = [parse(bytes(versions)).get("release", "") for (versions,) in rows if isinstance(versions, bytes)]
    return sum(str(one) < release() for one in told)


class Executes(Protocol):
    """A connection, or a database transaction."""

    async def execute(self, query: Any, parameters: Any = ..., /) -> Any:  # noqa: ANN401 - as psycopg has it
        """Runs a statement."""


async def partition(connection: Executes, around: date, months: int = 3, *, queues: bool = False) -> list[str]:
    """Makes the monthly partitions from one month before `around` to `months` after it, where they are missing.

    Each is made aside and attached, since `partition of` would lock the whole table against everybody, and wait for
    whoever reads it. Who `queues` waits for others who make them as long as a migration does. Returns those that are
    still missing, as something was in use for too long: all, or none.
    """
    spans = (_span(around, offset) for offset in range(-1, months + 1))
    wanted = {f"{table}_{first:%Y_%m}": (table, first, end) for first, end in spans for table in MONTHLY}
    if not await _lacking(connection, wanted):
        return []
    await connection.execute("savepoint before_partitions")
    try:
        await _alone(connection, QUEUE_SECONDS if queues else LOCK_SECONDS)
        for name in await _lacking(connection, wanted):
            await _make(connection, name, *wanted[name])
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        await connection.execute("rollback to savepoint before_partitions")
    return await _lacking(connection, wanted)


async def _lacking(connection: Executes, names: Iterable[str]) -> list[str]:
    """Those of the names that no table bears."""
    found = await connection.execute(_LACKING, (list(names),))
    return [str(name) for (name,) in await found.fetchall()]


async def _make(connection: Executes, name: str, table: str, first: date, end: date) -> None:
    """One month's partition. Attaching makes its indexes and keys, as `partition of` does."""
    part, whole = sql.Identifier(name), sql.Identifier(table)
    await connection.execute(_ASIDE.format(part, whole, _SELDOM))
    await connection.execute(_ATTACHED.format(whole, part, first.isoformat(), end.isoformat()))


def _span(around: date, offset: int) -> tuple[date, date]:
    """A month's first day, and the next one's."""
    return _month(around, offset), _month(around, offset + 1)


def _month(around: date, offset: int) -> date:
    index = around.year * 12 + around.month - 1 + offset
    return date(index // 12, index % 12 + 1, 1)


async def _partition_seen(connection: AsyncConnection[tuple[object, ...]]) -> None:
    for remainder in range(SEEN_PARTITIONS):
        await connection.execute(
            sql.SQL(
                "create table if not exists {} partition of seen for values with (modulus {}, remainder {}) with ({})"
            ).format(sql.Identifier(f"seen_{remainder:02}"), SEEN_PARTITIONS, remainder, _SELDOM)
        )
