"""Tables in the catalogue: by a profile that somebody declares, or by a proposed one where nothing is ambiguous."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from nostro.formats.line_statements import LineItem
from nostro.formats.qif import Declared, is_qif, read_qif
from nostro.formats.reading import BEGINNING_BYTES, Beginning, Format
from nostro.formats.tables.code_pages import Decoding
from nostro.formats.tables.payment_proposal import proposed_payments
from nostro.formats.tables.payments import PaymentItem, PaymentProfile, payment_rows
from nostro.formats.tables.profile import CANONICAL, Profile
from nostro.formats.tables.proposal import ROWS, decoded_lines, delimiter_of, is_table, propose_rows, with_encoding
from nostro.formats.tables.reader import read_rows
from nostro.formats.tables.rows import ZIP, rows
from nostro.formats.tables.writer import COLUMNS
from nostro.formats.text import begun


def read_table(chunks: Iterable[bytes], profile: Profile | None = None) -> Iterator[LineItem]:
    """The statements of a CSV or XLSX, through its profile; without one, through the one that its first rows propose.

    Raises `FormatRefused` with the open questions where that would be ambiguous.
    """
    held, given = begun(chunks, BEGINNING_BYTES)
    whole, decoding = chain((held,), given), Decoding.of(held[:BEGINNING_BYTES])
    if profile is None and Beginning(held[:BEGINNING_BYTES]).text.lstrip("\ufeff").startswith(",".join(COLUMNS)):
        profile = CANONICAL
    name = "XLSX" if held.startswith(ZIP) else "CSV"
    if profile is not None and is_qif(Beginning(held[:BEGINNING_BYTES])):
        yield from read_qif(whole, Declared(profile.date_order, profile.currency, profile.bank_account))
        return
    delimiter = (profile.delimiter if profile else "") or _delimiter(held, decoding)
    if profile is not None:
        notes: list[tuple[str, str]] = [] if profile.encoding else decoding.notes
        table = rows(whole, delimiter, profile.encoding, profile.sheet, decoding, notes)
        title = f"{name}/{profile.name}" if profile.name else name
        yield from read_rows(table, profile, title, notes)
        return
    table = rows(whole, delimiter, read=decoding, notes=decoding.notes)
    first = list(islice(table, ROWS))
    proposal = with_encoding(propose_rows(first, delimiter), decoding)
    decoding.notes[:] = [("profile", proposal.told()), *(note for note in decoding.notes if note[0] == "sheets")]
    yield from read_rows(chain(first, table), proposal.required(), name, decoding.notes)


def _delimiter(held: bytes, decoding: Decoding) -> str:
    return "," if held.startswith(ZIP) else delimiter_of(decoded_lines(Beginning(held[:BEGINNING_BYTES]), decoding))


def read_payments(chunks: Iterable[bytes], profile: PaymentProfile | None = None) -> Iterator[PaymentItem]:
    """The payments of a CSV or XLSX, through its profile; without one, through the one that its first rows propose.

    Raises `FormatRefused` with the proposal where that lacks something.
    """
    held, given = begun(chunks, BEGINNING_BYTES)
    decoding = Decoding.of(held[:BEGINNING_BYTES])
    delimiter = (profile.delimiter if profile else "") or _delimiter(held, decoding)
    encoding, sheet = (profile.encoding, profile.sheet) if profile else ("", "")
    if not encoding:
        decoding.refuse_doubt()
    table = rows(chain((held,), given), delimiter, encoding, sheet, decoding)
    if profile is not None:
        yield from payment_rows(table, profile)
        return
    first = list(islice(table, ROWS))
    yield from payment_rows(chain(first, table), proposed_payments(first, delimiter))


def payment_format(profile: PaymentProfile) -> Format:
    """Everything as a table of payments, through this profile."""
    title = profile.title or profile.name
    return Format("payment-table", title, lambda _: True, lambda chunks: read_payments(chunks, profile))


def table_format(profile: Profile) -> Format:
    """Everything as a table, through this profile."""
    title = profile.title or profile.name
    return Format("table", title, lambda _: True, lambda chunks: read_table(chunks, profile))


TABLE = Format("table", "CSV and XLSX statements", is_table, read_table)
PAYMENTS = Format("payment-table", "CSV and XLSX lists of payments", is_table, read_payments)
