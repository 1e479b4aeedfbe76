"""A worker's life in a simulation: where it may die, sleep or lose its connection, and how its calls are carried."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg import OperationalError

from nostro.egress.transport import NoReply, NotSent
from nostro.model.calls import HttpReply, HttpRequest
from nostro.model.clock import Now
from nostro.sandbox.faults import Answer
from nostro.sandbox.wire import WireRequest
from nostro.sandbox.world import World
from tests.simulation.database import OPEN
from tests.simulation.disturbance import Blow

LOOP: ContextVar[str] = ContextVar("LOOP", default="")
"""Which loop of its worker a task belongs to."""
MACHINE = datetime(2026, 1, 1, tzinfo=UTC)
DISPATCH = "dispatch "
"""How the names of a dispatcher's loop and of its drives begin."""
LATE = timedelta(seconds=120)
"""So long an Odoo goes on with a call whose client is gone."""
SLEEP = timedelta(seconds=12)
FOREVER = datetime.max.replace(tzinfo=UTC)


class Killed(BaseException):
    """This worker is gone: whatever it still does, nobody outside of it notices."""


class Sent(NamedTuple):
    """A call that left for the outside, on machine time, and whose loop sent it."""

    seconds: float
    loop: str


@dataclass(slots=True)
class Course:
    """What happens, when: both clocks, the blows that are still to come, and the story so far."""

    world: World
    chance: Random
    blows: list[Blow]
    restless: float
    """How often a task lets others go first, between two database transactions."""
    leap: timedelta = timedelta(0)
    passed: Counter[str] = field(default_factory=Counter)
    struck: list[Blow] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    """What the house said in its log."""
    sent: list[Sent] = field(default_factory=list)
    """Calls of dispatchers."""
    changes: list[float] = field(default_factory=list)
    """When slots changed hands, once for each."""
    tell: Callable[[str], None] = lambda _: None

    def now(self) -> Now:
        """Both clocks run alike; business time has leapt over the hours in which nothing happened."""
        seconds = self._loop.time()
        if seconds != self._seconds or self.leap is not self._leapt:
            ran = timedelta(seconds=seconds)
            self._seconds, self._leapt = seconds, self.leap
            self._now = Now(self.world_began + ran + self.leap, MACHINE + ran)
        return self._now

    world_began: datetime = field(init=False)
    still_until: datetime | None = None
    """Until then nothing happens outside by itself; None: somebody has to look."""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _seconds: float = -1.0
    _leapt: timedelta = timedelta(0)
    _now: Now = field(init=False)

    def __post_init__(self) -> None:
        self.world_began = self.world.now

    @property
    def seconds(self) -> float:
        """Machine time since the beginning."""
        return self._loop.time()

    def follow(self) -> datetime:
        """Let the world outside live up to now, for whoever touches it; returns its time."""
        self.still_until = None
        business = self.now().business
        if business > self.world.now:
            self.world.advance(business)
        return self.world.now

    def is_still(self) -> bool:
        """Whether nothing has happened outside since it was looked at last."""
        return self.still_until is not None and self.now().business < self.still_until

    def looked(self) -> None:
        """Everything that was there to be taken is taken."""
        self.still_until = self.world.next_due() or FOREVER

    def blow(self, point: str) -> str:
        """What happens to whoever passes here now; empty: nothing."""
        self.passed[point] += 1
        for blow in self.blows:
            if blow.point == point and blow.nth == self.passed[point]:
                self.struck.append(blow)
                return blow.kind
        return ""


@dataclass(eq=False, slots=True)
class Life:
    """One worker from its start to its death. It is the gate of its database, and makes its transports."""

    name: str
    course: Course
    dead: bool = False
    sleeps_until: datetime = MACHINE
    tasks: dict[asyncio.Task[object], None] = field(default_factory=dict)

    @property
    def awake(self) -> bool:
        """Whether it can be asked to do anything."""
        return not self.dead and (self.sleeps_until is MACHINE or self.course.now().machine >= self.sleeps_until)

    async def at(self, point: str) -> None:
        """An instant between two steps of this worker."""
        await self.pass_by(f"{LOOP.get().partition(' ')[0]} {point}")

    async def pass_by(self, point: str, *, at_the_socket: bool = False) -> str:
        """What happens here. Whoever has a database transaction open goes on at once, or not at all.

        At the socket nobody rests: what is written after the last look at the clock can't be fenced by anybody.
        """
        if not (at_the_socket or self.awake):
            await self._rest()
        blow = self.course.blow(point)
        match blow:
            case "crash":
                self.die(point)
            case "pause":
                self.sleeps_until = self.course.now().machine + SLEEP * (1 + self.course.chance.random())
                self.course.tell(f"{self.name} stops at '{point}'")
            case "cut" | "uncertain":
                self.course.tell(f"{self.name} loses its connection to PostgreSQL at '{point}'")
                raise OperationalError("the simulation cut the connection")
        if at_the_socket:
            return blow
        if not OPEN.get() and self.course.chance.random() < self.course.restless:
            await asyncio.sleep(self.course.chance.random() * 0.05)
        if not self.awake:
            await self._rest()
        return blow

    async def _rest(self) -> None:
        while not self.dead and not self.awake and not OPEN.get():  # noqa: ASYNC110 - it may be put to sleep anew
            await asyncio.sleep((self.sleeps_until - self.course.now().machine).total_seconds())
        if self.dead:
            raise Killed

    def die(self, point: str) -> NoReturn:
        """It stops where it is: all its tasks are dropped, what they had open in the database is rolled back."""
        self._end(f"is killed at '{point}'")
        raise Killed

    def leave(self) -> None:
        """It is replaced, and is not asked whether it has anything under way."""
        self._end("is replaced")

    def _end(self, how: str) -> None:
        self.dead = True
        self.course.tell(f"{self.name} {how}")
        mine = asyncio.current_task()
        for task in [task for task in self.tasks if task is not mine]:
            task.cancel()


LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)
"""Whose task is running."""


def born(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:  # noqa: ANN401 - as asyncio has it
    """A task factory that notes whose each task is."""
    task = asyncio.Task(coroutine, loop=loop, **more)
    life = LIFE.get()
    if life is not None:
        life.tasks[task] = None
        task.add_done_callback(partial(_gone, life))
    return task


def _gone(life: Life, task: asyncio.Task[Any]) -> None:
    life.tasks.pop(task, None)
    if not task.cancelled():
        task.exception()  # how somebody died is no news


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries one worker's calls into the world, without a socket."""

    life: Life
    path: str

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """As `Transport.send`."""
        course, wire = self.life.course, _wire(request, self.path)
        if LOOP.get().startswith(DISPATCH):
            course.sent.append(Sent(course.seconds, LOOP.get()))
        kinds = _kinds(wire, changes_books=course.world.systems[self.path].changes_books(wire))
        faulty = course.world.faulty[self.path]
        for kind in kinds:
            if await self.life.pass_by(f"send {kind}", at_the_socket=True) == "orphan":
                course.tell(f"{self.path} goes on with {wire.method} {wire.path} for {LATE.total_seconds():.0f} s")
                faulty.later(wire, course.follow() + LATE)
                self.life.die(f"send {kind}")
        now = course.follow()
        outage = faulty.plan.outage_at(wire.path, now)
        if outage is not None and outage.refused:
            course.tell(f"{self.life.name}: {self.path} refuses the connection")
            raise NotSent("refused")
        try:
            outcome = course.world.call(self.path, wire)
        except Exception as error:  # a stand-in that breaks is a flaw, and to the house no reply
            course.flaws.append(f"{self.path} broke over {wire.method} {wire.path}: {error!r}")
            raise NoReply("the stand-in broke") from error
        told = outcome.reply.status if isinstance(outcome, Answer) else "no reply"
        course.tell(f"{self.life.name}: {self.path} {wire.method} {wire.path} -> {told}")
        for kind in kinds:
            await self.life.pass_by(f"sent {kind}")
        if outcome.delay_seconds > timeout_seconds:
            await asyncio.sleep(timeout_seconds)
            raise NoReply("timed out")
        await asyncio.sleep(outcome.delay_seconds)
        if not isinstance(outcome, Answer):
            raise NoReply("cut")
        return HttpReply(outcome.reply.status, outcome.reply.headers, outcome.reply.body)

    @classmethod
    @contextlib.asynccontextmanager
    async def nothing(cls) -> AsyncIterator[NoTransport]:
        """What stands in the place of sockets before a connection is known."""
        yield NoTransport()


class NoTransport:
    """Carries nothing."""

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """Never."""
        raise NotSent(f"{request.url} within {timeout_seconds}")


def _kinds(wire: WireRequest, *, changes_books: bool) -> tuple[str, ...]:
    """What a call is, for whoever aims at such calls. A refund is the one that pays money out."""
    if not changes_books:
        return ("ask",)
    return ("act", "refund") if wire.path == "/v1/refunds" else ("act",)


def _wire(request: HttpRequest, path: str) -> WireRequest:
    """As the sandbox's server would read it from the socket."""
    target = urlsplit(request.url)
    inner = unquote(target.path).removeprefix(f"/{path}")
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = tuple(parse_qsl(target.query, keep_blank_values=True))
    return WireRequest(request.method, inner, query, headers, request.body)
