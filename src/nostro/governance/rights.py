"""Who may do what: rights by role, and four eyes. Nothing is allowed that no right allows.

Only persons act. The engine proposes and counts as nobody; an API key may ask on a person's behalf and never approves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from nostro.model.base import Value
from nostro.model.money import Money

ACTS: Mapping[str, str] = {
    "approve": "let a command go that waits for a person",
    "refuse": "discard a command that waits for a person",
    "confirm": "say of a handed-over command whether it was done",
    "match": "say which invoice money belongs to, or what becomes of money that is over",
    "close": "close a case",
    "rerun": "have a receipt read again",
    "publish": "put a landscape in force",
    "recover": "open a recovery after a restore, or close the one that somebody else opened",
    "erase": "destroy what is kept about a person",
}
FOUR_EYES = frozenset({"approve", "confirm", "recover"})
"""What nobody may do about something that he proposed himself."""
MOVES = frozenset({"approve", "confirm", "match"})
"""What moves money: under a limit it takes an amount that is known."""
ALL = "*"
ENGINE = "engine"
"""Who acts where nobody does: it counts as no person."""


class Person(Value):
    """A person who may act. After `until` (inclusive) nothing is allowed any more.

    `proof` tells whether people.yaml still proves him as it did when it was put in force.
    """

    id: str
    proof: str = ""
    roles: tuple[str, ...] = ()
    until: date | None = None


class Right(Value):
    """What a role may do, for which entities (`*`: all), up to which amount per currency.

    Money in a currency without a limit is beyond the right, unless it is `unlimited`.
    """

    role: str
    acts: tuple[str, ...]
    entities: tuple[str, ...]
    limits: tuple[Money, ...] = ()
    unlimited: bool = False

    def covers(self, act: str, entity: str) -> bool:
        """Whether it is about this act for this entity at all."""
        return act in self.acts and (ALL in self.entities or entity in self.entities)

    def bears(self, amount: Money | None, *, moves: bool) -> bool:
        """Whether the amount is within it. `moves`: money moves, so that an unknown amount is beyond any limit."""
        if self.unlimited:
            return True
        if amount is None:
            return not moves
        return any(limit.currency == amount.currency and abs(amount.minor) <= limit.minor for limit in self.limits)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to do. `proposers`: whoever proposed or changed what it is about.

    `moneyless`: it is about a command that moves no money, a note.
    """

    act: str
    entity: str
    actor: str
    on_behalf_of: str = ""
    amount: Money | None = None
    proposers: frozenset[str] = frozenset()
    moneyless: bool = False

    @property
    def moves(self) -> bool:
        """Whether money moves by it."""
        return self.act in MOVES and not self.moneyless


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allowed, and by which right; or refused, with a sentence and what would help."""

    allowed: bool
    right: str
    sentence: str = ""
    remedy: str = ""


def proof_of(os_user: str, passphrase: str | None) -> str:
    """A digest of how a person proves who he is: his login, or the hash of his passphrase."""
    return hashlib.sha256(f"{os_user}\n{passphrase or ''}".encode()).hexdigest()


def judge(asked: Asked, people: Mapping[str, Person], rights: tuple[Right, ...], on: date) -> Verdict:
    """Whether the act is allowed on that day."""
    person = people.get(asked.actor)
    if person is None:
        return _no(f"{asked.actor or 'Nobody'} is no person of this landscape.", "Act as somebody in people.yaml.")
    if person.until is not None and on > person.until:
        return _no(f"The rights of {person.id} ended on {person.until}.", "Ask somebody else.")
    if asked.on_behalf_of and asked.on_behalf_of not in people:
        return _no(f"{asked.on_behalf_of} is no person of this landscape.", "Name a person in people.yaml.")
    if asked.act in FOUR_EYES and asked.proposers & {asked.actor, asked.on_behalf_of}:
        return _no(f"{person.id} proposed or changed this, and cannot {asked.act} it.", "Ask a second person.")
    about = [r for r in rights if r.role in person.roles and r.covers(asked.act, asked.entity)]
    bearing = next((right for right in about if right.bears(asked.amount, moves=asked.moves)), None)
    if bearing is not None:
        return Verdict(allowed=True, right=f"{bearing.role}/{asked.act}")
    if about and asked.amount is None:
        sentence = f"How much this moves is not known, and {person.id} may {asked.act} up to a limit only."
        return _no(sentence, "Ask somebody whose right is unlimited.")
    if about:
        return _no(f"{asked.amount} is beyond the limit of {person.id}.", "Ask somebody with a higher limit.")
    return _no(f"{person.id} has no right to {asked.act} for {asked.entity}.", "Rights are given in people.yaml.")


def _no(sentence: str, remedy: str) -> Verdict:
    return Verdict(allowed=False, right="", sentence=sentence, remedy=remedy)
