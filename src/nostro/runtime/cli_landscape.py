"""`nostro init`, `nostro check` and `nostro landscape ...`: a landscape begun, checked and put in force."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.text import Text

from nostro.acts.identity import hash_passphrase, login
from nostro.connectors.registry import CONNECTORS
from nostro.engine.activation import Activation
from nostro.governance.bundle import Bundle, digest_of, leaps
from nostro.governance.rights import ALL, Asked
from nostro.governance.rules import Rules
from nostro.landscape.check import check
from nostro.landscape.compiling import bundle_of
from nostro.landscape.schema import schemas
from nostro.landscape.sources import Finding
from nostro.landscape.starting import begin, write_schemas
from nostro.model.facts import schemas as schemas_of_facts
from nostro.model.failures import ActRefused, LandscapeRefused, Refused
from nostro.runtime.at_terminal import ask, person
from nostro.runtime.cli_connect import Publisher, ask_outside
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.house import DATABASE_FOLDER
from nostro.runtime.output import clean
from nostro.runtime.state import state_folder
from nostro.store.entropy import SystemEntropy

PASSPHRASE_CHARACTERS = 12


class House(Protocol):
    """What publishing needs of the house that the landscape is for."""

    async def active(self, frame: Frame) -> bytes | None:
        """The bundle in force, or None before the first one."""

    async def activate(self, frame: Frame, content: bytes, actor: str, reason: str) -> Activation:
        """Stores a bundle and puts it in force."""


def add_to(app: typer.Typer) -> None:
    """Registers the commands."""
    Commands(Publisher(), ask_outside).add_to(app)


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands, with what is injected. `connect`: what is wrong outside, for `check --connect`."""

    house: House
    connect: Callable[[Path], Awaitable[list[Finding]]]

    def add_to(self, app: typer.Typer) -> None:
        """Registers the commands."""
        register(app, init, "nostro init my-landscape")
        register(app, self.check, "nostro check", "nostro check --connect")
        group = typer.Typer(
            no_args_is_help=True,
            help="Put a landscape in force (`nostro init` begins one, `nostro check` judges it).",
        )
        register(group, self.publish, 'nostro landscape publish --reason "DE goes live"')
        register(group, schema, "nostro landscape schema --write", "nostro landscape schema --facts --json")
        register(group, passphrase, "nostro landscape passphrase")
        app.add_typer(group, name="landscape")

    async def check(
        self,
        frame: Frame,
        connect: Annotated[bool, typer.Option("--connect", help="Ask the outside systems too.")] = False,  # noqa: FBT002 - typer's way to declare a flag
    ) -> int:
        """Say what is wrong in the landscape: file, line, and what to do about it."""
        folder = frame.landscape()
        found = check(folder, CONNECTORS, os.environ)
        if connect and not found:
            found = await self.connect(folder)
        frame.output.show({"findings": found}, lambda console: _draw(console, found))
        return WRONG if found else DONE

    async def publish(
        self,
        frame: Frame,
        reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the log.")],
        claimed: Annotated[str, typer.Option("--as", metavar="ID", help="Who you are in people.yaml.")] = "",
    ) -> None:
        """Put the landscape in force, for everything that is decided from now on."""
        folder = frame.landscape()
        content = bundle_of(folder, datetime.now(UTC))
        before = await self.house.active(frame)
        in_force = Rules.from_bundle(before) if before is not None else None
        actor = person(frame, claimed, in_force)
        _allow(in_force or Rules.from_bundle(content), before, content, actor)
        done = await self.house.activate(frame, content, actor, reason)
        told = {"bundle": done.digest, "activation": done.number, "new": done.new, "actor": actor}
        sentence = f"In force: bundle {done.digest[:16]}, activation {done.number}, by {actor}."
        already = f"Bundle {done.digest[:16]} is in force already; nothing changed."
        frame.output.show(told, lambda console: console.print(sentence if done.new else already))


def _allow(rules: Rules, before: bytes | None, content: bytes, actor: str) -> None:
    """Raises unless the rules in force (the first time: the landscape's own) let this person publish this."""
    verdict = rules.may(Asked("publish", ALL, actor), datetime.now(UTC).date())
    if not verdict.allowed:
        raise ActRefused(verdict.sentence, verdict.remedy)
    too_far = leaps(Bundle.from_bytes(before) if before else None, Bundle.from_bytes(content))
    if too_far and (before is None or digest_of(before) != digest_of(content)):
        raise LandscapeRefused("\n".join(too_far), "Publish it in observe, watch what it would do, then raise it.")


def init(
    frame: Frame,
    folder: Annotated[Path | None, typer.Argument(help="Where; by default here.")] = None,
) -> None:
    """Begin a landscape: one company with an Odoo, a payment provider and a bank, all in observe."""
    place = (folder or frame.folder).resolve()
    files = begin(place, login(), SystemEntropy().bytes, schemas(CONNECTORS))
    lines = [f"A landscape stands in {place}. Its files explain themselves; begin with entities.yaml."]
    lines += ["Then: nostro check, and nostro up puts it in force.", "Keep a copy of keys/ elsewhere."]
    state = state_folder(place)
    if (state / DATABASE_FOLDER).is_dir():
        old = f"The database of an earlier landscape at this path is still in {state}, under other keys."
        lines.append(f"{old} Remove that folder, or name another `state` in nostro.yaml.")
    frame.output.show({"folder": place, "files": files}, lambda console: console.print("\n".join(lines)))


def schema(
    frame: Frame,
    write: Annotated[bool, typer.Option("--write", help="Write them into the landscape's .schemas.")] = False,  # noqa: FBT002 - typer's way to declare a flag
    facts: Annotated[bool, typer.Option("--facts", help="Of every fact instead, by type and version.")] = False,  # noqa: FBT002 - typer's way to declare a flag
) -> None:
    """JSON Schemas of the landscape's files, for editors; or of the facts, for who reads the log."""
    if facts and write:
        raise Refused("Schemas of facts don't belong into a landscape.", "Redirect: landscape schema --facts --json.")
    made: dict[str, dict[str, Any]] = schemas_of_facts() if facts else schemas(CONNECTORS)
    if not write:
        frame.output.show(made, lambda console: console.print_json(data=made))
        return
    files = write_schemas(frame.landscape(), made)
    frame.output.show({"files": files}, lambda console: console.print("\n".join(files)))


def passphrase(frame: Frame) -> None:
    """Make the hash of a passphrase, for people.yaml. The passphrase itself is written nowhere."""
    told = ask("Passphrase: ")
    if len(told) < PASSPHRASE_CHARACTERS:
        raise Refused(f"A passphrase has at least {PASSPHRASE_CHARACTERS} characters.", "Take four or five words.")
    if sys.stdin.isatty() and ask("Once more: ") != told:
        raise Refused("The two differ.", "Try again.")
    made = hash_passphrase(told)
    frame.output.show({"passphrase": made}, lambda console: console.print(f"passphrase: {made}", soft_wrap=True))


def _draw(console: Console, findings: list[Finding]) -> None:
    for finding in findings:
        console.print(Text(f"{finding.file}:{finding.line}", style="bold"), clean(finding.sentence))
        if finding.remedy:
            console.print(f"    {clean(finding.remedy)}")
    if not findings:
        console.print("Nothing is wrong.")
    else:
        console.print(f"{len(findings)} found.")
