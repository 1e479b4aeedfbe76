"""A file of the landscape as plain values, with the line on which each of them stands.

YAML 1.2, safe: no tags, no objects; a number with a point stays an exact decimal, a date stays text. JSON is read the
same way, since every JSON document is YAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

NODES = 100_000
"""More than this is no landscape: aliases of aliases can blow up a small file."""
_TAG = "tag:yaml.org,2002:"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong in the landscape: where, what, and what to do about it. Lines count from 1."""

    file: str
    line: int
    sentence: str
    remedy: str = ""

    def __str__(self) -> str:
        """`file:line: sentence remedy`."""
        return f"{self.file}:{self.line}: {self.sentence} {self.remedy}".rstrip()


class Unreadable(Exception):
    """A file that is no YAML; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(slots=True)
class Source:
    """A file's name within the landscape, its value, and the lines of its parts."""

    file: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=lambda: {(): 1})

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a part. Steps that aren't in the file (of a pydantic union, say) are passed over."""
        here: Place = ()
        for step in place:
            if (*here, step) in self.lines:
                here = (*here, step)
        return self.lines[here]

    def finding(self, place: Sequence[str | int], sentence: str, remedy: str = "") -> Finding:
        """A finding about a part of this file."""
        return Finding(self.file, self.line(place), sentence, remedy)

    def texts(self) -> Iterator[tuple[Place, str]]:
        """Every text in it, with its place."""
        yield from _texts((), self.value)


def read_source(file: str, text: str) -> Source:
    """The file's values. Raises `Unreadable` with the line at which reading ended."""
    source = Source(file)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = f"This is no YAML: {error.problem}."
        raise Unreadable(Finding(file, line, why, "Mend the text; indentation is by spaces.")) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(Finding(file, 1, f"This can't be read ({type(error).__name__}).", "Mend the text.")) from None
    source.value = {} if node is None else _value(source, (), node)
    return source


def _value(source: Source, here: Place, node: Node) -> Any:  # noqa: ANN401 - whatever stands there
    line = node.start_mark.line + 1
    if len(source.lines) > NODES:
        raise Unreadable(Finding(source.file, line, f"The file holds more than {NODES} values.", "Split it."))
    source.lines.setdefault(here, line)
    if isinstance(node, MappingNode):
        return _mapping(source, here, node)
    if isinstance(node, SequenceNode):
        return [_value(source, (*here, number), part) for number, part in enumerate(node.value)]
    return _scalar(source.file, line, node)


def _mapping(source: Source, here: Place, node: MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, part in node.value:
        line = key.start_mark.line + 1
        name = key.value if isinstance(key, ScalarNode) else None
        if name is None or key.tag == f"{_TAG}merge":
            raise Unreadable(Finding(source.file, line, "A name has to be plain text.", "Merge keys are not taken."))
        if name in found:
            raise Unreadable(Finding(source.file, line, f"{name} stands here twice.", "Keep one of the two."))
        source.lines[*here, name] = line
        found[name] = _value(source, (*here, name), part)
    return found


def _scalar(file: str, line: int, node: Node) -> Any:  # noqa: ANN401 - text, number, yes and no, or nothing
    kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text.replace("_", ""), 0 if text.lower().lstrip("+-")[:2] in ("0x", "0o") else 10)
            case "float":
                return Decimal(text.replace("_", ""))
            case "str" | "timestamp":
                return text
    except (ValueError, ArithmeticError):
        return text
    raise Unreadable(Finding(file, line, f"The tag {node.tag} is not taken.", "Write plain values."))


def _texts(here: Place, value: Any) -> Iterator[tuple[Place, str]]:  # noqa: ANN401 - a value of a file
    if isinstance(value, str):
        yield here, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts((*here, name), part)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _texts((*here, number), part)
