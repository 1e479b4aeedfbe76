"""Checkpoints: a signature over the heads of all shards and the checkpoint before.

The Ed25519 key (RFC 8032) is a file outside the database. Anchors keep checkpoint numbers and digests outside the
database too, so that cutting off the newest facts, or sealing everything anew, is found.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nostro.model.canonical import canonical, parse
from nostro.model.failures import LandscapeRefused

SEED_BYTES = 32
FIRST = b"\x00" * 32
"""What the first checkpoint names as its predecessor."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """The signing key of checkpoints; its id is the start of its public key's digest."""

    private: Ed25519PrivateKey

    @classmethod
    def from_text(cls, text: str) -> Self:
        """A key from the base64 of its 32-byte seed; raises `LandscapeRefused` for anything else."""
        try:
            seed = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            seed = b""
        if len(seed) != SEED_BYTES:
            message = "The seal key is not the base64 of 32 bytes."
            raise LandscapeRefused(message, "Make one with `openssl rand -base64 32`.")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def id(self) -> str:
        """Sixteen hex digits that name the key."""
        return key_id(self.private.public_key())


def key_id(public: Ed25519PublicKey) -> str:
    """The name of a public key."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a shard stands: its position and its newest leaf."""

    position: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A row of `checkpoint`."""

    number: int
    at: datetime
    heads: bytes
    previous: bytes
    digest: bytes
    signature: bytes
    key_id: str

    def named(self) -> dict[int, str]:
        """The heads by shard, as texts for `head_of`."""
        return {int(shard): str(head) for shard, head in parse(self.heads).items()}

    def flaw(self, public: Ed25519PublicKey) -> str:
        """What is wrong with it in itself; empty when nothing is."""
        if self.digest != _digest(self.number, self.at, self.heads, self.previous):
            return "its digest does not match what it says"
        try:
            public.verify(self.signature, self.digest)
        except InvalidSignature:
            return "its signature is not the seal key's"
        return ""


def sign(key: SealKey, number: int, at: datetime, heads: Mapping[int, Head], previous: bytes) -> Checkpoint:
    """The next checkpoint. `previous` is the digest of the one before, or `FIRST`."""
    told = canonical({f"{shard:03}": f"{head.position}:{head.leaf.hex()}" for shard, head in heads.items()})
    digest = _digest(number, at, told, previous)
    return Checkpoint(number, at, told, previous, digest, key.private.sign(digest), key.id)


def _digest(number: int, at: datetime, heads: bytes, previous: bytes) -> bytes:
    return hashlib.sha256(canonical({"number": number, "at": at, "heads": heads, "previous": previous})).digest()


def head_of(text: str) -> Head:
    """A head as a checkpoint names it."""
    position, leaf = text.split(":")
    return Head(int(position), bytes.fromhex(leaf))
