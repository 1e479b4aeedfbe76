"""Canonical bytes: the one form in which bodies are stored, hashed and sealed.

UTF-8, sorted keys, no floats, no nulls, decimals as plain strings, instants in UTC with six digits and `Z`, dates bare.
Every leaf and digest hangs on these rules; changing one needs a new chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

import orjson
from pydantic import BaseModel

from nostro.model.base import Kept
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


@lru_cache(4096)  # a batch tells the same few instants in all its rows
def instant_text(instant: datetime) -> str:
    """An aware instant as `2026-08-31T08:00:00.000000Z`. Raises `ValueError` on a naive one."""
    if instant.tzinfo is None:
        message = "an instant has a zone"
        raise ValueError(message)
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:_UNZONED] + "Z"


_UNZONED = len("2026-08-31T08:00:00.000000")
_SCALARS = frozenset({str, int, bool})
_Form = Callable[[Any], object]
_FORMS: dict[type, _Form] = {}
"""How values of a type become plain, found once a type: finding it anew for each value costs more than all the rest."""


def told_as(value: object) -> object:
    """What `canonical` would write of a value: text, whole numbers, yes and no, and lists and objects of them.

    For who writes a larger object member by member. Raises as `canonical`.
    """
    kind = type(value)
    form = _FORMS.get(kind)
    if form is None:
        form = _FORMS[kind] = _form_of(kind)
    return form(value)


_plain = told_as


def _form_of(kind: type) -> _Form:
    if issubclass(kind, Enum) and all(type(member.value) in _SCALARS for member in kind):
        return attrgetter("_value_")
    if issubclass(kind, BaseModel | Kept):
        return fields_form(kind.model_fields)
    for base, form in _KINDS:
        if issubclass(kind, base):
            return form
    message = f"{kind.__name__} has no canonical form (floats never have one)"
    raise TypeError(message)


def fields_form(names: Iterable[str]) -> Callable[[BaseModel | Kept], dict[str, object]]:
    """Makes an object of some fields of a model, in the order of their names."""
    ordered = sorted(names)

    def form(value: BaseModel | Kept) -> dict[str, object]:
        fields = value.__dict__
        told: dict[str, object] = {}
        for name in ordered:
            member = fields[name]
            kind = type(member)
            if kind is str or kind is int:  # most are: this asks less than whether it is one of several
                told[name] = member
            elif member is not None:
                told[name] = _plain(member)
        return told

    return form


def _mapping(value: Mapping[str, object]) -> dict[str, object]:
    return {
        key if type(key) is str else str(key): member if type(member) is str else _plain(member)
        for key, member in value.items()
        if member is not None
    }


def _itself(value: object) -> object:
    return value


_KINDS: tuple[tuple[type, _Form], ...] = (
    (Enum, lambda value: _plain(value.value)),
    (str, _itself),
    (int, _itself),
    (type(None), _itself),
    (Money, lambda value: {"currency": value.currency, "value": value.text}),
    (Mapping, _mapping),
    (bytes, bytes.hex),
    (Sequence, lambda value: [m if type(m) in _SCALARS else _plain(m) for m in value]),
    (frozenset, lambda value: sorted(str(_plain(member)) for member in value)),
    (Decimal, plain),
    (datetime, instant_text),
    (date, date.isoformat),
)
"""In this order: a `StrEnum` is a `str` too, a `datetime` a `date`, a `bytes` a sequence."""
