"""Each command that a page or a sentence has somebody type is one that there is, with all that it demands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from nostro.runtime.cli_app import build
from nostro.runtime.cli_cases import WAYS

ROOT = Path(__file__).parents[2]
HISTORY = ROOT / "CHANGELOG.md"
"""It names commands and options, and nobody copies from it."""
SPAN = r"`nostro ((?:[^`\n{]|\n(?!\n))+)`"
TYPED = re.compile(rf"{SPAN}|^ *(?:\$ )?nostro ([a-z][^\n#]*)$", re.MULTILINE)
SAID = re.compile(rf"{SPAN}|^nostro ([^`\n{{]+)$")
WORD = re.compile(r"[a-z]+")
ELLIPSIS = "..."
"""Stands for what a text leaves open, or fills in when it is said."""
REFUSED: type[Exception] = typer.BadParameter.__bases__[0]
"""What click says when it can't take a line: its UsageError, from whichever click typer brings."""
NOSTRO = get_command(build())


@cache
def commands(group: Any = NOSTRO, *above: str) -> dict[tuple[str, ...], Any]:  # noqa: ANN401 - whichever click typer brings
    """Every command by the words that name it."""
    found: dict[tuple[str, ...], Any] = {}
    for name, one in group.commands.items():
        found |= commands(one, *above, name) if hasattr(one, "commands") else {(*above, name): one}
    return found


def flaw_of(line: str, *, whole: bool = True) -> str | None:
    """What the command would refuse of a line, which is parsed and not run. The bare name of a command is no line.

    Not `whole`: only what the command doesn't know counts, not what is missing.
    """
    words = [word.strip("[]") for word in shlex.split(line)]
    name = next((tuple(words[:size]) for size in (2, 1) if tuple(words[:size]) in commands()), None)
    if name is None:
        groups = {one[0] for one in commands()}
        named = words[0] in groups and words[1:] in ([], [ELLIPSIS])
        return None if named or words[0] == ELLIPSIS else " ".join(words[:2])
    command, given = commands()[name], words[len(name) :]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    strange = [word for word in given if word.startswith("--") and word.partition("=")[0] not in known]
    return strange[0] if strange else _missing(command, name, given) if given and whole else None


def _missing(command: Any, name: Sequence[str], given: Sequence[str]) -> str | None:  # noqa: ANN401 - the same
    try:
        told = command.make_context(" ".join(name), list(given)).params
    except typer.Exit:
        return None
    except REFUSED as refused:
        return " ".join(str(refused).split())
    if name[0] == "confirm" and told["done"] is None:
        return "--done or --not-done"
    acts = name[0] == "recover" and (told["since"] or told["close"])
    return "--reason" if acts and not told["reason"] else None


def texts() -> Iterator[tuple[Path, str]]:
    """Pages, files that a landscape begins with, and every text in our code as it is at work."""
    for pattern in ("*.md", "docs/**/*.md", "src/**/*.md", "src/**/*.yaml"):
        yield from ((path, path.read_text(encoding="utf-8")) for path in ROOT.glob(pattern))
    for path in ROOT.glob("src/**/*.py"):
        yield from ((path, text) for text in _said(ast.parse(path.read_text(encoding="utf-8"))))


def _said(node: ast.AST) -> Iterator[str]:
    """The texts of a module, as they are at work: joined, with an ellipsis for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else ELLIPSIS for part in node.values)
        for filled in (part for part in node.values if isinstance(part, ast.FormattedValue)):
            yield from _said(filled.value)
    else:
        for below in ast.iter_child_nodes(node):
            yield from _said(below)


def typed() -> Iterator[tuple[Path, str]]:
    """Where something is typed, and what."""
    for path, text in texts():
        for found in (SAID if path.suffix == ".py" else TYPED).finditer(text):
            yield path, " ".join((found[1] or found[2]).split())


def examples_of(command: Any) -> list[str]:  # noqa: ANN401 - the same
    """What the help says to type, without `nostro`."""
    shown = command.epilog.partition(": ")[2].split("  ·  ")
    return [line.partition("nostro ")[2] for line in shown if "nostro " in line]


def test_every_command_that_somebody_is_told_to_type_exists_and_lacks_nothing() -> None:
    told = list(dict.fromkeys(typed()))
    flaws = [(str(path.relative_to(ROOT)), line, flaw_of(line, whole=path != HISTORY)) for path, line in told]
    assert [one for one in flaws if one[2] is not None] == []
    assert len(told) > 200


def test_the_examples_of_the_first_help_can_be_typed() -> None:
    assert [flaw for line in examples_of(NOSTRO) if (flaw := flaw_of(line))] == []
    assert len(examples_of(NOSTRO)) == 3


@pytest.mark.parametrize("name", sorted(commands()), ids=" ".join)
def test_the_examples_of_every_help_can_be_typed(name: tuple[str, ...]) -> None:
    lines = examples_of(commands()[name])
    assert [(line, flaw) for line in lines if (flaw := flaw_of(line))] == []
    assert {tuple(line.split()[: len(name)]) for line in lines} == {name}


def test_every_way_out_of_a_case_lacks_nothing_but_its_reason() -> None:
    ways = [words.format("C-7QX2ABCD") for told in WAYS.values() for _, words in told]
    assert [flaw for words in ways if (flaw := flaw_of(f'{words} --reason "..."'))] == []
    assert {flaw_of(words) for words in ways} == {"Missing parameter: reason"}


def test_what_a_line_lacks_is_told() -> None:
    lines = ["recover --until T", "approve C-...", 'match C-... --reason "..."', 'confirm C-... --reason "..."']
    lines += ["recover --close", "recover --from", "audit prove", "landscape"]
    assert [flaw_of(line) for line in lines] == [
        "--until",
        "Missing parameter: reason",
        "Missing parameter: target",
        "--done or --not-done",
        "--reason",
        "Option '--from' requires an argument.",
        "audit prove",
        None,
    ]
    assert flaw_of("confirm --done", whole=False) is None
