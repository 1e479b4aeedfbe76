"""The application behind `nostro`: every command that is built, and no other."""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata
from io import TextIOWrapper
from typing import Annotated

import typer

from nostro.runtime.telemetry import configure_logs

HELP = (
    "Finance integration around Odoo: money comes in, is booked once, and can be proved.\n\n"
    "`nostro demo` shows it without anything of yours. For your own, a landscape is a folder: `nostro init` begins "
    "one, `nostro check` says what is wrong in it, `nostro up` runs it. Commands find it by --landscape DIR, by "
    "NOSTRO_LANDSCAPE, or in the folder you are in.\n\n"
    "Exit codes: 0 done, 1 found something wrong or could not run, 2 was given what it can't take, 130 interrupted."
)

PLACES = {
    "nostro.runtime.cli_demo": ("demo", "sandbox"),
    "nostro.runtime.cli_landscape": ("init", "check", "landscape"),
    "nostro.runtime.cli_run": ("up", "serve", "worker"),
    "nostro.runtime.cli_people": ("cases", "approve", "refuse", "confirm", "match", "close", "rerun"),
    "nostro.runtime.cli_formats": ("parse", "validate"),
    "nostro.runtime.cli_convert": ("convert",),
    "nostro.runtime.cli_audit": ("trace", "transit", "erase", "audit"),
    "nostro.runtime.cli_replay": ("replay",),
    "nostro.runtime.cli_recover": ("recover",),
    "nostro.runtime.cli_upgrade": ("upgrade",),
    "nostro.runtime.cli_bench": ("bench",),
}
"""Module -> the commands that it adds, in the order of `--help`. Importing all of them takes a second or two."""


def build(typed: str = "") -> typer.Typer:
    """The application with the command that was typed, or with every command when there is none of that name.

    The version alone needs none of them.
    """
    app = typer.Typer(
        name="nostro",
        help=HELP,
        epilog="Example: nostro init my-landscape  ·  cd my-landscape  ·  nostro check  ·  nostro up",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    wanted = [module for module, commands in PLACES.items() if typed in commands] or PLACES
    for module in () if typed == "--version" else wanted:
        import_module(module).add_to(app)
    return app


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        sys.stdout.write(f"nostro {metadata.version('nostro')}\n")
        raise typer.Exit


def _root(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    assert not version  # its callback has ended the program


def run() -> None:
    """Runs the command that was typed and ends the process."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed by who called us
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the same
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter gets its number
    configure_logs("console" if sys.stderr.isatty() else "json", level="WARNING")
    build(next(iter(sys.argv[1:]), ""))(prog_name="nostro")
