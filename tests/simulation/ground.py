"""What all seeds stand on: a landscape of the demo's three companies, compiled once a process, and its database."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from nostro.egress.connections import OpenConnection
from nostro.governance.bundle import PEOPLE as PEOPLE_ID
from nostro.governance.bundle import Bundle
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.landscape.reading import Landscape, read_landscape
from nostro.model.failures import LandscapeRefused
from nostro.runtime.demo.landscape import PEOPLE as WHO
from nostro.runtime.demo.landscape import RIGHTS, Grounds, write_files, write_landscape
from nostro.runtime.house import connections_of
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.stage import START, odoo_settings
from nostro.store.entropy import SeededEntropy
from tests.simulation.circumstances import Circumstances

TOKEN = "path-of-the-simulation"
PEOPLE = {
    "people": [{"id": name, "roles": list(roles), "os_user": name} for name, roles in WHO.items()],
    "rights": [{**right, "entities": ["*"]} for right in RIGHTS],
}
"""Known by his login: a passphrase's hash is another one in each process, and the bundle would be too."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Made by `ground`. `content` is the bundle, the same bytes in every process."""

    land: Landscape
    content: bytes
    connections: Mapping[str, OpenConnection]
    master: bytes
    seal: str

    def connections_for(self, codes: tuple[str, ...], files: Path, rules: Rules) -> dict[str, OpenConnection]:
        """The connections of some of the companies; their banks' folders are below `files`."""
        names = {code.lower() for code in codes}
        chosen = {
            name: one for name, one in self.connections.items() if "-" not in name or name.partition("-")[2] in names
        }
        return {name: _as_told(_with_folder(one, files), rules) for name, one in chosen.items()}


def _as_told(one: OpenConnection, rules: Rules) -> OpenConnection:
    told = rules.connections[one.id]
    return replace(one, slots=told.slots, calls_per_second=told.calls_per_second, lanes=rules.lanes_of(one.id))


def _with_folder(one: OpenConnection, files: Path) -> OpenConnection:
    if not one.connector.manifest.watches_folder:
        return one
    return replace(one, config=one.config.model_copy(update={"folder": str(files / one.id.partition("-")[2])}))


@cache
def ground() -> Ground:
    """Writes the landscape into a folder that lives as long as this call, and compiles it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "landscape"
        grounds = Grounds(folder, Path(place) / "state", 8470, 8471, 8480, TOKEN)
        write_landscape(grounds, OdooBooks(odoo_settings(19), FaultPlan(), START).landscape(), SeededEntropy(0))
        write_files(folder, {"people.yaml": PEOPLE})
        land = read_landscape(folder)
        if land.findings:
            raise LandscapeRefused("\n".join(str(finding) for finding in land.findings))
        compiled = bundle_of(folder, START)
        opened = connections_of(folder, Rules.from_bundle(compiled))
    content = _without_place(compiled, place)
    key = base64.b64encode(hashlib.sha256(b"the simulation's seal").digest()).decode()
    return Ground(land, content, opened, hashlib.sha256(b"the simulation's master").digest(), key)


@lru_cache(maxsize=64)
def rules_under(told: Circumstances) -> Rules:
    """The rules of the landscape as its owner has changed it."""
    before = Bundle.from_bytes(ground().content)
    rate = int(told.rate) if told.rate else None
    connections = [
        one.model_copy(update={"slots": told.slots_now, "calls_per_second": rate}) if one.id != PEOPLE_ID else one
        for one in before.connections
    ]
    interfaces = [
        one.model_copy(update={"mode": told.mode, "lane": (told.lane or None) if one.connection != "odoo" else None})
        for one in before.interfaces
    ]
    limits = {**before.limits, "overpayment_tolerance_minor": {"*": told.tolerance_minor}}
    changed = {"connections": tuple(connections), "interfaces": tuple(interfaces), "limits": limits}
    return Rules.from_bundle(before.model_copy(update=changed).content)


def _without_place(content: bytes, place: str) -> bytes:
    """Folders are told for each seed: the bundle must not hang on where it was compiled."""
    return content.replace(place.encode(), b"/simulated")
