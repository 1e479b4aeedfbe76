"""`nostro check`: what is wrong in a landscape, each finding with file, line, sentence and remedy.

Reading finds what each file gets wrong by itself; here files are held against each other, against the connectors and
against the rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from stdnum import iban
from stdnum.exceptions import ValidationError as NotAnIban

from nostro.connectors.kit.manifest import Connector
from nostro.connectors.registry import CONNECTORS
from nostro.governance.bundle import EVERY_ENTITY, PEOPLE
from nostro.governance.limits import LIMITS
from nostro.governance.posting import posting_flaws
from nostro.governance.rights import ENGINE
from nostro.landscape.calendars import RULES, zone_is_known
from nostro.landscape.reading import Landscape, explained, read_landscape
from nostro.landscape.schema import POSTING, ConnectionFile
from nostro.landscape.secrets import SecretReference, environment_flaw, file_flaw, looks_secret
from nostro.landscape.sources import Finding, Place, Source
from nostro.model.entities import HouseBankAccount, LegalEntity
from nostro.model.failures import LandscapeRefused, offered
from nostro.model.intents import INTENTS, Reread

NEEDED = tuple(i.operation for i in INTENTS if "connection" not in i.model_fields and i is not Reread)
"""What some connection has to do for every entity: without it a decision would have nobody to turn to."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9 ]{8,40}")


@dataclass(frozen=True, slots=True)
class Scene:
    """A landscape whose files could all be read, and what it is held against."""

    land: Landscape
    connectors: Mapping[str, Connector]
    variables: Mapping[str, str]

    @property
    def entities(self) -> set[str]:
        """Their ids."""
        return {entity.id for entity in self.land.entities.entities}

    @property
    def or_all(self) -> set[str]:
        """What may stand where an entity, or all of them, may be named."""
        return self.entities | {EVERY_ENTITY}

    def source(self, file: str) -> Source:
        """The file as it was read."""
        return self.land.sources.get(file, Source(file))


def check(
    folder: Path, connectors: Mapping[str, Connector] = CONNECTORS, variables: Mapping[str, str] | None = None
) -> list[Finding]:
    """Everything that is wrong, by file and line. `variables`: the environment, to look at the keys that it holds."""
    return findings_of(read_landscape(folder), connectors, variables or {})


def findings_of(land: Landscape, connectors: Mapping[str, Connector], variables: Mapping[str, str]) -> list[Finding]:
    """As `check`, for a landscape that was read already."""
    found = [*land.findings, *_secrets_in_clear(land)]
    if not land.findings:
        scene = Scene(land, connectors, variables)
        found += [finding for part in _PARTS for finding in part(scene)]
    return sorted(set(found), key=lambda finding: (finding.file, finding.line, finding.sentence))


def _secrets_in_clear(land: Landscape) -> Iterator[Finding]:
    for source in land.sources.values():
        for place, text in source.texts():
            if looks_secret(text):
                remedy = "Name where it is kept (env:NAME or file:PATH), and have it replaced: it was seen."
                yield source.finding(place, "A secret stands here in clear.", remedy)


def _kept_secrets(scene: Scene) -> Iterator[Finding]:
    """References whose file others can read, and keys of the wrong environment, as far as they are at hand."""
    house = scene.land.house
    own = ("master_key", "seal_key", "database")
    asked: list[tuple[str, Place, str | None]] = [("nostro.yaml", (n,), getattr(house, n)) for n in own]
    asked += [
        (f"connections/{stem}.yaml", ("secrets", name), text)
        for stem, connection in scene.land.connections.items()
        for name, text in connection.secrets.items()
    ]
    for file, place, text in asked:
        if text is None or not text.startswith(("env:", "file:")):
            continue
        reference, source = SecretReference.parse(text), scene.source(file)
        path = scene.land.folder / reference.name
        if reference.scheme == "file" and path.exists() and file_flaw(path):
            yield source.finding(place, f"{reference.name} {file_flaw(path)}.", f"chmod 600 {reference.name}")
            continue
        try:
            flaw = environment_flaw(reference.resolve(scene.land.folder, scene.variables), house.environment)
        except LandscapeRefused:
            continue  # not at hand: `nostro up` asks for it again, and says so
        if flaw:
            yield source.finding(place, f"This is {flaw}.", "Use the key that belongs to this environment.")


def _connections(scene: Scene) -> Iterator[Finding]:
    for stem, connection in scene.land.connections.items():
        source = scene.source(f"connections/{stem}.yaml")
        if stem == PEOPLE:
            yield source.finding((), f"{PEOPLE} is the connection of persons' acts.", "Call this one otherwise.")
        connector = scene.connectors.get(connection.kind)
        if connector is None or connection.kind == PEOPLE:
            yield from _known(source, ("kind",), "kind", connection.kind, set(scene.connectors) - {PEOPLE})
            continue
        yield from _settings(source, connection, connector.manifest.config)
        for name in connector.manifest.secrets:
            if name not in connection.secrets:
                yield source.finding(("secrets",), f"The secret {name} is not named.", f"Add {name}: env:NAME.")
        if connector.wire is not None:
            yield from _url(source, connection.url)


def _settings(source: Source, connection: ConnectionFile, model: type[BaseModel]) -> Iterator[Finding]:
    try:
        model.model_validate(connection.settings)
    except ValidationError as error:
        yield from explained(source, error, model, under=("settings",))


def _url(source: Source, url: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        yield source.finding(("url",), "The address is missing or no URL.", "Write url: https://...")
    elif parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        yield source.finding(("url",), "Keys would travel unencrypted.", "Use https, except on this machine.")


def _entities(scene: Scene) -> Iterator[Finding]:
    source, entities = scene.source("entities.yaml"), scene.land.entities.entities
    yield from _twice(source, "entities", [entity.id for entity in entities])
    ids = [account.id for entity in entities for account in entity.bank_accounts]
    numbers = [(account.identification, account.currency) for entity in entities for account in entity.bank_accounts]
    calendars = {*RULES, *scene.land.calendars.calendars}
    for number, entity in enumerate(entities):
        here: Place = ("entities", number)
        for place, name in (
            (here, entity.id),
            *(((*here, "bank_accounts", n), a.id) for n, a in enumerate(entity.bank_accounts)),
        ):
            if not _ID.fullmatch(name):
                yield source.finding((*place, "id"), f"{name!r} is no id.", "Take letters, digits, - and _.")
        if not zone_is_known(entity.zone):
            yield source.finding((*here, "zone"), f"There is no zone {entity.zone}.", "Write it as Europe/Berlin.")
        yield from _known(source, (*here, "calendar"), "calendar", entity.calendar, calendars)
        yield from _used(scene, source, (*here, "odoo_connection"), entity.odoo_connection)
        for n, account in enumerate(entity.bank_accounts):
            place = (*here, "bank_accounts", n)
            yield from _bank_account(source, place, account)
            yield from _known(source, (*place, "calendar"), "calendar", account.calendar, calendars)
            yield from _used(scene, source, (*place, "connection"), account.connection)
            if ids.count(account.id) > 1 or numbers.count((account.identification, account.currency)) > 1:
                yield source.finding(place, f"Bank account {account.id} stands here twice.", "Keep one of the two.")
        for n, provider in enumerate(entity.provider_accounts):
            yield from _used(scene, source, (*here, "provider_accounts", n, "connection"), provider.connection)


def _bank_account(source: Source, place: Place, account: HouseBankAccount) -> Iterator[Finding]:
    told = (*place, "identification")
    if " " in account.identification or account.identification != account.identification.upper():
        yield source.finding(told, "Files write it without spaces, in capitals.", "Write it so too.")
    elif _IBAN.fullmatch(account.identification):
        try:
            iban.validate(account.identification)
        except NotAnIban:
            yield source.finding(told, "This is no IBAN: its check digits are wrong.", "Copy it again.")


def _known(source: Source, place: Place, kind: str, name: str, known: Iterable[str]) -> Iterator[Finding]:
    """Whatever is named has to be there."""
    there = sorted(known)
    if name not in there:
        yield source.finding(place, f"There is no {kind} {name}.", offered(name, there))


def _used(scene: Scene, source: Source, place: Place, connection: str) -> Iterator[Finding]:
    if connection not in scene.land.connections:
        remedy = f"Write connections/{connection}.yaml, or name another one."
        yield source.finding(place, f"There is no connection {connection}.", remedy)


def _own_calendars(scene: Scene) -> Iterator[Finding]:
    source = scene.source("rules/calendars.yaml")
    for name, entry in scene.land.calendars.calendars.items():
        yield from _known(source, ("calendars", name, "like"), "calendar", entry.like, RULES)


def _interfaces(scene: Scene) -> Iterator[Finding]:
    for stem, interface in scene.land.interfaces.items():
        source = scene.source(f"interfaces/{stem}.yaml")
        yield from _used(scene, source, ("connection",), interface.connection)
        connection = scene.land.connections.get(interface.connection)
        connector = scene.connectors.get(connection.kind) if connection else None
        for n, operation in enumerate(interface.operations):
            if connector is not None and operation not in connector.manifest.operations:
                can = ", ".join(sorted(connector.manifest.operations)) or "nothing: it is only read"
                sentence = f"A connection of kind {connector.name} can't {operation}."
                yield source.finding(("operations", n), sentence, f"It can: {can}.")
        for n, entity in enumerate(interface.entities):
            yield from _known(source, ("entities", n), "entity", entity, scene.entities)


def _coverage(scene: Scene) -> Iterator[Finding]:
    """Each entity has exactly one interface for each operation that processes turn to the ERP for."""
    source = scene.source("entities.yaml")
    for number, entity in enumerate(scene.land.entities.entities):
        for operation in NEEDED:
            serving = [
                stem
                for stem, interface in scene.land.interfaces.items()
                if operation in interface.operations and (not interface.entities or entity.id in interface.entities)
            ]
            if not serving:
                remedy = "Name it in an interface of its Odoo; mode: observe writes nothing."
                yield source.finding(("entities", number), f"Nothing does {operation} for {entity.id}.", remedy)
            yield from _service(scene, entity, operation, serving)


def _service(scene: Scene, entity: LegalEntity, operation: str, serving: list[str]) -> Iterator[Finding]:
    for stem in serving:
        source = scene.source(f"interfaces/{stem}.yaml")
        connection = scene.land.interfaces[stem].connection
        if connection != entity.odoo_connection:
            sentence = f"{operation} for {entity.id} goes to {connection}, its Odoo is {entity.odoo_connection}."
            yield source.finding(("connection",), sentence, "Name the entities that this interface is for.")
        elif stem != serving[0]:
            sentence = f"{operation} for {entity.id} is also in interface {serving[0]}."
            yield source.finding(("operations",), sentence, "Leave it in one of the two.")


def _people(scene: Scene) -> Iterator[Finding]:
    source, people = scene.source("people.yaml"), scene.land.people
    yield from _twice(source, "people", [person.id for person in people.people])
    logins = Counter(person.os_user for person in people.people if person.os_user)
    roles = {right.role for right in people.rights}
    for number, person in enumerate(people.people):
        if person.id in (ENGINE, *scene.land.connections):
            yield source.finding(("people", number, "id"), f"{person.id} is no name for a person.", "Take another.")
        if logins[person.os_user] > 1:
            sentence = f"The login {person.os_user} is two people's: four eyes would be two."
            yield source.finding(("people", number, "os_user"), sentence, "Give each a login or passphrase of his own.")
        for n, role in enumerate(person.roles):
            if role not in roles:
                yield source.finding(("people", number, "roles", n), f"No right names the role {role}.", "Add rights.")
    for number, right in enumerate(people.rights):
        for n, entity in enumerate(right.entities):
            yield from _known(source, ("rights", number, "entities", n), "entity", entity, scene.or_all)


def _rules(scene: Scene) -> Iterator[Finding]:
    for flaw in posting_flaws(scene.land.posting):
        yield scene.source(POSTING).finding(flaw.place, flaw.sentence, "See docs/look-up/landscape.md, Posting policy.")
    source = scene.source("rules/limits.yaml")
    for name, by_entity in scene.land.limits.limits.items():
        if name not in LIMITS:
            yield source.finding(("limits", name), f"Nothing asks for a limit {name}.", offered(name, sorted(LIMITS)))
        for entity in by_entity:
            yield from _known(source, ("limits", name, entity), "entity", entity, scene.or_all)


def _twice(source: Source, part: str, ids: list[str]) -> Iterator[Finding]:
    for number, name in enumerate(ids):
        if name in ids[:number]:
            yield source.finding((part, number, "id"), f"{name} stands here twice.", "Keep one of the two.")


_PARTS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
    _kept_secrets,
    _connections,
    _entities,
    _own_calendars,
    _interfaces,
    _coverage,
    _people,
    _rules,
)
