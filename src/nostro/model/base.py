"""What every value of the vocabulary has in common, and how a confidential field is marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, ParamSpec, Self, TypeVar, cast, dataclass_transform

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo


class Value(BaseModel):  # noqa: PLW1641 - pydantic gives what is frozen its hash
    """A frozen value that refuses fields that it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __eq__(self, other: object) -> bool:
        """The same fields of the same model. Nothing stands beside the fields, so that is all there is to compare."""
        if type(self) is not type(other):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The value with some fields changed, as pydantic does it; of what is frozen a copy shares the rest."""
        if deep:
            return super().model_copy(update=update, deep=True)
        return changed(self, update or {})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Kept:
    """What states are made of: as `Value`, but read directly.

    A model of pydantic's is asked for each attribute in three places, since it might be a private one, which takes
    fifty nanoseconds instead of nine; and a fact that is taken in reads some two hundred of its state.
    """

    model_fields: ClassVar[dict[str, FieldInfo]]

    def __init_subclass__(cls) -> None:
        """Makes the class a frozen dataclass whose fields are validated."""
        dataclass(cls, frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
        cls.model_fields = cls.__pydantic_fields__  # type: ignore[attr-defined]  # the line above gives it

    @classmethod
    def model_validate(cls, told: Mapping[str, object]) -> Self:
        """The value as it is stored; raises `ValidationError`."""
        return cast("Self", cls.__pydantic_validator__.validate_python(told))  # type: ignore[attr-defined]  # as above

    @classmethod
    def model_validate_json(cls, told: bytes) -> Self:
        """The same of JSON."""
        return cast("Self", cls.__pydantic_validator__.validate_json(told))  # type: ignore[attr-defined]  # as above


V = TypeVar("V", bound=Value)
K = TypeVar("K", bound=Value | Kept)
P = ParamSpec("P")
_new = object.__new__
_set_kept = Kept.__dict__["__dict__"].__set__
_set_dict = BaseModel.__dict__["__dict__"].__set__
_set_told = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_extra = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private = BaseModel.__dict__["__pydantic_private__"].__set__


def _made(kind: type[V], fields: Mapping[str, Any], told: set[str]) -> V:
    """A value with these fields, of which none is looked at."""
    made = _new(kind)
    _set_dict(made, fields)
    _set_told(made, told)
    _set_extra(made, None)
    _set_private(made, None)
    return made


def changed(value: K, fields: Mapping[str, Any]) -> K:
    """The value with some fields changed. They are taken as they are given: our own code gives them.

    It is the very same value when each of them is what it was.
    """
    known = value.__dict__
    for name, member in fields.items():
        if known[name] is not member:
            break
    else:
        return value
    if isinstance(value, Value):
        return _made(type(value), {**known, **fields}, value.__pydantic_fields_set__.union(fields))
    made = _new(type(value))
    _set_kept(made, {**known, **fields})
    return made


def maker(kind: type[V]) -> Callable[[Mapping[str, Any]], V]:
    """Makes values of fields that our own code made, for readers that make a hundred thousand of them.

    None of the fields is looked at; those that aren't given have their defaults. Each kind that is made so has a test
    that reads it again.
    """
    fields_of = kind.model_fields.items()
    defaults = {name: None if field.is_required() else field.get_default() for name, field in fields_of}
    names = set(defaults)

    def make(fields: Mapping[str, Any]) -> V:
        # As `_made`, without a call in between: a reader makes a score of values an entry.
        made = _new(kind)
        _set_dict(made, {**defaults, **fields})
        _set_told(made, names)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return make


def whole_maker(kind: type[V]) -> Callable[[dict[str, Any]], V]:
    """As `maker`, for fields that are all given, in the model's order: the mapping becomes the value's own."""
    names = set(kind.model_fields)

    def make(fields: dict[str, Any]) -> V:
        # As `_made`, without a call in between, which would be a third of what it costs.
        made = _new(kind)
        _set_dict(made, fields)
        _set_told(made, names)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return make


def unchecked(kind: Callable[P, V]) -> Callable[P, V]:
    """As `maker`, with the model's own signature, which the type checker holds callers to."""
    make = maker(cast("type[V]", kind))

    def call(*_: P.args, **fields: P.kwargs) -> V:
        return make(fields)

    return call


class Mould(Generic[V]):
    """Values of one model that differ from `of` in a few fields, for what readers make half a million of.

    As `maker`, and a third faster: what entries share is put together once.
    """

    __slots__ = ("_kind", "_known", "_told")

    def __init__(self, of: V, *fields: str) -> None:
        """`fields` are those that `cast` will be given."""
        self._kind, self._known = type(of), of.__dict__
        self._told = of.__pydantic_fields_set__.union(fields)

    def cast(self, fields: Mapping[str, Any]) -> V:
        """A value with these fields."""
        return _made(self._kind, {**self._known, **fields}, self._told)


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


def confidential_fields(of: type[BaseModel | Kept]) -> frozenset[str]:
    """Names of the top-level fields of a model that are marked confidential."""
    return _confidential_fields(of)  # type: ignore[arg-type]  # mypy looks at the hash of its values


@cache
def _confidential_fields(of: type[BaseModel | Kept]) -> frozenset[str]:
    return frozenset(name for name, field in of.model_fields.items() if _is_confidential(field))


def _is_confidential(field: FieldInfo) -> bool:
    return any(isinstance(mark, Confidential) for mark in field.metadata)


def text_of(value: str | Erased | None, otherwise: str = "") -> str:
    """The text, or a stand-in where it is missing or was erased."""
    return value if isinstance(value, str) else otherwise


Json = dict[str, Any]
