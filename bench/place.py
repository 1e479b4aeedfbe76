"""Where a benchmark runs: a PostgreSQL of its own that is gone afterwards, and child processes that end with it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from bench.cpu import cpu_seconds
from nostro.model.failures import OutOfService
from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_memory import memory_for_buffers

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "shared_buffers": f"{memory_for_buffers() >> 20}MB",
    "max_connections": "200",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "5s",
}
"""Of the server that both sides use; durability is never among them (`fsync`, `synchronous_commit` stay on)."""
END_SECONDS = 20


@dataclass(slots=True)
class Child:
    """A process of the benchmark: it gets its orders as one line of JSON, and answers in lines of JSON.

    It ends when its standard input does: so it can't outlive a parent that was killed.
    """

    process: subprocess.Popen[bytes]

    def tell(self, order: Mapping[str, Any]) -> None:
        """One line to the child."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The child's next line. Raises `OutOfService` when it ended without one."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise OutOfService("A process of the benchmark ended early.", "What it said stands above.")
        told: dict[str, Any] = json.loads(line)
        return told

    def finish(self) -> dict[str, Any]:
        """Asks for the end, and takes the last answer."""
        self.tell({"end": True})
        told = self.answer()
        self.end()
        return told

    def end(self) -> None:
        """Ends it, however it is."""
        for pipe in (self.process.stdin, self.process.stdout):
            _close(pipe)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """As a power cut would end it."""
        self.process.kill()
        self.process.wait()
        self.end()


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except BrokenPipeError:
        return


@dataclass(slots=True)
class Place:
    """A server, and what was started on it."""

    server: EmbeddedServer
    children: list[Child] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def database(self, name: str) -> str:
        """A fresh database's URL."""
        fresh = f"{name}_{next(self._numbers)}"
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(fresh)))
        return self.server.url(fresh)

    def drop(self, url: str) -> None:
        """Drops a database, so that the next one finds the disk as this one did."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name))))
            connection.execute("checkpoint")

    def version(self) -> str:
        """PostgreSQL's."""
        with psycopg.connect(self.server.url("postgres")) as connection:
            row = connection.execute("show server_version").fetchone()
        return str(row[0]) if row else "unknown"

    def child(self, module: str, order: Mapping[str, Any]) -> Child:
        """A child that has taken its first order."""
        process = subprocess.Popen(  # noqa: S603 - a module of ours, run by the Python that runs this
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the terminal is the parent's: it ends its children in order
        )
        child = Child(process)
        self.children.append(child)
        child.tell(order)
        return child

    def cpu_seconds(self) -> float:
        """What the server and this process used so far."""
        return self.server_seconds() + sum(os.times()[:2])

    def server_seconds(self) -> float:
        """What the server used so far, its background processes included."""
        number = self.server.process_id()
        return cpu_seconds(number) if number else 0.0

    def dismiss(self, child: Child) -> None:
        """Ends a child early."""
        child.end()
        self.children.remove(child)


def free_port() -> int:
    """A port of this machine that nobody uses at the moment."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


@contextmanager
def place(settings: Mapping[str, str] | None = None) -> Iterator[Place]:
    """A server of its own while the block runs; afterwards nothing of it is left."""
    folder = Path(tempfile.gettempdir()) / f"nostro-bench-{os.getpid()}"
    try:
        with EmbeddedServer(folder, settings={**SETTINGS, **(settings or {})}) as server:
            here = Place(server)
            try:
                yield here
            finally:
                for child in here.children:
                    if child.process.poll() is None:
                        child.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
