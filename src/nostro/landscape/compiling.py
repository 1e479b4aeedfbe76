"""A landscape's folder as a bundle's bytes: what decisions may know, without secrets and without names of people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from nostro.connectors.kit.manifest import Connector
from nostro.connectors.registry import CONNECTORS
from nostro.governance.bundle import PEOPLE, Bundle, Connection, Interface
from nostro.governance.calendars import BankCalendar
from nostro.governance.rights import Person, Right, proof_of
from nostro.landscape.calendars import calendar, versions, zone
from nostro.landscape.check import findings_of
from nostro.landscape.reading import Landscape, read_landscape
from nostro.landscape.schema import RightEntry
from nostro.model.entities import HouseBankAccount, LegalEntity
from nostro.model.failures import LandscapeRefused


def bundle_of(folder: Path, published_at: datetime, connectors: Mapping[str, Connector] = CONNECTORS) -> bytes:
    """The bundle's canonical bytes. Calendars reach from 20 years before to 2 years after `published_at`.

    Raises `LandscapeRefused` with everything that `check` finds.
    """
    land = read_landscape(folder)
    findings = findings_of(land, connectors, {})
    if findings:
        sentence = "\n".join(map(str, findings))
        raise LandscapeRefused(sentence, "Nothing was published.")
    return compiled(land, published_at).content


def compiled(land: Landscape, published_at: datetime) -> Bundle:
    """The bundle of a landscape in which `check` finds nothing."""
    day = published_at.date()
    entities = tuple(_entity(land, entity) for entity in land.entities.entities)
    named = {e.calendar for e in entities} | {a.calendar for e in entities for a in e.bank_accounts}
    people = land.people
    return Bundle(
        environment=land.house.environment,
        entities=entities,
        connections=_connections(land),
        interfaces=tuple(
            Interface(id=stem, **told.model_dump(exclude={"expected"})) for stem, told in land.interfaces.items()
        ),
        posting=land.posting,
        limits=land.limits.limits,
        people=tuple(
            Person(id=p.id, proof=proof_of(p.os_user, p.passphrase), roles=p.roles, until=p.until)
            for p in people.people
        ),
        rights=tuple(map(_right, people.rights)),
        calendars=tuple(_calendar(land, name, published_at) for name in sorted(named)),
        zones=tuple(zone(name, day) for name in sorted({entity.zone for entity in entities})),
        versions=versions(),
    )


def _connections(land: Landscape) -> tuple[Connection, ...]:
    told = (Connection(id=stem, **connection.model_dump()) for stem, connection in land.connections.items())
    return (*told, Connection(id=PEOPLE, kind=PEOPLE, mode="act"))


def _entity(land: Landscape, entity: LegalEntity) -> LegalEntity:
    accounts = tuple(_bank_account(land, entity, account) for account in entity.bank_accounts)
    return entity.model_copy(update={"bank_accounts": accounts, "source": None})


def _bank_account(land: Landscape, entity: LegalEntity, account: HouseBankAccount) -> HouseBankAccount:
    """The account's own word on when statements are expected, else its interface's, else the default."""
    if "statement_expected_by" in account.model_fields_set:
        return account
    for interface in land.interfaces.values():
        mine = interface.connection == account.connection and entity.id in (interface.entities or (entity.id,))
        if interface.expected and mine:
            return account.model_copy(update={"statement_expected_by": interface.expected.rsplit(" ", 1)[-1]})
    return account


def _right(entry: RightEntry) -> Right:
    return Right(
        role=entry.role,
        acts=entry.acts,
        entities=entry.entities,
        limits=entry.money,
        unlimited=entry.limits == "unlimited",
    )


def _calendar(land: Landscape, name: str, published_at: datetime) -> BankCalendar:
    entry = land.calendars.calendars.get(name)
    found = calendar(entry.like if entry else name, published_at.date())
    if entry is None:
        return found
    return found.model_copy(update={"id": name, "closed": (found.closed | entry.closed) - entry.open})
