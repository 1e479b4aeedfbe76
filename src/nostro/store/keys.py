"""Encryption at rest: a master key outside the database, data keys wrapped by it, and blind indexes.

AES-256-GCM with 96-bit nonces; the additional data binds a blob to its place, so that it can't be moved to another
row. Subkeys come from the master by HKDF-SHA-256 (RFC 5869). Destroying a data key erases what it protects; seals cover
ciphertext and stay whole.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nostro.model.failures import LandscapeRefused, SealBroken
from nostro.model.ids import shard_of
from nostro.model.references import Reference
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.entropy import Entropy

NONCE_BYTES = 12
KEY_BYTES = 32
SUCCESSORS = 9
"""So many data keys of one name may be changed behind our back: then nothing more is sealed under it."""
SQL = Statements("keys")


@dataclass(frozen=True, slots=True)
class KeyName:
    """Which data key: per entity and retention class, and per person or, where nobody is named, per month."""

    entity: str
    retention: str
    party: bytes | None = None
    period: str = ""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key in the clear, in memory only."""

    id: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Data keys between two times that all were forgotten."""

    by_name: dict[KeyName, DataKey] = field(default_factory=dict)
    by_id: dict[bytes, DataKey] = field(default_factory=dict)


class Keys:
    """Seals, opens and indexes. One a process; remembers some `cache` data keys, and forgets all when there are more.

    Whoever needs keys goes on with those that `ensure` and `load` gave him: any other task may have all forgotten at
    any moment, and a key that is not remembered is not a destroyed one. Who asks after a `forget` is given none that
    was destroyed before it; the process that erases calls it itself, others in `hear`. An erasure that comes later
    changes nothing for who has a key by then: what he opens with it he opens as if he had come sooner, and what he
    seals with it nobody can open, as if he had sealed it sooner. Where that is not enough, `alive` asks the database,
    and no key that it found alive is destroyed before the database transaction ends.
    """

    def __init__(self, masters: dict[int, bytes], entropy: Entropy, *, cache: int = 50_000) -> None:
        """`masters`: master keys of 32 bytes by version; the highest wraps new keys.

        Raises `LandscapeRefused` on a wrong length.
        """
        if not masters or any(len(master) != KEY_BYTES for master in masters.values()):
            message = "The master key is not 32 bytes long."
            raise LandscapeRefused(
                message, "Make one with `openssl rand -base64 32` and keep it safe: its loss is final."
            )
        self.master = max(masters)
        self._entropy = entropy
        self._limit = cache
        self._remembered = _Remembered()
        self._erasures: int | None = None
        self._wrapping = {version: AESGCM(_derive(master, b"wrap")) for version, master in masters.items()}
        self._keyed = hmac.new(_derive(masters[min(masters)], b"blind-index"), digestmod=sha256)
        """HMAC-SHA-256 that has read its key: a copy of it needn't read it again."""

    def index(self, kind: str, indexed: str) -> bytes:
        """The blind index of a normalised value: 16 bytes of HMAC-SHA-256, keyed per kind."""
        return self.fingerprint(f"{kind}\x1f{indexed}".encode())[:16]

    def reference(self, reference: Reference) -> tuple[int, bytes]:
        """Shard and digest of a reference."""
        digest = self.index(reference.kind, reference.indexed)
        return shard_of(digest), digest

    def fingerprint(self, *parts: bytes) -> bytes:
        """A keyed digest of content, so that nobody can guess what was told from what is stored. 32 bytes."""
        keyed = self._keyed.copy()
        keyed.update(b"\x00".join(parts))
        return keyed.digest()

    def fingerprinting(self) -> hmac.HMAC:
        """The same digest for one part that comes in chunks."""
        return self._keyed.copy()

    def seal(self, key: DataKey, plain: bytes, bound_to: bytes) -> bytes:
        """Nonce and ciphertext; opens only with the same `bound_to`."""
        nonce = self._entropy.bytes(NONCE_BYTES)
        return nonce + AESGCM(key.secret).encrypt(nonce, plain, bound_to)

    def open(self, key: DataKey, sealed: bytes, bound_to: bytes) -> bytes:
        """The plain bytes; raises `SealBroken` when they, or their data key, were changed or moved."""
        try:
            return AESGCM(key.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as error:
            message = "What is sealed can't be opened: it or its data key was changed where it is stored."
            raise SealBroken(message) from error

    def fresh(self) -> tuple[DataKey, bytes]:
        """A new data key and its wrapped form (for a receipt's own key)."""
        key = DataKey(self._entropy.bytes(16), self._entropy.bytes(KEY_BYTES))
        return key, self._wrap(key)

    def unwrap(self, wrapped: bytes, key_id: bytes, master: int) -> DataKey:
        """The data key in the clear; `wrapped` was bound to `key_id`. Raises `SealBroken` when it was changed."""
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return DataKey(key_id, self._wrapping[master].decrypt(nonce, sealed, key_id))
        except (InvalidTag, ValueError) as error:
            message = f"Data key {key_id.hex()} was changed where it is stored."
            raise SealBroken(message) from error

    def wrap_for(self, key_id: bytes) -> tuple[DataKey, bytes]:
        """A new data key under a given id, and its wrapped form."""
        key = DataKey(key_id, self._entropy.bytes(KEY_BYTES))
        return key, self._wrap(key)

    async def ensure(self, database: Database, names: Iterable[KeyName], at: datetime) -> dict[KeyName, DataKey]:
        """The data keys with these names, made where they are missing.

        They are committed before anything is sealed with them, in a database transaction of their own: a key in memory
        that a rollback took from the database would make what it sealed unreadable for ever.
        """
        wanted, known = set(names), self._remembered.by_name
        found = {name: key for name in wanted if (key := known.get(name))}
        if len(found) < len(wanted):
            missing = sorted(wanted - found.keys(), key=repr)
            remembered = self._with_room_for(len(missing))
            async with database.transaction() as tx:
                made = {name: await self._make(tx, name, at) for name in missing}
            found |= made
            remembered.by_name.update(made)
            remembered.by_id.update((key.id, key) for key in made.values())
        return found

    async def _make(self, tx: Transaction, name: KeyName, at: datetime) -> DataKey:
        """The living key of that name. Behind one that was changed where it is stored, what is new gets the next one.

        The changed one stays as it is: what it had sealed fails alone, and can be read again once its row is restored.
        """
        for successor in range(SUCCESSORS + 1):
            key, wrapped = self.fresh()
            period = f"{name.period}+{successor}" if successor else name.period
            named = {"entity": name.entity, "retention": name.retention, "party": name.party, "period": period}
            row = await tx.row(SQL.ensure_key, id=key.id, wrapped=wrapped, master=self.master, at=at, **named)
            row = row or await tx.row(SQL.key_by_name, **named)
            assert row is not None
            if (found := self._unwrapped(row)).secret:
                return found
        message = f"{SUCCESSORS + 1} data keys of {name.entity} in a row were changed where they are stored."
        raise SealBroken(message)

    async def load(self, tx: Transaction, ids: Iterable[bytes]) -> dict[bytes, DataKey | None]:
        """Data keys by id; None for one that was destroyed.

        One that was changed where it is stored opens nothing: what needs it fails, and nothing else does. A
        wrong master key is no reason for that: it is noticed before anything is decided (`install`).
        """
        known = self._remembered.by_id
        found = {key_id: known.get(key_id) for key_id in set(ids)}
        missing = [key_id for key_id, key in found.items() if key is None]
        if missing:
            remembered = self._with_room_for(len(missing))
            for row in await tx.rows(SQL.keys_by_id, ids=missing):
                if row.wrapped is not None:
                    found[row.id] = remembered.by_id[row.id] = self._unwrapped(row)
        return found

    async def alive(self, tx: Transaction, ids: Iterable[bytes]) -> bool:
        """Whether none of these was destroyed.

        If one was, all are forgotten, so that the next try seals under a living one.
        """
        wanted = sorted(set(ids))
        if wanted and await tx.rows(SQL.dead_keys, ids=wanted):
            self.forget()
            return False
        return True

    def hear(self, erasures: int) -> None:
        """How many erasures the database has seen. After another one than was heard of, all keys are forgotten."""
        if erasures != self._erasures:
            self._erasures = erasures
            self.forget()

    def forget(self) -> None:
        """Remembers no data key any more; nor those that somebody is being given just now, and may be destroyed."""
        self._remembered = _Remembered()

    def _with_room_for(self, more: int) -> _Remembered:
        """Where so many more are remembered, unless all are forgotten meanwhile."""
        if len(self._remembered.by_id) + more > self._limit:
            self.forget()
        return self._remembered

    def _unwrapped(self, row: Row) -> DataKey:
        try:
            return self.unwrap(row.wrapped, row.id, row.master)
        except SealBroken:
            return DataKey(row.id, b"")

    def _wrap(self, key: DataKey) -> bytes:
        nonce = self._entropy.bytes(NONCE_BYTES)
        return nonce + self._wrapping[self.master].encrypt(nonce, key.secret, key.id)


def master_from_text(text: str) -> bytes:
    """A master key from its base64 text; raises `LandscapeRefused` when it is none."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError as error:
        message = "The master key is not base64."
        raise LandscapeRefused(message, "Make one with `openssl rand -base64 32`.") from error


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"nostro/" + purpose).derive(master)
