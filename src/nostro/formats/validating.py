"""What is wrong with a file: whatever can't be read, doesn't add up, or breaks a profile or the rules of invoices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Literal, NamedTuple

from nostro.formats import profiles
from nostro.formats.catalogue import REMEDY, Told, tell, unread
from nostro.formats.einvoice.pdf import embedded_invoice
from nostro.formats.einvoice.rules import validate as validate_invoice
from nostro.formats.einvoice.schemas import check_schema
from nostro.formats.iso20022.write.schema import enveloped_break, packaged_schema, schema_break
from nostro.formats.profiles import Profile
from nostro.formats.qr_bill import QrBill
from nostro.formats.reading import Format, Item
from nostro.formats.series import Flaw, Series
from nostro.formats.tables.formats import PAYMENTS
from nostro.formats.tables.guesses import ProfileNeeded
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice
from nostro.model.messages import Instruction, MessageEnd, MessageHead, MessageKind
from nostro.model.statements import Check, Reject, Source, StatementEnd, StatementHead

_PDF = "facturx"
_PAID: frozenset[MessageKind] = frozenset({"payment_initiation", "interbank_payment"})
"""What a profile is held against: of a payment that is taken back or answered, other messages tell a part."""
RULED = frozenset({"ubl", "cii", _PDF})
"""Formats for which there are official rules beside the reader's own checks."""
_REMEDIES = {
    "balance": "Hold it against the bank's portal: an entry is missing, or is there twice.",
    "unread": "Look at it in the file, where it matters: nothing but the stored file keeps it.",
    "whole": "Have the file sent again.",
    "schema": "Correct what the place names; the XSD of the version says what may stand there.",
    "opening": "Hold the entries against the bank's portal: no balance proves that all of them are here.",
    "closing": "Hold the entries against the bank's portal: no balance proves that all of them are here.",
    "currency": "Declare it in a profile: --table.",
    "profile": "Look at the result with nostro parse; declare the profile with --table.",
    "line": "Ask the seller: price and quantity, or the amount, is wrong.",
    "securities": "Take them from the broker's own report.",
    "day": "Ask the bank which day is meant, where it matters.",
    "readable": "Ask who sent it what is meant; until then the field is empty.",
    "date": "Ask the bank for the day; until then the entry has none.",
}
_EITHER = "Ask who sent it which of the two is right."
_RULE = "Correct it before it is sent; of a received invoice, ask the seller for a right one."
_BILL = "Correct it before it is printed; of a received bill, ask the creditor for a right one."
_WARNINGS = frozenset({"profile", "securities", "group"})
"""Checks that tell how a file was read, or what of it is not told: nothing in it is wrong."""
_FORMAT, _READABLE = "format", "readable"
"""What is of no known format, and what of a known one can't be read."""
_OTHER_XSD = "Ask its sender for the XSD."
_ITS_OWN = "No matching global declaration"
__all__ = ["Asked", "Flaw", "Series", "flaws"]
_COLUMNS = "Say what its columns mean with --table FILE; nostro parse prints such a profile to complete."
_AGAIN = "Have it sent again, or name another file."
_UNREAD = "Have it sent again, or corrected; everything else of the file can be read."


class Asked(NamedTuple):
    """The profile that payments have to keep, on the settlement date `day` (by default each payment's own).

    `form`: what everything is read as, where somebody declares a table. `sent_at`: when the bank would get the file, by
    its own clock.
    """

    rules: Profile | None = None
    day: date | None = None
    form: Format | None = None
    sent_at: datetime | None = None


_NOTHING = Asked()


def flaws(
    chunks: Callable[[], Iterator[bytes]], name: str, asked: Asked = _NOTHING, series: Series | None = None
) -> Iterator[Flaw]:
    """What is wrong with a file's documents, in their order. `series` is told of its statements."""
    series, known, unknown = series or Series(), False, list[Flaw]()
    try:
        for told in tell(chunks, name, asked.form):
            begun = len(unknown)
            for found in _document(told, f"{name}:{told.member}" if told.member else name, asked, series):
                if found.rule == _FORMAT:
                    unknown.append(found)
                else:
                    yield found
            known = known or len(unknown) == begun
    except FormatRefused as refused:
        unknown.append(_refused(name, refused))
    # Beside what is of a known format it is one more thing that can't be read.
    yield from (one.model_copy(update={"rule": _READABLE}) if known else one for one in unknown)


def _refused(file: str, refused: FormatRefused, rule: str = _FORMAT) -> Flaw:
    remedy = _COLUMNS if isinstance(refused, ProfileNeeded) else refused.remedy or _AGAIN
    return Flaw(file=file, where="", rule=rule, sentence=refused.sentence, remedy=remedy)


def _document(told: Told, file: str, asked: Asked, series: Series) -> Iterator[Flaw]:
    """What is wrong with a document; one that is refused before it tells anything is of no known format after all."""
    if told.format is None:
        yield Flaw(file=file, where="", rule=_FORMAT, sentence=told.refusal, remedy=REMEDY)
        return
    begun = False

    def heard() -> Iterator[Item]:
        nonlocal begun
        for item in told.items:
            begun = True
            yield item

    try:
        yield from _of_document(told._replace(items=heard()), told.format, file, asked, series)
    except FormatRefused as refused:
        yield _refused(file, refused, _READABLE if begun else _FORMAT)


def _of_document(told: Told, known: Format, file: str, asked: Asked, series: Series) -> Iterator[Flaw]:
    """Raises `FormatRefused` where it breaks off."""
    version, source, paid, rejected = "", Source(where=""), True, False
    rules = profiles.FileRules(asked.rules, asked.day, asked.sent_at) if asked.rules else None
    for item in told.items:
        series.hear(item, file)
        match item:
            case StatementHead() | MessageHead():
                source, version, paid = item.source, item.format, item.kind in _PAID
            case Instruction() if rules is not None and paid:
                yield from _of_profile(rules.take(_shared(item, rules.profile)), rules.profile, item.source, file)
                if known.name != PAYMENTS.name:  # of a list the file is still to be written
                    found_in = (*profiles.replaced(item, rules.profile), *profiles.left_out(item, rules.profile))
                    yield from _of_profile(found_in, rules.profile, item.source, file, severity="warning")
            case _:
                rejected = rejected or isinstance(item, Reject)
                yield from _of_item(item, source, file)
    for found in unread(told):
        yield Flaw(
            file=file, where=found.where, line=found.line, rule="unread", sentence=found.sentence,
            remedy=_REMEDIES["unread"], severity="warning",
        )  # fmt: skip
    yield from _of_schema(told.again, version, source.where, file)
    if known.name in RULED:
        whole = b"".join(told.again())
        try:
            yield from _of_rules(embedded_invoice(whole) if known.name == _PDF else whole, file)
        except FormatRefused:
            if not rejected:  # else it is told already where the XML breaks
                raise


def _shared(payment: Instruction, rules: Profile) -> Instruction:
    """An MT has one word for shared charges, SHA, whatever the scheme calls them."""
    taken = rules.charge_bearers
    if not payment.source.where.startswith("MT") or payment.charge_bearer != "SHAR" or "SLEV" not in taken:
        return payment
    return payment if "SHAR" in taken else payment.model_copy(update={"charge_bearer": "SLEV"})


def _of_item(item: Item, source: Source, file: str) -> Iterator[Flaw]:
    """Rejects, and checks that don't hold."""
    match item:
        case Reject():
            yield Flaw(file=file, where=item.where, line=item.line, rule=_READABLE, sentence=item.why, remedy=_UNREAD)
        case StatementEnd() | MessageEnd():
            yield from (_of_check(check, source, file) for check in item.checks if not check.ok)
        case Invoice():
            yield from (_of_check(check, item.source, file) for check in item.checks if not check.ok)
        case QrBill():
            yield from (_of_check(check, item.source, file, _BILL) for check in item.checks if not check.ok)


def _of_check(check: Check, source: Source, file: str, otherwise: str = _EITHER) -> Flaw:
    name = check.name.partition("/")[0]
    return Flaw(
        file=file, where=source.where, line=source.line, rule=check.name, sentence=check.detail,
        remedy=_REMEDIES.get(name, otherwise), severity="warning" if name in _WARNINGS else "error",
    )  # fmt: skip


def _of_profile(
    findings: Iterable[profiles.Finding | profiles.Broken], rules: Profile, source: Source, file: str, *,
    severity: Literal["error", "warning"] = "error",
) -> Iterator[Flaw]:  # fmt: skip
    for found in findings:
        yield Flaw(
            file=file,
            where=f"{source.where} {found.field}".strip(),
            line=source.line,
            rule=f"{rules.name}: {found.rule}",
            sentence=found.sentence,
            remedy=found.remedy,
            severity=severity,
        )


def _of_schema(chunks: Callable[[], Iterable[bytes]], version: str, where: str, file: str) -> Iterator[Flaw]:
    schema = packaged_schema(version)
    if schema is None:
        return
    broken = (schema_break if where.startswith("/Document") else enveloped_break)(chunks(), schema)
    if broken is not None and _ITS_OWN in broken.sentence:
        sentence = f"Its namespace is not that of {version}: it was not held against a schema."
        yield Flaw(
            file=file,
            where=where,
            rule="schema",
            sentence=sentence,
            remedy=_OTHER_XSD,
            severity="warning",
        )
    elif broken is not None:
        # Whatever a bank sends is read, and need not be sent on.
        severity = "warning" if version.startswith("camt.05") else "error"
        yield Flaw(file=file, **broken._asdict(), rule="schema", remedy=_REMEDIES["schema"], severity=severity)


def _of_rules(invoice: bytes, file: str) -> Iterator[Flaw]:
    for found in (*check_schema(invoice), *validate_invoice(invoice)):
        severity = "error" if found.severity == "fatal" else "warning"
        yield Flaw(
            file=file,
            where=found.where,
            line=found.line,
            rule=found.rule,
            sentence=found.sentence,
            remedy=_RULE,
            severity=severity,
        )
