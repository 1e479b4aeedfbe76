"""What every value of the vocabulary has in common, and how a confidential field is marked."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Value(BaseModel):
    """A frozen value that refuses fields that it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Erased(Value):
    """Stands where a confidential value was before its data key was destroyed. Pure code bears it."""

    erased: Literal[True] = True


ERASED = Erased()
Instant = AwareDatetime


class Confidential:
    """Marks a field (`Annotated[..., CONFIDENTIAL]`) that is stored only encrypted.

    Its type must admit `Erased` and None.
    """


CONFIDENTIAL = Confidential()
ConfidentialText = Annotated[str | Erased | None, CONFIDENTIAL]


@cache
def confidential_fields(of: type[BaseModel]) -> frozenset[str]:
    """Names of the top-level fields of a model that are marked confidential."""
    return frozenset(name for name, field in of.model_fields.items() if _is_confidential(field))


def _is_confidential(field: FieldInfo) -> bool:
    return any(isinstance(mark, Confidential) for mark in field.metadata)


def text_of(value: str | Erased | None, otherwise: str = "") -> str:
    """The text, or a stand-in where it is missing or was erased."""
    return value if isinstance(value, str) else otherwise


Json = dict[str, Any]
