"""One table for two ways: where a model's fields stand in an XML syntax, read tolerantly and written in that order.

A `Shape` lists the parts of one object in its schema's order. `Leaf` is one field in one element, `Group` an object of
its own, `Fixed` a text that is always written, `By` two functions where a syntax is too odd for a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lxml import etree

from nostro.formats.einvoice.paths import Places, Step, found, holds, steps_of
from nostro.formats.reading import Unreadable
from nostro.formats.xml import Element, line_of
from nostro.formats.xml_text import held
from nostro.model.base import Value
from nostro.model.statements import Check, Source

Fields = dict[str, Any]
_FLAWS = 100
_NOT_READ = 100


@dataclass(slots=True)
class Reading:
    """What is met while a document is read: its currency, flaws, and which elements were understood."""

    currency: str = ""
    flaws: list[Check] = field(default_factory=list)
    seen: set[Element] = field(default_factory=set)
    places: Places = field(default_factory=Places)

    def where(self, element: Element) -> str:
        """The element's place."""
        return self.places.where(element)

    def flaw(self, element: Element, why: str) -> None:
        """A field that can't be understood: told, and left out."""
        if len(self.flaws) < _FLAWS:
            detail = f"{self.where(element)}, line {line_of(element)}: {why}"
            self.flaws.append(Check(name="readable", ok=False, detail=detail))

    def take(self, element: Element, form: Form) -> Any:  # noqa: ANN401 - whatever the form makes
        """What an element says in a form; None where it says nothing or can't be understood."""
        self.seen.add(element)
        try:
            return form.read(self, element)
        except Unreadable as unreadable:
            self.flaw(element, str(unreadable))
            return None

    def not_read(self, root: Element) -> Iterator[str]:
        """Places of texts below an element that nothing understood, at most `_NOT_READ`."""
        count = 0
        for element in root.iter(etree.Element):
            if element not in self.seen and len(element) == 0 and element.text and element.text.strip():
                count += 1
                if count > _NOT_READ:
                    return
                yield self.where(element)


@dataclass(frozen=True, slots=True)
class Writing:
    """A syntax's namespaces: `qualified(name, leaf)` gives an element's full name."""

    qualified: Callable[[str, bool], str]
    currency: str = ""

    def branch(self, parent: Element, name: str) -> Element:
        """A new element with children of its own."""
        return etree.SubElement(parent, self.named(name))

    def named(self, name: str) -> str:
        """The full name of an element with children."""
        return self.qualified(name, False)  # noqa: FBT003 - the signature says what it means


class Form(NamedTuple):
    """How a value stands in one element: read (None: nothing there, or raises `Unreadable`) and written."""

    read: Callable[[Reading, Element], Any]
    write: Callable[[Any], tuple[str, Mapping[str, str]]]


class Leaf(NamedTuple):
    """A field in the first of the paths that has something; the first path is the one that is written."""

    field: str
    path: str
    form: Form
    others: tuple[str, ...] = ()
    many: bool = False


class Group(NamedTuple):
    """An object of its own below each element of the path; without one, its parts stand among those around it.

    `fixed`: fields that the place itself says. `shared`: other parts stand in the same element.
    """

    field: str
    path: str
    shape: Shape
    many: bool = False
    fixed: Mapping[str, Any] = {}
    others: tuple[str, ...] = ()
    shared: bool = False


class Fixed(NamedTuple):
    """A text that is written whenever the object is."""

    path: str
    text: str


class By(NamedTuple):
    """Two functions: fields from an element, and an object into an element."""

    read: Callable[[Reading, Element, Fields], None]
    write: Callable[[Writing, Element, Any], None]


Part = Leaf | Group | Fixed | By


@dataclass(frozen=True, slots=True)
class Shape:
    """An object's parts in its schema's order; `located`: it bears its source."""

    make: Callable[..., Value | None]
    parts: tuple[Part, ...]
    located: bool = False


# reading


def read_shape(
    reading: Reading, element: Element, shape: Shape, fixed: Mapping[str, Any] | None = None
) -> Value | None:
    """The object that an element tells, or None when it tells nothing."""
    fields = read_parts(reading, element, shape.parts)
    if not fields:
        return None
    if shape.located:
        fields["source"] = Source(where=reading.where(element), line=line_of(element))
    return shape.make(**fields, **(fixed or {}))


def read_parts(reading: Reading, element: Element, parts: tuple[Part, ...]) -> Fields:
    """The fields that are told."""
    fields: Fields = {}
    for part in parts:
        match part:
            case Leaf():
                _read_leaf(reading, element, part, fields)
            case Group():
                _read_group(reading, element, part, fields)
            case Fixed():
                reading.seen.update(found(element, part.path))
            case By():
                part.read(reading, element, fields)
    return fields


def _read_leaf(reading: Reading, element: Element, leaf: Leaf, fields: Fields) -> None:
    for path in (leaf.path, *leaf.others):
        for place in found(element, path):
            _see_conditions(reading, place, path)
            seen_before = place in reading.seen
            told = reading.take(place, leaf.form)
            if told is None or told == "":
                continue
            if leaf.many:
                fields[leaf.field] = (*fields.get(leaf.field, ()), told)
            elif leaf.field not in fields:
                fields[leaf.field] = told
            elif fields[leaf.field] != told and not seen_before:
                reading.seen.discard(place)


def _read_group(reading: Reading, element: Element, group: Group, fields: Fields) -> None:
    for path in (group.path, *group.others):
        for place in found(element, path):
            if not group.many and group.field in fields:
                continue
            _see_conditions(reading, place, path)
            told = read_shape(reading, place, group.shape, group.fixed)
            if told is not None:
                fields[group.field] = (*fields.get(group.field, ()), told) if group.many else told


def _see_conditions(reading: Reading, place: Element, path: str) -> None:
    """The texts by which an element was chosen are understood too."""
    here: Element | None = place
    for step in reversed(steps_of(path)):
        if here is None:
            return
        for condition in step.conditions:
            if not condition.attribute and not condition.negative:
                reading.seen.update(found(here, condition.path))
        here = here.getparent()


# writing


def write_shape(writing: Writing, element: Element, shape: Shape, told: Any) -> None:  # noqa: ANN401 - any model
    """Write an object's parts into its element, in their order."""
    for part in shape.parts:
        match part:
            case Leaf():
                _write_leaf(writing, element, part, told)
            case Group():
                _write_group(writing, element, part, told)
            case Fixed():
                put(writing, element, part.path, part.text)
            case By():
                part.write(writing, element, told)


def put(writing: Writing, parent: Element, path: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
    """A text at the end of a path, less what XML can't hold; steps on the way that are there already are used."""
    *way, last = steps_of(path)
    holder = _ensured(writing, parent, way)
    made = _made(writing, holder, last, leaf=True)
    made.text = held(text)
    for name, value in (attributes or {}).items():
        if value:
            made.set(name, held(value))
    _after(writing, made, last)
    for step in reversed(way):
        _after(writing, holder, step)
        above = holder.getparent()
        holder = above if above is not None else holder


def _write_leaf(writing: Writing, element: Element, leaf: Leaf, told: Any) -> None:  # noqa: ANN401 - any model
    value = getattr(told, leaf.field)
    for one in value if leaf.many else (value,):
        if one is not None and one != "":
            put(writing, element, leaf.path, *leaf.form.write(one))


def _write_group(writing: Writing, element: Element, group: Group, told: Any) -> None:  # noqa: ANN401 - any model
    value = getattr(told, group.field)
    for one in value if group.many else (value,):
        if one is None or any(getattr(one, name) != fixed for name, fixed in group.fixed.items()):
            continue
        if not group.path:
            write_shape(writing, element, group.shape, one)
            continue
        *way, last = steps_of(group.path)
        holder = _ensured(writing, element, way)
        made = _ensured(writing, holder, [last]) if group.shared else _made(writing, holder, last, leaf=False)
        write_shape(writing, made, group.shape, one)
        if len(made):
            _after(writing, made, last)
        else:
            holder.remove(made)


def _ensured(writing: Writing, parent: Element, way: list[Step]) -> Element:
    for step in way:
        children = list(parent.iterchildren(writing.named(step.name)))
        fitting = [child for child in children if not step.alone and all(holds(child, one) for one in step.conditions)]
        parent = fitting[-1] if fitting else _made(writing, parent, step, leaf=False)
    return parent


def _made(writing: Writing, parent: Element, step: Step, *, leaf: bool) -> Element:
    made = etree.SubElement(parent, writing.qualified(step.name, leaf))
    for condition in step.conditions:
        if condition.attribute and not condition.negative:
            made.set(condition.path, condition.text)
        elif condition.before:
            put(writing, made, condition.path, condition.text)
    return made


def _after(writing: Writing, element: Element, step: Step) -> None:
    for condition in step.conditions:
        if condition.attribute or condition.before or condition.negative or holds(element, condition):
            continue
        put(writing, element, condition.path, condition.text)


def ignored(*paths: str) -> By:
    """What says nothing that a model would keep (a schema's version): known, not reported as unread."""

    def read(reading: Reading, element: Element, _: Fields) -> None:
        for path in paths:
            reading.seen.update(found(element, path))

    return By(read, lambda *_: None)


def only_read(*leaves: Leaf) -> By:
    """Fields that are read here, and not written, or by another part."""
    return By(lambda reading, element, fields: fields.update(read_parts(reading, element, leaves)), lambda *_: None)
