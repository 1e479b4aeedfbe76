"""Base backups of a house's embedded PostgreSQL, taken while it works, and put in its place again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_place import Place, find_place


@dataclass(frozen=True, slots=True)
class Backup:
    """A base backup, with the log that makes it whole."""

    place: Place
    folder: Path

    def restore(self) -> None:
        """In place of what is there, which is lost: the server is stopped first, where it runs."""
        if self.place.pid_file.exists():
            self.place.run("pg_ctl", "stop", "-m", "fast", "-t", "60")
        shutil.rmtree(self.place.data_folder)
        self.folder.rename(self.place.data_folder)


def take_backup(state: Path, name: str = "backup") -> Backup:
    """With `pg_basebackup`, as an operator does; the house works on."""
    with EmbeddedServer(state / "postgresql") as server:
        place = find_place(state / "postgresql")
        folder = place.home / name
        folder.mkdir(mode=0o700)
        place.give(folder)
        url = server.url("postgres")
        place.run("pg_basebackup", f"--pgdata={folder}", f"--dbname={url}", "--checkpoint=fast", "--wal-method=stream")
    return Backup(place, folder)
