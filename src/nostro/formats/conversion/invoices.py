"""One invoice in another syntax, in a PDF (Factur-X), or as the payload of a QR-bill that asks for its amount."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.formats.conversion.italian import to_en16931, to_italian
from nostro.formats.conversion.order import Order
from nostro.formats.einvoice.converting import Syntax, convert
from nostro.formats.einvoice.pdf import files_in, write_facturx
from nostro.formats.einvoice.rules import WIDER, refuse_unless_valid
from nostro.formats.einvoice.schemas import check_schema
from nostro.formats.qr_bill.bill import QrBill, ReferenceType, is_iban, is_qr_iban, is_reference
from nostro.formats.qr_bill.write import write_qr_bill
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.invoices import InvoiceContent, InvoiceParty
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Source


def to_invoice(syntax: Syntax, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """UBL, CII or FatturaPA."""
    yield _converted(syntax, items, order)


def _converted(syntax: Syntax, items: Iterable[Item], order: Order) -> bytes:
    invoice = _only(items, order)
    if specification := order.told.get("specification"):
        invoice = invoice.model_copy(update={"profile": specification})
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
        _refuse_unless_schema(made.content)
    for field in made.not_carried:
        order.say(f"{field} could not be carried.")
    return made.content


def _refuse_unless_schema(content: bytes) -> None:
    """Raises `FormatRefused` with each place that the schema has no room for."""
    found = check_schema(content)
    if found:
        told = " ".join(f"{one.where}: {one.sentence}" for one in found[:_NAMED])
        raise FormatRefused(
            f"The invoice breaks its schema. {told}",
            WIDER,
        )


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
    for name in files_in(order.pdf):
        order.say(f"{name}, a file in the PDF, could not be carried.")
    yield write_facturx(order.pdf, _converted("cii", [item for item in given if item is invoice], order))


def to_qr_bill(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """The payload of a QR-bill: again as it was read, or of an invoice that is to be paid to a Swiss account."""
    given = list(items)
    bills = [item for item in given if isinstance(item, QrBill)]
    if len(bills) > 1:
        raise FormatRefused(f"One bill makes a payload; there are {len(bills)}.", "Convert them one by one.")
    yield write_qr_bill(bills[0] if bills else _bill(_only(given, order), order))


def _bill(invoice: InvoiceContent, order: Order) -> QrBill:
    payable = invoice.totals.payable
    if invoice.is_credit_note:
        raise FormatRefused("A credit note asks for no payment.", "Write bills of what the buyer owes.")
    if invoice.direct_debit:
        raise FormatRefused("The amount is collected by direct debit.", "Write bills of what the buyer pays.")
    reference = "".join(invoice.payment_reference.split()).upper()
    kinds: tuple[ReferenceType, ...] = ("QRR", "SCOR")
    kind = next((one for one in kinds if is_reference(one, reference)), "NON")
    iban = _payable_to(invoice, order, qr=kind == "QRR")
    if not iban or payable is None:
        raise FormatRefused("The invoice names no IBAN, or no amount to pay.", "Complete it: BT-84 and BT-115.")
    order.say("Lines, taxes, terms and notes of the invoice have no room in a QR-bill and were not carried.")
    free = invoice.payment_reference if kind == "NON" else ""
    return QrBill(
        creditor=_creditor(invoice, order),
        creditor_account=BankAccount(iban=iban),
        amount=payable,
        currency=payable.currency,
        debtor=_debtor(invoice.buyer, order),
        reference_type=kind,
        reference=reference if kind != "NON" else "",
        remittance=" ".join(dict.fromkeys(one for one in (invoice.number, free) if one)),
        source=Source(where=""),
    )


def _payable_to(invoice: InvoiceContent, order: Order, *, qr: bool) -> str:
    """The account that a QR-bill may name: a Swiss one, and a QR-IBAN where the reference asks for it."""
    told = [one.account.iban for one in invoice.payment_means if one.account and one.account.iban]
    ibans = list(dict.fromkeys("".join(one.split()).upper() for one in told))
    best = sorted(ibans, key=lambda one: (not is_iban(one), is_qr_iban(one) is not qr))
    if len(best) > 1:
        order.say(f"A QR-bill names one account: {len(best) - 1} of the invoice could not be carried.")
    return best[0] if best else ""


def _creditor(invoice: InvoiceContent, order: Order) -> Party:
    who = invoice.payee or invoice.seller
    if who.address is None:
        order.say("The address of the payee is not told: that of the seller stands in its place.")
    return _party("creditor", who.name, who.address or invoice.seller.address, order)


def _debtor(buyer: InvoiceParty, order: Order) -> Party | None:
    """The buyer, where the address is whole: else whoever pays writes it."""
    address = buyer.address
    if buyer.name and address and address.postcode and address.town and address.country:
        return _party("debtor", buyer.name, address, order)
    order.say("The buyer has no whole name and address and could not be carried.")
    return None


def _party(role: str, name: str, address: Address | None, order: Order) -> Party:
    if address and address.region:
        order.say(f"The {role}'s region could not be carried.")
    return Party(name=name, address=address)
