"""`nostro up`, `serve` and `worker`: the house at work, all in one or in parts, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Annotated, Any

import typer

from nostro.landscape.schema import Ports
from nostro.model.failures import OutOfService, Refused
from nostro.runtime.cli import limit_the_end
from nostro.runtime.cli_frame import DONE, INTERRUPTED, Frame, register
from nostro.runtime.house import House, open_house
from nostro.runtime.interrupt import CommandInterrupt, explain_when_late
from nostro.runtime.loops import GRACE_SECONDS, Loops
from nostro.runtime.memory import settle_memory
from nostro.runtime.output import Output
from nostro.runtime.ports import LOOPBACK, is_free, is_here, listening
from nostro.runtime.telemetry import configure_logs
from nostro.runtime.workers import RETURN_SECONDS, Worker, open_worker

ORDERLY_SECONDS = GRACE_SECONDS + RETURN_SECONDS + 1.0
"""Longer than steps may take to end by themselves and what is held to be given back; then all is cut, which loses
nothing: each step commits whole.
"""
CUT_SECONDS = 1.0
AT_THE_DOOR = frozenset({"limits"})
"""The loops that the door itself needs."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)

Work = Callable[[Worker, asyncio.Event, Callable[[], None]], Coroutine[Any, Any, None]]
"""What a process does until the event, and whom it tells that it has begun."""
HealthPort = Annotated[
    int | None, typer.Option("--health-port", min=1, max=65535, help="The loopback port of health and metrics.")
]


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """Where `up` and `serve` listen."""

    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The port of the door.")] = None
    host: Annotated[
        str, typer.Option("--host", help="The address of the door; 0.0.0.0 where no proxy stands before it.")
    ] = LOOPBACK
    health_port: HealthPort = None


@dataclass(frozen=True, slots=True)
class Doors:
    """Where one listens. None: not at all."""

    door: int | None
    health: int | None
    host: str = LOOPBACK

    def demand(self) -> None:
        """Raises before anything is started: `OutOfService` when a port is taken, `Refused` when both are one."""
        if self.door is not None and self.door == self.health:
            raise Refused(f"Door and health can't both have port {self.door}.", "Choose --port or --health-port.")
        for port, host, option in ((self.door, self.host, "--port"), (self.health, LOOPBACK, "--health-port")):
            if port is not None and not is_free(port, host):
                if not is_here(host):
                    sentence = f"{host} is no IPv4 address of this machine: nothing can listen there."
                    raise OutOfService(sentence, "Give --host one that is, or 0.0.0.0 for all of them.")
                raise OutOfService(
                    f"Port {port} at {host} can't be had: something listens there, or it is reserved.",
                    f"End what listens there, or choose another port: {option}, or `ports` in nostro.yaml.",
                )


def add_to(app: typer.Typer) -> None:
    """Registers the commands."""
    register(app, up, "nostro up", "nostro up --port 9470 --health-port 9471")
    register(app, serve, "nostro serve --host 0.0.0.0")
    register(app, worker, "nostro worker", "nostro worker --health-port 8472")


async def up(frame: Frame, where: DoorOptions) -> int:
    """Run everything in one process: the door for webhooks, health, and every loop of a worker."""
    return await _run(frame, _doors(frame, where), _every_loop)


async def serve(frame: Frame, where: DoorOptions) -> int:
    """Run the door for webhooks and health only. What comes in is kept; `nostro worker` reads and decides."""
    return await _run(frame, _doors(frame, where), _loops_of_the_door)


async def worker(frame: Frame, health_port: HealthPort = None) -> int:
    """Run a worker's loops only. Several share the work; what a dead one held moves to the others within 10 seconds."""
    return await _run(frame, Doors(None, health_port), _every_loop)


def _doors(frame: Frame, where: DoorOptions) -> Doors:
    house = frame.house()
    ports = house.ports if house else Ports()
    return Doors(where.port or ports.door, where.health_port or ports.health, where.host)


async def _every_loop(made: Worker, stop: asyncio.Event, begun: Callable[[], None]) -> None:
    await made.run(stop, begun)


async def _loops_of_the_door(made: Worker, stop: asyncio.Event, begun: Callable[[], None]) -> None:
    begun()
    server = made.house.server
    loops = Loops(made.house.clock, stop, server.ensure_running if server else lambda: None)
    await loops.run([loop for loop in made.loops if loop.name in AT_THE_DOOR])


async def _run(frame: Frame, doors: Doors, work: Work) -> int:
    """Works until a signal, and gives back what is held. 0 when it was asked to end (SIGTERM), 130 after Ctrl-C."""
    doors.demand()
    configure_logs("console" if sys.stderr.isatty() else "json")
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(frame.landscape(), frame.state()))
        made = await stack.enter_async_context(open_worker(house))
        if doors.door is not None:
            await stack.enter_async_context(listening(made.door, doors.door, doors.host))
        if doors.health is not None:
            await stack.enter_async_context(listening(made.health, doors.health))
        settle_memory()
        with _signals(frame.interrupt) as (stop, heard):
            begun = partial(_tell, frame.output, house, doors)
            await _until(stop, asyncio.create_task(work(made, stop, begun)))
            frame.output.note("Ending; what is held is given back.")
    return DONE if heard == [signal.SIGTERM] else INTERRUPTED


@contextmanager
def _signals(starting: CommandInterrupt) -> Iterator[tuple[asyncio.Event, list[int]]]:
    """An event that the first signal sets, and which it was. A second signal ends the process at once.

    One that came while it was starting, and was kept by whom it cut, is heard now. The limit of the end, and the second
    signal, need no turn of the loop: something may hold it up.
    """
    loop, stop, heard = asyncio.get_running_loop(), asyncio.Event(), list[int]()

    def end() -> None:
        stop.set()
        explain_when_late(loop)

    def hear(number: int, _: FrameType | None) -> None:
        limit_the_end()
        _deaf()
        heard.append(number)
        loop.call_soon_threadsafe(end)

    for number in SIGNALS:
        signal.signal(number, hear)
    try:
        starting.demand_none()
        yield stop, heard
    finally:
        _deaf()


def _deaf() -> None:
    """The system's own doing is left, also for Ctrl-C: what Python does with that could be lost in the loop's code."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


async def _until(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Until the task ends by itself, or a while after `stop`. Raises what the task raised."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await asyncio.wait((task,), timeout=ORDERLY_SECONDS)
    if not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=CUT_SECONDS)
    if task.done() and not task.cancelled():
        task.result()


def _tell(output: Output, house: House, doors: Doors) -> None:
    door = f"http://{doors.host}:{doors.door}/in/CONNECTION" if doors.door else ""
    health = f"http://{LOOPBACK}:{doors.health}" if doors.health else ""
    told = {"environment": house.deployment.environment, "bundle": house.bundle, "door": door, "health": health}
    lines = [f"Nostro is up in environment {house.deployment.environment}, under bundle {house.bundle[:12]}."]
    lines += [f"Webhooks: POST {door}"] if door else []
    lines += [f"Health: {health}/readyz, metrics: {health}/metrics"] if health else []
    lines += [f"QUARANTINE, nothing leaves: {house.quarantine} See `nostro recover`."] * bool(house.quarantine)
    lines.append("Ctrl-C ends it. What waits for a person: nostro cases.")
    output.show({**told, "quarantine": house.quarantine}, lambda console: console.print("\n".join(lines)))
