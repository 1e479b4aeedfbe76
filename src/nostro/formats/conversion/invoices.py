"""One invoice in another syntax, in a PDF (Factur-X), or as the payload of a QR-bill that asks for its amount."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.formats.conversion.italian import to_en16931, to_italian
from nostro.formats.conversion.order import Order
from nostro.formats.einvoice.converting import Syntax, convert
from nostro.formats.einvoice.pdf import write_facturx
from nostro.formats.einvoice.rules import refuse_unless_valid
from nostro.formats.qr_bill.bill import QrBill, ReferenceType, is_reference
from nostro.formats.qr_bill.write import write_qr_bill
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.invoices import InvoiceContent, InvoiceParty
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import Source


def to_invoice(syntax: Syntax, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """UBL, CII or FatturaPA."""
    yield _converted(syntax, items, order)


def _converted(syntax: Syntax, items: Iterable[Item], order: Order) -> bytes:
    invoice = _only(items, order)
    italian = invoice.format.startswith("FatturaPA")
    if (syntax == "fatturapa") == italian:
        adapted = invoice
    else:
        adapted = to_en16931(invoice, order) if italian else to_italian(invoice, order)
    made = convert(adapted, syntax, told=invoice)
    if any(field.startswith("totals.payable") for field in made.not_carried):
        raise FormatRefused(
            f"In {syntax} the amount to pay would be another one.", "Say in the invoice how it is paid, and by when."
        )
    if syntax != "fatturapa":
        refuse_unless_valid(made.content)
    for field in made.not_carried:
        order.say(f"{field} could not be carried.")
    return made.content


def _only(items: Iterable[Item], order: Order) -> InvoiceContent:
    """A file in these syntaxes holds no more than one: the only one, or that of the number that was told."""
    invoices = [item for item in items if isinstance(item, InvoiceContent)]
    if not invoices:
        raise FormatRefused("This is written from an invoice, and from nothing else.", "See --help.")
    wanted = order.told.get("number", "")
    named = [one for one in invoices if wanted in ("", one.number)]
    if len(named) != 1:
        numbers = ", ".join(one.number or "(no number)" for one in invoices[:_NAMED])
        raise FormatRefused(f"One invoice makes a file; there are {numbers}.", "Say which: --with number=NUMBER.")
    return named[0]


_NAMED = 20


def to_facturx(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A PDF that holds the invoice as CII."""
    given = list(items)
    invoice = _only(given, order)
    if not order.pdf:
        raise FormatRefused("Factur-X is a PDF with the invoice in it.", "Give the PDF that people read: --pdf FILE.")
    yield write_facturx(order.pdf, _converted("cii", [item for item in given if item is invoice], order))


def to_qr_bill(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """The payload of a QR-bill: again as it was read, or of an invoice that is to be paid to a Swiss account."""
    given = list(items)
    bills = [item for item in given if isinstance(item, QrBill)]
    if len(bills) > 1:
        raise FormatRefused(f"One bill makes a payload; there are {len(bills)}.", "Convert them one by one.")
    yield write_qr_bill(bills[0] if bills else _bill(_only(given, order), order))


def _bill(invoice: InvoiceContent, order: Order) -> QrBill:
    means = next((one for one in invoice.payment_means if one.account and one.account.iban), None)
    payable = invoice.totals.payable
    if means is None or means.account is None or payable is None:
        raise FormatRefused("The invoice names no IBAN, or no amount to pay.", "Complete it: BT-84 and BT-115.")
    reference = "".join(invoice.payment_reference.split())
    kinds: tuple[ReferenceType, ...] = ("QRR", "SCOR")
    kind = next((one for one in kinds if is_reference(one, reference)), "NON")
    order.say("Lines, taxes, terms and notes of the invoice have no room in a QR-bill and were not carried.")
    return QrBill(
        creditor=_party(invoice.payee or invoice.seller, invoice.seller),
        creditor_account=BankAccount(iban=means.account.identification),
        amount=payable,
        currency=payable.currency,
        debtor=_party(invoice.buyer, invoice.buyer) if invoice.buyer.name else None,
        reference_type=kind,
        reference=reference if kind != "NON" else "",
        remittance=invoice.number,
        source=Source(where=""),
    )


def _party(who: InvoiceParty, addressed: InvoiceParty) -> Party:
    return Party(name=who.name, address=addressed.address)
