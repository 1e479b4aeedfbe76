"""The composition root: a landscape's folder becomes a running house, everything wired by hand and in one place."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nostro.connectors.kit.manifest import Manifest
from nostro.connectors.registry import CONNECTORS
from nostro.egress.anchors import Anchors, CommandAnchor, FolderAnchor, MailAnchor
from nostro.egress.connections import Connections, OpenConnection
from nostro.engine.activation import activate, active_bundle
from nostro.engine.fitness import fitting_rules
from nostro.governance.bundle import Bundle, leaps
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.landscape.reading import Landscape, read_landscape
from nostro.landscape.schema import AnchorPlace
from nostro.landscape.secrets import SecretReference, all_of, resolve_all
from nostro.model.clock import Now
from nostro.model.failures import LandscapeRefused, OutOfService
from nostro.processes.kit.process import Process
from nostro.processes.registry import PROCESSES
from nostro.runtime.clock import Clock, world_clock
from nostro.store.address import demand_address
from nostro.store.database import Database
from nostro.store.embedded import EmbeddedServer
from nostro.store.entropy import Entropy, SystemEntropy
from nostro.store.install import Deployment, demand_durable, install
from nostro.store.keys import Keys, master_from_text
from nostro.store.quarantine import guard, present_run, quarantine_if_behind, why_unsure
from nostro.store.sealing import SealKey

POOL = 16
ANSWER_SECONDS = 300.0
"""More than any statement of a loop takes, with what it waits for. One who only looks may sum up years of the log."""
ANCHORS_SECONDS = 30.0
"""So long the anchors' places may take at the start to say what is in them: a mount that is only made then, too."""
DATABASE = "nostro"
NEW_DATABASE_BYTES = 200_000_000
DATABASE_FOLDER = "postgresql"
"""Below the state folder, where Nostro starts a PostgreSQL of its own."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that commands and loops need. `land` is the folder, `rules` are those of the bundle in force."""

    folder: Path
    state: Path
    land: Landscape
    database: Database
    keys: Keys
    entropy: Entropy
    clock: Clock
    deployment: Deployment
    quarantine: str
    anchors: Anchors
    seal_key: SealKey
    rules: Rules
    connections: Connections
    processes: Mapping[str, Process]
    server: EmbeddedServer | None = None

    @property
    def bundle(self) -> str:
        """The digest of the bundle in force (hex)."""
        return self.rules.bundle

    @property
    def scopes(self) -> tuple[str, ...]:
        """Within what references are unique: entities, connections, bank accounts."""
        entities = self.rules.contents.entities
        accounts = (f"{entity.id}/{account.id}" for entity in entities for account in entity.bank_accounts)
        return (*(entity.id for entity in entities), *self.connections, *accounts)

    async def now(self) -> Now:
        """The present instant on both clocks."""
        return await self.clock.now()


@asynccontextmanager
async def open_house(
    folder: Path,
    state: Path,
    *,
    business: Callable[[], datetime] | None = None,
    entropy: Entropy | None = None,
    working: bool = True,
) -> AsyncIterator[House]:
    """Opens a house: its database (started when the landscape names none), keys, rules and connections.

    Not `working`: somebody only looks or acts, and needs no connection's secrets.

    The first time, the landscape in the folder is published; later on what was published last is in force. Raises
    `LandscapeRefused` for a landscape with findings, `ReleaseTooOld` for a bundle that needs what this release lacks,
    `DatabaseUnavailable` without PostgreSQL. Who works: `OutOfService` when PostgreSQL may forget what it confirmed,
    and where the anchors are gone.
    """
    chance = entropy or SystemEntropy()
    land = _landscape(folder)
    own = {"master_key": land.house.master_key, "seal_key": land.house.seal_key}
    own = resolve_all(own, land.folder, land.house.environment)
    keys = Keys({1: master_from_text(own["master_key"])}, chance)
    seal_key = SealKey.from_text(own["seal_key"])
    async with AsyncExitStack() as stack:
        server = None if land.house.database else stack.enter_context(_own_server(state))
        patience = ANSWER_SECONDS if working else None
        opened = Database(_url(land, server), size=POOL, answer_seconds=patience, by_index=working)
        database = await stack.enter_async_context(opened)
        if working:
            await demand_durable(database)
        clock = Clock(database, business or world_clock(land.house.environment))
        now = await clock.now()
        deployment = await install(database, keys, land.house.environment, chance, now.business)
        clock.keys = keys  # what it asks for them is in a database that is installed
        anchors = Anchors([_anchor(folder, place) for place in land.house.anchors])
        newest = await anchors.newest(ANCHORS_SECONDS)
        newest.demand_no_doubt()
        if working:
            await _demand_anchors(database, anchors)
        run = await present_run(database)
        quarantine = await quarantine_if_behind(database, newest.anchor) or deployment.quarantine
        database.guard = guard(anchors.newest, quarantine, run)
        rules = await _rules(database, keys, folder, now)
        yield House(
            folder=folder,
            state=state,
            land=land,
            database=database,
            keys=keys,
            entropy=chance,
            clock=clock,
            deployment=deployment,
            quarantine=quarantine,
            anchors=anchors,
            seal_key=seal_key,
            rules=rules,
            connections=connections_of(folder, rules, secrets=working),
            processes={process.name: process for process in PROCESSES},
            server=server,
        )


@contextmanager
def database_url(folder: Path, state: Path) -> Iterator[str]:
    """Where a landscape's database is, running and otherwise left as it is. Raises as `open_house`."""
    land = _landscape(folder)
    with nullcontext() if land.house.database else _own_server(state) as server:
        yield _url(land, server)


def _landscape(folder: Path) -> Landscape:
    land = read_landscape(folder)
    if land.findings:
        sentence = "\n".join(str(finding) for finding in land.findings)
        raise LandscapeRefused(sentence, "`nostro check` shows everything that it finds.")
    return land


def _own_server(state: Path) -> EmbeddedServer:
    """Raises `OutOfService` where a new database would fill the disk before it stands."""
    free = shutil.disk_usage(state).free
    if free < NEW_DATABASE_BYTES and not (state / DATABASE_FOLDER).exists():
        raise OutOfService(
            f"{free // 1_000_000} MB are free at {state}; a new database needs {NEW_DATABASE_BYTES // 1_000_000}.",
            "Make room there, or name another place with `state` in nostro.yaml or XDG_DATA_HOME. Nothing was begun.",
        )
    return EmbeddedServer(state / DATABASE_FOLDER)


def _url(land: Landscape, server: EmbeddedServer | None) -> str:
    if server is not None:
        return server.url(DATABASE)
    told = land.house.database or ""
    told = SecretReference.parse(told).resolve(land.folder) if told.startswith(("env:", "file:")) else told
    demand_address(told)
    return told


def _anchor(folder: Path, place: AnchorPlace) -> FolderAnchor | CommandAnchor | MailAnchor:
    if place.folder:
        return FolderAnchor(folder / place.folder)
    return CommandAnchor(place.command) if place.command else MailAnchor(place.mail)


async def _demand_anchors(database: Database, anchors: Anchors) -> None:
    """Makes the anchors' files before anything is anchored. Raises `OutOfService` when they are gone later on.

    Not a quarantine, which only a recovery ends: their machine may merely be away for a moment.
    """
    missing = anchors.missing()
    why = await why_unsure(database, missing)
    if why:
        sentence = f"{why} Whether the database was restored can't be said."
        raise OutOfService(sentence, "Bring the anchors' place back. Nothing was begun.", runbook="anchors-gone")
    for place in anchors.folders:
        if place.file in missing:
            try:
                place.begin()
            except OSError as error:
                sentence = f"The anchor's file {place.file} can't be made ({error.strerror})."
                raise OutOfService(sentence, "Nothing was begun.", runbook="anchor-failed") from error


async def _rules(database: Database, keys: Keys, folder: Path, now: Now) -> Rules:
    content = await active_bundle(database)
    if content is None:
        content = bundle_of(folder, now.business)
        steps = leaps(None, Bundle.from_bytes(content))
        if steps:
            raise LandscapeRefused("\n".join(steps), "Set them to observe; they are raised once they are in force.")
        await activate(database, keys, content, "engine", "the landscape was published at its first start", now)
    return fitting_rules(content)


def connections_of(folder: Path, rules: Rules, *, secrets: bool = True) -> dict[str, OpenConnection]:
    """The connections of a bundle with their secrets. Raises `LandscapeRefused` for all secrets that aren't there."""
    secrets_of = _secrets(folder, rules) if secrets else {}
    opened = {}
    for connection in rules.contents.connections:
        connector = CONNECTORS[connection.kind]
        opened[connection.id] = OpenConnection(
            id=connection.id,
            connector=connector,
            config=_config(folder, connector.manifest, connection.settings),
            url=connection.url,
            secrets=secrets_of.get(connection.id, {}),
            entities=rules.users_of(connection.id),
            zones=rules.zones,
            lanes=rules.lanes_of(connection.id),
            slots=connection.slots,
            calls_per_second=connection.calls_per_second,
            concurrency=connection.concurrency,
        )
    return opened


def _config(folder: Path, manifest: Manifest, settings: Mapping[str, Any]) -> Any:  # noqa: ANN401 - each connector's own
    """As the connector declares it. What it watches is relative to the landscape, wherever the worker was started."""
    config: Any = manifest.config.model_validate(settings)
    if not manifest.watches_folder:
        return config
    return config.model_copy(update={"folder": str(folder.absolute() / config.folder)})


def _secrets(folder: Path, rules: Rules) -> dict[str, dict[str, str]]:
    """By connection."""
    found: dict[str, dict[str, str]] = {}
    flaws: list[LandscapeRefused] = []
    for connection in rules.contents.connections:
        try:
            found[connection.id] = resolve_all(connection.secrets, folder, rules.contents.environment)
        except LandscapeRefused as flaw:
            flaws.append(flaw)
    if flaws:
        raise all_of(flaws)
    return found
