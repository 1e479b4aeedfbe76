"""The page that tells an approver what other rules would have done: for a terminal, as Markdown, as one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from rich.console import Console

from nostro.engine.difference import MONEY, Change, Effect, Line
from nostro.engine.replay import WhatIf
from nostro.runtime.output import clean, table, when

AS_THEY_CAME = (
    "The facts are taken as they came. What banks, payment providers and Odoo would have answered to other commands "
    "nobody knows, and what other subjects would have heard is not followed; after each fact the subject goes on from "
    "the state that it really had."
)
WORDS = (
    "Amounts of one line are of one entity and one currency. A posting is money in transit between systems, a command "
    "is an effect that is asked of the outside, a case is something that waits for a person."
)
SUBJECTS_SHOWN = 50
STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;"
    "margin:1em 0}th,td{border:1px solid #999;padding:.25em .6em;text-align:left;vertical-align:top}"
    "td.n{text-align:right;white-space:nowrap}th{background:#eee}"
)


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the page says. `source`: where the other rules come from."""

    at: datetime
    bundle: str
    source: str
    asked: WhatIf
    changes: Sequence[Sequence[Change]]

    def plain(self) -> dict[str, object]:
        """For `--json`."""
        totals = self.asked.totals
        return {
            "as_of": self.at,
            "under": self.bundle,
            "source": self.source,
            "facts": self.asked.facts,
            "facts_that_differ": totals.facts,
            "subjects_that_differ": self.asked.subjects,
            "unlike_the_record": self.asked.unlike,
            "money": totals.lines(MONEY),
            "otherwise": totals.lines(("stopped", "state", "fact", "rule")),
            "differences": [{"subject": of[0].subject, "changes": of} for of in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the page. `right`: the columns with numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """Paragraphs before, tables, paragraphs after."""

    title: str
    before: Sequence[str]
    parts: Sequence[Part]
    after: Sequence[str]

    def draw(self, console: Console) -> None:
        """For a terminal."""
        for sentence in (self.title, *self.before):
            console.print(clean(sentence))
        for part in self.parts:
            heads = {head: "right" if n in part.right else "left" for n, head in enumerate(part.heads)}
            console.print(table(part.title, heads, part.rows))
        for sentence in self.after:
            console.print(clean(sentence))

    def markdown(self) -> str:
        """As Markdown, with what would end a cell or begin markup made harmless."""
        lines = [f"# {self.title}", *(f"\n{_marked(sentence)}" for sentence in self.before)]
        for part in self.parts:
            rule = ["---:" if n in part.right else "---" for n in range(len(part.heads))]
            lines += [f"\n## {part.title}\n", _row(part.heads), _row(rule)]
            lines += [_row([_marked(cell) for cell in row]) for row in part.rows]
        return "\n".join([*lines, *(f"\n{_marked(sentence)}" for sentence in self.after)]) + "\n"

    def html(self) -> str:
        """As one file that needs no other: no script, nothing from elsewhere."""
        parts = "".join(map(_html, self.parts))
        before, after = ("".join(f"<p>{_safe(s)}</p>" for s in told) for told in (self.before, self.after))
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_safe(self.title)}</title>'
            f"<style>{STYLE}</style><h1>{_safe(self.title)}</h1>{before}{parts}{after}</html>\n"
        )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(text: str) -> str:
    safe = clean(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return safe.replace("\n", "<br>")


def _safe(text: str) -> str:
    return escape(clean(text)).replace("\n", "<br>")


def _html(part: Part) -> str:
    heads = "".join(f"<th>{_safe(head)}</th>" for head in part.heads)
    rows = "".join(
        "<tr>" + "".join(_cell(cell, number=n in part.right) for n, cell in enumerate(row)) + "</tr>"
        for row in part.rows
    )
    return f"<h2>{_safe(part.title)}</h2><table><tr>{heads}</tr>{rows}</table>"


def _cell(text: str, *, number: bool) -> str:
    return f"<td{' class=n' if number else ''}>{_safe(text)}</td>"


def page_of(told: Told) -> Page:
    """The page."""
    asked, totals = told.asked, told.asked.totals
    before = [
        f"Under bundle {told.bundle[:12]} ({told.source}), as of {when(told.at, None)}.",
        f"{asked.facts} facts replayed: {totals.facts} of {asked.subjects} subjects would have been decided otherwise.",
    ]
    if asked.unlike:
        before.append(
            f"{asked.unlike} facts differ under their own rules already: see docs/operate/replay-differs.md first."
        )
    parts = [part for part in (_money(told), _otherwise(told), _subjects(told)) if part.rows]
    after = [AS_THEY_CAME, WORDS] if parts else ["These rules would have changed nothing."]
    if len(told.changes) > SUBJECTS_SHOWN:
        after.append(f"{SUBJECTS_SHOWN} subjects are shown, those with the largest amounts; --json tells up to 1,000.")
    return Page("What other rules would have done", before, parts, after)


def _money(told: Told) -> Part:
    rows = [(*_named(line), str(line.was_amount or ""), *_would(line)) for line in told.asked.totals.lines(MONEY)]
    heads = ("kind", "entity", "what", "was", "amount", "would be", "amount", "difference")
    return Part("In money, by entity and currency", heads, rows, frozenset({3, 4, 5, 6, 7}))


def _named(line: Line) -> tuple[str, ...]:
    return line.kind, line.entity, line.what, str(line.was)


def _would(line: Line) -> tuple[str, ...]:
    if line.was_amount is None or line.would_amount is None:
        return str(line.would), "", ""
    return str(line.would), str(line.would_amount), str(line.would_amount - line.was_amount)


def _otherwise(told: Told) -> Part:
    lines = told.asked.totals.lines(("stopped", "state", "fact", "rule"))
    rows = [(line.kind, line.entity, line.what, str(line.was), str(line.would)) for line in lines]
    return Part("Otherwise", ("kind", "entity", "what", "was", "would be"), rows, frozenset({3, 4}))


def _subjects(told: Told) -> Part:
    rows = [
        (one.subject, f"{one.type}\nshard {one.shard}, position {one.position}", _effects(one.was), _effects(one.would))
        for of in told.changes[:SUBJECTS_SHOWN]
        for one in of
    ]
    return Part("By subject, the largest amounts first", ("subject", "fact", "was", "would be"), rows)


def _effects(effects: Iterable[Effect]) -> str:
    lines = (
        " ".join(part for part in (f"{e.kind}:", e.what, f"[{e.step}]" if e.step else "", str(e.amount or "")) if part)
        for e in effects
    )
    return "\n".join(lines) or "nothing"
