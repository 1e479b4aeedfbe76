"""The rules of a bundle, as decisions ask them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cached_property
from typing import Self

from nostro.governance.answers import MODES, Mode, PostingRule, Service
from nostro.governance.bundle import EVERY_ENTITY, LANES, PEOPLE, Bundle, Connection, Lane, digest_of
from nostro.governance.posting import PostingPolicy
from nostro.governance.rights import Asked, Person, Verdict, judge
from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.entities import LegalEntity


class Rules:
    """Satisfies the protocol of the same name in `processes.kit.decision`. Reads no clock, no file, no chance."""

    def __init__(self, bundle: Bundle, digest: str) -> None:
        """Raises `ValueError` when the posting table is no table of ours."""
        self.contents = bundle
        self._digest = digest
        self._posting = PostingPolicy(bundle.posting)
        self._calendars = {calendar.id: calendar for calendar in bundle.calendars}
        self.zones = {zone.id: zone for zone in bundle.zones}
        self._modes: dict[tuple[str, str, str], Mode] = {}
        self._cut_offs: dict[tuple[str, str, time, date, int], CutOff] = {}

    @classmethod
    def from_bundle(cls, content: bytes) -> Self:
        """The rules of a bundle's bytes."""
        return cls(Bundle.from_bytes(content), digest_of(content))

    @property
    def bundle(self) -> str:
        """The bundle's digest (hex)."""
        return self._digest

    @cached_property
    def entities(self) -> Mapping[str, LegalEntity]:
        """The legal entities by id."""
        return {entity.id: entity for entity in self.contents.entities}

    @cached_property
    def connections(self) -> Mapping[str, Connection]:
        """The connections by id."""
        return {connection.id: connection for connection in self.contents.connections}

    @cached_property
    def people(self) -> Mapping[str, Person]:
        """The people by id."""
        return {person.id: person for person in self.contents.people}

    def entity(self, entity: str) -> LegalEntity:
        """The legal entity; raises `KeyError` when the bundle doesn't know it."""
        return self.entities[entity]

    def users_of(self, connection: str) -> tuple[LegalEntity, ...]:
        """The entities that a connection may speak for: those with an account there or a named interface."""
        if connection == PEOPLE:
            return self.contents.entities
        named = {
            entity.id
            for entity in self.contents.entities
            if connection in (entity.odoo_connection, *(a.connection for a in entity.bank_accounts))
            or entity.provider(connection) is not None
        }
        named |= {e for i in self.contents.interfaces if i.connection == connection for e in i.entities}
        return tuple(entity for entity in self.contents.entities if entity.id in named)

    def lanes_of(self, connection: str) -> Mapping[str, Lane]:
        """The lane on which a connection's subjects begin, by entity; of several interfaces the most urgent one's."""
        told = [(i.lane, i) for i in self.contents.interfaces if i.connection == connection and i.lane]
        urgent_last = sorted(told, key=lambda each: LANES.index(each[0]), reverse=True)
        return {
            entity: lane for lane, interface in urgent_last for entity in self.entities if interface.concerns(entity)
        }

    def posting(self, entity: str, method: str, state: str) -> PostingRule:
        """The posting policy's answer. No row means: does not post (deny)."""
        return self._posting.rule(self.entity(entity), method, state)

    def serves(self, entity: str, operation: str) -> Service:
        """Which connection does this for the entity; raises `KeyError` when none does."""
        for interface in self.contents.interfaces:
            if interface.governs(interface.connection, operation, entity):
                return Service(interface.connection, interface.id)
        message = f"nothing does {operation} for {entity}"
        raise KeyError(message)

    def mode(self, connection: str, operation: str, entity: str = "") -> Mode:
        """The lower of the connection's mode and its interfaces'. Unknown: observe. No entity: the lowest of all."""
        asked = (connection, operation, entity)
        if asked not in self._modes:
            self._modes[asked] = self._lowest(*asked)
        return self._modes[asked]

    def _lowest(self, connection: str, operation: str, entity: str) -> Mode:
        modes = [i.mode for i in self.contents.interfaces if i.governs(connection, operation, entity)]
        known = self.connections.get(connection)
        return min((known.mode, *modes), key=MODES.index) if known and modes else "observe"

    def limit(self, name: str, entity: str, otherwise: int) -> int:
        """A whole-number setting: the entity's own, else everybody's, else `otherwise`."""
        told = self.contents.limits.get(name, {})
        return told.get(entity, told.get(EVERY_ENTITY, otherwise))

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        """The rule's cut-off `later` bank business days after `day` (0: that day or the next one).

        Raises `KeyError` for an unknown calendar or zone and `LookupError` outside of what was materialised.
        """
        asked = (rule.calendar, rule.zone, rule.by, day, later)
        if asked not in self._cut_offs:
            on = self._calendars[rule.calendar].business_day(day, later)
            self._cut_offs[asked] = CutOff(rule=rule, day=on, at=self.zones[rule.zone].instant(on, rule.by))
        return self._cut_offs[asked]

    def day(self, entity: str, at: datetime) -> date:
        """The day of an instant in the entity's books: on its own clocks.

        Raises `KeyError` for an unknown entity and `LookupError` outside of what was materialised.
        """
        return self.zones[self.entity(entity).zone].day(at)

    def may(self, asked: Asked, on: date) -> Verdict:
        """Whether somebody may do this on that day."""
        return judge(asked, self.people, self.contents.rights, on)
