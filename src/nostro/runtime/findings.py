"""What is wrong with files, as lines for people and programs, or counted in a table."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from nostro.formats.series import Flaw
from nostro.formats.shown import json_of
from nostro.runtime.cli_frame import DONE, WRONG
from nostro.runtime.json_lines import REFUSED
from nostro.runtime.output import Output, clean, table

_COLUMNS: Mapping[str, str] = {"File": "left", "Errors": "right", "Warnings": "right", "Rules": "left"}


@dataclass(slots=True)
class Findings:
    """Findings as they come. `summary`: only their number, by file and rule, once all are there."""

    output: Output
    summary: bool = False
    code: int = DONE
    files: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)

    def file(self, name: str) -> None:
        """A file is looked at."""
        self.files.setdefault(name, Counter())

    def take(self, flaw: Flaw) -> None:
        """One more."""
        wrong = WRONG if flaw.severity == "error" else DONE
        self.code = max(self.code, REFUSED if flaw.rule == "format" else wrong)
        self.files.setdefault(flaw.file, Counter())[flaw.severity, flaw.rule] += 1
        if not self.summary:
            self._show(flaw)

    def end(self) -> None:
        """The table; or that nothing was found, in words."""
        counts = Counter[str]()
        for found in self.files.values():
            for (severity, _), count in found.items():
                counts[severity] += count
        if self.summary:
            self._tell(counts)
        elif self.code == DONE and self.files:
            beside = f", beside {_many(counts['warning'], 'warning')}" if counts["warning"] else ""
            self.output.note(f"Nothing is wrong that we know of{beside}.")

    def _tell(self, counts: Counter[str]) -> None:
        if self.output.json:
            for name, found in self.files.items():
                told = {
                    "kind": "findings",
                    "file": name,
                    "errors": _of(found, "error"),
                    "warnings": _of(found, "warning"),
                }
                rules = {rule: count for (_, rule), count in sorted(found.items())}
                sys.stdout.buffer.write(json_of({"kind": "findings", "file": name, **told, "rules": rules}) + b"\n")
            return
        rows = [
            (name or "standard input", _count(_of(found, "error")), _count(_of(found, "warning")),
             ", ".join(f"{rule} {count}" for (_, rule), count in found.most_common()))
            for name, found in self.files.items()
        ]  # fmt: skip
        self.output.console.print(table("", _COLUMNS, rows))
        wrong = sum(_of(found, "error") > 0 for found in self.files.values())
        self.output.aside.print(
            f"{_many(len(self.files), 'file')}, {wrong} of them with errors: "
            f"{_many(counts['error'], 'error')}, {_many(counts['warning'], 'warning')}."
        )

    def _show(self, flaw: Flaw) -> None:
        if self.output.json:
            sys.stdout.buffer.write(json_of(flaw) + b"\n")
            return
        line = f", line {flaw.line}" if flaw.line else ""
        place = ": ".join(part for part in (flaw.file, flaw.where) if part)
        told = f"{place}{line}: {flaw.severity} {flaw.rule}: {flaw.sentence}"
        self.output.console.print(clean(told), soft_wrap=True)
        if flaw.remedy:
            self.output.console.print(clean(f"    {flaw.remedy}"), soft_wrap=True)


def _of(found: Counter[tuple[str, str]], severity: str) -> int:
    return sum(count for (of, _), count in found.items() if of == severity)


def _count(number: int) -> str:
    return str(number) if number else ""


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
