"""Anchors: the newest checkpoint's number and digest, put where the database's administrators can't reach it.

An anchor is a folder (a line is appended to `anchors.jsonl`, best on another machine), a command (it receives the line
on its standard input: to sign it with a time stamp, to put it under an object lock) or a mail. One that can't be put
is said with its place: never with a command's arguments, which may hold a secret.

A folder's file is made once, before anything was anchored. Later on a missing one is no empty one: its machine may be
away, and what would be made instead would stand on this one and say that nothing was ever anchored. Or it hangs, as a
mount does whose machine is away: then nobody waits for it for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import smtplib
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from nostro.model.canonical import canonical
from nostro.model.failures import OutOfService
from nostro.store.audit import Anchor
from nostro.store.quarantine import Newest
from nostro.store.waiting import Unwaited

T = TypeVar("T")
FILE = "anchors.jsonl"
COMMAND_SECONDS = 30
KILLED_SECONDS = 1
ANSWER_SECONDS = 2.0
"""So long a folder may take to say what the newest anchor is: less than who waits for a connection waits for it."""
ALL_SECONDS = 600.0
"""So long they may take to say all that is in them: millions of lines, after years."""
TAIL_BYTES = 65_536
"""The newest anchor is in these last bytes of the file: hundreds of lines, which several workers may have appended."""
_THREADS = Unwaited("anchors")
AGAIN = "The checkpoint is signed; it is anchored again in a minute, or the next one before."


class Aside:
    """Does what may hang in a thread of its own, one at a time: for none is waited at the end of the process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._last: Future[Any] | None = None

    async def do(self, work: Callable[[], T], seconds: float) -> T:
        """Raises `TimeoutError` after so many seconds; at once while what was given up goes on, and begins nothing."""
        async with self._turn:
            if self._last is not None and not self._last.done():
                raise TimeoutError
            self._last = done = _THREADS.submit(work)
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(done)


@dataclass(frozen=True, slots=True)
class FolderAnchor:
    """Appends to a file outside the database's folder."""

    folder: Path
    _aside: Aside = field(default_factory=Aside, init=False, repr=False, compare=False)

    @property
    def file(self) -> Path:
        """What the lines are in."""
        return self.folder / FILE

    def begin(self) -> None:
        """Makes the file where there is none. Raises `OSError` where it can't be made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.touch()
        place = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)

    async def put(self, line: bytes) -> None:
        """Appends the line and waits until it is on the disk. Raises `OutOfService` where `begin` made no file, where
        the folder takes nothing, and when it takes longer than 30 s.
        """
        try:
            await self._aside.do(partial(self._append, line), COMMAND_SECONDS)
        except TimeoutError as error:
            message = f"{self.file} gives no answer."
            raise OutOfService(message, AGAIN, runbook="anchor-failed") from error
        except OSError as error:
            message = f"{self.file}: {_why(error)}."
            raise OutOfService(message, AGAIN, runbook="anchor-failed") from error

    def read(self, last_bytes: int | None = None) -> list[Anchor]:
        """What was anchored, the oldest first; a line that was cut by a crash, or by `last_bytes`, is passed over."""
        with contextlib.suppress(FileNotFoundError), self.file.open("rb") as file:
            if last_bytes is not None:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            return [anchor for line in file if (anchor := _parsed(line))]
        return []

    def _append(self, line: bytes) -> None:
        with open(self.file, "a+b", opener=_as_it_is) as file:
            if file.tell():  # a crash or a full disk may have cut the last line: it doesn't take this one with it
                file.seek(-1, os.SEEK_END)
                line = line if file.read() == b"\n" else b"\n" + line
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _as_it_is(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)


@dataclass(frozen=True, slots=True)
class CommandAnchor:
    """Hands the line to a command, without a shell."""

    command: Sequence[str]

    async def put(self, line: bytes) -> None:
        """Raises `OutOfService` when the command can't be begun, fails or takes longer than 30 s."""
        try:
            why = await self._refusal(line)
        except OSError as error:
            message = f"The anchor's command {self.command[0]} can't be begun ({_why(error)})."
            raise OutOfService(message, AGAIN, runbook="anchor-failed") from error
        if why:
            raise OutOfService(f"The anchor's command {self.command[0]} {why}.", AGAIN, runbook="anchor-failed")

    async def _refusal(self, line: bytes) -> str:
        process = await asyncio.create_subprocess_exec(*self.command, stdin=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await process.communicate(line + b"\n")
        except TimeoutError:
            await _killed(process)
            return "gives no answer"
        return f"ended with {process.returncode}" if process.returncode else ""


async def _killed(process: Process) -> None:
    """Waits a moment for its end."""
    with contextlib.suppress(ProcessLookupError, TimeoutError):
        process.kill()
        async with asyncio.timeout(KILLED_SECONDS):
            await process.wait()


@dataclass(frozen=True, slots=True)
class MailAnchor:
    """Mails the line through this machine's own mail server (port 25): the recipient's mailbox is out of our reach."""

    recipient: str
    host: str = "127.0.0.1"
    port: int = 25
    _aside: Aside = field(default_factory=Aside, init=False, repr=False, compare=False)

    async def put(self, line: bytes) -> None:
        """Raises `OutOfService` when the mail server doesn't take it within 30 s."""
        try:
            await self._aside.do(partial(self._send, line), COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            # An address is no word for a log: its domain says which place it was.
            message = f"The anchor could not be mailed to {self.recipient.rpartition('@')[2]} ({type(error).__name__})."
            raise OutOfService(message, AGAIN, runbook="anchor-failed") from error

    def _send(self, line: bytes) -> None:
        mail = EmailMessage()
        mail["Subject"], mail["To"], mail["From"] = "Nostro checkpoint", self.recipient, "nostro@localhost"
        mail.set_content(line.decode())
        with smtplib.SMTP(self.host, self.port, timeout=COMMAND_SECONDS) as server:
            server.send_message(mail)


@dataclass(slots=True)
class Anchors:
    """All places that the landscape names, and the newest anchor that this process knows of their folders."""

    places: Sequence[FolderAnchor | CommandAnchor | MailAnchor]
    _known: Anchor | None = field(default=None, init=False)
    _aside: Aside = field(default_factory=Aside, init=False, repr=False)

    async def put(self, anchor: Anchor, at: datetime) -> None:
        """Puts it everywhere at once; one that hangs or refuses keeps none of the others from it. Raises what the first
        one raised.
        """
        line = canonical({"number": anchor.number, "digest": anchor.digest, "epoch": anchor.epoch, "at": at})
        failures = await asyncio.gather(*(self._put(place, anchor, line) for place in self.places))
        for failure in failures:
            if failure is not None:
                raise failure

    async def _put(
        self, place: FolderAnchor | CommandAnchor | MailAnchor, anchor: Anchor, line: bytes
    ) -> OutOfService | None:
        try:
            await place.put(line)
        except OutOfService as failure:
            return failure
        if isinstance(place, FolderAnchor):
            self._known = _newer(self._known, anchor)
        return None

    @property
    def folders(self) -> list[FolderAnchor]:
        """Those that can be read back; commands and mails can't be."""
        return [place for place in self.places if isinstance(place, FolderAnchor)]

    def missing(self) -> list[Path]:
        """Files that are not there: nothing was put there yet, or their place is away."""
        return [folder.file for folder in self.folders if not folder.file.exists()]

    async def newest(self, seconds: float = ANSWER_SECONDS) -> Newest:
        """The newest one that can be read back. Where that isn't said within so many seconds, or is older than what was
        read or put before, it is the newest one that this process knows, in doubt.
        """
        doubt = await self._doubt(seconds)
        return Newest(self._known, doubt and f"The anchors in {', '.join(str(f.file) for f in self.folders)} {doubt}")

    async def _doubt(self, seconds: float) -> str:
        try:
            read = await self._aside.do(self._newest, seconds)
        except TimeoutError:
            return "give no answer."
        except OSError as error:
            return f"can't be read: {error.strerror}."
        before, self._known = self._known, _newer(self._known, read)
        return f"lack checkpoint {before.number}, which was in them." if before and self._known != read else ""

    def _newest(self) -> Anchor | None:
        """It stands near the end of its file."""
        near = [anchor for folder in self.folders for anchor in folder.read(TAIL_BYTES)]
        return max(near, key=lambda anchor: anchor.rank, default=None)

    async def all(self, seconds: float = ALL_SECONDS) -> list[Anchor]:
        """As `readable`, without standing still meanwhile. Raises `OutOfService` when it takes longer."""
        try:
            return await Aside().do(self.readable, seconds)
        except TimeoutError as error:
            message = f"The anchors in {', '.join(str(f.file) for f in self.folders)} give no answer."
            raise OutOfService(message, "Bring the anchors' place back.", runbook="anchors-gone") from error

    def readable(self) -> list[Anchor]:
        """Everything that folders hold."""
        return [anchor for folder in self.folders for anchor in folder.read()]


def _newer(one: Anchor | None, other: Anchor | None) -> Anchor | None:
    return max((anchor for anchor in (one, other) if anchor), key=lambda anchor: anchor.rank, default=None)


def _parsed(line: bytes) -> Anchor | None:
    try:
        told = json.loads(line)
        return Anchor(int(told["number"]), bytes.fromhex(told["digest"]), int(told.get("epoch", 1)))
    except (ValueError, KeyError, TypeError):
        return None
