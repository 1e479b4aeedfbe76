"""`nostro demo` and `nostro sandbox`: two days of business with faults; and the stand-ins alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nostro.model.failures import OutOfService, Refused
from nostro.runtime.cli_frame import DONE, LOG, WRONG, Frame, register
from nostro.runtime.demo import naive_days, observe
from nostro.runtime.demo.landscape import Grounds
from nostro.runtime.demo.page import as_object, draw
from nostro.runtime.demo.place import prepared
from nostro.runtime.demo.play import judged, staged
from nostro.runtime.output import Output
from nostro.sandbox.run import SandboxSettings, build_server
from nostro.sandbox.server import PORT
from nostro.sandbox.stage import END, START

DOOR = 8470


class Mode(StrEnum):
    """How far the demo goes."""

    ACT = "act"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chooses of the demo."""

    once: Annotated[bool, typer.Option("--once", help="End when the books are closed.")] = False
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed: other amounts, other faults.")] = 1
    size: Annotated[int, typer.Option("--size", min=1, max=50, help="How much ordinary business.")] = 1
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The door's port, or the next free one.")] = DOOR
    sandbox_port: Annotated[
        int, typer.Option("--sandbox-port", min=1, max=65535, help="The stand-ins' port, or the next free one.")
    ] = PORT
    mode: Annotated[Mode, typer.Option("--mode", help="observe: read an Odoo of yours, write nothing.")] = Mode.ACT


@dataclass(frozen=True, slots=True)
class Bench:
    """What a person chooses of the sandbox."""

    files: Annotated[Path, typer.Option("--files", metavar="DIR", help="Where the banks put their files.")] = Path(
        "files"
    )
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the stand-ins listen.")] = PORT
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed: other amounts, other faults.")] = 1
    size: Annotated[int, typer.Option("--size", min=1, max=50, help="With --days: how much ordinary business.")] = 1
    days: Annotated[bool, typer.Option("--days", help="The demo's days; time moves over POST /world/now.")] = False
    faults: Annotated[bool, typer.Option("--faults/--no-faults", help="Whether things go wrong.")] = True
    journal: Annotated[str, typer.Option("--journal", metavar="FILE", help="Keep the books in this file.")] = ""
    webhooks: Annotated[
        str, typer.Option("--webhooks", metavar="NAME=URL,...", help="Where de, ch, us and odoo send their events.")
    ] = ""

    @property
    def settings(self) -> SandboxSettings:
        """As the sandbox takes them. Raises `Refused` for webhooks of somebody unknown."""
        hooks = dict(each.split("=", 1) for each in self.webhooks.split(",") if "=" in each)
        if set(hooks) - {"de", "ch", "us", "odoo"} or len(hooks) != self.webhooks.count("="):
            raise Refused("Events are sent by de, ch, us and odoo.", "Write --webhooks de=http://...,ch=http://...")
        return SandboxSettings(
            files=Path(self.files),
            seed=self.seed,
            size=self.size,
            port=self.port,
            webhooks=hooks,
            faults=self.faults,
            live=not self.days,
            journal=Path(self.journal) if self.journal else None,
        )


def add_to(app: typer.Typer) -> None:
    """Registers the commands."""
    register(app, demo, "nostro demo", "nostro demo --once --json")
    register(app, sandbox, "nostro sandbox --files inbox")


async def demo(frame: Frame, choices: Choices, odoo: observe.YourOdoo) -> int:
    """Two days of business against the sandbox, with faults: a plain script, then Nostro, judged by the others' books.

    Everything is made anew, landscape included (--landscape is not used), in a place of its own. Without --once it
    stays up and says where to look.
    """
    with prepared(choices.port, choices.sandbox_port) as grounds, _log_into(grounds.state / LOG):
        if choices.mode is Mode.OBSERVE:
            return await _observe(frame.output, grounds, choices, odoo)
        return await _live(frame.output, grounds, choices)


async def _live(output: Output, grounds: Grounds, choices: Choices) -> int:
    with _share(output, "A plain script lives through the two days") as told:
        own = grounds.state / "naive"
        naive = await naive_days.live(own, seed=choices.seed, size=choices.size, told=lambda now: told(_passed(now)))
    async with staged(grounds, seed=choices.seed, size=choices.size) as stage:
        with _share(output, "Nostro lives through the same days") as told:
            await stage.live(lambda now: told(_passed(now)))
        report = await judged(stage, naive, stays_up=not choices.once)
        output.show(as_object(report), lambda console: draw(report, console))
        if not choices.once:
            _tell_ports(output, grounds, choices)
            await stage.running.stay_up()
    return WRONG if report.differences else DONE


def _tell_ports(output: Output, grounds: Grounds, choices: Choices) -> None:
    places = (("door", choices.port, grounds.door), ("sandbox", choices.sandbox_port, grounds.sandbox))
    for what, wanted, got in places:
        if wanted != got:
            output.note(f"Port {wanted} was taken: the {what} is at {got}.")
    output.note("It stays up, and time goes on at its own pace. Ctrl-C ends it.")


async def _observe(output: Output, grounds: Grounds, choices: Choices, odoo: observe.YourOdoo) -> int:
    with _share(output, "Nostro watches") as told:
        seen = await observe.watch(grounds, odoo, seed=choices.seed, told=told)
    output.show(observe.as_object(seen), lambda console: observe.draw(seen, console))
    return DONE


@contextmanager
def _share(output: Output, what: str) -> Iterator[Callable[[float], None]]:
    """A bar over the share that is done, 0 to 1."""
    with output.progress(what, 100) as advance:
        shown = 0

        def told(share: float) -> None:
            nonlocal shown
            advance(int(100 * share) - shown)
            shown = int(100 * share)

        yield told


def _passed(now: datetime) -> float:
    """The share of the two days that is over."""
    return min(1.0, (now - START) / (END - START))


@contextmanager
def _log_into(path: Path) -> Iterator[None]:
    """What the log says of faults goes into a file: here they are the business, and must not run over the page."""
    root = logging.getLogger()
    before = list(root.handlers)
    with path.open("a", encoding="utf-8") as file:
        path.chmod(0o600)
        into = logging.StreamHandler(file)
        into.setFormatter(before[0].formatter if before else None)
        root.handlers[:] = [into]
        try:
            yield
        finally:
            root.handlers[:] = before


async def sandbox(frame: Frame, bench: Bench) -> None:
    """The stand-ins alone, until Ctrl-C: an Odoo, three payment providers and three banks, with books of their own.

    They listen on loopback only. Without --days nothing happens by itself and their clock is the machine's: let things
    happen over POST /world/acts.
    """
    settings = bench.settings
    try:
        server, _ = build_server(settings)
    except ValueError as wrong:
        raise Refused(str(wrong), "Name another --journal.") from None
    try:
        await server.start()
    except OSError:
        raise OutOfService(f"Port {settings.port} is taken.", "Choose another one with --port.") from None
    try:
        frame.output.note(f"The sandbox is at http://127.0.0.1:{server.port}: {', '.join(server.world.systems)}.")
        frame.output.note(f"Files appear in {settings.files}. Books: /books, time: /world/now. Ctrl-C ends it.")
        await asyncio.Event().wait()
    finally:
        await server.stop()
