"""Decision tables on zen-engine, narrowed so that the same question has the same answer for ever.

zen itself refuses neither the clock nor chance (`d()`, `date("now")`, `rand(9)`), takes a cell that it can't read for
one that doesn't match, and returns a table's numbers as floats. So a table here is one table: questions are text, cells
are text literals or expressions of listed words, and answers are text or yes and no. No amount comes out.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import zen

FUNCTIONS = frozenset({"contains", "startsWith", "endsWith", "upper", "lower", "trim", "len"})
"""What a cell may call: pure functions of text. Regular expressions are left out, they can take for ever."""
_WORDS = FUNCTIONS | {"and", "or", "not", "in", "true", "false"}
_NODES = ("inputNode", "decisionTableNode", "outputNode")
_STRINGS = re.compile(r""""[^"\\`]*"|'[^'\\`]*'""")
_LITERALS = re.compile(rf"\s*(?:{_STRINGS.pattern})(?:\s*,\s*(?:{_STRINGS.pattern}))*\s*")
_STRAY = re.compile(r"[`#;{}]|\$\{")
_LIMIT_CHARACTERS = 400

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a table, and where in its JSON."""

    place: Place
    sentence: str


class DecisionTable:
    """A table, parsed once."""

    def __init__(self, text: str, inputs: frozenset[str], outputs: Mapping[str, frozenset[Any]]) -> None:
        """`outputs`: the answers that a column may give (none listed: any text). Raises `ValueError` for a flaw."""
        found = flaws(text, inputs, outputs)
        if found:
            message = "; ".join(flaw.sentence for flaw in found)
            raise ValueError(message)
        self._decision = zen.ZenEngine().create_decision(text)

    def answer(self, **asked: str) -> Mapping[str, Any]:
        """The first matching row's answers. Empty: no row speaks, which means deny."""
        return self._decision.evaluate(asked)["result"]


def flaws(text: str, inputs: frozenset[str], outputs: Mapping[str, frozenset[Any]]) -> list[Flaw]:
    """Everything that a table may not be, in the order in which it stands."""
    try:
        told = json.loads(text)
        nodes = [(number, str(node["type"]), node) for number, node in enumerate(told["nodes"])]
        edges = {(str(edge["sourceId"]), str(edge["targetId"])) for edge in told["edges"]}
        ids = {kind: str(node["id"]) for _, kind, node in nodes}
    except (ValueError, LookupError, TypeError, RecursionError):
        return [Flaw((), "This is no decision table: JSON with nodes and edges, as the GoRules editor writes it.")]
    strange = [
        Flaw(("nodes", n, "type"), f"A node of type {kind} may run anything; only one table between in and out may be.")
        for n, kind, _ in nodes
        if kind not in _NODES
    ]
    tables = [(n, node) for n, kind, node in nodes if kind == "decisionTableNode"]
    if strange or len(nodes) != len(_NODES) or len(tables) != 1:
        return strange or [Flaw(("nodes",), "There has to be one input, one table and one output node.")]
    number, node = tables[0]
    here: Place = ("nodes", number, "content")
    found = list(_table_flaws(node.get("content"), here, inputs, outputs))
    if edges != set(itertools.pairwise(ids.get(kind, "") for kind in _NODES)):
        found.append(Flaw(("edges",), "The edges have to lead from the input to the table and on to the output."))
    return found


def _table_flaws(
    content: Any,  # noqa: ANN401 - what stands in somebody's file
    here: Place,
    inputs: frozenset[str],
    outputs: Mapping[str, frozenset[Any]],
) -> Iterator[Flaw]:
    if not isinstance(content, dict) or not all(
        isinstance(content.get(part), list) and all(isinstance(one, dict) for one in content[part])
        for part in ("inputs", "outputs", "rules")
    ):
        yield Flaw(here, "The table needs inputs, outputs and rules.")
        return
    if content.get("hitPolicy") != "first":
        yield Flaw((*here, "hitPolicy"), 'The hit policy has to be "first": one row answers.')
    for option in ("passThrough", "inputField", "outputPath"):
        if content.get(option):
            yield Flaw((*here, option), f"The option {option} is not taken.")
    if content.get("executionMode", "single") != "single":
        yield Flaw((*here, "executionMode"), "A table answers one question, not a list of them.")
    yield from _column_flaws(content, here, inputs, outputs)
    for number, rule in enumerate(content["rules"]):
        yield from _rule_flaws(content, rule, (*here, "rules", number), outputs)


def _column_flaws(
    content: Mapping[str, Any], here: Place, inputs: frozenset[str], outputs: Mapping[str, frozenset[Any]]
) -> Iterator[Flaw]:
    for part, known in (("inputs", inputs), ("outputs", frozenset(outputs))):
        for number, column in enumerate(content[part]):
            if column.get("field") not in known:
                where = (*here, part, number)
                yield Flaw(where, f"{part[:-1].capitalize()} {column.get('field')!r} is none of {_listed(known)}.")
    missing = set(outputs) - {column.get("field") for column in content["outputs"]}
    if missing:
        yield Flaw((*here, "outputs"), f"The table does not answer {_listed(missing)}.")


def _rule_flaws(
    content: Mapping[str, Any], rule: Mapping[str, Any], here: Place, outputs: Mapping[str, frozenset[Any]]
) -> Iterator[Flaw]:
    for column in content["inputs"]:
        cell = rule.get(str(column.get("id")), "")
        why = _cell_flaw(cell)
        if why:
            yield Flaw((*here, str(column.get("id"))), f"The cell {cell!r} {why}.")
    for column in content["outputs"]:
        cell, allowed = rule.get(str(column.get("id")), ""), outputs.get(str(column.get("field")), frozenset())
        answer = _answer(cell)
        if answer is None or answer == "" or (allowed and answer not in allowed):
            told = _listed(map(str, allowed)).lower() if allowed else "a text in quotes"
            yield Flaw((*here, str(column.get("id"))), f"The answer {cell!r} has to be {told}.")


def _cell_flaw(cell: object) -> str:
    """Why a cell of an input column can't be taken; empty when it can."""
    if not isinstance(cell, str) or len(cell) > _LIMIT_CHARACTERS:
        return "is no text, or too long"
    if cell.strip() in ("", "-") or _LITERALS.fullmatch(cell):
        return ""
    bare = _STRINGS.sub(" ", cell)
    if _STRAY.search(bare):
        return "holds a character that is not taken"
    strange = [word for word in re.findall(r"[^\W\d]\w*", bare) if word not in _WORDS]
    if strange:
        return f"uses {strange[0]}, and only {_listed(FUNCTIONS)} are pure"
    if re.search(r"\d", bare.replace("$", "")):
        return "compares numbers, and questions are text"
    try:
        refused = zen.validate_unary_expression(cell)
    except RuntimeError as error:
        return f"can't be read ({error})"
    return f"can't be read ({refused['source']})" if refused else ""


def _answer(cell: object) -> str | bool | None:
    if cell in ("true", "false"):
        return cell == "true"
    return cell.strip()[1:-1] if isinstance(cell, str) and _STRINGS.fullmatch(cell.strip()) else None


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
