"""Every format that `nostro convert` writes. What was written is read again, and what is lost is said aloud."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from nostro.formats.carried import Stream, place
from nostro.formats.catalogue import tell
from nostro.formats.conversion.bills import payable
from nostro.formats.conversion.invoices import to_facturx, to_invoice, to_qr_bill
from nostro.formats.conversion.order import MEANINGS, Order, Say, Writer
from nostro.formats.conversion.payments import to_bacs, to_mt101, to_nacha, to_pain, to_positive_pay
from nostro.formats.conversion.requests import to_camt060, to_cancellation, to_pain002
from nostro.formats.iso20022.write import PAIN001, PAIN002, PAIN008
from nostro.formats.iso20022.write.schema import validating
from nostro.formats.iso20022.write.statements import MESSAGES, write_camt
from nostro.formats.line_statements import account_as_told
from nostro.formats.reading import Format, Item
from nostro.formats.swift_mt.fitting import fitted
from nostro.formats.swift_mt.write_statement import write_mt940
from nostro.formats.tables.formats import PAYMENTS
from nostro.formats.tables.writer import write_csv
from nostro.model.failures import FormatRefused, offered
from nostro.model.statements import Entry, Reject, ReportKind, StatementEnd, StatementHead

__all__ = ["MEANINGS", "WRITERS", "Order", "Target", "writer", "written"]


_BLOCK_BYTES = 65_536
_WHOLE = frozenset({"account", "balance", "closing", "file", "records", "trailer"})
_COUNTED = ("/NbOfNtries", "/Sum", "/accounts", "/groups", "/records", "/total")
"""The checks by which a statement proves that none of its entries is missing, and how the names of further ones end."""
Statement = StatementHead | Entry | StatementEnd


@dataclass(frozen=True, slots=True)
class Target:
    """A format that is written. `again`: what its file says, read again; None where the writer says what is lost.

    `table`: what a table is read as that is to become this; None: a statement. `streams`: it is written item by item,
    as statements are; `rereads`: its items are read more than once, since sums of payments stand before them.
    """

    write: Writer
    again: Callable[[Iterable[bytes]], Iterator[Item]] | None
    table: Format | None = None
    streams: bool = False
    rereads: bool = False


def written(name: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """The items in the format of that name, in pieces. Raises `FormatRefused` with field, rule and remedy.

    `order.say` hears, with its place, all that could not be carried, rejects of the source included.
    """
    target = writer(name)
    if target.table is not None:
        source = order.source
        order = replace(order, source=source if source is tuple else lambda: payable(source(), order))
        items = payable(items, order)
    told = _read(items, order.say)
    if target.streams:
        yield from _streamed(target, told, order)
        return
    if target.rereads:
        yield from _read_again(target, told, order)
        return
    yield b"".join(target.write(list(told), order))


def _streamed(target: Target, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """Items that are written one by one, as they are told."""
    stream = Stream()

    def told() -> Iterator[Item]:
        where = ""
        for item in items:
            stream.told(item)
            if isinstance(item, StatementHead):
                where = place(item)
            elif isinstance(item, StatementEnd):
                _say_unwhole(item, where, order.say)
            yield item

    return _compared_while(target, target.write(told(), order), stream, order)


def _read_again(target: Target, items: Iterator[Item], order: Order) -> Iterator[bytes]:
    """Items that the writer reads as often as it takes: the first time as they are given, then from their source."""
    stream = Stream()
    again: Iterable[Item] = list(items) if order.source is tuple else _Again(order.source, order.say)
    return _compared_while(target, target.write(again, replace(order, hears=stream.told)), stream, order)


@dataclass(slots=True)
class _Again:
    """The items of a source, read anew each time; each of its rejects is said once."""

    source: Callable[[], Iterable[Item]]
    say: Say
    said: int = 0

    def __iter__(self) -> Iterator[Item]:
        rejects = 0
        for item in self.source():
            if not isinstance(item, Reject):
                yield item
                continue
            rejects += 1
            if rejects > self.said:
                self.said = rejects
                _say_reject(item, self.say)


def _compared_while(target: Target, written: Iterable[bytes], stream: Stream, order: Order) -> Iterator[bytes]:
    """What is written is read again while more of it is being written."""
    unsaid = deque[bytes]()

    def pieces() -> Iterator[bytes]:
        for block in _blocks(written):
            unsaid.append(block)
            yield block

    writing = pieces()
    for item in target.again(writing) if target.again else ():
        for sentence in stream.again(item):
            order.say(sentence)
        while unsaid:
            yield unsaid.popleft()
    for _ in writing:
        pass
    yield from unsaid
    for sentence in stream.end():
        order.say(sentence)


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in larger pieces."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _BLOCK_BYTES:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def writer(name: str) -> Target:
    """What writes the format of that name. Raises `FormatRefused` for one that there isn't."""
    if name not in WRITERS:
        raise FormatRefused(f"Nothing writes {name!r}.", offered(name, sorted(WRITERS)))
    return WRITERS[name]


def _read(items: Iterable[Item], say: Say) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Reject):
            _say_reject(item, say)
        else:
            yield item


def _say_reject(reject: Reject, say: Say) -> None:
    line = f", line {reject.line}" if reject.line else ""
    say(f"{reject.where}{line}: {reject.why}; it is not in the result.")


def _say_unwhole(end: StatementEnd, where: str, say: Say) -> None:
    """What says that entries are missing in the source, which the result may have no place to show."""
    for check in end.checks:
        if not check.ok and (check.name in _WHOLE or check.name.endswith(_COUNTED)):
            say(f"{where}: {check.detail} ({check.name}): entries may be missing in the source, and so in the result.")


def _by_content(chunks: Iterable[bytes]) -> Iterator[Item]:
    for told in tell(lambda: iter(chunks)):
        yield from told.items


def _camt(kind: ReportKind, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """Statements, as another kind where that is asked: a notification needs no balances, a statement does."""
    named = _named(_only(items), order)
    told = (one.model_copy(update={"kind": kind}) if isinstance(one, StatementHead) else one for one in named)
    return validating(write_camt(told, order.created_at, ends=order.ends()), MESSAGES[kind][0])


def _named(items: Iterable[Statement], order: Order) -> Iterator[Statement]:
    """The statements, each with its bank account: as it says, else as it was told."""
    for item in items:
        if isinstance(item, StatementHead) and not item.bank_account.identification:
            known = account_as_told(order.needed(account="")["account"])
            told = item.bank_account.model_copy(update={"iban": known.iban, "other": known.other})
            yield item.model_copy(update={"bank_account": told})
        else:
            yield item


def _mt940(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    return write_mt940(fitted(_named(_only(items), order)))


def _csv(items: Iterable[Item], _: Order) -> Iterator[bytes]:
    return write_csv(_only(items))


def _only(items: Iterable[Item]) -> Iterator[Statement]:
    empty = True
    for item in items:
        if not isinstance(item, StatementHead | Entry | StatementEnd):
            raise FormatRefused("Only statements can be written so.", "See --help.")
        empty = False
        yield item
    if empty:
        raise FormatRefused("There is no statement in the file that could be written.", "Look at it with nostro parse.")


def _reread(write: Writer, table: Format | None = None) -> Target:
    return Target(write, _by_content, table, rereads=True)


_KINDS: Mapping[str, ReportKind] = {"camt.053": "statement", "camt.052": "report", "camt.054": "notification"}
_CLASSES = ("CCD", "CTX", "PPD")
_PAIN = ("pain.001", *PAIN001, "pain.008", *PAIN008)
WRITERS: Mapping[str, Target] = {
    **{name: Target(partial(_camt, kind), _by_content, streams=True) for name, kind in _KINDS.items()},
    "mt940": Target(_mt940, _by_content, streams=True),
    "csv": Target(_csv, _by_content, streams=True),
    **{version: _reread(partial(to_pain, version), PAYMENTS) for version in _PAIN},
    **{version: _reread(partial(to_pain002, version)) for version in ("pain.002", *PAIN002)},
    **{name: _reread(partial(to_cancellation, name)) for name in ("camt.055", "camt.056")},
    "camt.060": _reread(to_camt060),
    "mt101": _reread(to_mt101, PAYMENTS),
    "nacha": _reread(partial(to_nacha, ""), PAYMENTS),
    **{f"nacha-{kind.lower()}": _reread(partial(to_nacha, kind), PAYMENTS) for kind in _CLASSES},
    "bacs-18": _reread(to_bacs, PAYMENTS),
    "positive-pay": Target(to_positive_pay, None, PAYMENTS, rereads=True),
    "qr-bill": Target(to_qr_bill, None),
    "ubl": Target(partial(to_invoice, "ubl"), None),
    "cii": Target(partial(to_invoice, "cii"), None),
    "facturx": Target(to_facturx, None),
    "fatturapa": Target(partial(to_invoice, "fatturapa"), None),
}
