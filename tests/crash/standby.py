"""A synchronous standby of a house's PostgreSQL, made with `pg_basebackup -R`, and its promotion."""

from __future__ import annotations

import dataclasses
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_place import Place, find_place

WAIT_SECONDS = 60
SETTINGS = {"listen_addresses": "", "hot_standby": "on", "fsync": "on", "max_connections": "200", "timezone": "UTC"}


@dataclass(frozen=True, slots=True)
class Standby:
    """A second PostgreSQL beside the first."""

    place: Place

    def url(self) -> str:
        """The superuser's, as the primary's."""
        password = quote(self.place.password_file.read_text(encoding="utf-8"), safe="")
        return f"postgresql://postgres:{password}@/nostro?host={quote(str(self.place.socket), safe='')}"

    def promote(self) -> None:
        """From now on it takes writes."""
        self.place.run("pg_ctl", "promote", "-w", "-t", str(WAIT_SECONDS))

    def end(self) -> None:
        """Stop it and remove what it held."""
        if self.place.pid_file.exists():
            self.place.run("pg_ctl", "stop", "-m", "immediate", "-t", str(WAIT_SECONDS))
        shutil.rmtree(self.place.home)
        shutil.rmtree(self.place.socket, ignore_errors=True)


def start_standby(state: Path, server: EmbeddedServer, port: int) -> Standby:
    """Make it, start it, and have the primary wait for it at each commit. Behind a port of this machine it finds the
    primary.
    """
    first = find_place(state / "postgresql")
    home = first.home / "standby"
    home.mkdir(mode=0o711)
    second = dataclasses.replace(first, home=home, socket=Path(f"{first.socket}-standby"))
    second.data_folder.mkdir(mode=0o700)
    second.give(second.data_folder)
    password = quote(first.password_file.read_text(encoding="utf-8"), safe="")
    data, url = f"--pgdata={second.data_folder}", f"--dbname=postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    first.run("pg_basebackup", data, url, "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf")
    second.launch({**SETTINGS, "unix_socket_directories": str(second.socket)})
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("alter system set synchronous_standby_names = '*'")
        connection.execute("select pg_reload_conf()")
        give_up = time.monotonic() + WAIT_SECONDS
        while not connection.execute("select from pg_stat_replication where sync_state = 'sync'").fetchall():
            assert time.monotonic() < give_up, "the standby never caught up"
            time.sleep(0.1)
    return Standby(second)
