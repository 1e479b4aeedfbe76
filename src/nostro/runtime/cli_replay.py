"""`nostro replay`: the log again, under the rules that were in force, or under rules that somebody is to approve."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nostro.engine.fitness import fitting_rules
from nostro.engine.replay import Check, Difference, Progress, Replay, WhatIf
from nostro.governance.bundle import digest_of
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.model.failures import Refused
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.cli_references import inspected
from nostro.runtime.house import House
from nostro.runtime.memory import settle_memory
from nostro.runtime.output import as_json, table
from nostro.runtime.replay_page import Page, Told, page_of
from nostro.store.database import Statements

SQL = Statements("trace")
REPLAY = Statements("replay")
SAMPLE = 1000
FORMS = (".html", ".md", ".json")
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


def add_to(app: typer.Typer) -> None:
    """Registers the command."""
    register(
        app, replay, "nostro replay", "nostro replay --check", "nostro replay --under ../new-rules --out page.html"
    )


@dataclass(frozen=True, slots=True)
class Options:
    """What is replayed, and where the page goes."""

    check: Annotated[
        bool, typer.Option("--check", help="Only a sample, each day another, with its state rows; for every day.")
    ] = False
    sample: Annotated[int, typer.Option("--sample", min=1, help="How many subjects --check looks at.")] = SAMPLE
    under: Annotated[
        str, typer.Option("--under", metavar="RULES", help="What other rules would have done: a bundle, or a folder.")
    ] = ""
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="With --under: the page as .html, .md or .json.")
    ] = None

    def demand(self) -> None:
        """Raises `Refused` for options that exclude each other."""
        if self.check and self.under:
            raise Refused("--check and --under exclude each other.", "Give one of them.")
        if self.out is not None and (not self.under or self.out.suffix not in FORMS):
            raise Refused("--out is for the page of --under, as .html, .md or .json.", "Name such a file.")


async def replay(frame: Frame, options: Options) -> int:
    """Take every fact in again: the same decisions have to come out, or show what other rules would have decided."""
    options.demand()
    async with inspected(frame) as house:
        settle_memory()
        if options.check:
            return await _check(frame, house, options.sample)
        if options.under:
            return await _what_if(frame, house, options)
        return await _replay(frame, house)


async def _replay(frame: Frame, house: House) -> int:
    again = Replay(house.database, house.keys, house.processes, Rules.from_bundle)
    with _progress(frame, await _facts(house)) as step:
        count, differences = await again.run(step)
    told = {"as_of": (await house.now()).business, "facts": count, "under": "recorded"}
    told |= {"differing": again.differing, "differences": differences}
    sentence = f"{count} facts replayed, {f'{again.differing} differ' if again.differing else 'none differs'}."
    frame.output.show(told, partial(_draw, sentence=sentence, differences=differences))
    return WRONG if differences else DONE


async def _check(frame: Frame, house: House, sample: int) -> int:
    now = await house.now()
    check = Check(house.database, house.keys, house.processes, Rules.from_bundle)
    with frame.output.progress("subjects compared", sample) as step:
        differences = await check.run(now.business.date().isoformat(), sample, step)
    told = {"as_of": now.business, "subjects": check.subjects, "facts": check.facts, "differences": differences}
    verdict = f"{len(differences)} differ" if differences else "none differs"
    sentence = f"{check.subjects} state rows and the {check.facts} facts behind them compared, {verdict}."
    frame.output.show(told, partial(_draw, sentence=sentence, differences=differences))
    return WRONG if differences else DONE


async def _what_if(frame: Frame, house: House, options: Options) -> int:
    rules, source = await _rules(house, options.under)
    asked = WhatIf(house.database, house.keys, house.processes, Rules.from_bundle, rules)
    with _progress(frame, await _facts(house)) as step:
        changes = await asked.run(step)
    told = Told((await house.now()).business, rules.bundle, source, asked, changes)
    page = page_of(told)
    if options.out is not None:
        _write(options.out, page, told)
        frame.output.note(f"The page is in {options.out}.")
    frame.output.show(told.plain(), page.draw)
    return DONE


def _write(file: Path, page: Page, told: Told) -> None:
    if file.suffix == ".json":
        file.write_bytes(as_json(told.plain()))
    else:
        file.write_text(page.html() if file.suffix == ".html" else page.markdown(), encoding="utf-8")


async def _facts(house: House) -> int:
    async with house.database.transaction() as tx:
        row = await tx.row(REPLAY.length)
    return int(row.facts) if row else 0


@contextmanager
def _progress(frame: Frame, total: int) -> Iterator[Progress]:
    with frame.output.progress("facts replayed", total) as step:
        yield step


async def _rules(house: House, under: str) -> tuple[Rules, str]:
    """Other rules, and where they come from: a landscape's folder that nobody has published, or a bundle's digest."""
    folder = _folder(under)
    if folder is not None:
        content = bundle_of(folder, (await house.now()).business)
        standing = "in force" if digest_of(content) == house.bundle else "not published"
        return fitting_rules(content), f"{under}, {standing}"
    rows = []
    if _DIGEST.fullmatch(under.lower()):
        async with house.database.transaction() as tx:
            rows = await tx.rows(SQL.bundles_named, prefix=under.lower())
    if len(rows) == 1:
        return fitting_rules(bytes(rows[0].content)), "published"
    raise Refused(
        f"{len(rows) or 'No'} published bundle{'s begin' if rows else ' begins'} with {under}.",
        "Give a landscape's folder, or at least eight characters of a digest, as `nostro trace` shows them.",
    )


def _folder(under: str) -> Path | None:
    place = Path(under)
    return place.resolve() if place.is_dir() else None


def _draw(console: Console, *, sentence: str, differences: list[Difference]) -> None:
    if differences:
        heads = {"shard": "right", "position": "right", "subject": "left", "what": "whole"}
        heads |= {"was": "left", "now": "left"}
        rows = [(str(d.shard), str(d.position), d.subject, d.type, d.recorded, d.replayed) for d in differences]
        console.print(table("What differs", heads, rows))
    console.print(sentence)
    if differences:
        console.print("Replay has to equal what was recorded: see docs/operate/replay-differs.md.")
