"""Whatever a running house can warn of has a line or a page that says what it means and what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.engine.deciding import POISONED
from nostro.engine.write import REUSED_KEY
from nostro.ingress.pins import COPIED, ROLLED_BACK
from nostro.model import failures
from nostro.processes.kit.process import UNEXPECTED
from nostro.processes.registry import PROCESSES

ROOT = Path(__file__).parents[2]
OPERATE = ROOT / "docs/operate"
THE_HOUSES_OWN = {POISONED, REUSED_KEY, COPIED, ROLLED_BACK, UNEXPECTED}
"""Reasons of cases that no process declares: the engine and the pins open these."""
AT_A_TERMINAL = "cli_*.py"
"""What a command says, it says to the person who gave it."""
WARNINGS = ("warning", "error", "exception", "critical")


def warned() -> Iterator[str]:
    for path in (ROOT / "src/nostro").rglob("*.py"):
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
    logged, _, _ = (OPERATE / "alarms.md").read_text(encoding="utf-8").partition("\n| a metric |")
    told = set(re.findall(r"^\| `([a-z_]+)` \|", logged, re.MULTILINE))
    assert told == {*warned(), "step_failed"}


def test_every_metric_at_which_one_is_to_look_says_what_to_do() -> None:
    metrics = (ROOT / "docs/look-up/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(nostro_\w+)` \|.*\| ([^|]*)\|$", metrics, re.MULTILINE)
    telling = {name for name, look_when in rows if look_when.strip()}
    asked = re.findall(r"^\| (`nostro_.*?) \|", (OPERATE / "alarms.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in asked for name in re.findall(r"`(nostro_\w+)`", row)}
    assert telling - named == set()
    assert named - {name for name, _ in rows} == set()
    assert len(telling) > 20


@pytest.mark.parametrize("reason", sorted(THE_HOUSES_OWN))
def test_each_case_that_no_process_opens_has_its_runbook_too(reason: str) -> None:
    assert (OPERATE / f"{reason}.md").read_text(encoding="utf-8").startswith(f"# {reason}: ")


def test_every_runbook_is_reached_from_a_case_a_failure_or_another_page() -> None:
    """And what nothing can raise any more goes."""
    reasons = {
        reason for process in PROCESSES for version in process.versions for reason in version.machine.case_reasons
    }
    kinds = {kind.page for kind in vars(failures).values() if isinstance(kind, type) and hasattr(kind, "page")}
    pages = {page.stem: page.read_text(encoding="utf-8") for page in OPERATE.glob("*.md")}
    texts = [page.read_text(encoding="utf-8") for page in ROOT.glob("docs/*/*.md")]
    linked = {name for text in texts for name in re.findall(r"\]\((?:\.\./operate/)?([\w-]+)\.md", text)}
    assert pages.keys() - reasons - THE_HOUSES_OWN - kinds - linked == set()
    assert (reasons | THE_HOUSES_OWN | kinds) - {""} <= pages.keys()
