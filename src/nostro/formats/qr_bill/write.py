"""A QR-bill's payload, strictly: structured addresses, right check sums, no field too long."""

from __future__ import annotations

from decimal import Decimal

from nostro.formats.qr_bill.bill import CHARACTERS, QrBill, is_iban, is_qr_iban, is_reference
from nostro.model.failures import FormatRefused
from nostro.model.parties import Address, Party

_LEAST, _MOST = Decimal("0.01"), Decimal("999999999.99")


def write_qr_bill(bill: QrBill) -> bytes:
    """The payload, lines ended by LF. Raises `FormatRefused` with the field, the rule and the remedy."""
    iban = bill.creditor_account.identification
    _insist(is_iban(iban), "creditor's account", "is an IBAN of CH or LI with a right check sum")
    kind, reference = bill.reference_type, bill.reference
    _insist(kind != "", "reference type", "is QRR, SCOR or NON")
    _insist(is_reference(kind, reference), "reference", f"is a {kind} reference with a right check sum")
    fits = is_qr_iban(iban) == (kind == "QRR")
    _insist(fits, "reference type", "is QRR for a QR-IBAN (bank number 30000 to 31999), and only then")
    _insist(bill.ultimate_creditor is None, "ultimate creditor", "is reserved and stays empty")
    both = len(bill.remittance) + len(bill.billing)
    _insist(both <= 140, "message", "has at most 140 characters together with the billing information")
    told = [
        *("SPC", "0200", "1", iban),
        *_party("creditor", bill.creditor),
        *[""] * 7,
        *(_amount(bill), bill.currency),
        *(_party("debtor", bill.debtor) if bill.debtor else [""] * 7),
        *(kind, reference, bill.remittance, "EPD"),
        *_optional(bill),
    ]
    for said in told:
        _insist(bool(CHARACTERS.fullmatch(said)), "text", "holds permitted Latin letters only, and no line ends")
    payload = "\n".join(told)
    _insist(len(payload) <= 997, "payload", "has at most 997 characters")
    return payload.encode()


def _optional(bill: QrBill) -> list[str]:
    """Billing information and alternative procedures: left out where nothing follows."""
    _insist(len(bill.alternatives) <= 2, "alternative procedures", "are at most two")
    for said in bill.alternatives:
        _insist(0 < len(said) <= 100, "alternative procedure", "has 1 to 100 characters")
    return [bill.billing, *bill.alternatives] if bill.billing or bill.alternatives else []


def _amount(bill: QrBill) -> str:
    _insist(bill.currency in ("CHF", "EUR"), "currency", "is CHF or EUR")
    if bill.amount is None:
        return ""
    value = bill.amount.value
    _insist(bill.amount.currency == bill.currency, "amount", "is in the bill's currency")
    cents = value.quantize(_LEAST) if value.adjusted() < 12 else value
    _insist(cents == value and _LEAST <= value <= _MOST, "amount", "is 0.01 to 999999999.99 with two decimals")
    return f"{cents:.2f}"


def _party(who: str, party: Party) -> list[str]:
    address = party.address or Address()
    _insist(not address.lines, f"{who}'s address", "is structured: combined addresses ended on 21 November 2025")
    country = address.country or party.country
    _insist(
        len(country) == 2 and country.isalpha() and country.isupper(), f"{who}'s country", "has two capital letters"
    )
    fields = {
        "name": (party.name, 70, True),
        "street": (address.street, 70, False),
        "building": (address.building, 16, False),
        "postcode": (address.postcode, 16, True),
        "town": (address.town, 35, True),
    }
    for name, (said, width, needed) in fields.items():
        _insist(len(said) <= width, f"{who}'s {name}", f"has at most {width} characters")
        _insist(bool(said.strip()) or not needed, f"{who}'s {name}", "is needed")
        _insist(said == said.strip(), f"{who}'s {name}", "has no blanks around it")
    return ["S", *(said for said, _, _ in fields.values()), country]


def _insist(holds: bool, name: str, rule: str) -> None:  # noqa: FBT001 - the rule's own verdict
    if not holds:
        raise FormatRefused(f"The {name} {rule}.", f"Correct the {name} of the bill.")
