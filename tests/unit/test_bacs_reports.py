"""Bacs reports: what came back, and whose instructions and accounts changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.bacs import read_bacs_reports
from nostro.formats.bacs.reports import BacsItem
from nostro.formats.catalogue import recognise
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Reject

ARUDD = """<?xml version="1.0" encoding="UTF-8"?><BACSDocument><Data><ARUDD>
<Header reportType="REFT1019" adviceNumber="077" currentProcessingDate="2026-09-01"/>
<AddresseeInformation name="COMPANY 017"/><ServiceLicenseInformation userName="COMPANY 017" userNumber="123456"/>
<Advice><OriginatingAccountRecords><OriginatingAccountRecord>
<OriginatingAccount name="COMPANY 017" number="12345678" sortCode="20-92-08" bankName="BANK OF THE TRIAL"/>
<ReturnedDebitItem ref="X01234-1" transCode="17" returnCode="0128" returnDescription="REFER TO PAYER"
 originalProcessingDate="2026-08-27" valueOf="65.00" currency="GBP">
<PayerAccount number="87654321" ref="X01234" name="CUSTOMER 042" sortCode="11-22-33" bankName="OTHER BANK"/>
</ReturnedDebitItem>
<ReturnedDebitItem ref="X01235" transCode="01" returnCode="5" originalProcessingDate="2026-08-27" valueOf="10.50">
<PayerAccount number="87654322" ref="X01235" name="CUSTOMER 043" sortCode="112233"/></ReturnedDebitItem>
<Totals numberOf="2" valueOf="75.50" currency="GBP"/>
</OriginatingAccountRecord></OriginatingAccountRecords></Advice></ARUDD></Data></BACSDocument>"""
ARUCS = (
    ARUDD.replace("ARUDD", "ARUCS").replace("ReturnedDebitItem", "ReturnedCreditItem").replace("Payer", "Beneficiary")
)
ADVICES = """<BACSDocument><Data><MessagingAdvices>
<MessagingHeader advice-type="{0}" user-number="123456" user-name="COMPANY 017" report-generation-date="2026-09-01"/>
{1}</MessagingAdvices></Data></BACSDocument>"""
MOVED = """<MessagingAdvice user-number="123456" record-type="A" effective-date="2026-09-08" reference="X01234"
 payer-name="CUSTOMER 042" payer-account-number="87654321" payer-sort-code="112233" reason-code="3"
 payer-new-account-number="11111111" payer-new-sort-code="44-55-66" aosn="000001"/>"""


def read(text: str) -> list[BacsItem]:
    return list(read_bacs_reports([text.encode()]))


def test_returned_debits_say_whose_and_why() -> None:
    head, first, second, end = read(ARUDD)
    assert isinstance(head, MessageHead)
    assert (head.kind, head.format, head.message_id) == ("payment_return", "Bacs ARUDD", "077")
    assert head.created_on == date(2026, 9, 1)
    assert head.initiating_party is not None
    assert head.initiating_party.ids == {"SUN": "123456"}
    assert isinstance(first, Instruction)
    assert first.amount is not None
    assert (first.method, first.amount.value, first.amount.currency) == ("direct_debit", Decimal("65.00"), "GBP")
    assert first.debtor is not None
    assert first.debtor.name == "CUSTOMER 042"
    assert first.debtor_account is not None
    assert (first.debtor_account.other, first.debtor_account.clearing_id) == ("87654321", "112233")
    assert first.creditor_account is not None
    assert (first.creditor_account.other, first.creditor_account.clearing_id) == ("12345678", "209208")
    assert first.returned is not None
    assert (first.returned.code, first.returned.text) == ("0128", "REFER TO PAYER")
    assert (first.references.end_to_end, first.references.mandate) == ("X01234-1", "X01234")
    assert first.execution_date == date(2026, 8, 27)
    assert isinstance(second, Instruction)
    assert second.returned is not None
    assert second.returned.text == "no such account"
    assert isinstance(end, MessageEnd)
    assert (end.items, end.totals) == (2, {"GBP": Decimal("75.50")})
    assert [(check.name, check.ok) for check in end.checks] == [("totals/value", True), ("totals/count", True)]


def test_returned_credits_go_back_to_the_payer() -> None:
    head, first, *_ = read(ARUCS)
    assert isinstance(head, MessageHead)
    assert head.format == "Bacs ARUCS"
    assert isinstance(first, Instruction)
    assert first.method == "credit_transfer"
    assert first.creditor is not None
    assert first.creditor.name == "CUSTOMER 042"
    assert first.debtor_account is not None
    assert first.debtor_account.other == "12345678"


@pytest.mark.parametrize(
    "name,text", [("ADDACS", "the account moved to another bank"), ("AUDDIS", "the account moved to another bank")]
)
def test_an_advice_names_the_mandate_and_the_new_account(name: str, text: str) -> None:
    head, told, end = read(ADVICES.format(name, MOVED))
    assert isinstance(head, MessageHead)
    assert (head.kind, head.format) == ("mandate_change", f"Bacs {name}")
    assert isinstance(told, PaymentStatus)
    assert (told.status, told.reasons[0].text, told.references.mandate) == ("3", text, "X01234")
    assert told.debtor is not None
    assert told.debtor.name == "CUSTOMER 042"
    assert told.debtor_account is not None
    assert (told.debtor_account.other, told.debtor_account.clearing_id) == ("87654321", "112233")
    assert (told.others["new_account"], told.others["new_sort_code"]) == ("11111111", "44-55-66")
    assert told.others["effective_date"] == "2026-09-08"
    assert isinstance(end, MessageEnd)
    assert end.items == 1


def test_a_wrong_account_advice_is_about_whom_we_pay() -> None:
    _, told, _ = read(ADVICES.format("AWACS", MOVED))
    assert isinstance(told, PaymentStatus)
    assert told.creditor_account is not None
    assert (told.creditor_account.other, told.references.end_to_end) == ("87654321", "X01234")


def test_what_the_header_does_not_say_the_record_type_does() -> None:
    head, *_ = read(ADVICES.format("", MOVED))
    assert isinstance(head, MessageHead)
    assert head.format == "Bacs ADDACS"


def test_a_refused_file_says_what_was_wrong() -> None:
    errors = (
        '<MessagingAdvice record-type="R" file-type="LIVE"/><MessagingError line1="FILE REJECTED" line2="NO HEADER"/>'
    )
    _, advice, error, _ = read(ADVICES.format("AUDDIS", errors))
    assert isinstance(advice, PaymentStatus)
    assert advice.status == "R"
    assert isinstance(error, PaymentStatus)
    assert (error.level, error.reasons[0].text) == ("message", "FILE REJECTED NO HEADER")


def test_totals_that_do_not_hold_and_amounts_that_are_none_are_told() -> None:
    items = read(ARUDD.replace('valueOf="10.50"', 'valueOf="ten"'))
    (reject,) = (item for item in items if isinstance(item, Reject))
    assert reject.where == "/BACSDocument/Data/ARUDD[1]/ReturnedDebitItem[2]"
    end = items[-1]
    assert isinstance(end, MessageEnd)
    assert (end.items, end.rejected, [check.ok for check in end.checks]) == (1, 1, [False, False])


def test_commas_between_thousands_are_none_of_a_decimal() -> None:
    text = ARUDD.replace('valueOf="10.50"', 'valueOf="1,234.56"').replace('valueOf="75.50"', 'valueOf="1,299.56"')
    items = read(text)
    amounts = [item.amount.value for item in items if isinstance(item, Instruction) and item.amount]
    assert amounts == [Decimal("65.00"), Decimal("1234.56")]
    end = items[-1]
    assert isinstance(end, MessageEnd)
    assert all(check.ok for check in end.checks)
    for said in ("12,34", "1,23,456", ",123", "1,234,5.00"):
        assert any(isinstance(item, Reject) for item in read(ARUDD.replace('valueOf="10.50"', f'valueOf="{said}"')))


def test_a_cut_report_keeps_what_was_whole_and_says_so() -> None:
    for end in range(1, len(ARUDD) - 1, 9):
        try:
            items = read(ARUDD[:end])
        except FormatRefused:
            continue
        assert isinstance(items[-1], Reject)


@pytest.mark.parametrize("content", [ARUDD, ARUCS, ADVICES.format("ADDACS", MOVED)])
def test_reports_are_recognised(content: str) -> None:
    found = recognise(Beginning(content.encode()))
    assert found is not None
    assert found.name == "bacs_report"


def test_what_is_no_report_is_refused() -> None:
    assert recognise(Beginning(b"<BACSDocument><Data/></BACSDocument>")) is None
    for content in ("", "hello", "<BACSDocument><Data/></BACSDocument>"):
        with pytest.raises(FormatRefused):
            read(content)
