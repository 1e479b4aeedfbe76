"""A PostgreSQL of one's own, for whoever names no database: our small starter for the programs that a wheel brings.

Many processes share one server. Each holds a lock on the state folder while it uses the server; who leaves last stops
it. After a SIGKILL the server runs on, and the next start adopts it. The server listens on a Unix socket in a private
folder and nowhere else; the superuser has a generated password, and nobody is trusted without one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from nostro.model.failures import DatabaseUnavailable, Refused
from nostro.store.embedded_memory import memory_for_buffers
from nostro.store.embedded_place import Place, command_of, find_place, uid_with_a_name, where_full

_SUPERUSER = "postgres"
_DATABASE = "nostro"
_STARTING, _USERS = "postgresql.starting", "postgresql.users"
_START_SECONDS = 120
_CONNECT_SECONDS = 10
_TURN_SECONDS = 30
"""So long who finds the server dead waits for who starts or stops it just then; then he is told so, and looks again."""
_LEAVE_SECONDS = 5
"""So long who leaves waits for who starts the server just then: that one uses it, and stops it in its turn."""
_STOP_SECONDS = 20
"""So long who leaves last waits until the server has stopped; it goes on stopping by itself, and whoever starts it next
waits for that.
"""
_LOG_BYTES_LIMIT = 8_000_000
_NOBODYS_NUMBER = 2_000_000_000  # above every system's highest process id

# What acknowledged money rests on. Given on the command line, so that no file of the server can say otherwise.
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_PRIVATE = {"listen_addresses": "", "unix_socket_permissions": "0700"}
_QUIET = {"log_error_verbosity": "terse", "log_min_error_statement": "panic"}  # else values would reach the log
_DEFAULTS = {"timezone": "UTC", "log_timezone": "UTC", "jit": "off", "max_connections": "200"}
_OURS = frozenset({*_DURABLE, *_PRIVATE, *_QUIET, "unix_socket_directories", "port", "hba_file", "data_directory"})


class EmbeddedServer:
    """Holds an embedded PostgreSQL while the block runs: `with EmbeddedServer(folder) as server: server.url()`.

    `settings` are PostgreSQL's own. Those that durability and privacy rest on are refused.
    """

    def __init__(self, state_folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._settings = _DEFAULTS | _checked(settings or {})
        self._state_folder = state_folder
        self._place: Place | None = None
        self._users: int | None = None
        self._process = os.getpid()

    def __enter__(self) -> Self:
        """Start or adopt the server; returns when it answers.

        Raises:
            DatabaseUnavailable: with what went wrong and what to do.
        """
        self._state_folder.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        self._users = _open_lock(self._state_folder / _USERS)
        try:
            with self._alone():
                fcntl.flock(self._users, fcntl.LOCK_SH)
                place = find_place(self._state_folder)
                place.guard_socket()
                self._place = place
                self._bring_up(place)
        except BaseException:  # an interrupt too must not leave the lock and a server nobody holds
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the server, and stop it when nobody else holds it."""
        self._leave()

    def url(self, dbname: str = _DATABASE) -> str:
        """The superuser's connection URL, as libpq and psycopg take it."""
        place = self._held()
        password = quote(place.password_file.read_text(encoding="utf-8"), safe="")
        return (
            f"postgresql://{_SUPERUSER}:{password}@/{quote(dbname, safe='')}?host={quote(str(place.socket), safe='')}"
        )

    def ensure_running(self) -> None:
        """Start the server again if it has died under us (crash recovery included); nothing if it answers.

        Raises:
            DatabaseUnavailable: also when somebody else is starting or stopping it, and comes to no end; and when we
                have left meanwhile.
        """
        place, begun = self._held(), False
        try:
            with self._alone(_TURN_SECONDS) as alone:
                if not alone:
                    sentence = f"Somebody else has been starting or stopping PostgreSQL for {_TURN_SECONDS} s."
                    held = self._state_folder / _STARTING
                    remedy = f"It is tried again. If a stopped command (Ctrl-Z) holds {held}, end it or let it go on."
                    raise DatabaseUnavailable(sentence, remedy)
                self._held()  # who left while we waited has no user of the server any more
                begun = True
                self._bring_up(place)
        finally:
            if begun and self._place is None:  # who left just then waited no longer than he does for anybody
                _until(lambda: self._unused(place), seconds=_LEAVE_SECONDS + 1)

    def process_id(self) -> int | None:
        """The server's process id, or None when none runs."""
        return _running(self._held())

    def _held(self) -> Place:
        if self._place is None:
            raise DatabaseUnavailable("The embedded server is used outside of its `with` block.")
        return self._place

    @contextlib.contextmanager
    def _alone(self, seconds: float | None = None) -> Iterator[bool]:
        """Nobody else starts or stops this server meanwhile. The lock goes with its process, however that ends.

        Given `seconds`, it says whether the lock could be had so soon.
        """
        lock = _open_lock(self._state_folder / _STARTING)
        try:
            if seconds is None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield seconds is None or _until(lambda: _locked(lock), seconds=seconds)
        finally:
            os.close(lock)

    def _bring_up(self, place: Place) -> None:
        if not place.data_folder.exists():
            _create(place)
        number = _running(place)
        if number is not None and not _until(place.socket_file.is_socket, seconds=5):
            _stop(place)  # its socket was swept from /tmp, so nobody can reach it
            number = None
        if number is None or not _until_answered(self.url("postgres"), place, number):
            if number is not None and _lives(number, place):
                raise DatabaseUnavailable(f"PostgreSQL gave no answer in {_START_SECONDS} s.", f"See {place.log}.")
            self._launch(place)
        self._check_and_furnish()

    def _launch(self, place: Place) -> None:
        """Launch; again while a dead server's children still hold its memory, which they do for a moment."""
        settings = self._settings | _DURABLE | _PRIVATE | _QUIET | {"unix_socket_directories": str(place.socket)}
        give_up = time.monotonic() + _START_SECONDS
        while True:
            said_before = _turn_log_over(place)
            _disown_stale_number(place)
            number = place.launch(settings)
            if _until_answered(self.url("postgres"), place, number):
                return
            said = place.log.read_bytes()[said_before:].decode(errors="replace").strip()
            if "is still in use" not in said or time.monotonic() > give_up:
                remedy = f"{where_full(said)} More is in {place.log}.".lstrip()
                raise DatabaseUnavailable(f"PostgreSQL did not start. It said:\n{said}\n", remedy)
            time.sleep(0.2)

    def _check_and_furnish(self) -> None:
        """Refuse an adopted server that is not durable, and make our database where it is missing."""
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
                _furnish(connection)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable("PostgreSQL went away while it was started.", "Start again.") from error

    def _unused(self, place: Place) -> bool:
        """Whether nobody uses the server; then it is stopped."""
        users = _open_lock(self._state_folder / _USERS)
        try:
            with self._alone(0) as alone:
                unused = alone and _locked(users)
                if unused:
                    _ask_to_stop(place)
                return unused
        finally:
            os.close(users)

    def _leave(self) -> None:
        if self._users is None or self._process != os.getpid():  # a fork's copy of us holds nothing of its own
            return
        users, self._users = self._users, None
        place, self._place = self._place, None
        try:
            with self._alone(_LEAVE_SECONDS) as alone:
                if alone and place is not None and _locked(users):
                    _ask_to_stop(place)
        finally:
            os.close(users)


def _furnish(connection: psycopg.Connection) -> None:
    for name, wanted in _DURABLE.items():
        row = connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
        if row is None or row[0] != wanted:
            raise DatabaseUnavailable(f"The running PostgreSQL has {name}={row and row[0]}.", "Stop it first.")
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE)))


def _checked(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings with names in lower case; refuses what PostgreSQL would be unsafe or unreachable with."""
    checked = {name.lower(): value for name, value in settings.items()}
    for name in checked:
        if not re.fullmatch(r"[a-z_][a-z0-9_.]*", name):
            raise Refused(f"{name!r} is no PostgreSQL setting's name.")
        if name in _OURS:
            raise Refused(
                f"The embedded PostgreSQL takes no {name}: what is acknowledged has to survive a power cut, and nobody "
                "else may reach the server.",
                "Take the setting out, or name a PostgreSQL of your own.",
            )
    return checked


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(file: int) -> bool:
    """Whether nobody else holds a lock on it: now we do."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _create(place: Place) -> None:
    """Make the database folder aside and move it into place whole, so that a cut leaves nothing half made."""
    half, password_file = place.home / "data.new", place.home / "password.new"
    _until(lambda: _cleared(half), seconds=10)  # what a cut start had begun may write there for a moment longer
    password_file.unlink(missing_ok=True)
    maker = uid_with_a_name(place)
    try:
        half.mkdir(mode=0o700)
        place.give(half, maker)
        password_file.touch(mode=0o600)
        password_file.write_text(_password(place), encoding="utf-8")
        place.give(password_file, maker)
        options = (f"--username={_SUPERUSER}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
        buffers = f"--set=shared_buffers={memory_for_buffers() >> 20}MB"  # in its file, where a person may change it
        place.run("initdb", f"--pgdata={half}", f"--pwfile={password_file}", *options, buffers, uid=maker)
    finally:
        password_file.unlink(missing_ok=True)
    for path in (half, *half.rglob("*")):
        place.give(path)
    half.rename(place.data_folder)


def _cleared(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _ask_to_stop(place: Place) -> None:
    """Who leaves has done what he came for: a server that is long in stopping is no failure of his."""
    try:
        _stop(place, _STOP_SECONDS)
    except DatabaseUnavailable:
        if _running(place) is None:
            raise


def _stop(place: Place, seconds: int = _START_SECONDS) -> None:
    if _running(place) is not None:
        place.run("pg_ctl", "stop", "-m", "fast", "-t", str(seconds))
    with contextlib.suppress(OSError):  # another server's files would be in it
        place.socket.rmdir()


def _turn_log_over(place: Place) -> int:
    """Keep the log short; returns how many bytes it holds."""
    size = place.log.stat().st_size if place.log.exists() else 0
    if size < _LOG_BYTES_LIMIT:
        return size
    place.log.rename(place.log.with_suffix(".log.1"))
    return 0


def _password(place: Place) -> str:
    """The superuser's password; generated once, before the database that it opens."""
    if not place.password_file.exists():
        _half(place.password_file, secrets.token_urlsafe(32)).rename(place.password_file)
    return place.password_file.read_text(encoding="utf-8")


def _half(whole: Path, text: str) -> Path:
    """A private file beside another, on the disk and ready to be moved into its place."""
    half = whole.with_suffix(".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return half


def _running(place: Place) -> int | None:
    """The server's process id if it lives."""
    number = _noted_number(place)
    return number if number is not None and _lives(number, place) else None


def _noted_number(place: Place) -> int | None:
    """The process id in PostgreSQL's own note of who holds the data folder."""
    try:
        return int(place.pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _lives(number: int, place: Place) -> bool:
    """Whether the process lives and is this server; a corpse that nobody has fetched yet is neither."""
    return os.fsencode(place.data_folder) in command_of(number)


def _disown_stale_number(place: Place) -> None:
    """Strike a number that is no longer the server's from PostgreSQL's note, which would keep it from starting.

    It may have passed on to another program (a container's numbers start over), or be a corpse that nobody fetches. The
    note itself has to stay: by it PostgreSQL sees whether children of a dead server still hold its memory.
    """
    number = _noted_number(place)
    if number is None or number == _NOBODYS_NUMBER or _lives(number, place):
        return
    note = place.pid_file.read_text(encoding="utf-8")
    half = _half(place.pid_file, note.replace(str(number), str(_NOBODYS_NUMBER), 1))
    place.give(half)
    half.replace(place.pid_file)  # PostgreSQL starts on none that was cut short
    place.socket_file.with_suffix(".5432.lock").unlink(missing_ok=True)


def _until_answered(url: str, place: Place, number: int) -> bool:
    """Until the server takes queries (recovery takes its time); False when it died or the time is over."""

    def answers_or_died() -> bool:
        return _answers(url, place) or not _lives(number, place)

    return _until(answers_or_died, seconds=_START_SECONDS) and _lives(number, place)


def _answers(url: str, place: Place) -> bool:
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_SECONDS).close()
    except psycopg.OperationalError as failure:
        if "password authentication failed" in str(failure):
            raise DatabaseUnavailable(
                f"The database in {place.home} does not take the password in {place.password_file}.",
                "Bring back the file that belongs to it.",
            ) from failure
        return False
    return True


def _until(holds: Callable[[], bool], *, seconds: float) -> bool:
    """Ask until it holds or the time is over; returns whether it held."""
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True
