"""Watched folders: the one place that reads files which others write.

A file is complete when its size and time held still over two looks, and for a while from when the second began; one
that lacks the end that its format has (see `cut`) waits until its deadline. It is kept in parts, and only then moved to
`taken/<date>/`. A crash in between keeps it once: the same bytes again are the same receipt. A folder that can't be
written to is left as it is, and the feed's cursor remembers what was taken from it.

Whatever is wrong with a file or a folder is told, and holds up no other. That is so too where a file system doesn't
answer (`mounts`): the lease of such a folder isn't kept, so that a worker has it that reaches it. A look that lasts, as
one at a large file, goes on while others are looked at (`looks`).
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog

from nostro.egress.connections import Connections, OpenConnection
from nostro.egress.line import Clock, Count, silent
from nostro.ingress.cut import seems_cut
from nostro.ingress.files import (
    FAILED,
    FILES_AT_ONCE,
    TAKEN,
    Sight,
    StillWritten,
    goes_on_from,
    is_moving,
    marked,
    one_by_one,
    parts_of,
    put_away,
    put_away_behind,
    shown,
)
from nostro.ingress.leases import Leased, Leases, is_recent
from nostro.ingress.limits import Limits, Way
from nostro.ingress.looks import Look, Looks
from nostro.ingress.mounts import Mount
from nostro.ingress.opening import TOO_LARGE
from nostro.ingress.receiving import Intake
from nostro.model.canonical import canonical, parse
from nostro.model.clock import Now
from nostro.model.failures import BacklogFull, LostRace, OutOfService
from nostro.store.database import Database
from nostro.store.receipts import Received

FEED = "folder"
AGAIN = "taken/"
"""In a folder's cursor: how far what was put away has been read again. No file's name has a slash."""
AGAIN_AFTER = timedelta(minutes=1)
"""Until what failed is tried again."""
FILES_SEEN = 10_000
LISTED_AT_ONCE = 500
TURN_SECONDS = 1.0
"""Until the next folder is looked at beside one that lasts, and until a step ends that began it."""
SETTLE = timedelta(seconds=2)
CUT_WAIT = timedelta(minutes=15)
UNFINISHED = (".tmp", ".part", ".filepart", ".partial")
"""As WinSCP, browsers and other programs call what they still write."""
logger = structlog.get_logger("nostro.folders")


class _Listing(NamedTuple):
    """What a look saw: files that wait, marks of those that the cursor knows, and whether there were too many."""

    waiting: dict[str, Sight]
    known: set[str]
    cut_off: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file since it is as it is. `since`: when a step began that saw it so again, None before there was one.

    The step that sees it first may have stood still for hours between its beginning and its look.
    """

    sight: Sight
    since: Now | None = None


@dataclass(slots=True)
class Folders:
    """The `step(now)` that looks into the folders of all connections that have one.

    `clock` is asked after each folder, which may have lasted longer than a lease. `settle`: how long a file has to hold
    still; `cut_wait`: how long one that seems cut is left to its writer.
    """

    database: Database
    connections: Connections
    intake: Intake
    leases: Leases
    limits: Limits
    clock: Clock
    settle: timedelta = SETTLE
    cut_wait: timedelta = CUT_WAIT
    count: Count = silent
    _seen: dict[tuple[str, str], _Seen] = field(default_factory=dict)
    _empty: dict[str, tuple[datetime, Mapping[str, object]]] = field(default_factory=dict)
    """When a connection's folder was found without anything that waits, by machine time, and with which cursor."""
    _again_at: dict[str, datetime] = field(default_factory=dict)
    """When what failed of what was put away is tried again, by machine time."""
    _mounts: defaultdict[str, Mount] = field(default_factory=lambda: defaultdict(Mount))
    _looks: Looks = field(default_factory=Looks)
    _first: str = ""
    """The connection that a step begins with."""

    async def step(self, now: Now) -> int:
        """How many files were taken in by looks that have ended. Files stay where they are while the backlog is full.

        One folder after the other, but beside one that lasts, which may go on beyond this step.
        """
        clock, begun, until = asyncio.get_running_loop().time, list[Look](), 0.0
        try:
            taken = self._looks.ended()
            for connection in self._in_turn():
                if connection.id in self._looks:
                    continue
                if self._looks.full:
                    taken += await self._looks.one(TURN_SECONDS)
                if self._looks.full:
                    self._first = connection.id
                    break
                begun.append(self._looks.begin(connection.id, self._watch(connection, now)))
                until = clock() + TURN_SECONDS
                taken += await self._looks.one(TURN_SECONDS)
                now = await self.clock()
            taken += await self._looks.all_of(begun, until - clock())
        except asyncio.CancelledError:
            await self.stop()
            raise
        for look in begun:
            if not look.done():
                logger.info("look_lasts", look=look.get_name())
        return taken

    async def stop(self) -> None:
        """Ends the looks that last. Whoever ends calls it before it gives its leases back, which they renew."""
        await self._looks.stop()

    def _in_turn(self) -> list[OpenConnection]:
        """Connections with a folder, first those that the last step left since too many lasted."""
        watched = [one for one in self.connections.values() if one.connector.manifest.watches_folder]
        first = next((number for number, one in enumerate(watched) if one.id == self._first), 0)
        return watched[first:] + watched[:first]

    async def _watch(self, connection: OpenConnection, now: Now) -> int:
        """A look into one folder. Whatever is wrong with it, the others are watched."""
        if self.limits.why_not(Way.PULLED, source=connection.id):
            return 0
        if hung := self._mounts[connection.id].why_not(Path(connection.config.folder)):
            logger.warning("folder_unreadable", connection=connection.id, why=hung.strerror)
            return 0
        if await self._is_still_empty(connection, now):
            return 0
        try:
            leased = await self.leases.take(connection.id, FEED, now)
            if leased is None:
                return 0
            async with self.leases.kept(connection.id, FEED, now):
                return await self._look_if_readable(connection, leased, now)
        except LostRace as race:
            logger.info("look_not_kept", connection=connection.id, sentence=race.sentence)
        except OutOfService:  # what all folders stand on is away: that is no folder's fault
            raise
        except Exception:  # nobody foresaw it: the others go on
            logger.exception("folder_failed", connection=connection.id)
            self.count("files", connection=connection.id, fate="failed")
        return 0

    async def _is_still_empty(self, connection: OpenConnection, now: Now) -> bool:
        """Whether nothing waits where nothing waited a moment ago. Then the database isn't asked, whose lease holds."""
        at, cursor = self._empty.get(connection.id, (None, {}))
        with suppress(OSError):
            return is_recent(at, now.machine) and not (await self._listed(connection, cursor)).waiting
        return False

    async def _listed(self, connection: OpenConnection, marks: Mapping[str, object]) -> _Listing:
        folder = Path(connection.config.folder)
        return [found async for found in self._mounts[connection.id].each(folder, _list(folder, marks))][-1]

    async def _look_if_readable(self, connection: OpenConnection, leased: Leased, now: Now) -> int:
        try:
            return await self._look(connection, leased, now)
        except OSError as error:
            why = error.strerror or type(error).__name__
            logger.warning("folder_unreadable", connection=connection.id, why=why)
            await self.leases.delay(leased, now.business, f"The folder can't be read ({why}).")
            return 0

    async def _look(self, connection: OpenConnection, leased: Leased, now: Now) -> int:
        """Raises `OSError` where the folder can't be read. A file that doesn't answer ends the look; the next one
        passes over it.
        """
        folder, mount = Path(connection.config.folder), self._mounts[connection.id]
        cursor = parse(leased.cursor.encode()) if leased.cursor else {}
        self._empty.pop(connection.id, None)
        sights, known, cut_off = await self._listed(connection, cursor)
        unanswered = mount.unanswered
        if cut_off:
            logger.warning("folder_cut_off", connection=connection.id, files=FILES_SEEN)
            self.count("files", connection=connection.id, fate="cut_off")
        left = {name: str(mark) for name, mark in cursor.items() if name != AGAIN and (cut_off or name in known)}
        again = goes_on_from(str(cursor.get(AGAIN, "")), leased.rewind_to)
        if leased.rewind_to is None and self._again_at.get(connection.id, now.machine) > now.machine:
            left |= {AGAIN: again} if again else {}
        elif again and (on := await self._take_again(connection, folder, again, now)):
            left[AGAIN] = on
        taken = 0
        ripe = self._ripe(connection, sights, now)
        for name, at in zip(ripe, one_by_one(now.business, len(ripe)), strict=True):
            if await self._take(connection, folder / name, sights[name], now, at):
                taken += 1
                left[marked(name)] = sights[name].mark
                try:
                    if await mount.ask(folder / name, put_away, folder / name, sights[name], now.business):
                        del left[marked(name)]
                except TimeoutError as error:
                    self._failed(connection, folder / name, error)
            if taken >= FILES_AT_ONCE or mount.unanswered > unanswered:
                break
        async with self.database.transaction() as tx:
            text = canonical(left).decode() if left else ""
            await self.leases.advance(tx, leased, text, now.business, now.business)
        if not sights and AGAIN not in left:
            self._empty[connection.id] = now.machine, left
        return taken

    async def _take_again(self, connection: OpenConnection, folder: Path, place: str, now: Now) -> str:
        """Takes in what was put away: what is known is the same receipt, what a restore lost comes back.

        `place`, and where to go on: behind a name (`marked`) and, once one has failed, `//` and behind which name the
        first that did. So what fails holds up no other; at the end a minute passes and another round begins there.
        Empty: all were taken.
        """
        after, _, failed = place.partition(FAILED)
        mount = self._mounts[connection.id]
        names = await mount.ask(folder / TAKEN, put_away_behind, folder / TAKEN, after)
        unanswered = mount.unanswered
        these = names[:FILES_AT_ONCE]
        for name, at in zip(these, one_by_one(now.business, len(these)), strict=True):
            path = folder / TAKEN / name
            received = Received(connection.id, "file", at, signed=True, name=shown(path.name))
            try:
                sight = Sight.of(await mount.ask(path, path.stat))
                await self._stream(mount, received, path, sight)
            except BacklogFull as error:
                self._waits(connection, path, error)
                return after + FAILED + failed if failed else after
            except OutOfService:
                raise
            except Exception as flaw:  # noqa: BLE001 - whatever it is, the others go on
                self._failed(connection, path, flaw)
                failed = failed or after
            else:
                self.count("files", connection=connection.id, fate="again")
            after = marked(name)
            if mount.unanswered > unanswered:
                return after + FAILED + failed
        if len(names) > FILES_AT_ONCE:
            return after + FAILED + failed if failed else after
        self._again_at[connection.id] = now.machine + AGAIN_AFTER
        return failed

    def _waits(self, connection: OpenConnection, path: Path, why: Exception) -> None:
        logger.info("file_waits", connection=connection.id, file=shown(path.name), why=type(why).__name__)

    def _failed(self, connection: OpenConnection, path: Path, why: Exception) -> None:
        """It stays where it is, and is tried again at the next look, or once it answers."""
        if isinstance(why, TimeoutError):
            logger.warning("file_hangs", connection=connection.id, file=shown(path.name), why=why.strerror)
        else:
            logger.warning("file_failed", connection=connection.id, file=shown(path.name), exc_info=why)
        self.count("files", connection=connection.id, fate="hangs" if isinstance(why, TimeoutError) else "failed")

    def _ripe(self, connection: OpenConnection, sights: Mapping[str, Sight], now: Now) -> list[str]:
        """Files that held still since the last look, the oldest first. Forgets those that are gone."""
        before = {name: seen for (at, name), seen in self._seen.items() if at == connection.id}
        ripe = []
        for name, sight in sights.items():
            seen = before.get(name)
            since = seen.since or now if seen is not None and seen.sight == sight else None
            self._seen[connection.id, name] = _Seen(sight, since)
            if since is not None and now.machine - since.machine >= self.settle:
                ripe.append(name)
        for name in before.keys() - sights.keys():
            del self._seen[connection.id, name]
        return sorted(ripe, key=lambda name: (sights[name].modified, name))

    async def _take(self, connection: OpenConnection, path: Path, sight: Sight, now: Now, at: datetime) -> bool:
        """Whether the file is kept by now. Its reasons not to be are told; it is looked at again."""
        limit = connection.connector.manifest.body_limit
        received = Received(connection.id, "file", at, signed=True, name=shown(path.name))
        fate = "waiting"
        try:
            if sight.size > limit:
                fate = "refused"
                await self._refuse(connection, path.name, sight, now)
            elif await self._finished(connection, path, now):
                await self._stream(self._mounts[connection.id], received, path, sight)
                fate = "taken"
                if is_moving(path.name):
                    logger.info("file_left_moving", connection=connection.id, file=shown(path.name))
        except TimeoutError as error:
            self._failed(connection, path, error)
            return False
        except (OSError, StillWritten, BacklogFull) as error:
            self._waits(connection, path, error)
        except OutOfService:
            raise
        except LostRace as race:  # somebody else keeps it at this moment
            self._waits(connection, path, race)
        except Exception as flaw:  # noqa: BLE001 - whatever it is, the others go on
            self._failed(connection, path, flaw)
            return False
        self.count("files", connection=connection.id, fate=fate)
        return fate == "taken"

    async def _stream(self, mount: Mount, received: Received, path: Path, sight: Sight) -> None:
        """Raises `TimeoutError` when a part doesn't come in time: then nothing of the file is kept."""

        def chunks() -> AsyncGenerator[bytes, None]:
            return mount.each(path, parts_of(path, sight))

        await self.intake.take_stream(received, chunks, sight.size)

    async def _refuse(self, connection: OpenConnection, name: str, sight: Sight, now: Now) -> None:
        """A file above the limit stays where it is, and is a case: what is kept is that it was there."""
        limit, event = connection.connector.manifest.body_limit, f"{marked(name)}/{sight.mark}"
        sentence = (
            f"{shown(name)} has {sight.size} bytes and {connection.id} takes {limit} at most: it stays in the folder, "
            "unread. Have it sent again in smaller files and take it away."
        )
        received = Received(connection.id, TOO_LARGE, now.business, signed=True, name=shown(name), event_id=event)
        if (await self.intake.take(received, sentence.encode())).new:
            logger.warning("file_too_large", connection=connection.id, file=shown(name), size=sight.size, limit=limit)

    async def _finished(self, connection: OpenConnection, path: Path, now: Now) -> bool:
        """False while a file seems cut and its writer may still come back."""
        since = self._seen[connection.id, path.name].since or now
        waited = now.business - since.business >= self.cut_wait
        return waited or not await self._mounts[connection.id].ask(path, _cut, path)


def _list(folder: Path, marks: Mapping[str, object]) -> Iterator[_Listing]:
    """Files that may be taken: no folders, links or pipes, nothing that says of itself that it isn't finished.

    Now and then what was found so far, at last all of it. `marks`: what was taken and could not be moved. It leaves
    room for as many others.
    """
    waiting: dict[str, Sight] = {}
    known: set[str] = set()
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries, 1):
            if number % LISTED_AT_ONCE == 0:
                yield _Listing(waiting, known, cut_off=False)
            if _is_unfinished(entry.name):
                continue
            told = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(told.st_mode):
                continue
            if marks.get(marked(entry.name)) == Sight.of(told).mark:
                known.add(marked(entry.name))
            elif len(waiting) >= FILES_SEEN:
                yield _Listing(waiting, known, cut_off=True)
                return
            else:
                waiting[entry.name] = Sight.of(told)
    yield _Listing(waiting, known, cut_off=False)


def _is_unfinished(name: str) -> bool:
    """Whether it says so of itself. What is being moved doesn't: nobody writes it, and it may have been left so."""
    return not is_moving(name) and (name.startswith(".") or name.lower().endswith(UNFINISHED))


def _cut(path: Path) -> bool:
    with path.open("rb") as file:
        return seems_cut(file, os.fstat(file.fileno()).st_size)
