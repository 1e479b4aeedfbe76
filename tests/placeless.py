"""What was read, without where it stood: two spellings of one thing are equal then."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

T = TypeVar("T")


def placeless(told: T) -> T:
    """The same, and all that it holds, without its place in a file."""
    if isinstance(told, BaseModel):
        changes = {name: placeless(value) for name, value in told.__dict__.items()}
        return told.model_copy(update=changes | ({"source": None} if "source" in changes else {}))
    if isinstance(told, tuple):
        return tuple(placeless(one) for one in told)  # type: ignore[return-value]  # as T is a tuple then
    return told
