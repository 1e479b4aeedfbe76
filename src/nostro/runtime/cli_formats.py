"""`nostro parse` and `validate`: files of banks and sellers as JSON lines, and judged."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated

import typer
from pydantic import TypeAdapter

from nostro.formats.kinds import MODEL, SCHEMAS, AsTold
from nostro.formats.payees import Worklist
from nostro.formats.profiles import PROFILES as BANKS
from nostro.formats.reading import Format
from nostro.formats.shown import json_of
from nostro.formats.tables.formats import PAYMENTS
from nostro.formats.validating import Asked, Series, flaws
from nostro.model.failures import Refused, offered
from nostro.runtime.cli_files import FILES, TABLES, named, paths, pieces, readable, told_in
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.findings import Findings
from nostro.runtime.json_lines import Lines
from nostro.runtime.output import clean
from nostro.runtime.table_profiles import bank, clock_of, declared


def parse(
    frame: Frame,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help=FILES, show_default=False)] = None,
    *,
    rejects: Annotated[bool, typer.Option("--rejects", help="Rejects as lines of their own, not as errors.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="A table to hold against the bank's portal.")] = False,
    profile: Annotated[
        str, typer.Option("--profile", metavar="P", help="What a table means: a name or a YAML file.")
    ] = "",
    schema: Annotated[str, typer.Option("--schema", metavar="KIND", help="The JSON Schema of a kind.")] = "",
) -> int:
    """Read statements, payments and invoices of any known format, and print them as JSON, one object a line.

    What can't be read is told on standard error, with its place; everything else of the file is kept. Exit code 0: all
    was read, 1: some was rejected, 2: a file is of no format that Nostro knows.
    """
    if schema:
        return _schema(schema)
    if not files:
        raise Refused("No file was named.", "Name files or folders, or - for standard input.")
    sink = Lines(sys.stdout.buffer, frame.output, as_lines=rejects, quiet=summary, declared=declared(profile))
    found = list(paths(frame, files))
    with frame.output.progress("Reading files", total=len(found) if len(found) > 1 else None) as done:
        for path in found:
            sink.file(named(path), partial(pieces, path))
            done(1)
    sink.remedy()
    if summary:
        sink.summary()
    return sink.code


@dataclass(frozen=True, slots=True)
class Against:
    """What files are held against beside themselves."""

    profile: Annotated[str, typer.Option("--profile", metavar="P", help=f"{', '.join(BANKS)}, or a YAML file.")] = ""
    table: Annotated[str, typer.Option("--table", metavar="T", help=TABLES)] = ""
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The settlement date (2026-11-30).")] = ""


def validate(
    frame: Frame,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help=FILES)],
    *,
    against: Against,
    summary: Annotated[bool, typer.Option("--summary", help="How many findings by file and rule.")] = False,
    payees: Annotated[
        bool, typer.Option("--payees", help="Only whom the profile would refuse to pay: one line a payee.")
    ] = False,
) -> int:
    """Say what is wrong with files: what can't be read, sums and chains, schema, a bank's profile, EN 16931.

    Several statements of one bank account are held against each other too: missing, doubled, restated and late ones,
    and balances that do not follow. With --payees it is the worklist of master data: who could not be paid on that
    day, which field, by which rule, what to do about it, and how many payments hang on it.

    Each finding has its place, its rule, a sentence and a remedy. Exit code 0: nothing is wrong, 1: something is, 2: a
    file is of no format that Nostro knows. With --json each finding is one object a line; --summary counts.
    """
    rules, day, form = bank(against.profile), _day(against.on), declared(against.table)
    now = None if day else clock_of(rules, datetime.now(UTC))
    if payees:
        if rules is None:
            raise Refused("No profile was named.", f"Name the bank's with --profile: {', '.join(BANKS)}.")
        return _payees(frame, files, Worklist(rules, day), form)
    findings, series, given = Findings(frame.output, summary), Series(), list(paths(frame, files))
    with frame.output.progress("Checking files", total=len(given) if len(given) > 1 else None) as done:
        for path in given:
            findings.file(named(path))
            with readable(path) as chunks:
                for flaw in flaws(chunks, named(path), Asked(rules, day, form, now), series):
                    findings.take(flaw)
            done(1)
    for flaw in series.flaws():
        findings.take(flaw)
    findings.end()
    return findings.code


def _payees(frame: Frame, files: Sequence[str], worklist: Worklist, form: Format | None) -> int:
    """The worklist, one line a payee, and how many there are."""
    for path in paths(frame, files):
        with readable(path) as chunks:
            for item in told_in(chunks, path.name, form, PAYMENTS):
                worklist.add(item, named(path))
    for payee in worklist.failing():
        if frame.output.json:
            sys.stdout.buffer.write(json_of({"kind": "payee", **dict(payee)}) + b"\n")
        else:
            frame.output.console.print(clean(str(payee)), soft_wrap=True)
    if frame.output.json:
        counted = {"failing": len(worklist.found), "payees": len(worklist.met), "rejected": worklist.rejected}
        sys.stdout.buffer.write(json_of({"kind": "payees", **counted}) + b"\n")
    else:
        frame.output.aside.print(clean(worklist.count()), soft_wrap=True)
    return WRONG if worklist.failing() or worklist.rejected else DONE


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise Refused(f"{said!r} is no date.", "Write it as 2026-11-30.") from None


def _schema(kind: str) -> int:
    kinds = {**MODEL, **SCHEMAS}
    if kind not in kinds:
        raise Refused(f"There is no kind {kind!r}.", offered(kind, sorted(kinds)))
    sys.stdout.buffer.write(json_of(TypeAdapter(kinds[kind]).json_schema(schema_generator=AsTold)) + b"\n")
    return DONE


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    register(
        app,
        parse,
        "nostro parse statement.xml",
        "nostro parse inbox/ --summary",
        "nostro parse export.csv --profile my-bank.yaml",
        "zcat big.gz | nostro parse -",
    )
    register(
        app,
        validate,
        "nostro validate payments.xml --profile sepa",
        "nostro validate payments.xml --profile sepa --on 2026-11-30 --payees",
        "nostro validate statements/",
        "nostro validate invoice.xml --json",
    )
