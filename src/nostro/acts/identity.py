"""Who sits at the terminal: the login that the operating system vouches for, or a passphrase that only he knows.

`--as ID` alone would make four eyes a formality. A wrong passphrase is answered slowly and counted; after five the name
is closed for a quarter of an hour.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from nostro.landscape.schema import PersonEntry
from nostro.model.failures import ActRefused

TRIES = 5
CLOSED = timedelta(minutes=15)
_HASHER = PasswordHasher()  # argon2id with the parameters of RFC 9106, section 4, second choice


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal: how it asks for a passphrase, how it waits, and where wrong ones are counted."""

    ask: Callable[[str], str]
    wait: Callable[[float], None]
    tries: Path
    login: str


def login() -> str:
    """Whose process this is, by the operating system. Not `$USER`, which anybody may set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def hash_passphrase(text: str) -> str:
    """What people.yaml holds of a passphrase."""
    return _HASHER.hash(text)


def identify(claimed: str, people: Iterable[PersonEntry], terminal: Terminal, now: datetime) -> str:
    """The person's id. No `claimed` id: whoever this login is. Raises `ActRefused` for anybody else.

    `now`: machine time, UTC.
    """
    known = {person.id: person for person in people}
    if not claimed:
        return _by_login(known.values(), terminal)
    person = known.get(claimed)
    if person is None:
        raise ActRefused(f"There is no person {claimed}.", "People stand in people.yaml.")
    if person.passphrase is None:
        if person.os_user and person.os_user == terminal.login:
            return person.id
        raise ActRefused(f"You are logged in as {terminal.login}, and {claimed} is not.", "Log in as that person.")
    _prove(person, terminal, now)
    return person.id


def _by_login(people: Iterable[PersonEntry], terminal: Terminal) -> str:
    mine = [person.id for person in people if person.os_user and person.os_user == terminal.login]
    if len(mine) != 1:
        raise ActRefused(f"The login {terminal.login} is nobody's in people.yaml.", "Say who you are: --as ID.")
    return mine[0]


def _prove(person: PersonEntry, terminal: Terminal, now: datetime) -> None:
    """Counts the try before it is looked at, so that many at once are no way around it."""
    with _counted(terminal.tries) as wrong:
        count, since = wrong.get(person.id, (0, now.isoformat()))
        if now - datetime.fromisoformat(since) > CLOSED:
            count = 0
        if count >= TRIES:
            remedy = f"Try again {CLOSED.seconds // 60} minutes after the last try."
            raise ActRefused(f"Too many wrong passphrases for {person.id}.", remedy)
        wrong[person.id] = (count + 1, now.isoformat())
    if not _matches(person.passphrase or "", terminal.ask(f"Passphrase of {person.id}: ")):
        terminal.wait(min(2.0**count, 16.0))
        raise ActRefused("The passphrase is wrong.", f"{TRIES - count - 1} tries are left.")
    with _counted(terminal.tries) as wrong:
        wrong.pop(person.id, None)


def _matches(hashed: str, given: str) -> bool:
    try:
        return _HASHER.verify(hashed, given)
    except (VerificationError, InvalidHashError):
        return False


@contextmanager
def _counted(path: Path) -> Iterator[dict[str, tuple[int, str]]]:
    """Wrong tries by person, in a file that one process at a time changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        wrong = {name: (int(count), str(since)) for name, (count, since) in json.loads(text or "{}").items()}
        yield wrong
        file.seek(0)
        file.truncate()
        json.dump(wrong, file)
