"""A rolling upgrade under load: the last release and the next one work side by side on one schema.

The last release is found in the history (`releases.last_release`), or named by `NOSTRO_LAST_RELEASE`. The next one is
what stands here, with migrations of both phases and a further version of two processes.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from nostro.sandbox.stage import MONDAY, at
from tests.crash.living import Days, days
from tests.crash.processes import DOOR, WORKERS, Processes
from tests.crash.releases import LAST, MIGRATIONS, SOURCE, NoHistory, archived, changed, copied, last_release

SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
BUSY, LAST_ACT, CLOSES = at(MONDAY, 7, 10), at(MONDAY, 7, 50), at(MONDAY, 9)
PATIENCE = timedelta(hours=1)
"""So much business may pass until something is so: the script has ended by then."""
MOMENT = timedelta(seconds=2)
"""Business goes on by so much between two looks, so that it isn't over before a process is up."""
AFTER = "-- phase: after"
NEW = ("new worker", "second new worker")
CONTRACTS = tuple(
    takewhile(
        lambda path: path.read_text().startswith(AFTER), sorted((SOURCE / MIGRATIONS).glob("*.sql"), reverse=True)
    )
)
"""What this release takes away last. It and the next one are tried as one release, which adds before it takes away."""
FIRST = f"{CONTRACTS[-1].name[:4]}A_expand.sql" if CONTRACTS else "9001_expand.sql"
THEN = "9002_contract.sql"
EXPAND = """-- phase: before the new code
create table office (id text primary key);
alter table worker alter column started_at drop not null, add column office text not null default '';
alter table arrival add column weight smallint not null default 1;
alter table subject add column weight smallint not null default 1;
alter table command_open add column weight smallint not null default 1;
alter table fact add column weight smallint not null default 1;
"""
CONTRACT = """-- phase: after the new code
alter table worker drop column started_at;
"""
CHANGES = {
    "store/sql/engine.sql": (
        "insert into worker (id, started_at, seen_at, versions) values (%(id)s, %(now)s, %(now)s, %(versions)s)",
        "insert into worker (id, office, seen_at, versions) values (%(id)s, 'new', %(now)s, %(versions)s)",
    ),
    "processes/collection/__init__.py": (
        "Version(MACHINE_V7, CollectionStateV6(), evolve_v6, decide_v7),",
        "*(Version(MACHINE_V7, CollectionStateV6(), evolve_v6, decide_v7),) * 2,",
    ),
    "processes/receipt/__init__.py": (
        "versions=(Version(MACHINE, ReceiptState(), evolve, decide),)",
        "versions=(Version(MACHINE, ReceiptState(), evolve, decide),) * 2",
    ),
}
EVERY_COLUMN = re.compile(r"select (?:\w+\.)?\* from (?!unnest)\w+|returning \*")
"""Once it is prepared, PostgreSQL refuses it for ever when the table has gained a column."""
BEGUN = "select count(*) from subject where (process, version) in (('collection', 8), ('receipt', 2))"
DECIDED = "select coalesce(sum(position), 0) from shard"
AT_WORK = "select count(*) from worker where office = 'new' and id in (select holder from shard)"


def next_release(folder: Path) -> Path:
    """What a developer would write next, made of what stands here."""
    source = copied(folder)
    changed(source, CHANGES)
    (source / MIGRATIONS / FIRST).write_text(EXPAND)
    (source / MIGRATIONS / THEN).write_text(CONTRACT)
    return source


@asynccontextmanager
async def morning(folder: Path) -> AsyncIterator[Days]:
    """The last release at work. The commands are the next one's, unless they are told otherwise."""
    async with days(folder, SEED, LAST_ACT, CLOSES, ()) as made:
        source = await asyncio.to_thread(_releases, folder)
        made.house.sources = dict.fromkeys((DOOR, *WORKERS), source[0]) | dict.fromkeys((*NEW, ""), source[1])
        for name in (DOOR, *WORKERS):
            made.house.start(name)
        yield made


def _releases(folder: Path) -> tuple[Path, Path]:
    """The last one and the next one."""
    return archived(last_or_nothing(), folder / "last"), next_release(folder / "next")


def last_or_nothing() -> str:
    """The last release; where nobody can say which it was (a source without its history), that is skipped aloud."""
    try:
        return last_release()
    except NoHistory as reason:
        pytest.skip(f"The last release isn't known, so no upgrade from it is tried. {reason}")


async def until(made: Days, question: str, least: int = 1) -> None:
    """Business goes on until the database's answer is at least so much."""
    latest = made.now + PATIENCE
    while (await made.under_way(question) or 0) < least:
        assert made.now < latest, f"it never came so far: {question}"
        await made.to(made.now + MOMENT)


async def begin(made: Days, names: Iterable[str]) -> None:
    """Start parts, and let business go on until they have said that they are up."""
    for name in names:
        made.house.start(name)
        while not made.house.is_up(name):
            await made.to(made.now + MOMENT)


def test_no_statement_that_lives_longer_than_a_command_asks_for_every_column() -> None:
    assert [
        f"{path.name}: {found.group()}"
        for path in sorted((SOURCE / "nostro" / "store" / "sql").glob("*.sql"))
        if path.name != "trace.sql"  # a command's, whose connection ends with it
        for found in EVERY_COLUMN.finditer(path.read_text(encoding="utf-8"))
    ] == []


def git(folder: Path, *words: str) -> None:
    """A command of git, by somebody without a name."""
    someone = ("-c", "user.name=someone", "-c", "user.email=someone@example.com", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(folder), *someone, *words]
    subprocess.run(command, check=True, capture_output=True)


def history(folder: Path) -> Path:
    """A repository in which the schema changed, and something else after it."""
    git(folder, "init", "--quiet")
    for name in ("0001.sql", "0002.sql", "other.py"):
        place = folder / "src" / (MIGRATIONS if name.endswith(".sql") else "") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(name)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", name)
    return folder


def migrations_of(repository: Path, to: Path) -> list[str]:
    """Of the last release that is found there."""
    packed = archived(last_release(repository), to, repository)
    return sorted(path.name for path in packed.rglob("*.sql"))


def test_the_last_release_is_the_newest_tag_or_else_what_stood_here_before_the_schema_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(LAST, raising=False)
    (tmp_path / "there").mkdir()
    there = history(tmp_path / "there")
    assert migrations_of(there, tmp_path / "before") == ["0001.sql"]
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{there}", "shallow")
    with pytest.raises(NoHistory, match="shallow"):
        last_release(tmp_path / "shallow")
    with pytest.raises(NoHistory):
        last_release(tmp_path)
    git(there, "tag", "v0.1.0", "HEAD~1")
    assert migrations_of(there, tmp_path / "tagged") == ["0001.sql", "0002.sql"]
    git(there, "tag", "v0.2.0")
    assert last_release(there) == "v0.1.0"


@pytest.mark.timeout(900)
def test_two_releases_work_side_by_side_until_the_last_one_is_gone(tmp_path: Path) -> None:
    asyncio.run(_upgraded(tmp_path))


async def _upgraded(folder: Path) -> None:
    async with morning(folder) as made:
        house = made.house
        waiting = [*_contracts(folder), THEN]
        await made.to(BUSY)
        await begin(made, NEW[:1])
        assert [one["name"] for one in await _told(house)] == waiting
        assert (
            "of an older release" in (await asyncio.to_thread(house.ask, "upgrade", "--finish"))["failure"]["sentence"]
        )
        decided = await made.under_way(DECIDED) or 0
        await until(made, BEGUN)
        assert await made.under_way("select count(*) from worker where office = ''") == len(WORKERS)
        await asyncio.to_thread(house.leave, WORKERS[0])
        await begin(made, NEW[1:])
        await until(made, AT_WORK, len(NEW))
        await until(made, DECIDED, decided + 50)
        await asyncio.to_thread(house.leave, WORKERS[1])
        await asyncio.to_thread(house.leave, DOOR)
        house.sources[DOOR] = house.sources[""]
        await begin(made, [DOOR])
        finished = await asyncio.to_thread(house.run, "upgrade", "--finish")
        assert (finished["applied"], finished["waiting"], finished["older"]) == (waiting, [], [])
        await _ended(made)
        await asyncio.to_thread(_stays_away, house, folder / "last")


def _contracts(folder: Path) -> list[str]:
    """What ends the upgrade from the last release to what stands here."""
    last = {path.name for path in (folder / "last" / "src" / MIGRATIONS).glob("*.sql")}
    new = [path for path in sorted((SOURCE / MIGRATIONS).glob("*.sql")) if path.name not in last]
    return [path.name for path in new if path.read_text().startswith(AFTER)]


async def _told(house: Processes) -> list[dict[str, str]]:
    """The migrations that wait."""
    told = await asyncio.to_thread(house.run, "upgrade")
    return list(told["waiting"])


async def _ended(made: Days) -> None:
    """Nothing lost, nothing doubled, everything proved by the next release."""
    await made.to(CLOSES)
    await made.judged(MONDAY)


def _stays_away(house: Processes, last: Path) -> None:
    """The last release doesn't begin on a schema that lacks what it needs."""
    house.sources[""] = last / "src"
    told = house.ask("audit", "verify")
    assert "upgraded for good" in told["failure"]["sentence"]
