"""OFX: golden files in the test's own text, and the oddities that banks have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.ofx.read import is_ofx, read_ofx
from nostro.formats.ofx.values import decimal, instant
from nostro.formats.reading import Beginning, Item, Unreadable
from nostro.model.failures import FormatRefused
from nostro.model.statements import StatementHead
from tests.placeless import placeless
from tests.statement_texts import end, entries, failed, head, read, rejects

SGML = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
ENCODING:USASCII
CHARSET:1252

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260831183000[-5:EST]</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>021000021<ACCTID>123456789<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260801<DTEND>20260831
%s
</BANKTRANLIST><LEDGERBAL><BALAMT>1125.00<DTASOF>20260831</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""
MOVEMENT = """<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260831120000.000[-5:EST]<TRNAMT>125.00<FITID>F17
<NAME>Customer 017<MEMO>INV/2026/00012 &amp; 13</STMTTRN>"""


def statement(*movements: str) -> list[Item]:
    return read(read_ofx, *(SGML % "\n".join(movements)).split("\n"))


def test_a_statement_in_sgml_is_told_with_its_account_and_balance() -> None:
    items = statement(MOVEMENT)
    told = head(items)
    assert (told.bank_account.other, told.bank_account.clearing_id, told.currency) == ("123456789", "021000021", "USD")
    assert (told.from_date, told.to_date, told.statement_id) == (
        date(2026, 8, 1), date(2026, 8, 31), "2026-08-01/2026-08-31",
    )  # fmt: skip
    assert told.created_at is not None
    assert told.created_at.isoformat() == "2026-08-31T18:30:00-05:00"
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction, entry.booking_date) == (Decimal("125.00"), "credit", date(2026, 8, 31))
    assert entry.counterparty is not None
    assert (entry.counterparty.name, entry.remittance) == ("Customer 017", ("INV/2026/00012 & 13",))
    assert (entry.references.account_servicer, entry.source.line) == ("F17", 11)
    assert [(balance.code, balance.amount.value) for balance in end(items).balances] == [("CLBD", Decimal("1125.00"))]
    assert failed(items) == {}


def test_an_amount_that_a_program_worked_out_in_floats_is_kept_with_all_its_digits() -> None:
    (entry,) = entries(list(read_ofx([(SGML % MOVEMENT.replace("125.00", "125.10000000000001")).encode()])))
    assert entry.amount.value == Decimal("125.10000000000001")


def test_the_same_in_xml_tells_the_same() -> None:
    given = SGML[SGML.index("<OFX>") :] % MOVEMENT
    for name in (
        "CODE",
        "SEVERITY",
        "DTSERVER",
        "TRNUID",
        "CURDEF",
        "BANKID",
        "ACCTID",
        "ACCTTYPE",
        "DTSTART",
        "DTEND",
    ):
        given = _closed(given, name)
    for name in ("TRNTYPE", "DTPOSTED", "TRNAMT", "FITID", "NAME", "MEMO", "BALAMT", "DTASOF"):
        given = _closed(given, name)
    header = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n'
    xml, sgml = read(read_ofx, *(header + given).split("\n")), statement(MOVEMENT)
    assert [placeless(entry) for entry in entries(xml)] == [placeless(entry) for entry in entries(sgml)]
    assert placeless(end(xml)) == placeless(end(sgml))


def _closed(given: str, name: str) -> str:
    before, _, rest = given.partition(f"<{name}>")
    value = rest[: rest.index("<")]
    return f"{before}<{name}>{value.strip()}</{name}>{rest[len(value) :]}"


def test_movements_and_elements_that_nothing_closes_are_read() -> None:
    items = statement(MOVEMENT.replace("</STMTTRN>", ""), MOVEMENT.replace("F17", "F18"))
    assert [entry.references.account_servicer for entry in entries(items)] == ["F17", "F18"]


def test_a_card_s_statement_is_one_too() -> None:
    given = (SGML % MOVEMENT).replace("STMTRS>", "CCSTMTRS>").replace("BANKACCTFROM", "CCACCTFROM")
    items = read(read_ofx, *given.split("\n"))
    assert (head(items).bank_account.other, len(entries(items))) == ("123456789", 1)


@pytest.mark.parametrize(
    "said, value",
    [("-12,50", "-12.50"), ("+00000000000115.8331", "115.8331"), ("1,234.56", "1234.56"), ("1.234,56", "1234.56"),
     (".5", "0.5"), ("12", "12"), ("- 3.00", "-3.00")],
)  # fmt: skip
def test_amounts_have_a_point_or_a_comma(said: str, value: str) -> None:
    assert str(decimal(said)) == value


@pytest.mark.parametrize("said", ["1,234", "$120", "", "1.2.3", "abc", "1e5", "NaN", "Infinity", "٣"])
def test_amounts_that_can_be_read_in_two_ways_or_none_are_not_read(said: str) -> None:
    with pytest.raises(Unreadable):
        decimal(said)


@pytest.mark.parametrize(
    "said", ["", "20260831", "2026083118300", "20260831996100", "20260831183000[-99:X]", "nonsense"]
)
def test_an_instant_that_is_none_is_not_told(said: str) -> None:
    assert instant(said) is None


def test_an_amount_in_another_currency_says_so() -> None:
    items = statement(MOVEMENT.replace("<MEMO>", "<CURRENCY><CURRATE>1.12<CURSYM>EUR</CURRENCY><MEMO>"))
    (entry,) = entries(items)
    assert (entry.amount.currency, entry.exchange and entry.exchange.rate) == ("EUR", Decimal("1.12"))
    items = statement(MOVEMENT.replace("<MEMO>", "<ORIGCURRENCY><CURRATE>1.12<CURSYM>EUR</ORIGCURRENCY><MEMO>"))
    (entry,) = entries(items)
    assert (entry.amount.currency, entry.exchange and entry.exchange.source_currency) == ("USD", "EUR")


def test_a_currency_where_its_aggregate_belongs_spoils_nothing() -> None:
    (entry,) = entries(statement(MOVEMENT.replace("<FITID>", "<CURRENCY>EUR<FITID>")))
    assert (entry.amount.currency, entry.references.account_servicer) == ("EUR", "F17")


def test_a_movement_without_amount_is_rejected_and_one_without_day_is_kept() -> None:
    items = statement(
        MOVEMENT.replace("<TRNAMT>125.00", ""), MOVEMENT.replace("<DTPOSTED>20260831120000.000[-5:EST]", "")
    )
    assert [reject.why for reject in rejects(items)] == ["there is no amount"]
    assert [entry.booking_date for entry in entries(items)] == [None]
    assert "day of posting" in failed(items)["date"]


def test_a_type_that_stands_against_the_sign_is_told() -> None:
    items = statement(MOVEMENT.replace("CREDIT", "DEBIT"))
    assert (entries(items)[0].direction, list(failed(items))) == ("credit", ["sign"])


def test_the_payee_s_account_address_and_cheque_are_told() -> None:
    more = """<CHECKNUM>1001<PAYEE><NAME>Supplier 017<ADDR1>Street 1<CITY>Town<POSTALCODE>3500</PAYEE>
<BANKACCTTO><BANKID>021000021<ACCTID>987654321</BANKACCTTO>"""
    (entry,) = entries(statement(MOVEMENT.replace("<NAME>Customer 017", more)))
    assert entry.counterparty is not None
    assert entry.counterparty.address is not None
    assert (entry.counterparty.name, entry.counterparty.address.town) == ("Supplier 017", "Town")
    assert entry.counterparty_account is not None
    assert entry.counterparty_account.other == "987654321"
    assert entry.references.others == {"ChqNb": "1001"}


def test_cdata_comments_and_letters_of_other_encodings_are_read() -> None:
    given = SGML % MOVEMENT.replace("Customer 017", "<![CDATA[Café & Sons]]>").replace(
        "<MEMO>", "<!-- <MEMO>no --><MEMO>"
    )
    for encoding in ("utf-8", "cp1252", "utf-16"):
        (entry,) = entries(list(read_ofx([given.encode(encoding)])))
        assert entry.counterparty is not None
        assert entry.counterparty.name == "Café & Sons"
        assert entry.remittance == ("INV/2026/00012 & 13",)


def test_a_file_on_one_line_is_read() -> None:
    assert len(entries(list(read_ofx([(SGML % (MOVEMENT * 50)).replace("\n", "").encode()])))) == 50


def test_pending_movements_are_pending() -> None:
    items = statement(MOVEMENT.replace("STMTTRN>", "STMTTRNP>").replace("DTPOSTED", "DTTRAN"))
    assert (entries(items)[0].state, end(items).totals) == ("pending", {})


def test_movements_of_securities_are_counted_and_told_not_to_be_there() -> None:
    given = SGML % (
        "<BUYMF><INVBUY><INVTRAN><FITID>1</INVTRAN></INVBUY></BUYMF><INVBANKTRAN>" + MOVEMENT + "</INVBANKTRAN>"
    )
    items = read(read_ofx, *given.replace("STMTRS>", "INVSTMTRS>").split("\n"))
    assert len(entries(items)) == 1
    assert failed(items)["securities"].startswith("1 ")


def test_an_error_of_the_bank_is_a_reject_with_its_code() -> None:
    answer = "<OFX><BANKMSGSRSV1><STMTTRNRS><STATUS><CODE>2000<SEVERITY>ERROR</STATUS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    (reject,) = read(read_ofx, answer)
    assert "2000" in getattr(reject, "why", "")


def test_accounts_are_told_each_by_itself() -> None:
    given = SGML % MOVEMENT
    block = given[given.index("<STMTTRNRS>") : given.index("</BANKMSGSRSV1>")]
    items = list(read_ofx([given.replace(block, block * 2).encode()]))
    assert sum(isinstance(item, StatementHead) for item in items) == 2


def test_a_cut_file_says_so_and_keeps_what_it_has() -> None:
    given = SGML % (MOVEMENT * 2)
    items = list(read_ofx([given[: given.rindex("</STMTTRN>") + 20].encode()]))
    assert (len(entries(items)), len(rejects(items))) == (2, 1)


def test_entities_of_a_document_s_own_are_never_resolved() -> None:
    given = "<!DOCTYPE OFX [<!ENTITY a 'boom'>]>" + (SGML % MOVEMENT.replace("&amp;", "&a;"))
    assert entries(list(read_ofx([given.encode()])))[0].remittance == ("INV/2026/00012 &a; 13",)


def test_what_is_something_else_is_refused() -> None:
    with pytest.raises(FormatRefused):
        read(read_ofx, "hello", "<html/>")


@pytest.mark.parametrize("action", ["REPLACE", "DELETE"])
def test_a_movement_that_corrects_another_one_does_not_count_beside_it(action: str) -> None:
    correction = MOVEMENT.replace("<FITID>F17", f"<FITID>F18<CORRECTFITID>F17<CORRECTACTION>{action}")
    items = statement(MOVEMENT, correction, MOVEMENT.replace("<FITID>F17", "<FITID>F19<CORRECTFITID>"))
    assert [entry.references.account_servicer for entry in entries(items)] == ["F17", "F19"]
    (reject,) = rejects(items)
    assert reject.why.startswith("it replaces or deletes an entry that was told before")
    assert reject.amount is not None
    assert reject.amount.value == Decimal("125.00")


def test_a_root_with_a_namespace_is_one_too() -> None:
    given = '<OFX xmlns="http://ofx.net/types/2003/04">' + SGML[SGML.index("<OFX>") + len("<OFX>") :] % MOVEMENT
    assert is_ofx(Beginning(given.encode()))
    assert len(entries(read(read_ofx, *given.split("\n")))) == 1
