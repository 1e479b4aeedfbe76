"""A bill that is written is read as it was; damage is told, never more."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.qr_bill import QrBill, read_qr_bills, write_qr_bill
from nostro.formats.qr_bill.bill import is_reference
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Reject, Source
from tests.unit.test_qr_bill import BILL, IBAN, QR_IBAN, SCOR

LETTERS = st.characters(min_codepoint=33, max_codepoint=0x17F).filter(lambda said: said < "\x7f" or said > "\xa0")


def words(width: int, *, least: int = 1) -> st.SearchStrategy[str]:
    said = st.text(LETTERS | st.just(" "), min_size=least, max_size=width)
    return said.map(str.strip).filter(lambda text: len(text) >= least and text != "SPC" and "\x85" not in text)


PARTIES = st.builds(
    lambda name, street, building, postcode, town: Party(
        name=name,
        address=Address(street=street, building=building, postcode=postcode, town=town, country="CH"),
        country="CH",
    ),
    *(words(70), words(70, least=0), words(16, least=0), words(16), words(35)),
)
REFERENCES = st.integers(1, 10**26 - 1).map(
    lambda number: next(told for digit in range(10) if is_reference("QRR", told := f"{number:026}{digit}"))
)


@st.composite
def bills(draw: st.DrawFn) -> QrBill:
    kind = draw(st.sampled_from(["QRR", "SCOR", "NON"]))
    reference = {"QRR": draw(REFERENCES), "SCOR": SCOR, "NON": ""}[kind]
    cents = draw(st.none() | st.integers(1, 99_999_999_999))
    currency = draw(st.sampled_from(["CHF", "EUR"]))
    debtor = draw(st.none() | PARTIES)
    return QrBill(
        creditor=draw(PARTIES),
        creditor_account=BankAccount(iban=QR_IBAN if kind == "QRR" else IBAN, currency=currency),
        amount=Amount(value=Decimal(cents).scaleb(-2), currency=currency) if cents else None,
        currency=currency,
        debtor=debtor,
        debtor_address="S" if debtor else "",
        reference_type=kind,
        reference=reference,
        remittance=draw(words(80, least=0)),
        billing=draw(words(60, least=0)),
        source=Source(where="bill[1]", line=1),
    )


@given(bills())
def test_what_is_written_is_read_as_it_was(bill: QrBill) -> None:
    assert list(read_qr_bills([write_qr_bill(bill)])) == [bill]


@given(st.integers(0, len(BILL.encode()) - 1), st.binary(max_size=8))
def test_damage_gives_a_bill_or_a_reject(place: int, damage: bytes) -> None:
    content = BILL.encode()
    try:
        items = list(read_qr_bills([content[:place] + damage + content[place + len(damage) :]]))
    except FormatRefused:
        return
    assert items
    assert all(isinstance(item, QrBill | Reject) for item in items)
