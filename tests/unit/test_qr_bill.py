"""QR-bills as they are scanned: what they say, and what breaks the guidelines without stopping anybody."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.qr_bill import QrBill, read_qr_bills, write_qr_bill
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.statements import Reject

QR_IBAN, IBAN = "CH4431999123000889012", "CH5800791123000889012"
QRR, SCOR = "210000000003139471430009017", "RF18539007547034"
BILL = f"""SPC
0200
1
{QR_IBAN}
S
Supplier 017 AG
Probegasse
15
2501
Biel
CH







1949.75
CHF
S
Kundin 042
Musterweg
7a
9400
Rorschach
CH
QRR
{QRR}
Auftrag vom 15.08.2026
EPD
//S1/10/10201409/11/260815/20/1400.000-53
eBill/B/41010560425610173"""


def read(text: str) -> list[QrBill | Reject]:
    return list(read_qr_bills([text.encode()]))


def one(text: str) -> QrBill:
    (told,) = read(text)
    assert isinstance(told, QrBill)
    return told


def failed(bill: QrBill) -> list[str]:
    return [check.name for check in bill.checks]


def test_a_bill_says_whom_to_pay_how_much_and_with_which_reference() -> None:
    told = one(BILL)
    assert told.checks == ()
    assert (told.creditor.name, told.creditor_account.iban) == ("Supplier 017 AG", QR_IBAN)
    assert told.creditor.address is not None
    assert (told.creditor.address.street, told.creditor.address.building) == ("Probegasse", "15")
    assert (told.creditor.address.postcode, told.creditor.address.town, told.creditor.address.country) == (
        *("2501", "Biel", "CH"),
    )
    assert told.amount is not None
    assert (told.amount.value, told.currency) == (Decimal("1949.75"), "CHF")
    assert told.debtor is not None
    assert told.debtor.name == "Kundin 042"
    assert (told.reference_type, told.reference) == ("QRR", QRR)
    assert told.remittance == "Auftrag vom 15.08.2026"
    assert told.billing_fields == {"10": "10201409", "11": "260815", "20": "1400.000-53"}
    assert told.alternatives == ("eBill/B/41010560425610173",)
    payment = told.payment()
    assert (payment.amount, payment.references.structured) == (told.amount, QRR)


def test_a_bill_without_amount_and_debtor_leaves_both_open() -> None:
    lines = BILL.split("\n")
    lines[18] = ""
    lines[20:27] = [""] * 7
    told = one("\r\n".join(lines[:31]))
    assert (told.amount, told.debtor, failed(told)) == (None, None, [])


def test_a_combined_address_is_read_and_said_to_have_ended() -> None:
    lines = BILL.split("\n")
    lines[4:11] = ["K", "Supplier 017 AG", "Probegasse 15", "2501 Biel", "", "", "CH"]
    told = one("\n".join(lines))
    assert told.creditor.address is not None
    assert told.creditor.address.lines == ("Probegasse 15", "2501 Biel")
    assert failed(told) == ["creditor_address"]


@pytest.mark.parametrize(
    "old,new,names",
    [
        (QRR, QRR[:-1] + "8", ["reference"]),
        (QR_IBAN, IBAN, ["reference"]),
        (QR_IBAN, QR_IBAN[:-1] + "3", ["iban"]),
        ("1949.75", "1'949,75", ["amount"]),
        ("1949.75", "a lot", ["amount", "amount"]),
        ("\nEPD\n", "\nEPX\n", ["trailer"]),
        ("Auftrag", "A" * 141, ["length", "length"]),
        ("Biel", "Бiel", ["characters"]),
        ("\n0200\n", "\n0100\n", ["version"]),
        ("CH\n\n\n", "CH\nS\nX\n", ["ultimate_creditor"]),
    ],
)
def test_what_breaks_the_guidelines_is_told_beside_the_bill(old: str, new: str, names: list[str]) -> None:
    assert failed(one(BILL.replace(old, new))) == names


def test_a_creditor_reference_goes_with_an_ordinary_iban() -> None:
    told = one(BILL.replace(QR_IBAN, IBAN).replace("QRR", "SCOR").replace(QRR, SCOR))
    assert (told.checks, told.reference) == ((), SCOR)
    assert failed(one(BILL.replace(QR_IBAN, IBAN).replace("QRR", "NON"))) == ["reference"]
    assert failed(one(BILL.replace(QR_IBAN, IBAN).replace("QRR", "NON").replace(QRR, ""))) == []


def test_spaces_in_numbers_are_left_out() -> None:
    told = one(BILL.replace(QR_IBAN, "CH44 3199 9123 0008 8901 2").replace(QRR, "21 00000 00003 13947 14300 09017"))
    assert (told.creditor_account.iban, told.reference, failed(told)) == (QR_IBAN, QRR, [])


def test_several_payloads_in_one_file_are_several_bills() -> None:
    told = read(BILL + "\n" + BILL)
    assert [bill.source.where for bill in told if isinstance(bill, QrBill)] == ["bill[1]", "bill[2]"]


def test_a_bill_of_the_first_version_is_read_by_its_own_order_of_lines() -> None:
    lines = BILL.replace("0200", "0100").splitlines()
    lines = lines[:4] + lines[5:11] + [""] * 6 + lines[18:20] + ["2026-10-31"] + lines[21:30] + lines[32:]
    told = one("\r\n".join(lines))
    bill = one(BILL)
    same = (
        "creditor",
        "creditor_account",
        "amount",
        "debtor",
        "reference",
        "remittance",
        "ultimate_creditor",
        "alternatives",
    )
    assert [getattr(told, name) for name in same] == [getattr(bill, name) for name in same]
    assert failed(told) == ["version"]


def test_a_cut_payload_is_rejected_with_its_place() -> None:
    lines = BILL.split("\n")
    for end in range(1, 20):
        (told,) = read("\n".join(lines[:end]))
        assert isinstance(told, Reject)
    assert isinstance(one("\n".join(lines[:20])), QrBill)


def test_what_is_no_qr_bill_is_refused() -> None:
    for content in ("", "hello", "<xml/>"):
        with pytest.raises(FormatRefused):
            read(content)
    found = recognise(Beginning(BILL.encode()))
    assert found is not None
    assert found.name == "qr_bill"
    assert recognise(Beginning(b"SPC\nhello\n")) is None


def test_what_was_read_is_written_to_the_letter() -> None:
    assert write_qr_bill(one(BILL)).decode() == BILL


@pytest.mark.parametrize(
    "old,new,words",
    [
        (QRR, QRR[:-1] + "8", "right check sum"),
        (QR_IBAN, IBAN, "QR-IBAN"),
        (QR_IBAN, "DE89370400440532013000", "IBAN of CH or LI"),
        (
            "S\nSupplier 017 AG\nProbegasse\n15\n2501\nBiel",
            "K\nSupplier 017 AG\nProbegasse 15\n2501 Biel\n\n",
            "combined",
        ),
        ("Biel", "B" * 36, "at most 35"),
        ("Biel", "", "is needed"),
        ("Auftrag", "A" * 100, "at most 140"),
        ("Biel", "Бiel", "Latin letters"),
        ("1949.75", "0.00", "0.01 to 999999999.99"),
        ("1949.75", "1000000000.00", "0.01 to 999999999.99"),
        ("QRR", "XYZ", "is QRR, SCOR or NON"),
        ("eBill/B/", "e" * 100, "1 to 100"),
    ],
)
def test_what_a_bank_would_refuse_is_not_written(old: str, new: str, words: str) -> None:
    with pytest.raises(FormatRefused, match=words) as refused:
        write_qr_bill(one(BILL.replace(old, new)))
    assert refused.value.remedy
