"""`nostro upgrade`: how the database stands to this release, and the end of a rolling upgrade."""

from __future__ import annotations

from typing import Annotated

import typer

from nostro.runtime.cli_frame import Frame, register
from nostro.runtime.house import database_url
from nostro.store.migrate import Standing, finish, standing


def add_to(app: typer.Typer) -> None:
    """Registers the command."""
    register(app, upgrade, "nostro upgrade", "nostro upgrade --finish", name="upgrade")


async def upgrade(
    frame: Frame,
    *,
    finishing: Annotated[
        bool, typer.Option("--finish", help="Apply what waited for the last release to be gone; it can't come back.")
    ] = False,
) -> None:
    """Show how the database stands to this release, or finish an upgrade.

    What a new release needs is applied when its first process starts, and the last release works on beside it. What
    only the last release needs goes with --finish, which refuses while a process of an older release is connected.
    """
    with database_url(frame.landscape(), frame.state()) as url:
        applied = await finish(url) if finishing else []
        stands = await standing(url)
    told = {
        "applied": applied,
        "waiting": [{"name": one.name, "phase": one.phase} for one in stands.waiting],
        "older": stands.older,
    }
    frame.output.show(told, lambda console: console.print("\n".join(_lines(applied, stands)), markup=False))


def _lines(applied: list[str], stands: Standing) -> list[str]:
    lines = [f"Applied: {name}." for name in applied]
    lines += [f"Waits, runs {one.phase}: {one.name}." for one in stands.waiting]
    if stands.older:
        lines.append(f"{len(stands.older)} connections of an older release are open.")
    return lines or ["Nothing waits, and no older release is connected."]
