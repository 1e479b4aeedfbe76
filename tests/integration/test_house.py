"""What is looked at before a house or a demo begins."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from nostro.model.failures import DatabaseUnavailable, LandscapeRefused, OutOfService
from nostro.runtime import house
from nostro.runtime.demo.place import prepared
from nostro.store import database, embedded
from nostro.store.database import Database
from nostro.store.embedded import EmbeddedServer
from nostro.store.install import demand_durable
from tests.integration.serving import free_port
from tests.integration.test_anchors_in_doubt import anew, hanging
from tests.landscapes import edit, starting
from tests.places import quick_folder


def test_a_new_database_is_not_begun_where_it_would_fill_the_disk_and_one_that_is_there_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "NEW_DATABASE_BYTES", 10**18)
    with pytest.raises(OutOfService, match="MB are free") as refused:
        house._own_server(tmp_path)
    assert "Nothing was begun" in refused.value.remedy
    (tmp_path / house.DATABASE_FOLDER).mkdir()
    assert isinstance(house._own_server(tmp_path), EmbeddedServer)


def test_demos_that_start_side_by_side_choose_other_ports_although_they_listen_only_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    begin = free_port()
    with prepared(begin, begin) as one, prepared(begin, begin) as other:
        ports = [one.door, one.health, one.sandbox, other.door, other.health, other.sandbox]
        assert sorted(set(ports)) == ports
        assert one.state != other.state
    with prepared(begin, begin) as after:
        assert after.door == ports[0]


def secrets(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """What the landscape's references name."""
    names = {"ODOO_API_KEY": "k", "STRIPE_DE_KEY": "sk_test_0000", "STRIPE_DE_WEBHOOK_SECRET": "s", "BOOKS": url}
    for name, value in names.items():
        monkeypatch.setenv(name, value)


@pytest.mark.asyncio
async def test_nothing_works_on_a_postgresql_whose_commits_do_not_last(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only looks may; a standby that is waited for longer than `on` does is no harm."""
    secrets(monkeypatch, database_url)
    folder = starting(tmp_path / "land")
    edit(folder, "nostro.yaml", "environment:", "database: env:BOOKS\nenvironment:")
    say(database_url, "off")
    with pytest.raises(OutOfService, match="synchronous_commit=off: a crash loses"):
        await opened(folder, tmp_path, working=True)
    await opened(folder, tmp_path, working=False)
    say(database_url, "remote_apply")
    await opened(folder, tmp_path, working=True)


@pytest.mark.asyncio
@pytest.mark.parametrize("working", [True, False])
async def test_nobody_begins_while_the_anchors_hang(
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    working: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    secrets(monkeypatch, database_url)
    monkeypatch.setattr(house, "ANCHORS_SECONDS", 0.2)
    folder = starting(tmp_path / "land")
    edit(folder, "nostro.yaml", "environment:", "database: env:BOOKS\nenvironment:")
    (folder / "anchors").mkdir(exist_ok=True)
    os.mkfifo(folder / "anchors" / "anchors.jsonl")
    try:
        async with asyncio.timeout(20):
            with pytest.raises(OutOfService, match=r"anchors\.jsonl give no answer.*can't be said"):
                await opened(folder, tmp_path, working=working)
    finally:
        os.close(os.open(folder / "anchors" / "anchors.jsonl", os.O_RDWR))


@pytest.mark.asyncio
async def test_a_process_that_had_one_connection_gets_others_while_its_anchors_hang(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL is the one that it looked at when it began, and a quiet process makes no other for an hour."""
    secrets(monkeypatch, database_url)
    folder = starting(tmp_path / "land")
    edit(folder, "nostro.yaml", "environment:", "database: env:BOOKS\nenvironment:")
    async with house.open_house(folder, tmp_path) as quiet:
        with hanging(quiet.anchors):
            await anew(quiet.database)


async def opened(folder: Path, state: Path, *, working: bool) -> None:
    """A house is opened and left."""
    async with house.open_house(folder, state, working=working):
        pass


@pytest.mark.asyncio
async def test_why_postgresql_can_not_be_reached_is_said_without_the_password(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "START_SECONDS", 0.5)
    folder = starting(tmp_path / "land")
    edit(folder, "nostro.yaml", "environment:", "database: env:BOOKS\nenvironment:")
    wrong = make_conninfo(database_url, password="hidden")
    for url, why in ((wrong, "password authentication failed"), ("postgresql://u:hidden@127.0.0.1:1/n", "refused")):
        secrets(monkeypatch, url)
        with pytest.raises(DatabaseUnavailable, match=f"can't be reached: .*{why}") as unreached:
            await opened(folder, tmp_path, working=True)
        assert "hidden" not in str(unreached.value)
    secrets(monkeypatch, "postgresql://u:50%hidden@127.0.0.1:1/n")
    with pytest.raises(LandscapeRefused, match="%25"):
        await opened(folder, tmp_path, working=True)
    assert "hidden" not in caplog.text


def say(url: str, setting: str) -> None:
    """What connections to this database hold from now on."""
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(str(connection.info.dbname))
        connection.execute(sql.SQL("alter database {} set synchronous_commit = {}").format(name, setting))


def test_a_server_that_does_not_flush_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_DURABLE", {"fsync": "off", "synchronous_commit": "off"})
    with TemporaryDirectory(prefix="nostro house ", dir=quick_folder()) as above:
        Path(above).chmod(0o711)
        refused = pytest.raises(OutOfService, match="fsync=off and synchronous_commit=off")
        with EmbeddedServer(Path(above) / "state") as server, refused:
            asyncio.run(demanded(server.url()))


async def demanded(url: str) -> None:
    """A database is asked whether its commits last."""
    async with Database(url, size=1) as database:
        await demand_durable(database)
