"""The drawn story: what of a fact stands in a line when not all of it does."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.projections.trace import Story, Told
from nostro.runtime.cli_story import draw_story
from nostro.runtime.wording import readable
from tests.landscapes import group

AT = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
SAYS: dict[str, object] = {
    "changed_at": "2026-11-28 09:57:14",
    "connection": "odoo-main",
    "database": "odoo",
    "due_on": "2026-11-28",
    "issued_on": "2026-11-20",
    "kind": "invoice",
    "move_id": 38,
    "number": "INV/2026/00023",
    "partner_id": 12,
    "residual": {"value": "12.00", "currency": "EUR"},
    "total": {"value": "23.00", "currency": "EUR"},
}


def drawn(rules: Rules, fact: Told, *, cut_off: bool = False) -> str:
    out = StringIO()
    story = Story((fact.subject,), (fact,), (), (), cut_off=cut_off)
    draw_story(Console(file=out, width=400), story=story, rules=rules)
    return out.getvalue()


def test_a_booking_that_a_closed_period_moved_says_so_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    rules = Rules.from_bundle(bundle_of(group(tmp_path), AT))
    outcome = {"kind": "done", "ids": {"move": "7"}, "notes": {"date": "2026-12-01"}, "sentence": ""}
    says: dict[str, object] = {
        "operation": "book_statement_line",
        "key": "bank_movement/DE/main/1/line/0/0",
        "outcome": outcome,
    }
    fact = Told(
        *(AT, 1, 1, "bank_movement/DE/main/1", "DE", "command.settled", says, False, "odoo-main", "", 0),
        *("booked", "settled", "", "", "", "", ""),
    )
    told = drawn(rules, fact)
    assert "booked on 2026-12-01: the day asked for is in a period that is closed there" in told
    assert "There is more" not in told
    assert "There is more than is told here" in drawn(rules, fact, cut_off=True)


def test_amounts_and_the_number_are_in_the_line_however_many_fields_a_fact_has(tmp_path: Path) -> None:
    rules = Rules.from_bundle(bundle_of(group(tmp_path), AT))
    fact = Told(
        *(AT, 1, 1, "collection/DE/odoo/38", "DE", "invoice.posted", SAYS, False, "odoo-main", "", 0),
        *("new", "open", "", "", "", "", ""),
    )
    assert "residual 12.00 EUR; total 23.00 EUR; number INV/2026/00023; changed at" in drawn(rules, fact)


def test_instants_and_reasons_are_told_as_a_clerk_reads_them() -> None:
    told = readable("Went back: MD06. Evidence is due at 2026-09-10T13:00:00.000000Z.", ZoneInfo("America/New_York"))
    assert told == (
        "Went back: MD06 (the payer asked for the money back). "
        "Evidence is due at 2026-09-10 09:00:00 -0400 (13:00:00Z)."
    )
    assert readable("INV/2026/AB12 and ZZ99") == "INV/2026/AB12 and ZZ99"
