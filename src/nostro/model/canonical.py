"""Canonical bytes: the one form in which bodies are stored, hashed and sealed.

UTF-8, sorted keys, no floats, no nulls, decimals as plain strings, instants in UTC with six digits and `Z`, dates
bare. Every
leaf and digest hangs on these rules; changing one needs a new chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

import orjson
from pydantic import BaseModel

from nostro.model.money import Money, plain


def canonical(value: object) -> bytes:
    """Canonical bytes of a JSON-like value or model. Raises `TypeError` on floats and unknown types."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def parse(body: bytes) -> dict[str, object]:
    """The object in canonical bytes."""
    parsed = orjson.loads(body)
    if not isinstance(parsed, dict):
        message = "a canonical body is an object"
        raise TypeError(message)
    return parsed


def digest(value: object) -> bytes:
    """SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical(value)).digest()


def instant_text(instant: datetime) -> str:
    """An aware instant as `2026-08-31T08:00:00.000000Z`. Raises `ValueError` on a naive one."""
    if instant.tzinfo is None:
        message = "an instant has a zone"
        raise ValueError(message)
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Money):
        return {"currency": value.currency, "value": plain(value.value)}
    if isinstance(value, BaseModel):
        return _mapping({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(member) for member in value]
    if isinstance(value, frozenset):
        return sorted(str(_plain(member)) for member in value)
    return _scalar(value)


def _mapping(value: Mapping[str, object]) -> dict[str, object]:
    return {str(key): _plain(member) for key, member in value.items() if member is not None}


def _scalar(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    message = f"{type(value).__name__} has no canonical form (floats never have one)"
    raise TypeError(message)
