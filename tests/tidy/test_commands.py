"""Each command that a page or a sentence has somebody type is one that there is, with the options that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from nostro.runtime.cli_app import build

ROOT = Path(__file__).parents[2]
TYPED = re.compile(r"`nostro ([^`\n{]+)`|^ *(?:\$ )?nostro ([a-z][^\n#]*)$", re.MULTILINE)
WORD = re.compile(r"[a-z]+")


def flaw_of(words: Sequence[str], command: Any) -> str | None:  # noqa: ANN401 - whichever click typer brings
    """The first word that the command doesn't know."""
    for word in words:
        commands = getattr(command, "commands", {})
        if word in commands:
            command = commands[word]
        elif WORD.fullmatch(word) and commands:
            return word
        elif option := re.match(r"\[?(--[a-z-]+)", word):
            known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            if option[1] not in known | {"--help"}:
                return option[1]
    return None


def typed() -> Iterator[tuple[str, str]]:
    """Where something is typed, and what."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/*.md"), *ROOT.glob("src/**/*.py")]
    for path in pages:
        for found in TYPED.finditer(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), found[1] or found[2]


def test_every_command_that_somebody_is_told_to_type_exists() -> None:
    nostro = get_command(build())
    told = list(typed())
    assert [(place, words, flaw) for place, words in told if (flaw := flaw_of(words.split(), nostro))] == []
    assert flaw_of(["recover", "--until", "T"], nostro) == "--until"
    assert len(told) > 100
