"""The watchdog: pure code that comes to no end is interrupted where it is, and its own subject alone is stopped.

Nothing that asyncio knows can end a loop in a decision, a reader or an exchange: it never gives its turn back. So every
call into pure code of a process or a connector is one *section*, and a thread of its own looks each moment whether a
section has used more of the processor than anything pure may. Then it raises `Interrupted` in the section's thread; at
the section's edge that becomes `Endless`, an ordinary failure, and whoever called parks what it was about.

What is measured is the thread's own processor time: a machine that sleeps or is busy with others makes nobody late.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, Self, TypeVar

from nostro.connectors.kit.manifest import Absence, Connector, Feed, Operation, Wire
from nostro.connectors.kit.reading import Item, ReceiptView
from nostro.model.calls import Call, Exchange, Reply
from nostro.model.failures import Endless
from nostro.processes.kit.process import Process, Version

TICK_SECONDS = 0.25
LIMIT_SECONDS = 3.0
"""Of processor time, for one call into pure code; a reader may take ten times as long to its next item."""
READER_FACTOR = 10
P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(BaseException):
    """Raised in a section that comes to no end; no `except Exception` in there keeps it."""


@dataclass(slots=True)
class _Section:
    """What a thread is in. `serial` tells one from the next; `seen_at`: its thread's processor time at first sight."""

    thread: int
    limit: float = LIMIT_SECONDS
    serial: int = 0
    open: bool = False
    interrupted: bool = False
    seen: int = -1
    seen_at: float = 0.0


@dataclass(slots=True)
class Watchdog:
    """Use as a context manager around the life of a worker; outside of it nothing is watched."""

    limit_seconds: float = LIMIT_SECONDS
    _sections: dict[int, _Section] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(4 * TICK_SECONDS)

    def call(self, pure: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """What `pure` returns or raises. Raises `Endless` when it comes to no end."""
        return self._within(self.limit_seconds, pure, given, named)

    def next_of(self, items: Iterator[T], end: T | None) -> T | None:
        """A reader's next item, or `end`."""
        found: T | None = self._within(self.limit_seconds * READER_FACTOR, next, (items, end), {})
        return found

    def watched(self, pure: Callable[P, T]) -> Callable[P, T]:
        """The same function, each call of it a section."""
        return lambda *given, **named: self._within(self.limit_seconds, pure, given, named)

    def _within(self, limit: float, pure: Callable[..., T], given: Sequence[Any], named: Mapping[str, Any]) -> T:
        section = self._sections.get(threading.get_ident()) or self._mine()
        if section.open:
            return pure(*given, **named)  # a section within another is part of it
        section.limit, section.serial, section.open = limit, section.serial + 1, True
        try:
            try:
                return pure(*given, **named)
            finally:
                self._close(section)
        except Interrupted:
            self._close(section)
            raise Endless(f"It was interrupted after {limit:g} seconds of work.") from None

    def _mine(self) -> _Section:
        thread = threading.get_ident()
        with self._lock:
            return self._sections.setdefault(thread, _Section(thread))

    def _close(self, section: _Section) -> None:
        with self._lock:
            section.open = False
            if section.interrupted:
                section.interrupted = False
                _raise_in(section.thread, None)  # what has not arrived yet must not arrive elsewhere

    def _look(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            with self._lock:
                for section in self._sections.values():
                    if section.open and self._endless(section):
                        section.interrupted = True
                        _raise_in(section.thread, Interrupted)

    def _endless(self, section: _Section) -> bool:
        spent = _spent_by(section.thread)
        if section.seen != section.serial:
            section.seen, section.seen_at = section.serial, spent
        return spent - section.seen_at > section.limit


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)


def _spent_by(thread: int) -> float:
    """Processor time of a thread that is known to live; elapsed time where the system can't tell."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic()
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def watched_processes(dog: Watchdog, processes: Mapping[str, Process]) -> dict[str, Process]:
    """The same processes, each call into them a section."""
    return {name: _process(dog, process) for name, process in processes.items()}


def _process(dog: Watchdog, process: Process) -> Process:
    def version(of: Version) -> Version:
        return replace(of, evolve=dog.watched(of.evolve), decide=dog.watched(of.decide))

    return replace(
        process,
        versions=tuple(map(version, process.versions)),
        begins=dog.watched(process.begins),
        correlates=dog.watched(process.correlates),
        registers=dog.watched(process.registers),
        orphaned=dog.watched(process.orphaned),
        holds=dog.watched(process.holds),
        moves=dog.watched(process.moves) if process.moves else None,
        worth=dog.watched(process.worth) if process.worth else None,
    )


def watched_connector(dog: Watchdog, connector: Connector) -> Connector:
    """The same connector, each call into what is its own a section: what it says, reads, asks and checks."""

    def read(receipt: ReceiptView) -> Iterator[Item]:
        items = iter(connector.read(receipt))
        while (item := dog.next_of(items, None)) is not None:
            yield item

    declared = connector.manifest
    operations = {name: _operation(dog, operation) for name, operation in declared.operations.items()}
    feeds = {name: _feed(dog, feed) for name, feed in declared.feeds.items()}
    return replace(
        connector,
        read=read,
        manifest=replace(declared, operations=operations, feeds=feeds),
        wire=_wire(dog, connector.wire) if connector.wire else None,
        verify=dog.watched(connector.verify) if connector.verify else None,
        check=_dialogue(dog, connector.check) if connector.check else None,
        identify=_dialogue(dog, connector.identify) if connector.identify else None,
    )


def _wire(dog: Watchdog, wire: Wire) -> Wire:
    return replace(
        wire,
        render=dog.watched(wire.render),
        understand=dog.watched(wire.understand),
        open_session=_dialogue(dog, wire.open_session) if wire.open_session else None,
    )


def _feed(dog: Watchdog, feed: Feed) -> Feed:
    return replace(
        feed,
        fetch=dog.watched(feed.fetch),
        page=dog.watched(feed.page),
        rewound=dog.watched(feed.rewound),
        refused=dog.watched(feed.refused),
    )


def _operation(dog: Watchdog, operation: Operation) -> Operation:
    absence = operation.absence
    return replace(
        operation,
        exchange=_dialogue(dog, operation.exchange),
        absence=absence if isinstance(absence, Absence) else dog.watched(absence),
    )


def _dialogue(dog: Watchdog, begin: Callable[P, Exchange[T]]) -> Callable[P, Exchange[T]]:
    """The same dialogue, each of its turns a section."""

    def exchange(*given: P.args, **named: P.kwargs) -> Exchange[T]:
        dialogue: Any = dog.call(begin, *given, **named)
        reply: Reply | None = None
        while True:
            done, told = dog.call(_turn, dialogue, reply)
            if done:
                ended: T = told
                return ended
            call: Call = told
            reply = yield call

    return exchange


def _turn(dialogue: Any, reply: Reply | None) -> tuple[bool, Any]:  # noqa: ANN401 - a call, or what the dialogue ends with
    try:
        return False, dialogue.send(reply)
    except StopIteration as end:
        return True, end.value
