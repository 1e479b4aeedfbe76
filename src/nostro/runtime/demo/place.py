"""Where the demo lies on this machine: one place for each folder that it is started from, made anew each time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nostro.model.failures import OutOfService
from nostro.runtime.demo.landscape import Grounds, token
from nostro.runtime.ports import next_free
from nostro.runtime.state import state_folder
from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_place import find_place
from nostro.store.entropy import SystemEntropy

SERVER = "postgresql"
PLACES = 16


@contextmanager
def prepared(door: int, sandbox: int) -> Iterator[Grounds]:
    """An empty place, for this process alone while the block runs, and free ports from these on."""
    with _own_folder() as own, ExitStack() as marks:
        state = own / "state"
        _clear_server(state / SERVER)
        for folder in (own / "landscape", state):
            if folder.is_dir():
                shutil.rmtree(folder)
            folder.mkdir(mode=own.stat().st_mode & 0o777)
        own_door = next_free(door, marks)
        health = next_free(own_door + 1, marks)
        own_sandbox = next_free(max(sandbox, health + 1), marks)
        yield Grounds(own / "landscape", state, own_door, health, own_sandbox, token(SystemEntropy()))


@contextmanager
def _own_folder() -> Iterator[Path]:
    """The first of this folder's places that no other demo holds."""
    for number in range(PLACES):
        own = state_folder(Path.cwd() / f"demo-{number}")
        lock = os.open(own / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        try:
            yield own
        finally:
            os.close(lock)
        return
    raise OutOfService(f"{PLACES} demos run from this folder already.", "Stop one of them.")


def _clear_server(folder: Path) -> None:
    """A PostgreSQL that a killed demo left behind is adopted, stops when we leave, and goes with what it held."""
    if not folder.is_dir():
        return
    place = find_place(folder)
    if place.pid_file.exists():
        with EmbeddedServer(folder):
            pass
    shutil.rmtree(place.home, ignore_errors=True)
