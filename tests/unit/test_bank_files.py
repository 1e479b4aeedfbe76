from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from nostro.connectors.bank_files.hints import HINTS, hints
from nostro.connectors.bank_files.manifest import CONNECTOR, BankFilesConfig, Profile
from nostro.connectors.bank_files.read import LISTED
from nostro.connectors.kit.reading import IgnoredItem, Item, ReadItem, ReceiptView, RejectItem
from nostro.model.base import confidential_fields
from nostro.model.entities import HouseBankAccount, LegalEntity
from nostro.model.facts import EntryReported, StatementListed, StatementReceived, split
from nostro.model.money import Money
from nostro.model.references import told
from tests.series import Series
from tests.unit.test_camt import HEAD, balance, document, entry
from tests.unit.test_convert_validate import PAYMENT
from tests.unit.test_einvoice_syntaxes import UBL as INVOICE

IBAN = "DE89370400440532013000"
RECEIVED = datetime(2026, 9, 1, 6, tzinfo=UTC)
RATES = """<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><gesmes:subject>Reference rates</gesmes:subject><Cube>
<Cube time="2026-08-31"><Cube currency="USD" rate="1.1000"/></Cube></Cube></gesmes:Envelope>"""
DAY = "<BookgDt><Dt>2026-08-31</Dt></BookgDt>"


def entity(number: str = IBAN, **more: str) -> LegalEntity:
    account = {"id": "main", "identification": number, "currency": "EUR", "connection": "bank", "odoo_journal": 7}
    return LegalEntity(
        id="DE", country="DE", currency="EUR", zone="Europe/Berlin", calendar="TARGET", odoo_connection="odoo",
        odoo_company=1, bank_accounts=(HouseBankAccount.model_validate(account | more),),
    )  # fmt: skip


def read(content: bytes, *entities: LegalEntity, config: BankFilesConfig | None = None) -> list[Item]:
    receipt = ReceiptView(
        id="r1", connection="bank", kind="file", name="a.xml", received_at=RECEIVED, chunks=lambda: iter([content]),
        config=config or BankFilesConfig(folder="in"), entities=entities or (entity(),),
    )  # fmt: skip
    return list(CONNECTOR.read(receipt))


def reports(items: list[Item]) -> list[EntryReported]:
    bodies = [body for item in items if isinstance(item, ReadItem) for body in item.facts]
    return [body for body in bodies if isinstance(body, EntryReported)]


def rejected(items: list[Item]) -> list[RejectItem]:
    return [item for item in items if isinstance(item, RejectItem)]


def details(*inside: str) -> str:
    return f"<NtryDtls><TxDtls>{''.join(inside)}</TxDtls></NtryDtls>"


def text(said: str) -> str:
    return details(f"<RmtInf><Ustrd>{said}</Ustrd></RmtInf>")


def test_each_entry_is_an_item_and_the_statement_is_one_at_its_end() -> None:
    content = document(balance("OPBD", "10.00"), balance("CLBD", "22.34"), entry(more=DAY))
    first, last = read(content)
    assert isinstance(first, ReadItem)
    assert isinstance(last, ReadItem)
    assert (first.entity, first.amount and first.amount.value) == ("DE", Decimal("12.34"))
    received, *_ = last.facts
    assert isinstance(received, StatementReceived)
    assert (received.account, received.kind, received.entries) == ("main", "statement", 1)
    assert received.opening is not None
    assert received.booked_sum is not None
    assert (received.opening.value, received.booked_sum.value) == (Decimal("10.00"), Decimal("12.34"))
    assert received.checks == ()


def test_what_a_document_says_wrongly_of_itself_travels_with_the_statement() -> None:
    content = document(balance("OPBD", "10.00"), balance("CLBD", "99.00"), entry(), entry(amount="x"))
    *_, last = read(content)
    assert isinstance(last, ReadItem)
    received, *_ = last.facts
    assert isinstance(received, StatementReceived)
    assert [check.name for check in received.checks] == ["balance", "rejected"]


def test_a_bank_account_that_nobody_declared_is_one_reject_with_its_sum() -> None:
    (reject,) = read(document(entry("1.00"), entry("2.00")), entity("FR7630006000011234567890189"))
    assert isinstance(reject, RejectItem)
    assert reject.amount is not None
    assert (reject.where, reject.amount.value) == ("/Document/BkToCstmrStmt/Stmt[1], line 2", Decimal("3.00"))
    assert reject.why.startswith("no entity declares this bank account (it ends in 3000); 2 entries")
    assert IBAN not in reject.why


def test_the_currency_decides_between_bank_accounts_that_share_a_number() -> None:
    assert [
        report.account for report in reports(read(document(entry()), entity(currency="USD"), entity(id="eur")))
    ] == ["eur"]


def test_a_number_is_found_however_it_is_written() -> None:
    assert reports(read(document(entry()), entity("de89 3704 0044 0532 0130 00")))


def test_an_amount_finer_than_its_currency_is_rejected_unless_only_noughts_follow() -> None:
    items = read(document(entry("8.8500"), entry("8.855")))
    assert [report.amount for report in reports(items)] == [Money.of("8.85", "EUR")]
    assert [reject.why for reject in rejected(items)] == ["the amount is finer than the smallest unit of EUR"]


def test_an_entry_that_can_not_be_read_is_one_reject_that_says_where_it_stands() -> None:
    items = read(document(entry(), entry(amount="12.5O")))
    assert len(reports(items)) == 1
    (reject,) = rejected(items)
    assert reject.where.startswith("/Document/BkToCstmrStmt/Stmt[1]/Ntry[2], line ")


def test_an_entry_in_another_currency_than_its_bank_account_is_rejected() -> None:
    for code in ("USD", "XAU"):
        (reject,) = rejected(read(document(entry().replace("EUR", code))))
        assert reject.why == f"the entry is in {code}, the bank account in EUR"


def test_an_entry_for_information_only_is_ignored_and_counted() -> None:
    (ignored,) = [i for i in read(document(entry().replace("BOOK", "INFO"))) if isinstance(i, IgnoredItem)]
    assert ignored.kind in CONNECTOR.manifest.ignored
    assert ignored.amount is not None
    assert ignored.amount.value == Decimal("12.34")


def test_words_that_say_that_there_is_no_reference_are_none() -> None:
    refs = "<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
    (report,) = reports(read(document(entry(more=f"<AcctSvcrRef>NONREF</AcctSvcrRef>{details(refs)}"))))
    assert (report.end_to_end, report.servicer_reference) == ("", "")
    assert [told(said) for said in ("NotProvided", "N/A", "000", " E-1 ")] == ["", "", "", "E-1"]


def test_equal_entries_of_a_document_are_told_apart_by_ordinal_and_by_how_many_say_the_very_same() -> None:
    (one, two, other) = reports(read(document(*(entry(more=DAY + text(said)) for said in ("tea", "tea", "rent")))))
    assert one.fingerprint == two.fingerprint == other.fingerprint
    assert [(r.ordinal, r.twin) for r in (one, two, other)] == [(0, 0), (1, 1), (2, 0)]
    assert len({r.natural_key() for r in (one, two, other)}) == 3


def test_the_same_content_gives_the_same_natural_keys_whatever_the_message_is_called() -> None:
    first = reports(read(document(entry(more=DAY), entry(more=DAY))))
    again = reports(read(document(entry(more=DAY), entry(more=DAY)).replace(b"M1", b"M2")))
    assert [r.natural_key() for r in first] == [r.natural_key() for r in again]


def test_the_pages_of_a_statement_have_natural_keys_of_their_own() -> None:
    page = "<StmtPgntn><PgNb>{}</PgNb><LastPgInd>{}</LastPgInd></StmtPgntn>"
    pages = [document(page.format(n, last), entry(more=DAY)) for n, last in ((1, "false"), (2, "true"))]
    keys = {report.natural_key() for content in pages for report in reports(read(content))}
    assert len(keys) == 2


def _mt940(opening: str, closing: str, number: str = "00000", name: str = "STARTUMSE") -> bytes:
    """A file with one credit of 50.00 on 31 August."""
    entry = ":61:2608310831C50,00NTRFNONREF\r\n:86:166?00CREDIT?20for the stand\r\n"
    head = f":20:{name}\r\n:25:{IBAN}\r\n:28C:{number}/001\r\n:60F:C260831EUR{opening}\r\n"
    return f"{head}{entry}:62F:C260831EUR{closing}\r\n-\r\n".encode()


def test_statements_that_are_all_called_alike_and_never_numbered_are_several_and_so_are_their_entries() -> None:
    first, second = _mt940("100,00", "150,00"), _mt940("150,00", "200,00")
    keys = {report.natural_key() for content in (first, second, first) for report in reports(read(content))}
    assert len(keys) == 2
    told = [body for content in (first, second) for body in _statements(read(content))]
    assert [body.statement_id for body in told] == [
        "STARTUMSE of 2026-08-31 from 100.00", "STARTUMSE of 2026-08-31 from 150.00",
    ]  # fmt: skip
    series = Series()
    for body in told:
        series.tell(body, RECEIVED)
    assert series.cases == {}
    series.tell(_statements(read(_mt940("300,00", "350,00")))[0], RECEIVED)
    assert set(series.cases) == {"balance_chain_broken"}


def test_two_numbered_statements_of_one_day_that_are_called_alike_are_two_and_so_are_their_equal_entries() -> None:
    files = [_mt940("100,00", "150,00", number="7"), _mt940("150,00", "200,00", number="8")]
    assert len({report.natural_key() for content in files for report in reports(read(content))}) == 2
    assert [body.statement_id for content in files for body in _statements(read(content))] == [
        "STARTUMSE/7", "STARTUMSE/8",
    ]  # fmt: skip


def test_a_sequence_of_nought_is_no_number() -> None:
    (received,) = _statements(read(document("<ElctrncSeqNb>0</ElctrncSeqNb>", entry(more=DAY))))
    assert received.sequence is None


def _statements(items: list[Item]) -> list[StatementReceived]:
    bodies = [body for item in items if isinstance(item, ReadItem) for body in item.facts]
    return [body for body in bodies if isinstance(body, StatementReceived)]


def test_the_place_of_a_booked_entry_is_the_balance_before_it() -> None:
    content = document(balance("OPBD", "100.00"), entry("1.00"), entry("2.00", "DBIT"), entry("3.00"))
    assert [str(report.place and report.place.value) for report in reports(read(content))] == [
        "100.00",
        "101.00",
        "99.00",
    ]


def test_nothing_of_the_clear_part_of_a_fact_is_about_a_person() -> None:
    parties = (
        f"<RltdPties><Dbtr><Nm>Customer 042</Nm></Dbtr><DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id></DbtrAcct></RltdPties>"
    )
    remittance = "<RmtInf><Ustrd>of Customer 042, INV/2026/00012</Ustrd></RmtInf>"
    more = f"{DAY}{details(parties, remittance)}<AddtlNtryInf>Customer 042 pays</AddtlNtryInf>"
    (report,) = reports(read(document(entry(more=more), head=HEAD_OF_ANOTHER), entity("CH9300762011623852957")))
    clear, secret = split(report)
    assert b"Customer 042" not in clear
    assert IBAN.encode() not in clear
    assert secret is not None
    assert b"Customer 042" in secret
    assert report.invoice_hints == ("INV/2026/00012",)
    assert CONNECTOR.manifest.confidential == confidential_fields(EntryReported)
    unsaid = reports(read(document(entry(more=DAY), head=HEAD_OF_ANOTHER), entity("CH9300762011623852957")))[0]
    assert report.fingerprint == unsaid.fingerprint  # a digest of a person's data could be guessed


HEAD_OF_ANOTHER = "<Id>S1</Id><Acct><Id><IBAN>CH9300762011623852957</IBAN></Id><Ccy>EUR</Ccy></Acct>"


def test_a_collective_entry_is_told_with_its_parts() -> None:
    details = "".join(
        f"<TxDtls><Amt Ccy='EUR'>{amount}</Amt><RmtInf><Strd><CdtrRefInf><Ref>RF{amount[0]}8</Ref></CdtrRefInf></Strd>"
        "</RmtInf></TxDtls>"
        for amount in ("5.00", "7.00")
    )
    (report,) = reports(read(document(entry("12.00", more=f"<NtryDtls>{details}</NtryDtls>"))))
    assert [(str(part.amount), part.structured) for part in report.parts] == [
        ("5.00 EUR", "RF58"),
        ("7.00 EUR", "RF78"),
    ]
    (whole,) = reports(read(document(entry("12.50", more=f"<NtryDtls>{details}</NtryDtls>"))))
    assert whole.parts == ()  # they do not make the sum, so they are not told


def test_a_collective_entry_is_known_by_the_ids_of_its_payments_in_whatever_order() -> None:
    def collective(*ids: str) -> str:
        details = "".join(f"<TxDtls><Refs><UETR>{uetr}</UETR></Refs></TxDtls>" for uetr in ids)
        (report,) = reports(read(document(entry(more=f"<NtryDtls>{details}</NtryDtls>"))))
        return report.uetr

    assert collective("u-1", "u-2") == collective("U-2", "u-1") != collective("u-1", "u-3")
    assert (collective("u-1"), collective()) == ("u-1", "")


def test_a_time_without_zone_never_lies_after_the_receipt() -> None:
    head = "<Id>S1</Id><CreDtTm>2026-09-01T07:30:00</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
    (item, _) = read(document(entry(), head=head))
    assert isinstance(item, ReadItem)
    assert item.occurred_at == RECEIVED


def test_a_profile_says_how_intraday_reports_and_references_are_to_be_understood() -> None:
    content = document(entry(more=DAY)).replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b"Stmt>", b"Rpt>")
    config = BankFilesConfig(folder="in", profiles={"swift": Profile(intraday="delta", references="own")})
    (usual,) = reports(read(content))
    (declared,) = reports(read(content, entity(profile="swift"), config=config))
    assert (usual.kind, usual.repeats, usual.scheme) == ("report", True, "unknown")
    assert (declared.repeats, declared.scheme) == (False, "own")


def test_a_container_is_opened_and_each_of_its_files_is_read() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as container:
        container.writestr("a.xml", document(entry("1.00")))
        container.writestr("b.txt", "no statement")
        container.writestr("c.xml", document(entry("2.00")))
    items = read(held.getvalue())
    assert [str(report.amount) for report in reports(items)] == ["1.00 EUR", "2.00 EUR"]
    assert [reject.where for reject in rejected(items)] == ["b.txt"]


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b":20:MT940", b""])
def test_what_cannot_be_read_at_all_is_one_reject(content: bytes) -> None:
    (reject,) = read(content)
    assert isinstance(reject, RejectItem)


@pytest.mark.parametrize(
    "said, expected",
    [
        ("Invoice INV/2026/00012, thank you", ("INV/2026/00012",)),
        ("inv / 2026 / 00012 and RE20260013", ("INV/2026/00012", "RE20260013")),
        ("RF18 5390 0754 7034", ("RF18539007547034",)),
        ("21 00000 00003 13947 14300 09017", ("210000000003139471430009017",)),
        ("our NOSABCDEFGHIJKLMNOP", ("NOSABCDEFGHIJKLMNOP",)),
        ("STRIPE po_1NabcdefGH123", ("po_1NabcdefGH123",)),
        ("rent for August, DE89 3704 0044 0532 0130 00, 31.12.2026", ()),
    ],
)
def test_what_may_name_an_invoice_or_a_payment_is_taken_from_the_text(said: str, expected: tuple[str, ...]) -> None:
    assert hints([said]) == expected


def test_a_number_that_the_bank_cut_at_the_end_of_a_line_is_found() -> None:
    assert "INV/2026/00012" in hints(["payment of INV/2026/0", "0012"])


def test_hints_are_bounded_however_long_the_text_is() -> None:
    assert len(hints([" ".join(f"INV/2026/{n:05d}" for n in range(5_000))])) == HINTS


def test_the_day_of_an_entry_is_told_as_the_bank_says_it() -> None:
    (report,) = reports(read(document(entry(more=DAY))))
    assert report.booking_date == date(2026, 8, 31)


@pytest.mark.parametrize(
    "content,kind",
    [
        (PAYMENT % "", "payment_initiation"),
        (INVOICE % "100.00", "invoice"),
        (RATES, "rate_table"),
    ],
)
def test_a_file_that_we_know_and_that_is_no_statement_is_a_reject_and_never_passed_over(
    content: str, kind: str
) -> None:
    [reject] = read(content.encode())
    assert isinstance(reject, RejectItem)
    assert f"kind {kind} is no statement" in reject.why


def listed(*inside: str, head: str = HEAD) -> StatementListed:
    last = read(document(*inside, head=head))[-1]
    assert isinstance(last, ReadItem)
    (told,) = [body for body in last.facts if isinstance(body, StatementListed)]
    return told


def test_a_statement_tells_what_it_lists_under_a_name_that_outlives_its_id() -> None:
    named = "<AcctSvcrRef>R-17</AcctSvcrRef>"
    inside = (
        balance("CLBD", "22.34"),
        entry(more=DAY + named),
        entry("5.00", "DBIT", DAY),
        entry().replace("BOOK", "PDNG"),
    )
    numbered = HEAD.replace("</Id><Acct>", "</Id><ElctrncSeqNb>17</ElctrncSeqNb><Acct>")
    told, corrected = listed(*inside, head=numbered), listed(*inside, head=numbered.replace("S1", "S1-corrected"))
    assert [(line.amount.minor, line.direction, line.servicer_reference) for line in told.lines] == [
        (1234, "credit", "R-17"), (500, "debit", ""),
    ]  # fmt: skip
    assert told.statement == corrected.statement == "2026-08-31/17"
    assert listed(*inside).statement == "S1"


def test_the_lines_of_a_very_long_statement_are_not_told_but_counted() -> None:
    lines = [entry(f"{number}.00", more=DAY) for number in range(1, LISTED + 2)]
    told = listed(*lines)
    assert (told.lines, told.left_out) == ((), LISTED + 1)
    assert len(listed(*lines[1:]).lines) == LISTED
