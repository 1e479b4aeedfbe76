"""What all seeds stand on: a landscape of the demo's three companies, compiled once a process, and its database."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from nostro.egress.connections import OpenConnection
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.landscape.reading import Landscape, read_landscape
from nostro.model.failures import LandscapeRefused
from nostro.runtime.demo.landscape import RIGHTS, Grounds, write_files, write_landscape
from nostro.runtime.house import connections_of
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.stage import START, odoo_settings
from nostro.store.entropy import SeededEntropy

TOKEN = "path-of-the-simulation"
PERSON = "treasurer"
PEOPLE = {
    "people": [{"id": PERSON, "roles": ["treasury"], "os_user": PERSON}],
    "rights": [{**right, "entities": ["*"]} for right in RIGHTS],
}
"""Known by his login: a passphrase's hash is another one in each process, and the bundle would be too."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Made by `ground`. `content` is the bundle, the same bytes in every process."""

    land: Landscape
    content: bytes
    rules: Rules
    connections: Mapping[str, OpenConnection]
    master: bytes
    seal: str

    def connections_for(self, codes: tuple[str, ...], files: Path) -> dict[str, OpenConnection]:
        """The connections of some of the companies; their banks' folders are below `files`."""
        names = {code.lower() for code in codes}
        chosen = {
            name: one for name, one in self.connections.items() if "-" not in name or name.partition("-")[2] in names
        }
        return {name: _with_folder(one, files) for name, one in chosen.items()}


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
    return Ground(
        land, content, Rules.from_bundle(content), opened, hashlib.sha256(b"the simulation's master").digest(), key
    )


def _without_place(content: bytes, place: str) -> bytes:
    """Folders are told for each seed: the bundle must not hang on where it was compiled."""
    return content.replace(place.encode(), b"/simulated")
