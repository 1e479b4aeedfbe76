"""Identities: subjects, shards, idempotency keys and the correlation id that goes outside."""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Self

from nostro.model.unchanging import unchanging

SHARDS = 64
_CORRELATION_BYTES = 10
"""Sixteen base32 characters."""
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648, 6
_PAIRS = [one + other for one in _BASE32 for other in _BASE32]
"""Two characters by their ten bits."""
_REMEMBERED = 65_536


class Subject(NamedTuple):
    """One instance of a process: the thing that a business story is about."""

    process: str
    id: str

    @property
    def shard(self) -> int:
        """The shard that alone decides about this subject."""
        return shard_of(self.id)

    def __str__(self) -> str:
        """`process/id`, as logs and `nostro trace` write it."""
        return f"{self.process}/{self.id}"


@unchanging(frozen=True, slots=True)
class IdempotencyKey:
    """Names one intended effect for ever.

    `occurrence` counts how often the step was decided for the subject; `generation` is raised only after a *proven*
    failure.
    """

    process: str
    subject: str
    step: str
    occurrence: int = 0
    generation: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key again from its text; a step has no slash. Raises `ValueError` for anything else."""
        process, rest = text.split("/", 1)
        subject, step, occurrence, generation = rest.rsplit("/", 3)
        return cls(process, subject, step, int(occurrence), int(generation))

    @property
    def text(self) -> str:
        """`process/subject/step/occurrence/generation`."""
        return f"{self.process}/{self.subject}/{self.step}/{self.occurrence}/{self.generation}"

    @property
    def correlation_id(self) -> str:
        """`NOS` and 16 base32 characters: fits EndToEndId (35), memos and PSP metadata."""
        return correlation_id(self.text)

    @property
    def bytes(self) -> bytes:
        """16 bytes, for keys of tables."""
        return key_bytes(self.text)


def key_bytes(key_text: str) -> bytes:
    """The bytes under which a key is stored."""
    return short_digest(key_text)


def correlation_id(key_text: str) -> str:
    """The id under which a key is known outside."""
    bits = int.from_bytes(sha256(key_text.encode()).digest()[:_CORRELATION_BYTES], "big")
    return "NOS" + "".join([_PAIRS[bits >> place & 1023] for place in (70, 60, 50, 40, 30, 20, 10, 0)])


@lru_cache(_REMEMBERED)  # a subject's shard is asked for wherever it is written
def shard_of(text: str | bytes) -> int:
    """A number from 0 to 63 from the first eight bytes of SHA-256; never `hash()`, which changes with each process."""
    raw = text.encode() if isinstance(text, str) else text
    return int.from_bytes(sha256(raw).digest()[:8], "big") % SHARDS


def case_id(*parts: str) -> str:
    """`C-` and twelve base32 characters: so many that of ten million cases no two are alike.

    Earlier ones had eight, and keep them.
    """
    return "C-" + base64.b32encode(short_digest(*parts)).decode()[:12]


def short_digest(*parts: str | bytes) -> bytes:
    """16 bytes of SHA-256 over length-prefixed parts."""
    told = b""
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        told += len(raw).to_bytes(8, "big") + raw
    return sha256(told).digest()[:16]
