"""What is in force, as one value: landscape, rules, rights, calendars and the versions that they were derived with.

Its canonical bytes are named by their SHA-256 digest; every decision names the bundle that it was made under. It holds
no secret, only where each is kept, and of people nothing but their ids and roles.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, Self, get_args

from nostro.governance.answers import Mode
from nostro.governance.calendars import BankCalendar, Zone
from nostro.governance.rights import Person, Right
from nostro.model.base import Value
from nostro.model.canonical import canonical, parse
from nostro.model.entities import LegalEntity

Environment = Literal["dev", "test", "prod"]
Lane = Literal["critical", "standard", "bulk"]
LANES: tuple[Lane, ...] = get_args(Lane)
"""The most urgent first."""
EVERY_ENTITY = "*"
PEOPLE = "people"
"""The connection from which the acts of persons come. It is always there."""


class Connection(Value):
    """An outside system. `secrets` are references by name (`env:NAME`, `file:PATH`), `settings` its connector's own.

    Its dispatch is leased in `slots`; rate and concurrency, where told, are of all of them together.
    """

    id: str
    kind: str
    url: str = ""
    mode: Mode = "observe"
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    slots: int = 1
    calls_per_second: int | None = None
    concurrency: int | None = None


class Interface(Value):
    """What a connection is used for: which operations, for which entities (none named: for all), in which mode.

    `lane`: where subjects begin that what comes in brings, if not on their process' own lane.
    """

    id: str
    connection: str
    operations: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    mode: Mode = "observe"
    lane: Lane | None = None

    def governs(self, connection: str, operation: str, entity: str) -> bool:
        """Whether this operation runs under it. An empty `entity` means any."""
        mine = self.connection == connection and operation in self.operations
        return mine and (not entity or self.concerns(entity))

    def concerns(self, entity: str) -> bool:
        """Whether it is for this entity."""
        return not self.entities or entity in self.entities


class Bundle(Value):
    """Everything that decisions may know besides state and fact."""

    environment: Environment
    entities: tuple[LegalEntity, ...]
    connections: tuple[Connection, ...]
    interfaces: tuple[Interface, ...]
    posting: str
    limits: dict[str, dict[str, int]] = {}
    people: tuple[Person, ...] = ()
    rights: tuple[Right, ...] = ()
    calendars: tuple[BankCalendar, ...] = ()
    zones: tuple[Zone, ...] = ()
    versions: dict[str, str] = {}

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The bundle again from its bytes."""
        return cls.model_validate(parse(content))

    @property
    def content(self) -> bytes:
        """The canonical bytes."""
        return canonical(self)


def digest_of(content: bytes) -> str:
    """The name of a bundle: SHA-256 of its bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def leaps(before: Bundle | None, after: Bundle) -> list[str]:
    """What a publication may not do at once: in production whatever is new begins in *observe*.

    New is also an operation, or a company, under an interface that was there before.
    """
    if after.environment != "prod":
        return []
    known = {(type(part), part.id) for part in _parts(before)} if before else set()
    new = [part for part in _parts(after) if (type(part), part.id) not in known]
    told = [
        f"{type(part).__name__} {part.id} is new and in {part.mode}: in production it begins in observe."
        for part in new
        if part.mode != "observe" and part.id != PEOPLE
    ]
    uses = _uses(before) if before else set()
    observed = {connection.id for connection in after.connections if connection.mode == "observe"}
    acting = [one for one in after.interfaces if one.mode != "observe" and one.connection not in observed]
    for interface in [one for one in acting if one not in new]:
        for use in sorted(_uses(after, interface) - uses):
            _, operation, entity = use
            told.append(
                f"Interface {interface.id} does {operation} for {entity} from now on, and is in {interface.mode}: in "
                "production that begins in observe, under an interface of its own."
            )
    return told


def _uses(bundle: Bundle, *interfaces: Interface) -> set[tuple[str, str, str]]:
    """What is done over which connection for whom: of these interfaces, or of all."""
    everybody = tuple(entity.id for entity in bundle.entities)
    return {
        (interface.connection, operation, entity)
        for interface in interfaces or bundle.interfaces
        for operation in interface.operations
        for entity in interface.entities or everybody
    }


def _parts(bundle: Bundle) -> tuple[Connection | Interface, ...]:
    return (*bundle.connections, *bundle.interfaces)
