"""Who finds the embedded PostgreSQL dead or silent waits for nobody for ever."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.model.failures import DatabaseUnavailable
from nostro.store import embedded
from nostro.store.embedded import EmbeddedServer
from tests.places import quick_folder


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    above = Path(tempfile.mkdtemp(prefix="nostro revival ", dir=quick_folder()))
    above.chmod(0o711)
    with EmbeddedServer(above / "state") as running:
        yield running
    shutil.rmtree(above)


@pytest.mark.timeout(60)
def test_who_would_revive_the_server_waits_for_no_stopped_command_for_ever(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_TURN_SECONDS", 0.5)
    stopped = os.open(server._state_folder / "postgresql.starting", os.O_RDWR)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    process = server.process_id()
    assert process is not None
    os.kill(process, signal.SIGKILL)
    with pytest.raises(DatabaseUnavailable, match="Somebody else has been starting"):
        server.ensure_running()
    os.close(stopped)
    server.ensure_running()
    assert server.process_id() not in {None, process}


@pytest.mark.timeout(60)
def test_a_server_that_falls_silent_while_it_is_started_is_given_up(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_CONNECT_SECONDS", 2)
    process = server.process_id()
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="went away"):
        server._check_and_furnish()
    os.kill(process, signal.SIGCONT)
    assert time.monotonic() - began < 10
