"""Whatever a running house can warn of has a line that says what it means and what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "store", "egress", "routing", "ingress", "gateway", "runtime")
AT_A_TERMINAL = "cli_*.py"
"""What a command says, it says to the person who gave it."""
WARNINGS = ("warning", "error", "exception", "critical")


def warned() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / "src/nostro" / room).rglob("*.py"):
            if path.match(AT_A_TERMINAL):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in WARNINGS
                    and ast.unparse(node.func.value) == "logger"
                ):
                    yield str(ast.literal_eval(node.args[0]))


def test_every_warning_has_its_line_and_every_line_its_warning() -> None:
    page = (ROOT / "docs/operate/alarms.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    assert told == {*warned(), "step_failed"}
