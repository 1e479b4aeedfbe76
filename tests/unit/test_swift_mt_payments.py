"""MT101, MT103, MT202 with and without cover, MT900 and MT910."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.swift_mt.read import MtItem, read_mt
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead

BLOCKS = "{1:F01BANKBEBBAXXX0017000017}{2:I%sBANKDEFFXXXXN}{3:{108:MUR7}{119:STP}{121:%s}}{4:\n"
UETR = "f0a1c2d3-4e5f-4a6b-8c7d-017017017017"
MT101 = """:20:ORDER-7
:21R:BATCH-9
:28D:1/1
:50L:GROUP TREASURY
:50H:/DE89370400440532013000
Company 017
Main Street 1
Berlin
:52A:COBADEFF
:30:260831
:21:PAY-1
:23E:URGP
:32B:EUR12,50
:57A:INGBNL2A
:59:/NL91ABNA0417164300
Supplier 1
Utrecht
:70:/ROC/E2E-1
Invoice 12
:71A:SHA
:21:PAY-2
:32B:USD1000,
:57C://FW021000089
:59F:/12345678
1/Supplier 2
2/5th Avenue 1
3/US/NEW YORK, NY 10017
:70:Invoice 13
:77B:/ORDERRES/DE//1
:71A:OUR
-}"""


def read(text: str) -> list[MtItem]:
    return list(read_mt([text.encode()]))


def payments(items: list[MtItem]) -> list[Instruction]:
    return [item for item in items if isinstance(item, Instruction)]


def only(text: str) -> Instruction:
    (found,) = payments(read(text))
    return found


def test_a_bank_without_bic_and_clearing_id_is_told_by_its_name() -> None:
    named = MT101.replace(":57A:INGBNL2A", ":57D:/99\nBank of the West\nPier 7").replace(
        ":52A:COBADEFF", ":52A:/COBADE"
    )
    first, second = payments(read(BLOCKS % ("101", UETR) + named))
    assert first.others["creditor_agent"] == "Bank of the West"
    assert first.others["debtor_agent"] == "COBADE"
    assert "creditor_agent" not in second.others


def test_an_mt101_is_its_payments() -> None:
    items = read(BLOCKS % ("101", UETR) + MT101)
    head, end = items[0], items[-1]
    assert isinstance(head, MessageHead)
    assert isinstance(end, MessageEnd)
    assert (head.kind, head.message_id, head.format) == ("payment_initiation", "ORDER-7", "MT101")
    assert head.initiating_party is not None
    assert head.initiating_party.ids == {"OTHER": "GROUP TREASURY"}
    assert head.envelope is not None
    assert (head.envelope.sender, head.envelope.receiver) == ("BANKBEBB", "BANKDEFF")
    assert end.totals == {"EUR": Decimal("12.50"), "USD": Decimal(1000)}
    first, second = payments(items)
    assert (first.group, first.execution_date) == ("BATCH-9", date(2026, 8, 31))
    assert (first.references.instruction, first.references.end_to_end) == ("PAY-1", "E2E-1")
    assert (first.remittance, first.charge_bearer, first.service_level) == (("Invoice 12",), "SHAR", "URGP")
    assert first.debtor is not None
    assert first.debtor.address is not None
    assert (first.debtor.name, first.debtor.address.lines) == ("Company 017", ("Main Street 1", "Berlin"))
    assert first.debtor_account is not None
    assert (first.debtor_account.iban, first.debtor_account.bic) == ("DE89370400440532013000", "COBADEFF")
    assert second.debtor == first.debtor
    assert second.creditor is not None
    assert second.creditor.address is not None
    address = second.creditor.address
    assert (second.creditor.name, address.street, address.country) == ("Supplier 2", "5th Avenue 1", "US")
    assert second.creditor_account is not None
    assert (second.creditor_account.other, second.creditor_account.clearing_id) == ("12345678", "FW021000089")
    assert (second.references.end_to_end, second.charge_bearer) == ("PAY-2", "DEBT")
    assert second.regulatory == ("/ORDERRES/DE//1",)


def test_a_payment_that_cannot_be_read_is_located_and_the_others_are_kept() -> None:
    items = read(BLOCKS % ("101", UETR) + MT101.replace("EUR12,50", "EUR twelve"))
    assert [(r.where, r.why) for r in items if isinstance(r, Reject)] == [("MT101[1]/21[1]", "an amount is no number")]
    end = items[-1]
    assert isinstance(end, MessageEnd)
    assert (end.items, end.rejected) == (1, 1)


def test_an_equivalent_is_what_the_payer_wants_to_spend() -> None:
    text = MT101.replace(":23E:URGP\n:32B:EUR12,50", ":21F:FX-1\n:23E:EQUI\n:32B:USD0,\n:33B:EUR50,\n:36:1,1")
    first, _ = payments(read(BLOCKS % ("101", UETR) + text))
    assert first.amount is None
    assert first.equivalent is not None
    assert (first.equivalent.value, first.equivalent.currency) == (Decimal(50), "EUR")
    assert first.exchange is not None
    assert (first.exchange.rate, first.exchange.target_currency) == (Decimal("1.1"), "USD")
    assert first.others == {"21F": "FX-1", "28D": "1/1"}


MT103 = """:20:C4772342333
:13C:/CLSTIME/0915+0100
:23B:CRED
:23E:INTC
:32A:260425USD1321,00
:33B:EUR1350,
:36:0,9785
:50K:/1111111111
Customer 017
ROAD 64
:52A:CCCCNGLA
:53B:/00000000000000
:56D:Correspondent 3
:57A:DEUTDEFF500
:59A:/DE89370400440532013000
COBADEFF
:70:/RFB/042517478733
PREMIUM DUE
:71A:BEN
:71F:USD0,
:71F:USD29,
:72:/INS/Bank 5
//NEW YORK
-}"""


def test_an_mt103_is_one_payment_with_its_banks_and_charges() -> None:
    text = BLOCKS % ("103", UETR) + MT103
    told = only(text)
    assert told.amount is not None
    assert (told.amount.value, told.settlement_date) == (Decimal("1321.00"), date(2026, 4, 25))
    assert told.exchange is not None
    assert told.exchange.instructed is not None
    assert (told.exchange.instructed.currency, told.exchange.rate) == ("EUR", Decimal("0.9785"))
    assert told.creditor is not None
    assert told.creditor.ids == {"BIC": "COBADEFF"}
    assert told.creditor_account is not None
    assert (told.creditor_account.iban, told.creditor_account.bic) == ("DE89370400440532013000", "DEUTDEFF500")
    assert [(agent.other, agent.name) for agent in told.agents] == [("00000000000000", ""), ("", "Correspondent 3")]
    assert [(charge.amount.value, charge.bearer) for charge in told.charges] == [
        (Decimal(0), "CRED"),
        (Decimal(29), "CRED"),
    ]
    assert told.instructions == ("INTC", "/INS/Bank 5 NEW YORK")
    assert (told.charge_bearer, told.category_purpose) == ("CRED", "INTC")
    assert (told.references.instruction, told.remittance) == ("C4772342333", ("/RFB/042517478733", "PREMIUM DUE"))
    assert told.others == {"13C": "/CLSTIME/0915+0100", "23B": "CRED"}
    assert told.references.others == {"UETR": UETR}
    head = read(text)[0]
    assert isinstance(head, MessageHead)
    assert head.envelope is not None
    assert (head.kind, head.envelope.definition, head.envelope.service) == ("interbank_payment", "MT103", "STP")


MT202 = """:20:T-1
:21:REL-1
:32A:260831EUR5000,
:52A:BANKBEBB
:57A:DEUTDEFF
:58A:/DE75512108001245126199
COBADEFF
:72:/BNF/text
"""
COVER = """:50K:/123
Customer 017
:59:/456
Supplier 1
:70:Invoice 12
:33B:EUR5000,
"""


def test_an_mt202_is_between_banks() -> None:
    told = only(BLOCKS % ("202", UETR) + MT202 + "-}")
    assert told.debtor is not None
    assert told.creditor is not None
    assert (told.debtor.ids, told.creditor.ids) == ({"BIC": "BANKBEBB"}, {"BIC": "COBADEFF"})
    assert (told.references.instruction, told.references.end_to_end) == ("T-1", "REL-1")
    assert told.ultimate_creditor is None


def test_a_cover_payment_names_whose_payment_it_covers() -> None:
    text = BLOCKS % ("202", UETR) + MT202 + COVER + "-}"
    told = only(text)
    assert told.debtor is not None
    assert told.ultimate_debtor is not None
    assert told.ultimate_creditor is not None
    assert told.debtor.ids == {"BIC": "BANKBEBB"}
    assert (told.ultimate_debtor.name, told.ultimate_creditor.name) == ("Customer 017", "Supplier 1")
    assert told.remittance == ("Invoice 12",)
    assert told.others == {"50": "123", "59": "456"}
    assert told.references.others == {"UETR": UETR}
    head = read(text)[0]
    assert isinstance(head, MessageHead)
    assert head.format == "MT202COV"


def test_a_structured_party_has_its_lines_by_number() -> None:
    text = MT103.replace(
        ":50K:/1111111111\nCustomer 017\nROAD 64",
        ":50F:CUST/DE/COBADEFF/12345\n1/Customer\n1/017\n2/Road 64\n3/DE/Berlin\n4/19800101\n5/DE/Bonn\n6/DE/Bank/77",
    )
    party = only(BLOCKS % ("103", UETR) + text).debtor
    assert party is not None
    assert party.address is not None
    assert (party.name, party.address.town) == ("Customer 017", "Berlin")
    assert party.ids == {
        "CUST": "DE/COBADEFF/12345", "BIRTH_DATE": "19800101", "BIRTH_PLACE": "DE/Bonn", "CUSTOMER_ID": "DE/Bank/77",
    }  # fmt: skip


@pytest.mark.parametrize("kind, direction", [("900", "debit"), ("910", "credit")])
def test_a_confirmation_is_a_notification_of_one_entry(kind: str, direction: str) -> None:
    text = ":20:C11126A1378\n:21:5482ABC\n:25:9-9876543\n:13D:2608311733+0000\n:32A:260831USD233530,\n"
    items = read(BLOCKS % (kind, UETR) + text + ":50K:/1\nCustomer 017\n:52A:BANKBEBB\n:72:/BNF/why\n-}")
    head, entry, end = items
    assert isinstance(head, StatementHead)
    assert isinstance(entry, Entry)
    assert isinstance(end, StatementEnd)
    assert (head.kind, head.format, head.bank_account.other) == ("notification", f"MT{kind}", "9-9876543")
    assert (entry.direction, entry.amount.value, entry.state) == (direction, Decimal(233530), "booked")
    assert (entry.references.account_servicer, entry.references.instruction) == ("C11126A1378", "5482ABC")
    assert entry.references.others == {"UETR": UETR}
    assert entry.counterparty is not None
    assert (entry.counterparty.name, entry.additional) == ("Customer 017", "/BNF/why")


@pytest.mark.parametrize(
    "told, code, proprietary, text",
    [
        ("/RETN/99\n//AC04/closed", "AC04", "RETN/99", "closed"),
        ("/REJT/59\n/AC01/No such account\n/MREF/OURS-1", "AC01", "REJT/59", "No such account"),
        ("/RETN/59\n/TEXT/Unknown", "", "RETN/59", "Unknown"),
    ],
)
def test_a_payment_that_comes_back_says_why(told: str, code: str, proprietary: str, text: str) -> None:
    message = BLOCKS % ("103", UETR) + f":20:R\n:32A:260831USD95,\n:50K:/1\nX\n:59:/2\nY\n:72:{told}\n-}}"
    (payment,) = (item for item in read(message) if isinstance(item, Instruction))
    assert payment.returned is not None
    assert (payment.returned.code, payment.returned.proprietary, payment.returned.text) == (code, proprietary, text)
    assert (payment.returned.original is not None) == ("MREF" in told)


@pytest.mark.parametrize("more, charged", [("", "5"), (":71F:USD2,\n:71F:USD3,\n", "5"), (":71G:USD1,\n", "6")])
def test_what_is_lacking_in_one_currency_are_charges_and_no_exchange(more: str, charged: str) -> None:
    message = BLOCKS % ("103", UETR) + f":20:R\n:32A:260831USD95,\n:33B:USD100,\n:50K:/1\nX\n:59:/2\nY\n{more}-}}"
    (payment,) = (item for item in read(message) if isinstance(item, Instruction))
    assert payment.exchange is None
    assert sum(charge.amount.value for charge in payment.charges) == Decimal(charged)


def test_a_confirmation_tells_the_exchange_the_charges_and_the_payer_s_bank() -> None:
    told = ":20:X\n:21:Y\n:25:1\n:32A:260831EUR9,26\n:50K:/77\nCustomer 017\n:52A:BANKBEBB\n"
    told += ":72:/EXCH/1,08\n/OCMT/USD10,\n-}"
    (entry,) = (item for item in read(BLOCKS % ("910", UETR) + told) if isinstance(item, Entry))
    assert entry.exchange is not None
    assert entry.exchange.instructed is not None
    assert (entry.exchange.rate, entry.exchange.instructed.value) == (Decimal("1.08"), Decimal(10))
    assert entry.counterparty_account is not None
    assert (entry.counterparty_account.other, entry.counterparty_account.bic) == ("77", "BANKBEBB")


def test_thousands_in_an_amount_are_no_decimal_mark() -> None:
    order = MT101.replace("EUR12,50", "EUR1,234.56").replace("USD1000,", "USD12.500")
    (payment,) = (item for item in read(order) if isinstance(item, Instruction))
    (reject,) = (item for item in read(order) if isinstance(item, Reject))
    assert payment.amount is not None
    assert (payment.amount.value, reject.why) == (Decimal("1234.56"), "the amount can be read in two ways")


def test_a_confirmation_without_an_amount_is_rejected() -> None:
    items = read(BLOCKS % ("910", UETR) + ":20:X\n:21:Y\n:25:1\n:52D:Bank 5\n-}")
    assert [reject.why for reject in items if isinstance(reject, Reject)] == [
        "the amount is not told, or not as the standard has it"
    ]


def test_a_message_without_a_payment_is_said() -> None:
    items = read(BLOCKS % ("101", UETR) + ":20:X\n:28D:1/1\n-}")
    assert [reject.why for reject in items if isinstance(reject, Reject)] == ["the message holds no payment"]


def test_five_thousand_payments_of_one_message_are_as_many() -> None:
    more = "".join(f":21:P{n}\n:32B:EUR{n},\n:59:/{n}\nS\n:71A:SHA\n" for n in range(1, 5_001))
    items = read(BLOCKS % ("101", UETR) + MT101.split(":21:PAY-1", maxsplit=1)[0] + more + "-}")
    end = items[-1]
    assert isinstance(end, MessageEnd)
    assert (end.items, end.rejected, end.totals) == (5_000, 0, {"EUR": Decimal(5_000 * 5_001 // 2)})
    assert len(payments(items)) == 5_000
