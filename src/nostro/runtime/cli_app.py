"""The application behind `nostro`: every command that is built, and no other."""

from __future__ import annotations

import sys
from importlib import metadata
from io import TextIOWrapper
from typing import Annotated

import typer

from nostro.runtime import cli_audit, cli_bench, cli_demo, cli_people, cli_recover, cli_replay, cli_run
from nostro.runtime.cli_connect import Publisher, ask_outside
from nostro.runtime.cli_landscape import Commands as LandscapeCommands
from nostro.runtime.telemetry import configure_logs

HELP = (
    "Finance integration around Odoo: money comes in, is booked once, and can be proved.\n\n"
    "`nostro demo` shows it without anything of yours. For your own, a landscape is a folder: `nostro init` begins "
    "one, `nostro check` says what is wrong in it, `nostro up` runs it. Commands find it by --landscape DIR, by "
    "NOSTRO_LANDSCAPE, or in the folder you are in.\n\n"
    "Exit codes: 0 done, 1 found something wrong or could not run, 2 was given what it can't take, 130 interrupted."
)


def build() -> typer.Typer:
    """The application with every command that is built."""
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
    cli_demo.add_to(app)
    LandscapeCommands(Publisher(), ask_outside).add_to(app)
    cli_run.add_to(app)
    cli_people.add_to(app)
    cli_audit.add_to(app)
    cli_bench.add_to(app)
    cli_recover.add_to(app)
    cli_replay.add_to(app)
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter gets its number
    configure_logs("console" if sys.stderr.isatty() else "json", level="WARNING")
    build()(prog_name="nostro")
