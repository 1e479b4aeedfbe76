"""The sandbox as `nostro sandbox` and the demo start it: which world, with which faults, on which port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nostro.sandbox.scenario import Scenario
from nostro.sandbox.server import PORT, Server
from nostro.sandbox.stage import START, build_world


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """What a person or the demo chooses.

    With `live` the world has no script and its clock follows the machine's; else the two days of the scenario begin,
    and their clock moves only over `/world/now`.
    """

    files: Path
    """Bank files appear below it, one folder a bank."""
    seed: int = 1
    size: int = 1
    port: int = PORT
    odoo_version: int = 19
    webhooks: Mapping[str, str] = field(default_factory=dict)
    """Where events go, by name: `de`, `ch`, `us` for the PSP accounts, `odoo`."""
    faults: bool = True
    live: bool = False
    journal: Path | None = None


def build_server(settings: SandboxSettings) -> tuple[Server, Scenario]:
    """A server that has not started, and the scenario whose script its world follows."""
    scenario = Scenario(settings.seed, settings.size)
    world = build_world(
        seed=settings.seed,
        script=() if settings.live else scenario.script,
        webhooks=settings.webhooks,
        odoo_version=settings.odoo_version,
        faults=settings.faults,
        start=datetime.now(UTC) if settings.live else START,
        journal=settings.journal,
    )
    return Server(world, settings.files, port=settings.port, real_clock=settings.live), scenario
