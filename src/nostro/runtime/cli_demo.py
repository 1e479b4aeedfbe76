"""`nostro demo` and `nostro sandbox`: two days of business with faults; and the stand-ins alone."""

from __future__ import annotations

import asyncio
import contextlib
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
from nostro.runtime.cli_frame import DONE, INTERRUPTED, LOG, WRONG, DebugOption, Frame, JsonOption, ending, examples
from nostro.runtime.demo import naive_days, observe
from nostro.runtime.demo.landscape import Grounds
from nostro.runtime.demo.page import Report, as_object, draw
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


SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Another seed is another business and other faults.")]
SizeOption = Annotated[int, typer.Option("--size", min=1, max=50, help="How much ordinary business.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    once: bool
    seed: int
    size: int
    door: int
    sandbox: int


def add_to(app: typer.Typer) -> None:
    """Registers the commands."""
    shown = examples("nostro demo", "nostro demo --once --json")
    app.command("demo", epilog=shown)(demo)
    app.command("sandbox", epilog=examples("nostro sandbox --files inbox"))(sandbox)


def demo(  # noqa: PLR0913 - a command line has as many options as it has
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the books are closed.")] = False,
    seed: SeedOption = 1,
    size: SizeOption = 1,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The door; a taken one is passed over.")] = DOOR,
    sandbox_port: Annotated[int, typer.Option("--sandbox-port", min=1, max=65535, help="The stand-ins.")] = PORT,
    mode: Annotated[
        Mode, typer.Option("--mode", help="observe: against an Odoo of yours; nothing is written.")
    ] = Mode.ACT,
    odoo_url: Annotated[str, typer.Option("--odoo-url", metavar="URL", help="observe: where that Odoo is.")] = "",
    odoo_db: Annotated[str, typer.Option("--odoo-db", metavar="NAME", help="observe: its database.")] = "",
    odoo_key: Annotated[
        str, typer.Option("--odoo-key", metavar="REF", help="observe: an API key, as env:NAME or file:PATH.")
    ] = "",
    odoo_login: Annotated[
        str, typer.Option("--odoo-login", metavar="LOGIN", help="observe: the key's user; Odoo 18 asks for it.")
    ] = "",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Two days of business against the sandbox, with faults: a plain script and Nostro, judged by the others' books.

    Lost and doubled are told in money. Everything is made anew each time, in a place of its own; nothing of yours is
    touched. Without --once it stays up and says where to look.
    """
    frame = Frame(Path(), Output(json=as_json), debug)
    asked = _Asked(once, seed, size, port, sandbox_port)
    if mode is Mode.OBSERVE:
        odoo = observe.YourOdoo(odoo_url, odoo_db, odoo_key, odoo_login)
        code = ending(frame, lambda: _observe(frame.output, asked, odoo))
    else:
        code = ending(frame, lambda: _demo(frame.output, asked))
    raise typer.Exit(code)


async def _demo(output: Output, asked: _Asked) -> int:
    with prepared(asked.door, asked.sandbox) as grounds, _log_into(grounds.state / LOG):
        with _days(output, "A plain script lives through the two days") as told:
            naive = await naive_days.live(grounds.state / "naive", seed=asked.seed, size=asked.size, told=told)
        async with staged(grounds, seed=asked.seed, size=asked.size) as stage:
            with _days(output, "Nostro lives through the same days") as told:
                await stage.drive(told).to(END)
                await stage.close_books(told)
            report = await judged(stage, naive, stays_up=not asked.once)
            output.show(as_object(report), lambda console: draw(report, console))
            if not asked.once:
                _tell_ports(output, asked, grounds)
                await stage.stay_up()
            return WRONG if _wrong(report) else DONE


def _wrong(report: Report) -> bool:
    """Nostro's own promise was not kept: something differs, and no case says so."""
    return bool(report.differences)


def _tell_ports(output: Output, asked: _Asked, grounds: Grounds) -> None:
    for wanted, got, what in ((asked.door, grounds.door, "door"), (asked.sandbox, grounds.sandbox, "sandbox")):
        if wanted != got:
            output.note(f"Port {wanted} was taken; the {what} is at {got}.")
    output.note("It stays up, and time goes on at its own pace. Ctrl-C ends it.")


async def _observe(output: Output, asked: _Asked, odoo: observe.YourOdoo) -> int:
    with prepared(asked.door, asked.sandbox) as grounds, _log_into(grounds.state / LOG):
        with _days(output, "Nostro watches") as told:
            seen = await observe.watch(grounds, odoo, seed=asked.seed, told=told)
        output.show(observe.as_object(seen), lambda console: observe.draw(seen, console))
    return DONE


@contextmanager
def _days(output: Output, what: str) -> Iterator[Callable[[datetime], None]]:
    """A bar over the business minutes of the two days."""
    minutes = int((END - START).total_seconds() // 60)
    with output.progress(what, minutes) as advance:
        done = 0

        def told(now: datetime) -> None:
            nonlocal done
            passed = min(minutes, int((now - START).total_seconds() // 60))
            advance(passed - done)
            done = passed

        yield told


@contextmanager
def _log_into(path: Path) -> Iterator[None]:
    """Faults are the demo's business: what the log says of them goes into a file, not over the page."""
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


def sandbox(
    *,
    files: Annotated[Path, typer.Option("--files", metavar="DIR", help="Where the banks put their files.")] = Path(
        "files"
    ),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the stand-ins listen.")] = PORT,
    seed: SeedOption = 1,
    size: SizeOption = 1,
    days: Annotated[bool, typer.Option("--days", help="The demo's two days; time moves over POST /world/now.")] = False,
    faults: Annotated[bool, typer.Option("--faults/--no-faults", help="Whether things go wrong.")] = True,
    journal: Annotated[Path | None, typer.Option("--journal", metavar="FILE", help="Keep the books there.")] = None,
    hook: Annotated[
        list[str] | None, typer.Option("--webhook", metavar="NAME=URL", help="Where de, ch, us or odoo send events.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """The stand-ins alone: an Odoo, three payment providers and three banks, with books of their own, until Ctrl-C.

    They listen on loopback only, and ask nobody who he is but for the keys of their APIs.
    """
    frame = Frame(Path(), Output(), debug)

    def run() -> object:
        settings = SandboxSettings(
            files, seed, size, port, webhooks=_hooks(hook or []), faults=faults, live=not days, journal=journal
        )
        return _serve(frame.output, settings)

    raise typer.Exit(ending(frame, run))


def _hooks(told: list[str]) -> dict[str, str]:
    found = dict(each.partition("=")[::2] for each in told)
    unknown = sorted(set(found) - {"de", "ch", "us", "odoo"})
    if unknown or not all(url.startswith(("http://", "https://")) for url in found.values()):
        raise Refused("A webhook is named de, ch, us or odoo and goes to a URL.", "Write --webhook de=http://...")
    return found


async def _serve(output: Output, settings: SandboxSettings) -> int:
    try:
        server, _ = build_server(settings)
    except ValueError as wrong:
        raise Refused(str(wrong), "Name another --journal.") from None
    try:
        await server.start()
    except OSError:
        raise OutOfService(f"Port {settings.port} is taken.", "Choose another one with --port.") from None
    try:
        output.note(f"The sandbox is at http://127.0.0.1:{server.port} ({', '.join(server.world.systems)}).")
        output.note(f"Files appear in {settings.files}; books under /books, time under /world/now. Ctrl-C ends it.")
        await asyncio.Event().wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await server.stop()
    return INTERRUPTED
