"""The page that tells an approver what other rules would have done: for a terminal, as Markdown, as one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from rich.console import Console

from nostro.engine.difference import MONEY, Change, Effect, Kind
from nostro.engine.difference_in_money import InCurrency, Line, by_currency
from nostro.engine.replay import SHOWN, WhatIf
from nostro.model.money import Money
from nostro.runtime.output import clean, table, when

NOT_FOLLOWED = (
    "What would have come of it later is not counted. Each fact is decided from the state that its subject really "
    "had, with the answers and at the deadlines that really came. So an effect that these rules only put off shows as "
    "missing and may not come back, and what banks, payment providers, Odoo and other subjects would have done upon "
    "it nobody knows. These figures are no forecast of balances."
)
GOES_ON: Mapping[Kind, str] = {
    "state": "would have gone on in another process state",
    "fact": "would have told other subjects something else",
    "command": "would have asked something else of the outside",
    "stopped": "would have been set aside",
}
WORDS = (
    "Of each fact what both rules have in common is left out. Posted is money in transit between systems, asked is a "
    "command to the outside and how far it goes, held is a case that waits for a person. What is posted, asked and "
    "held is often the same money: different lines are not to be added. The difference is new less old; what goes out "
    "has a minus, so that less of it is a plus. Why names, for each fact, the rule that decided it and, behind the "
    "arrow, the rule that would have."
)
NOTHING = "These rules would have changed nothing."
NO_EFFECT = "At none of these facts these rules would have had another effect."
KINDS: Mapping[Kind, str] = {"posting": "posted", "command": "asked", "case": "held"}
SUBJECTS_SHOWN = 50
FIGURES = ("old rules", "new rules", "difference")
STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;"
    "margin:1em 0}th,td{border:1px solid #999;padding:.25em .6em;text-align:left;vertical-align:top}"
    "td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}th{background:#eee}"
    ".caution{border-left:.4em solid #b00;background:#fee;padding:.5em 1em;font-weight:bold}"
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
            "subjects_are_at_least": self.asked.uncounted,
            "not_followed": {"sentence": NOT_FOLLOWED, "subjects": _goes_on(self.asked)},
            "facts_with_another_wait": self.asked.waits,
            "money": totals.lines(MONEY),
            "money_by_subject": by_currency(totals, self.changes, SHOWN),
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
    """Paragraphs before, what nobody may overlook, tables, paragraphs after."""

    title: str
    caution: str
    before: Sequence[str]
    parts: Sequence[Part]
    after: Sequence[str]

    def draw(self, console: Console) -> None:
        """For a terminal."""
        for sentence in (self.title, *self.before):
            console.print(clean(sentence))
        if self.caution:
            console.print(clean(self.caution), style="bold red")
        for part in self.parts:
            heads = {head: "right" if n in part.right else "left" for n, head in enumerate(part.heads)}
            console.print(table(part.title, heads, part.rows))
        for sentence in self.after:
            console.print(clean(sentence))

    def markdown(self) -> str:
        """As Markdown, with what would end a cell or begin markup made harmless."""
        lines = [f"# {self.title}", *(f"\n{_marked(sentence)}" for sentence in self.before)]
        lines += [f"\n> **{_marked(self.caution)}**"] if self.caution else []
        for part in self.parts:
            rule = ["---:" if n in part.right else "---" for n in range(len(part.heads))]
            lines += [f"\n## {part.title}\n", _row(part.heads), _row(rule)]
            lines += [_row([_marked(cell) for cell in row]) for row in part.rows]
        return "\n".join([*lines, *(f"\n{_marked(sentence)}" for sentence in self.after)]) + "\n"

    def html(self) -> str:
        """As one file that needs no other: no script, nothing from elsewhere."""
        parts = "".join(map(_html, self.parts))
        before, after = ("".join(f"<p>{_safe(s)}</p>" for s in told) for told in (self.before, self.after))
        before += f'<p class="caution">{_safe(self.caution)}</p>' if self.caution else ""
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
        f"Of {asked.facts} facts {totals.facts}, of {_counted(asked)} subjects, would have been decided otherwise.",
    ]
    if asked.unlike:
        before.append(
            f"{asked.unlike} facts differ under their own rules already: see docs/operate/replay-differs.md first."
        )
    if asked.waits:
        before.append(
            f"After {asked.waits} facts a subject would have waited until another time, or for another look-up: "
            "what would have come of that is not in the tables."
        )
    each = by_currency(totals, told.changes, SUBJECTS_SHOWN)
    parts = [part for one in each for part in (_by_entity(one), _by_subject(one))]
    parts += [part for part in (_no_amount(told), _otherwise(told), _subjects(told)) if part.rows]
    after = [WORDS] if parts else [NO_EFFECT if asked.waits else NOTHING]
    if len(told.changes) > SUBJECTS_SHOWN:
        after.append(f"{SUBJECTS_SHOWN} subjects are shown of each, those that differ most; --json tells up to 1,000.")
    return Page(
        "What other rules would have done", _caution(asked) if parts or asked.waits else "", before, parts, after
    )


def _caution(asked: WhatIf) -> str:
    """What the page can't know, and how many subjects that concerns."""
    told = [f"{count} {GOES_ON[kind]}" for kind, count in _goes_on(asked).items() if count]
    return f"{NOT_FOLLOWED} Of the {_counted(asked)} subjects that differ, {', '.join(told)}." if told else NOT_FOLLOWED


def _goes_on(asked: WhatIf) -> dict[Kind, int]:
    return {kind: asked.goes_on[kind] for kind in GOES_ON}


def _counted(asked: WhatIf) -> str:
    return f"{'at least ' if asked.uncounted else ''}{asked.subjects}"


def _by_entity(one: InCurrency) -> Part:
    rows = [
        (line.entity, _what(line), str(line.was), str(line.would), *_amounts(line)) for line in _largest(one.totals)
    ]
    heads = ("entity", "what", "old times", "new times", *FIGURES)
    return Part(f"{one.currency} by entity", heads, rows, frozenset({2, 3, 4, 5, 6}))


def _by_subject(one: InCurrency) -> Part:
    rows = [
        (of.subject, _what(each.line), *_amounts(each.line), "\n".join(each.why))
        for of in one.subjects
        for each in of.lines
    ]
    others = f"all but these {len(one.subjects)}"
    rows += [(others, f"{line.entity}, {_what(line)}", *_amounts(line), "") for line in _largest(one.others)]
    title = f"{one.currency} by subject, the greatest difference first"
    return Part(title, ("subject", "what", *FIGURES, "why"), rows, frozenset({2, 3, 4}))


def _largest(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.size, reverse=True)


def _what(line: Line) -> str:
    return f"{KINDS.get(line.kind, line.kind)}: {line.what}{', going out' if line.out else ''}"


def _amounts(line: Line) -> tuple[str, ...]:
    difference = line.difference or Money.zero(line.currency)
    plus = "+" if difference.minor > 0 else ""
    return str(line.was_amount), str(line.would_amount), f"{plus}{difference}"


def _no_amount(told: Told) -> Part:
    lines = [line for line in told.asked.totals.lines(MONEY) if not line.currency]
    rows = [(line.entity, _what(line), str(line.was), str(line.would)) for line in lines]
    return Part("Without an amount", ("entity", "what", "old times", "new times"), rows, frozenset({2, 3}))


def _otherwise(told: Told) -> Part:
    lines = told.asked.totals.lines(("stopped", "state", "fact", "rule"))
    rows = [(line.entity, f"{line.kind}: {line.what}", str(line.was), str(line.would)) for line in lines]
    return Part("Otherwise", ("entity", "what", "old times", "new times"), rows, frozenset({2, 3}))


def _subjects(told: Told) -> Part:
    rows = [
        (one.subject, f"{one.type}\nshard {one.shard}, position {one.position}", _effects(one.was), _effects(one.would))
        for of in told.changes[:SUBJECTS_SHOWN]
        for one in of
    ]
    return Part("By fact", ("subject", "fact", "old rules only", "new rules only"), rows)


def _effects(effects: Iterable[Effect]) -> str:
    lines = (
        " ".join(part for part in (f"{e.kind}:", e.what, f"[{e.step}]" if e.step else "", str(e.amount or "")) if part)
        for e in effects
    )
    return "\n".join(lines) or "nothing"
