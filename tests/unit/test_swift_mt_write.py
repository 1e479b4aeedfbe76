"""What is written as MT940 and MT101, and what is refused with its field, rule and remedy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from nostro.formats.swift_mt.read import read_mt
from nostro.formats.swift_mt.write_statement import write_mt940
from nostro.formats.swift_mt.write_transfers import write_mt101
from nostro.model.failures import FormatRefused
from nostro.model.messages import Envelope, Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Balance, Charge, Entry, Exchange, References, Source, StatementEnd, StatementHead

DAY = date(2026, 8, 31)
HERE = Source(where="")


def euro(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="EUR")


HEAD = StatementHead(
    kind="statement",
    statement_id="S-244",
    bank_account=BankAccount(iban="DE89370400440532013000"),
    currency="EUR",
    sequence=244,
    page=1,
    balances=(Balance(code="OPBD", amount=euro("-100"), on=DAY),),
    source=HERE,
)
ENTRY = Entry(
    amount=euro("12.5"),
    direction="credit",
    state="booked",
    booking_date=date(2026, 9, 1),
    value_date=DAY,
    references=References(instruction="INV-17", account_servicer="B7", end_to_end="E2E-1"),
    bank_transaction_code="NTRF",
    remittance=("Invoice INV/2026/00012",),
    counterparty=Party(name="Customer 017"),
    counterparty_account=BankAccount(iban="NL91ABNA0417164300", bic="ABNANL2A"),
    source=HERE,
)
END = StatementEnd(
    entries=1,
    rejected=0,
    balances=(*HEAD.balances, Balance(code="CLBD", amount=euro("-87.5"), on=DAY)),
    additional="all is well",
)


def mt940(head: StatementHead = HEAD, entry: Entry = ENTRY, end: StatementEnd = END) -> str:
    return b"".join(write_mt940([head, entry, end])).decode("ascii")


def test_a_statement_is_written_as_the_standard_has_it() -> None:
    assert mt940().split("\r\n") == [
        ":20:S-244",
        ":25:DE89370400440532013000",
        ":28C:00244/00001",
        ":60F:D260831EUR100,00",
        ":61:2608310901C12,50NTRFINV-17//B7",
        ":86:/EREF/E2E-1/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/Customer 01",
        "7/REMI/Invoice INV/2026/00012",
        ":62F:D260831EUR87,50",
        ":86:all is well",
        "-",
        "",
    ]


def changed(entry: Entry, **fields: Any) -> Callable[[], str]:  # noqa: ANN401 - whichever field a test is about
    return lambda: mt940(entry=entry.model_copy(update=fields))


@pytest.mark.parametrize(
    "write, field",
    [
        (changed(ENTRY, amount=euro("12.505")), "61"),
        (changed(ENTRY, amount=euro("13")), "62F"),
        (changed(ENTRY, amount=Amount(value=Decimal(1), currency="USD")), "61"),
        (changed(ENTRY, amount=euro("1234567890123456")), "61"),
        (changed(ENTRY, value_date=None, booking_date=None), "61"),
        (changed(ENTRY, references=References(instruction="/INV")), "61"),
        (changed(ENTRY, references=References(account_servicer="A" * 17)), "61"),
        (changed(ENTRY, remittance=("Zahlung für März",)), "86"),
        (changed(ENTRY, remittance=("x" * 400,)), "86"),
        (changed(ENTRY, remittance=("a /EREF/ within",)), "/REMI/"),
        (changed(ENTRY, remittance=("PURP",)), "/REMI/"),
        (changed(ENTRY, state="pending"), "booked"),
        (lambda: mt940(head=HEAD.model_copy(update={"balances": ()})), "60F"),
        (lambda: mt940(head=HEAD.model_copy(update={"bank_account": BankAccount()})), "25"),
        (lambda: mt940(head=HEAD.model_copy(update={"sequence": 123456})), "28C"),
        (lambda: mt940(end=END.model_copy(update={"balances": HEAD.balances})), "62F"),
        (lambda: b"".join(write_mt940([ENTRY])).decode(), "before"),
        (lambda: b"".join(write_mt940([HEAD, ENTRY])).decode(), "no end"),
    ],
)
def test_what_mt940_cannot_carry_is_refused(write: Callable[[], str], field: str) -> None:
    with pytest.raises(FormatRefused, match=field) as refused:
        write()
    assert refused.value.remedy


PAYMENT = Instruction(
    amount=euro("12.5"),
    references=References(instruction="PAY-1", end_to_end="E2E-1", message="ORDER-7"),
    execution_date=DAY,
    debtor=Party(name="Company 017", address=Address(lines=("Main Street 1", "Berlin"))),
    debtor_account=BankAccount(iban="DE89370400440532013000", bic="COBADEFF"),
    creditor=Party(name="Supplier 1"),
    creditor_account=BankAccount(iban="NL91ABNA0417164300", bic="INGBNL2A"),
    charge_bearer="SHAR",
    remittance=("Invoice 12",),
    source=HERE,
)
ORDER = MessageHead(kind="payment_initiation", message_id="ORDER-7", source=HERE)


def mt101(*payments: Instruction, head: MessageHead = ORDER) -> str:
    return b"".join(write_mt101(head, payments)).decode("ascii")


def test_an_order_is_written_as_the_standard_has_it() -> None:
    assert mt101(PAYMENT).split("\r\n") == [
        ":20:ORDER-7",
        ":28D:1/1",
        ":50H:/DE89370400440532013000",
        "Company 017",
        "Main Street 1",
        "Berlin",
        ":52A:COBADEFF",
        ":30:260831",
        ":21:PAY-1",
        ":32B:EUR12,50",
        ":57A:INGBNL2A",
        ":59:/NL91ABNA0417164300",
        "Supplier 1",
        ":70:/ROC/E2E-1",
        "Invoice 12",
        ":71A:SHA",
        "-",
        "",
    ]


STREET = Address(street="Hoogstraat", building="6", postcode="2000", town="Antwerpen", region="VAN", country="BE")


def test_an_address_of_fields_is_written_in_numbered_lines_and_read_back() -> None:
    payee = Party(name="Supplier for Promotion of International Commerce", address=STREET)
    payer = Party(name="Company 017", address=Address(town="Berlin", country="DE"))
    written = mt101(PAYMENT.model_copy(update={"creditor": payee, "debtor": payer}))
    assert ":50F:/DE89370400440532013000\r\n1/Company 017\r\n3/DE/Berlin\r\n" in written
    assert written.partition(":59F:/NL91ABNA0417164300\r\n")[2].split("\r\n")[:4] == [
        "1/Supplier for Promotion of",
        "1/International Commerce",
        "2/Hoogstraat,6",
        "3/BE/Antwerpen,2000,VAN",
    ]
    (told,) = [item for item in read_mt([written.encode()]) if isinstance(item, Instruction)]
    assert (told.creditor, told.debtor) == (payee, payer)


def test_parts_of_an_address_without_a_line_of_their_own_are_its_second_line() -> None:
    address = STREET.model_copy(update={"building": "", "others": {"Flr": "Floor 3"}, "lines": ("c/o Customer 017",)})
    written = mt101(PAYMENT.model_copy(update={"creditor": Party(name="Supplier 1", address=address)}))
    assert "1/Supplier 1\r\n2/Hoogstraat,Floor 3,c/o Customer\r\n2/017\r\n3/BE/Antwerpen,2000,VAN\r\n" in written


def test_blocks_are_written_when_both_banks_are_known() -> None:
    head = ORDER.model_copy(update={"envelope": Envelope(sender="BANKBEBB", receiver="BANKDEFFABC")})
    assert mt101(PAYMENT, head=head).startswith(
        "{1:F01BANKBEBBAXXX0000000000}{2:I101BANKDEFFAABCN}{4:\r\n:20:ORDER-7\r\n"
    )


def test_more_payments_than_a_message_takes_are_a_chain() -> None:
    payments = [PAYMENT.model_copy(update={"references": References(instruction=f"PAY-{n}")}) for n in range(200)]
    written = list(write_mt101(ORDER, payments))
    assert len(written) > 1
    assert all(len(message) <= 10_000 for message in written)
    items = list(read_mt(written))
    indexes = [item.others["28D"] for item in items if isinstance(item, MessageHead)]
    assert indexes == [f"{n}/{len(written)}" for n in range(1, len(written) + 1)]
    assert sum(item.items for item in items if isinstance(item, MessageEnd)) == 200


def test_a_deal_brings_its_rate_and_amount() -> None:
    deal = {"exchange": Exchange(instructed=Amount(value=Decimal(14), currency="USD"), rate=Decimal("1.12"))}
    written = mt101(PAYMENT.model_copy(update={**deal, "others": {"21F": "FX-1"}}))
    assert ":21F:FX-1\r\n:32B:EUR12,50\r\n:33B:USD14,00\r\n:36:1,12\r\n" in written
    with pytest.raises(FormatRefused, match="21F"):
        mt101(PAYMENT.model_copy(update=deal))


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"amount": None}, "32B"),
        ({"amount": euro("0")}, "32B"),
        ({"amount": euro("1.234")}, "32B"),
        ({"references": References()}, "21"),
        ({"creditor": None}, "59"),
        ({"creditor": Party(name="Lieferant Müller")}, "59"),
        ({"creditor": Party(name="x" * 36)}, "59"),
        ({"creditor": Party(name="A", address=Address(lines=("1", "2", "3", "4")))}, "59"),
        ({"creditor": Party(name="A" * 100, address=Address(town="Berlin", country="DE"))}, "59F"),
        ({"creditor_account": BankAccount(iban="NL91ABNA0417164300", bic="NOBIC")}, "57A"),
        ({"charge_bearer": "SLEV"}, "71A"),
        ({"remittance": ("x" * 200,)}, "70"),
        ({"debtor": None}, "50H"),
        ({"execution_date": None}, "30"),
        ({"charges": (Charge(amount=euro("1")),), "regulatory": ("-x",)}, "77B"),
    ],
)
def test_what_mt101_cannot_carry_is_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(FormatRefused, match=field) as refused:
        mt101(PAYMENT.model_copy(update=fields))
    assert refused.value.remedy


def test_payments_of_one_message_agree_on_what_it_tells_once() -> None:
    with pytest.raises(FormatRefused, match="21: a reference comes twice"):
        mt101(PAYMENT, PAYMENT)
    other = {"references": References(instruction="PAY-2")}
    with pytest.raises(FormatRefused, match="Field 30 is told once"):
        mt101(PAYMENT, PAYMENT.model_copy(update={**other, "execution_date": date(2026, 9, 1)}))
    with pytest.raises(FormatRefused, match="Field 50H is told once"):
        mt101(PAYMENT, PAYMENT.model_copy(update={**other, "debtor": Party(name="Company 018")}))
    with pytest.raises(FormatRefused, match="one payment at least"):
        mt101()
