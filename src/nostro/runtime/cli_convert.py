"""`nostro convert`: statements, payments and invoices in another format, and where the result goes."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from nostro.formats.catalogue import tell, unread
from nostro.formats.profiles import PROFILES as BANKS
from nostro.formats.tables.formats import PAYMENTS
from nostro.formats.tables.guesses import ProfileNeeded
from nostro.formats.writing import MEANINGS, WRITERS, Order, writer, written
from nostro.model.failures import OutOfService, Refused, offered
from nostro.model.messages import MessageHead
from nostro.runtime.cli_files import TABLES, pieces, readable, told_in, told_once
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.output import clean
from nostro.runtime.table_profiles import bank, clock_of, declared

PROFILED = f"One of {', '.join(BANKS)}, or a YAML file; for positive-pay csv or fixed."
OUT = "Where to, instead of the output; in a folder it is called as the profile says, else as the source."
WITH = f"What the source does not say: {'; '.join(f'{name} ({told})' for name, told in MEANINGS.items())}."


@dataclass(frozen=True, slots=True)
class Given:
    """What a file is to be read as, and what it does not say itself."""

    table: Annotated[str, typer.Option("--table", metavar="T", help=TABLES)] = ""
    told: Annotated[list[str] | None, typer.Option("--with", metavar="NAME=VALUE", help=WITH)] = None
    pdf: Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="For facturx: the PDF.")] = None

    @property
    def names(self) -> Mapping[str, str]:
        """What was told, by name. Raises `Refused` for a name that no format asks for."""
        found = {name: value for name, _, value in (one.partition("=") for one in self.told or ())}
        strange = sorted(set(found) - set(MEANINGS))
        if strange:
            raise Refused(f"Nothing asks for {', '.join(strange)}.", offered(strange[0], MEANINGS))
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be written, by whose rules, and where to."""

    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"One of {', '.join(WRITERS)}.")]
    profile: Annotated[str, typer.Option("--profile", metavar="P", help=f"Whose rules it keeps. {PROFILED}")] = ""
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help=OUT)] = None

    def write(self, content: Iterable[bytes]) -> None:
        """Into the file, else to the output, once all of it is there. Raises `OutOfService`."""
        if self.out is None:
            _copy(content, sys.stdout.buffer)
            return
        try:
            if self.out.exists() and not self.out.is_file():  # a device or a pipe
                with self.out.open("wb") as output:
                    _copy(content, output)
            else:
                self._replace(self.out, content)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise OutOfService(f"{self.out} can't be written: {why}.", "What was there before is whole.") from None

    def in_folder(self, source: Path, order: Order) -> Result:
        """The same where `out` is a file; in a folder under a name that is not taken yet. Raises `Refused`."""
        if self.out is None or not self.out.is_dir():
            return self
        out = self.out / self._name(source, order)
        if out.exists():
            raise Refused(f"{out} is there already.", "Name another file, or take that one away.")
        return replace(self, out=out)

    def _name(self, source: Path, order: Order) -> str:
        if order.own is None:
            return f"{source.stem if str(source) != '-' else 'converted'}.{self.to}"
        head = next((item for item in order.source() if isinstance(item, MessageHead)), None)
        at, name = order.created_at, head.message_id if head else ""
        return order.own.file_name_of(self.to, name or f"{at:%Y%m%d%H%M%S}", at.date(), f"{at:%H%M%S}")

    def _replace(self, out: Path, content: Iterable[bytes]) -> None:
        beside = out.with_name(f".{out.name}.part")
        try:
            with beside.open("wb") as held:
                held.writelines(content)
            beside.replace(out)  # nobody ever sees half of a payment file
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _copy(content: Iterable[bytes], output: BinaryIO) -> None:
    with tempfile.TemporaryFile() as held:
        held.writelines(content)
        held.seek(0)
        shutil.copyfileobj(held, output)


def convert(
    frame: Frame,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for standard input.")],
    *,
    result: Result,
    given: Given,
) -> int:
    """Write statements, payments, a status report or an invoice in another format.

    Statements become camt.052, 053, 054, MT940 or CSV, or a request for them (camt.060). Payments, also those of a
    table, become pain.001 or pain.008, MT101, NACHA, Bacs Standard 18, a cheque issue file, or a request to cancel
    them (camt.055, 056). A status report becomes pain.002. An invoice becomes UBL, CII, Factur-X, FatturaPA, or the
    payload of a QR-bill.

    What was written is read again: whatever could not be carried is said on standard error, with its place, and so is
    what no field took of ISO 20022. What a format asks for and the source does not say is asked for by name.
    Exit code 0: all was carried, 1: something was not, 2: it can't be written so at all, and nothing was.
    """
    said = 0

    def say(sentence: str) -> None:
        nonlocal said
        said += 1
        frame.output.aside.print(clean(sentence), soft_wrap=True)

    pdf = b"".join(pieces(given.pdf, str(given.pdf))) if given.pdf else b""
    form, target = declared(given.table), writer(result.to)
    try:
        with readable(Path(file), file) as chunks:
            source = told_once if target.table is PAYMENTS else told_in
            told = partial(source, chunks, Path(file).name, form, target.table)
            own = bank(result.profile) if result.to != "positive-pay" else None
            now = clock_of(own, datetime.now(UTC).replace(microsecond=0))
            order = Order(now, say, result.profile, given.names, pdf, source=told, own=own)
            result.in_folder(Path(file), order).write(written(result.to, told(), order))
            for document in tell(chunks, Path(file).name, form):
                for found in unread(document):
                    say(f"{found.where}, line {found.line}: {found.sentence} It is not in the result.")
    except ProfileNeeded as needed:
        frame.output.failure(needed.asked_with("--table"))  # --profile is the bank's here
        frame.output.aside_as_it_is(needed.proposal)
        return needed.exit_code
    return WRONG if said else DONE


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    register(
        app,
        convert,
        "nostro convert statement.sta --to camt.053 --out statement.xml",
        "nostro convert payments.csv --to pain.001 --table ours.yaml --profile sepa",
        "nostro convert payments.xml --to camt.055 --with reason=DUPL",
        "nostro convert invoice.xml --to facturx --pdf invoice.pdf --out invoice-x.pdf",
    )
