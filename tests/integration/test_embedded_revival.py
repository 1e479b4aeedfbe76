"""Who finds the embedded PostgreSQL dead or silent waits for nobody for ever."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.model.failures import DatabaseUnavailable
from nostro.store import embedded
from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_place import Place
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


@pytest.mark.timeout(60)
def test_who_waits_to_revive_the_server_starts_none_once_its_process_has_left(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would hold it, and so nobody stop it."""
    with EmbeddedServer(server._state_folder) as other:
        server._leave()
        started, waits, launch, alone = list[Place](), threading.Event(), EmbeddedServer._launch, EmbeddedServer._alone

        def noted(self: EmbeddedServer, where: Place) -> None:
            started.append(where)
            launch(self, where)

        def told(self: EmbeddedServer, seconds: float | None = None) -> contextlib.AbstractContextManager[bool]:
            waits.set()
            return alone(self, seconds)

        monkeypatch.setattr(EmbeddedServer, "_launch", noted)
        place, turn = other._held(), os.open(server._state_folder / "postgresql.starting", os.O_RDWR)
        fcntl.flock(turn, fcntl.LOCK_EX)
        monkeypatch.setattr(EmbeddedServer, "_alone", told)
        waiting = threading.Thread(target=revived, args=(other,))
        waiting.start()
        assert waits.wait(20)
        process = other.process_id()
        assert process is not None
        os.kill(process, signal.SIGKILL)
        monkeypatch.setattr(embedded, "_LEAVE_SECONDS", 0)  # it waits for nobody, and so not for the turn
        other._leave()
        os.close(turn)
        waiting.join(30)
    assert embedded._running(place) is None
    assert started == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("fails", [False, True])
def test_who_revives_the_server_while_its_process_leaves_without_waiting_for_it_stops_it_again(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """As long as a crash recovery lasts nobody waits."""
    monkeypatch.setattr(embedded, "_LEAVE_SECONDS", 0.2)
    place, bring_up, begun = server._held(), EmbeddedServer._bring_up, threading.Event()

    def slowly(self: EmbeddedServer, where: Place) -> None:
        if not fails:
            bring_up(self, where)
        begun.set()
        time.sleep(1)
        if fails:
            raise DatabaseUnavailable("It went away.")

    monkeypatch.setattr(EmbeddedServer, "_bring_up", slowly)
    reviving = threading.Thread(target=revived, args=(server,))
    reviving.start()
    assert begun.wait(20)
    server._leave()
    assert embedded._running(place) is not None, "it did not wait"
    reviving.join(30)
    assert embedded._running(place) is None


def revived(server: EmbeddedServer) -> None:
    with contextlib.suppress(DatabaseUnavailable):
        server.ensure_running()
