"""The demo's one page for people, and its one object for programs."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from nostro.model.money import Money
from nostro.runtime.cli_cases import WAITING, case_what
from nostro.runtime.clock import WORLD_CLOCK
from nostro.runtime.demo.judge import BANK, CARD, FEE, MEANING, Effect, Judgement, totals
from nostro.runtime.demo.landscape import PEOPLE, Grounds
from nostro.runtime.demo.proof import Difference
from nostro.runtime.demo.summary import Summary
from nostro.runtime.output import Cell, age, table, when

WAYS = {"webhook": "webhooks", "poll": "pages polled", "file": "files", "act": "acts of people"}
WORDS = {
    "register_customer_payment": "card payments registered",
    "book_statement_line": "bank movements booked as statement lines",
    "reconcile": "bank credits matched with their invoice",
    "book_journal_entry": "journal entries (fees, reserves, refunds, disputes, exchange differences)",
    "reopen_invoice": "invoices opened again",
    "refund_payment": "refunds made",
    "annotate_payment": "card payments annotated at the provider",
}
ENDS = {
    "done": "done",
    "adopted": "found done already",
    "failed": "proven not done",
    "discarded": "discarded",
    "handed_over": "wait for a person",
    "proposed": "wait for a release",
    "would_do": "would be done",
    "ready": "under way",
    "dispatched": "under way",
    "answered": "under way",
}
LANDSCAPE = "NOSTRO_LANDSCAPE"
HOUSE_ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Lookout:
    """Where to look next: files, ports, and references that `nostro trace` knows."""

    grounds: Grounds
    references: Sequence[tuple[str, str]]
    stays_up: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the demo found."""

    seed: int
    from_to: tuple[datetime, datetime]
    summary: Summary
    nostro: Judgement
    differences: Sequence[Difference]
    naive: Judgement
    faults: Mapping[str, int]
    lookout: Lookout


def as_object(report: Report) -> dict[str, Any]:
    """For programs. Counts are integers, amounts money; `supplier_payments` is empty until Nostro pays suppliers."""
    summary = report.summary
    return {
        "as_of": summary.as_of,
        "seed": report.seed,
        "collections": dict(summary.states.get("collection", {})),
        "supplier_payments": dict(summary.states.get("supplier_payment", {})),
        "cases": [
            {**_fields(case, "id", "reason", "amount", "entity"), "age_s": int(summary.age(case).total_seconds())}
            for case in summary.cases
        ],
        "differences": [_fields(one, "where", "ours", "theirs", "amount") for one in report.differences],
        "effects_asked": summary.effects_asked,
        "effects_done": summary.effects_done,
        "naive": _verdict(report.naive),
        "nostro": _verdict(report.nostro),
    }


def _fields(told: object, *names: str) -> dict[str, Any]:
    return {name: getattr(told, name) for name in names}


def _verdict(judgement: Judgement) -> dict[str, Any]:
    counts = {name: len(getattr(judgement, name)) for name in ("lost", "doubled", "misdated")}
    return counts | _fields(judgement, "lost_amounts", "doubled_amounts")


def draw(report: Report, console: Console) -> None:
    """The page."""
    begin, end = (when(moment, HOUSE_ZONE) for moment in report.from_to)
    console.rule(f"Nostro: {begin} to {end}")
    console.print(f"Three companies (DE, CH, US), seed {report.seed}. Sources: the sandbox's books and Nostro's log.\n")
    _compare(report, console)
    _came_in(report.summary, console)
    _booked(report.summary, console)
    _in_transit(report.summary, console)
    _cases(report, console)
    _look_next(report.lookout, console)


def _compare(report: Report, console: Console) -> None:
    rows = []
    for kind in (CARD, BANK, FEE):
        for word, naive, nostro in (
            ("lost", report.naive.lost, report.nostro.lost),
            ("doubled", report.naive.doubled, report.nostro.doubled),
        ):
            rows.append([f"{kind}s {word}", *_told(naive, kind), *_told(nostro, kind)])
    rows.append(["on a wrong day", *_all(report.naive.misdated), *_all(report.nostro.misdated)])
    columns = {"": "whole", "script": "right", "in money": "left", "Nostro": "right", "in money ": "left"}
    console.print(table("What Odoo's books lack, hold twice or misdate: a plain script, and Nostro", columns, rows))
    console.print(MEANING)
    met = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(report.faults.items()))
    console.print(f"Both lived through the same days from the same seed. Faults that Nostro's calls met: {met}.\n")


def _told(effects: Sequence[Effect], kind: str) -> tuple[str, str]:
    return _all([effect for effect in effects if effect.kind == kind])


def _all(effects: Sequence[Effect]) -> tuple[str, str]:
    return str(len(effects)), _sum(totals(effect.amount for effect in effects))


def _came_in(summary: Summary, console: Console) -> None:
    columns = {"connection": "whole", "way in": "whole", "receipts": "right"}
    rows = [[one.connection, WAYS.get(one.way, one.way), str(one.receipts)] for one in summary.came_in]
    console.print(table("What came in", columns, rows))
    items = summary.items
    console.print(
        f"{items.items} items in them = {items.read} read + {items.duplicate} told before + {items.ignored} of kinds"
        f" that are declared ignored + {items.rejected} that could not be read.\n"
    )


def _booked(summary: Summary, console: Console) -> None:
    rows = []
    for operation, ends in summary.operations.items():
        told = ", ".join(f"{count} {ENDS.get(end, end)}" for end, count in sorted(ends.items()))
        rows.append([WORDS.get(operation, operation), str(sum(ends.values())), told])
    console.print(table("What was booked", {"": "left", "commands": "right", "how they ended": "left"}, rows))
    console.print(
        f"{summary.effects_asked} commands that leave Nostro's key outside were sent;"
        f" {summary.effects_done} effects with such a key stand in the outside's books.\n"
    )


def _in_transit(summary: Summary, console: Console) -> None:
    rows = [[account, str(money)] for account, some in summary.in_transit.items() for money in some]
    title = f"Money in transit, as of {when(summary.as_of, HOUSE_ZONE)}"
    console.print(table(title, {"account": "whole", "balance": "right"}, rows))
    console.print(
        "psp: the provider owes us. suspense: received, not yet applied (minus: we owe it). Source: ledger.\n"
    )


def _cases(report: Report, console: Console) -> None:
    summary = report.summary
    rows: list[list[Cell]] = [
        [case.id, case.entity, case.money, age(summary.age(case)), case_what(case)] for case in summary.cases
    ]
    console.print(table(f"{len(rows)} cases wait for a person", {"case": "whole", **WAITING}, rows))
    if report.differences:
        told: list[list[Cell]] = [[one.where, one.ours, one.theirs, one.amount] for one in report.differences]
        columns = {"where": "left", "ours": "right", "theirs": "right", "difference": "right"}
        console.print(table("Differences that NO case explains", columns, told))
    else:
        console.print(
            "But for these cases Nostro's ledger and states agree with Odoo's, the banks' and providers' books.\n"
        )


def _look_next(lookout: Lookout, console: Console) -> None:
    console.print(table("Where to look next", {"": "whole", " ": "left"}, list(_next_steps(lookout))))


def _next_steps(lookout: Lookout) -> Iterator[tuple[str, str]]:
    grounds = lookout.grounds
    if shutil.which("nostro") is None:
        yield f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"', "once, for the commands below"
    for name, path in ((LANDSCAPE, grounds.landscape), (WORLD_CLOCK, grounds.clock)):
        yield f"export {name}={shlex.quote(str(path))}", "once, for the commands below"
    for reference, why in lookout.references:
        yield f"nostro trace {reference}", why
    yield "nostro cases", "what waits for a person"
    yield "nostro audit verify", "whether the log is whole"
    yield f"ls {shlex.quote(str(grounds.secrets))}", f"passphrases of {', '.join(PEOPLE)}, to act as them"
    if lookout.stays_up:
        yield f"{grounds.sandbox_url}/books", "the books of the outside, time at /world/now"
        yield f"http://127.0.0.1:{grounds.door}/in/...", "the door for webhooks"
        yield f"http://127.0.0.1:{grounds.health}/metrics", "Nostro's own metrics"


def _sum(amounts: Sequence[Money]) -> str:
    return ", ".join(str(amount) for amount in amounts)
