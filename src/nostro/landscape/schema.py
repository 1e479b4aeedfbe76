"""What may stand in the files of a landscape. Editors get the same as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from nostro.connectors.kit.manifest import Connector
from nostro.governance.answers import Mode
from nostro.governance.bundle import PEOPLE, Environment, Lane
from nostro.governance.rights import ACTS
from nostro.landscape.secrets import SecretReference, SecretText
from nostro.model.base import Value
from nostro.model.entities import LegalEntity
from nostro.model.money import Currency, Money, PlainDecimal

EXPECTED = r"each business day by ([01]\d|2[0-3]):[0-5]\d"
ARGON2ID = r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"


def _known_act(name: str) -> str:
    if name in ACTS:
        return name
    message = f"has to be one of {', '.join(ACTS)}"
    raise ValueError(message)


def _url_or_reference(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        SecretReference.parse(text)
    return text


Port = Annotated[int, Field(ge=0, le=65535)]
ActName = Annotated[str, AfterValidator(_known_act), Field(json_schema_extra={"enum": list(ACTS)})]


class Ports(Value):
    """Where Nostro listens. `health` is bound to the loopback interface only."""

    door: Port = 8470
    health: Port = 8471
    sandbox: Port = 8480


class AnchorPlace(Value):
    """Where heads of checkpoints are kept outside the database: in a folder, by a command, or by mail."""

    folder: str = ""
    command: tuple[str, ...] = ()
    mail: str = ""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(map(bool, (self.folder, self.command, self.mail))) != 1:
            message = "name exactly one of folder, command and mail"
            raise ValueError(message)
        return self


class HouseFile(Value):
    """nostro.yaml. Without `database` Nostro starts a PostgreSQL of its own; without `state` it chooses the folder."""

    environment: Environment
    database: Annotated[str, AfterValidator(_url_or_reference)] | None = None
    state: str = ""
    master_key: SecretText
    seal_key: SecretText
    anchors: tuple[AnchorPlace, ...] = ()
    ports: Ports = Ports()


class EntitiesFile(Value):
    """entities.yaml: the legal entities."""

    entities: tuple[LegalEntity, ...] = Field(min_length=1)


class ConnectionFile(Value):
    """connections/ID.yaml: an outside system. `settings` are those of its kind.

    `slots`: so many workers may send to it at once, each with an equal part of its rate and concurrency.
    """

    kind: str
    url: str = ""
    mode: Mode = "observe"
    secrets: dict[str, SecretText] = {}
    settings: dict[str, Any] = {}
    slots: int = Field(default=1, ge=1, le=16)
    calls_per_second: int | None = Field(default=None, ge=1, le=10_000)
    concurrency: int | None = Field(default=None, ge=1, le=128)

    @model_validator(mode="after")
    def _divided(self) -> Self:
        if self.concurrency is not None and self.concurrency < self.slots:
            message = "concurrency is divided among the slots: it can't be less than their number"
            raise ValueError(message)
        return self


class InterfaceFile(Value):
    """interfaces/ID.yaml: what a connection is used for. No entity named: for all of them.

    `expected` is when a bank's statements have to be there, in the zone of the entity.
    """

    connection: str
    operations: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    mode: Mode = "observe"
    lane: Lane | None = None
    expected: Annotated[str, Field(pattern=f"^{EXPECTED}$")] | None = None


class PersonEntry(Value):
    """Somebody who may act, known at the terminal by `os_user` (the login) or by a `passphrase` (its argon2id hash)."""

    id: str = Field(pattern=r"^[a-z][a-z0-9._-]*$")
    name: str = ""
    roles: tuple[str, ...]
    until: date | None = None
    os_user: str = ""
    passphrase: Annotated[str, Field(pattern=f"^{ARGON2ID}$")] | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if bool(self.os_user) == bool(self.passphrase):
            message = "name either os_user or passphrase"
            raise ValueError(message)
        return self


class RightEntry(Value):
    """What a role may do, for which entities (`*`: all), up to which amount by currency."""

    role: str
    acts: tuple[ActName, ...] = Field(min_length=1)
    entities: tuple[str, ...] = Field(min_length=1)
    limits: dict[Currency, PlainDecimal] | Literal["unlimited"] = {}

    @model_validator(mode="after")
    def _whole_and_positive(self) -> Self:
        if any(limit.minor < 0 for limit in self.money):
            message = "a limit is no negative amount"
            raise ValueError(message)
        return self

    @property
    def money(self) -> tuple[Money, ...]:
        """The limits as money; raises `ValueError` for one that is finer than its currency."""
        named = {} if self.limits == "unlimited" else self.limits
        return tuple(Money.of(limit, currency) for currency, limit in named.items())


class PeopleFile(Value):
    """people.yaml: who acts, and the rights of their roles."""

    people: tuple[PersonEntry, ...] = ()
    rights: tuple[RightEntry, ...] = ()


class LimitsFile(Value):
    """rules/limits.yaml: whole-number settings by name and entity (`*`: for all that aren't named)."""

    limits: dict[str, dict[str, int]] = {}


class CalendarEntry(Value):
    """A calendar of one's own: `like` another one, except for the days named here."""

    like: str
    closed: frozenset[date] = frozenset()
    open: frozenset[date] = frozenset()


class CalendarsFile(Value):
    """rules/calendars.yaml: regional holidays, and days on which a bank differs from its payment system."""

    calendars: dict[str, CalendarEntry] = {}


FILES: dict[str, type[BaseModel]] = {
    "nostro.yaml": HouseFile,
    "entities.yaml": EntitiesFile,
    "people.yaml": PeopleFile,
    "rules/limits.yaml": LimitsFile,
    "rules/calendars.yaml": CalendarsFile,
}
FOLDERS: dict[str, type[BaseModel]] = {"connections": ConnectionFile, "interfaces": InterfaceFile}
REQUIRED = ("nostro.yaml", "entities.yaml", "people.yaml")
POSTING = "rules/posting.json"


def schemas(connectors: Mapping[str, Connector]) -> dict[str, dict[str, Any]]:
    """JSON Schema by file name; a schema per kind of connection too, so that an editor knows each kind's settings."""
    chosen = {kind: connector.manifest for kind, connector in sorted(connectors.items()) if kind != PEOPLE}
    kinds = {kind: manifest.config for kind, manifest in chosen.items()}
    named = {**{name.rsplit("/", 1)[-1].removesuffix(".yaml"): model for name, model in FILES.items()}, **FOLDERS}
    found = {name: model.model_json_schema() for name, model in {**kinds, **named}.items()}
    for kind, manifest in chosen.items():
        found[kind]["title"] = manifest.title
    found["connections"]["oneOf"] = [
        {"properties": {"kind": {"const": kind, "title": manifest.title}, "settings": {"$ref": f"{kind}.json"}}}
        for kind, manifest in chosen.items()
    ]
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.json": {**dialect, **schema} for name, schema in found.items()}
