"""Messages about payments as they are told: initiations, what banks pass on, returns, investigations."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.message_parts import MessageItem
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate, MessageEnd, MessageHead, OriginalMessage
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.remittance import Document
from nostro.model.statements import Reject

ROOT = Path(__file__).parents[2]
GROUP = """<PmtInf><PmtInfId>RUN-7</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg><NbOfTxs>{count}</NbOfTxs>
<CtrlSum>{total}</CtrlSum><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt><Dt>2026-11-30</Dt>
</ReqdExctnDt>
<Dbtr><Nm>House</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89 3704 0044 0532 0130 00</IBAN></Id></DbtrAcct>
<DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>{payments}</PmtInf>"""
PAYMENT = """<CdtTrfTxInf><PmtId><InstrId>I-{n}</InstrId><EndToEndId>E-{n}</EndToEndId></PmtId>
<Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt>
<CdtrAgt><FinInstnId><BICFI>BNPAFRPP</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Supplier 017</Nm><PstlAdr>
<StrtNm>Rue</StrtNm>
<BldgNb>4</BldgNb><Flr>2</Flr><PstCd>75001</PstCd><TwnNm>Paris</TwnNm><Ctry>FR</Ctry><AdrLine>Cour 3</AdrLine>
</PstlAdr></Cdtr>
<CdtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id></CdtrAcct>{more}</CdtTrfTxInf>"""
HEADER = """<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-28T10:00:00Z</CreDtTm>{more}
<InitgPty><Nm>House</Nm></InitgPty></GrpHdr>"""


def euros(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="EUR")


def payment(n: int = 1, amount: str = "12.34", more: str = "") -> str:
    return PAYMENT.format(n=n, amount=amount, more=more)


def group(*payments: str, count: str = "", total: str = "") -> str:
    return GROUP.format(payments="".join(payments), count=count or len(payments), total=total or "12.34")


def document(root: str, *inside: str, version: str = "pain.001.001.09", header: str = "") -> bytes:
    told = f"<{root}>{HEADER.format(more=header)}{''.join(inside)}</{root}>"
    return f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:{version}'>\n{told}</Document>".encode()


def initiation(*inside: str, header: str = "") -> bytes:
    return document("CstmrCdtTrfInitn", *inside, header=header)


def read(content: bytes) -> list[MessageItem]:
    return list(read_messages([content]))


def payments(content: bytes) -> list[Instruction]:
    return [item for item in read(content) if isinstance(item, Instruction)]


def one(content: bytes) -> Instruction:
    (found,) = payments(content)
    return found


def end(content: bytes) -> MessageEnd:
    (found,) = [item for item in read(content) if isinstance(item, MessageEnd)]
    return found


def head(content: bytes) -> MessageHead:
    (found,) = [item for item in read(content) if isinstance(item, MessageHead)]
    return found


def failed(content: bytes) -> list[tuple[str, str]]:
    return [(check.name, check.detail) for check in end(content).checks if not check.ok]


def test_a_payment_carries_what_its_group_says_once() -> None:
    told = one(initiation(group(payment())))
    assert (told.group, told.references.payment_information, told.method) == ("RUN-7", "RUN-7", "credit_transfer")
    assert told.amount == Amount(value=Decimal("12.34"), currency="EUR")
    assert told.debtor == Party(name="House")
    assert told.debtor_account == BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX")
    assert told.creditor_account == BankAccount(iban="FR1420041010050500013M02606", bic="BNPAFRPP")
    assert (told.execution_date, told.charge_bearer, told.service_level) == (date(2026, 11, 30), "SLEV", "SEPA")
    assert told.batch_booking is True
    assert told.source.where == "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]"
    assert Instruction.model_validate(told.model_dump()) == told


@pytest.mark.parametrize(
    "told,called",
    [
        ("<Nm>Bank of the West</Nm><PstlAdr><Ctry>US</Ctry></PstlAdr>", "Bank of the West"),
        ("<Othr><Id>17017</Id></Othr>", "17017"),
        ("<Othr><Id>NOTPROVIDED</Id></Othr>", ""),
        ("<BICFI>BNPAFRPP</BICFI><Nm>Bank</Nm>", ""),
    ],
)
def test_a_bank_without_bic_and_clearing_id_is_told_by_what_else_it_is_called(told: str, called: str) -> None:
    content = payment().replace("<BICFI>BNPAFRPP</BICFI>", told)
    (found,) = [item for item in read(initiation(group(content))) if isinstance(item, Instruction)]
    assert found.others.get("creditor_agent", "") == called
    assert "debtor_agent" not in found.others


def test_an_address_keeps_its_fields_its_lines_and_its_rarer_parts() -> None:
    told = one(initiation(group(payment()))).creditor
    assert told is not None
    assert told.address == Address(
        street="Rue", building="4", postcode="75001", town="Paris", country="FR", lines=("Cour 3",), others={"Flr": "2"}
    )


def test_what_a_payment_says_itself_counts_more_than_what_its_group_says() -> None:
    told = one(initiation(group(payment(more="<ChrgBr>DEBT</ChrgBr><UltmtDbtr><Nm>Other</Nm></UltmtDbtr>"))))
    assert told.charge_bearer == "DEBT"
    assert told.ultimate_debtor == Party(name="Other")


def test_the_head_tells_who_sent_what_and_when() -> None:
    told = head(initiation(group(payment()), header="<NbOfTxs>1</NbOfTxs><CtrlSum>12.34</CtrlSum>"))
    assert (told.kind, told.message_id, told.format) == ("payment_initiation", "M-1", "pain.001.001.09")
    assert told.created_at == datetime(2026, 11, 28, 10, tzinfo=UTC)
    assert told.initiating_party == Party(name="House")
    assert (told.declared_count, told.declared_sum) == (1, Decimal("12.34"))


def test_counts_and_sums_that_do_not_hold_are_told_at_their_level() -> None:
    content = initiation(
        group(payment(1), payment(2, "7.66"), total="20.00"), group(payment(3), count="2"),
        header="<NbOfTxs>3</NbOfTxs><CtrlSum>99.00</CtrlSum>",
    )  # fmt: skip
    assert failed(content) == [
        ("NbOfTxs", "/Document/CstmrCdtTrfInitn/PmtInf[2]: 2 are told, 1 are there"),
        ("CtrlSum", "99.00 is told, the payments make 32.34"),
    ]
    assert end(content).totals == {"EUR": Decimal("32.34")}


def test_a_payment_without_a_readable_amount_is_rejected_and_all_others_are_kept() -> None:
    content = initiation(
        group(payment(1), payment(2, "-5"), payment(3, "1,5"), payment(4)), header="<NbOfTxs>4</NbOfTxs>"
    )
    items = read(content)
    assert [item.references.end_to_end for item in items if isinstance(item, Instruction)] == ["E-1", "E-4"]
    rejects = [item for item in items if isinstance(item, Reject)]
    assert [reject.where[-14:] for reject in rejects] == ["CdtTrfTxInf[2]", "CdtTrfTxInf[3]"]
    assert end(content).rejected == 2
    assert ("NbOfTxs", True) in [(check.name, check.ok) for check in end(content).checks]


def test_a_date_that_is_none_does_not_cost_the_payment() -> None:
    content = initiation(group(payment())).replace(b"2026-11-30", b"30.11.2026")
    assert one(content).execution_date is None
    assert [name for name, _ in failed(content)] == ["ReqdExctnDt"]


@pytest.mark.parametrize("spaces", ["xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.03'", "", "xmlns='urn:a-bank'"])
def test_names_are_read_whatever_the_namespace(spaces: str) -> None:
    content = initiation(group(payment())).replace(
        b"xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'", spaces.encode()
    )
    assert one(content).references.end_to_end == "E-1"


def test_the_first_versions_are_called_by_their_number() -> None:
    content = initiation(group(payment())).replace(b"CstmrCdtTrfInitn", b"pain.001.001.02")
    assert one(content).references.end_to_end == "E-1"


def test_structured_remittance_gives_reference_and_documents() -> None:
    told = one(
        initiation(
            group(
                payment(
                    more="""<RmtInf><Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp>
<Nb>INV/1</Nb><RltdDt>2026-11-01</RltdDt></RfrdDocInf><RfrdDocAmt><DuePyblAmt Ccy="EUR">20.00</DuePyblAmt>
<DscntApldAmt><Amt Ccy="EUR">0.40</Amt></DscntApldAmt><RmtdAmt Ccy="EUR">19.60</RmtdAmt></RfrdDocAmt></Strd>
<Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"""
                )
            )
        )
    )
    assert told.references.structured == "RF18539007547034"
    assert told.remittance == ("INV/1",)
    assert told.documents == (
        Document(
            number="INV/1", type="CINV", on=date(2026, 11, 1), due=euros("20.00"), discount=euros("0.40"),
            remitted=euros("19.60"),
        ),
    )  # fmt: skip


def test_an_amount_of_another_currency_is_equivalent() -> None:
    told = payment().replace(
        '<InstdAmt Ccy="EUR">12.34</InstdAmt>', '<EqvtAmt><Amt Ccy="EUR">5.00</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>'
    )
    found = one(initiation(group(told)))
    assert (found.amount, found.equivalent) == (None, Amount(value=Decimal("5.00"), currency="EUR"))
    assert found.others["currency_of_transfer"] == "USD"


def test_a_collection_tells_its_mandate_and_what_it_was_before() -> None:
    content = document("CstmrDrctDbtInitn", """<PmtInf><PmtInfId>C-1</PmtInfId><PmtMtd>DD</PmtMtd><PmtTpInf>
<LclInstrm><Cd>CORE</Cd>
</LclInstrm><SeqTp>RCUR</SeqTp></PmtTpInf><ReqdColltnDt>2026-12-03</ReqdColltnDt><Cdtr><Nm>House</Nm></Cdtr>
<CdtrSchmeId><Id><PrvtId>
<Othr><Id>DE98ZZZ09999999999</Id></Othr></PrvtId></Id></CdtrSchmeId><DrctDbtTxInf><PmtId><EndToEndId>E</EndToEndId>
</PmtId>
<InstdAmt Ccy="EUR">9.00</InstdAmt><DrctDbtTx><MndtRltdInf><MndtId>MA-2</MndtId><DtOfSgntr>2020-01-31</DtOfSgntr>
<AmdmntInfDtls>
<OrgnlMndtId>MA-1</OrgnlMndtId><OrgnlDbtrAcct><Id><Othr><Id>SMNDA</Id></Othr></Id></OrgnlDbtrAcct></AmdmntInfDtls>
</MndtRltdInf>
</DrctDbtTx><Dbtr><Nm>Customer 017</Nm></Dbtr></DrctDbtTxInf></PmtInf>""", version="pain.008.001.08")  # fmt: skip
    told = one(content)
    assert told.method == "direct_debit"
    assert told.mandate == Mandate(
        mandate_id="MA-2",
        signed_on=date(2020, 1, 31),
        sequence="RCUR",
        creditor_id="DE98ZZZ09999999999",
        amended_from="MA-1",
    )
    assert told.others["original_debtor_account"] == "SMNDA"
    assert (told.local_instrument, told.execution_date) == ("CORE", date(2026, 12, 3))


def test_a_cover_payment_names_the_customers_whom_it_covers() -> None:
    told = one(document("FICdtTrf", """<CdtTrfTxInf><PmtId><EndToEndId>E</EndToEndId></PmtId>
<IntrBkSttlmAmt Ccy="USD">5</IntrBkSttlmAmt>
<IntrBkSttlmDt>2026-11-30</IntrBkSttlmDt><IntrmyAgt1><FinInstnId><BICFI>CHASUS33</BICFI></FinInstnId></IntrmyAgt1>
<Dbtr><FinInstnId><BICFI>COBADEFF</BICFI></FinInstnId></Dbtr><Cdtr><FinInstnId><BICFI>CITIUS33</BICFI></FinInstnId>
</Cdtr>
<UndrlygCstmrCdtTrf><Dbtr><Nm>House</Nm></Dbtr><Cdtr><Nm>Supplier 017</Nm></Cdtr><CdtrAcct><Id><Othr><Id>77</Id>
</Othr></Id></CdtrAcct>
<RmtInf><Ustrd>INV/1</Ustrd></RmtInf></UndrlygCstmrCdtTrf></CdtTrfTxInf>""", version="pacs.009.001.08"))  # fmt: skip
    assert told.debtor == Party(ids={"BIC": "COBADEFF"})
    assert told.agents == (BankAccount(bic="CHASUS33"),)
    assert (told.ultimate_debtor, told.ultimate_creditor) == (Party(name="House"), Party(name="Supplier 017"))
    assert told.others["underlying_creditor_account"] == "77"
    assert told.remittance == ("INV/1",)


def test_what_was_instructed_in_another_currency_is_told_with_rate_and_charges() -> None:
    told = one(document("FIToFICstmrCdtTrf", """<CdtTrfTxInf><PmtId><EndToEndId>E</EndToEndId></PmtId>
<IntrBkSttlmAmt Ccy="EUR">90.00
</IntrBkSttlmAmt><InstdAmt Ccy="USD">100.00</InstdAmt><XchgRate>0.91</XchgRate><ChrgBr>SHAR</ChrgBr>
<ChrgsInf><Amt Ccy="EUR">1.00</Amt></ChrgsInf></CdtTrfTxInf>""", version="pacs.008.001.08"))  # fmt: skip
    assert told.exchange is not None
    assert told.exchange.instructed == Amount(value=Decimal("100.00"), currency="USD")
    assert told.exchange.rate == Decimal("0.91")
    assert [charge.amount.value for charge in told.charges] == [Decimal("1.00")]


RETURN = """<TxInf><RtrId>R-1</RtrId><OrgnlGrpInf><OrgnlMsgId>M-0</OrgnlMsgId>
<OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId></OrgnlGrpInf>
<OrgnlEndToEndId>E-1</OrgnlEndToEndId><RtrdIntrBkSttlmAmt Ccy="EUR">12.34</RtrdIntrBkSttlmAmt>{chain}<RtrRsnInf><Rsn>
<Cd>AC04</Cd>
</Rsn><AddtlInf>closed</AddtlInf></RtrRsnInf><OrgnlTxRef><Dbtr><Pty><Nm>House</Nm></Pty></Dbtr></OrgnlTxRef></TxInf>"""


def test_a_return_says_why_and_what_the_original_was_called() -> None:
    told = one(
        document("PmtRtr", RETURN.format(chain="<RtrChain><Dbtr><Pty><Nm>Supplier 017</Nm></Pty></Dbtr></RtrChain>"))
    )
    assert told.returned is not None
    assert (told.returned.code, told.returned.text) == ("AC04", "closed")
    assert told.returned.original is not None
    assert (told.returned.original.message, told.returned.original.end_to_end) == ("M-0", "E-1")
    assert told.references.others["RtrId"] == "R-1"
    assert told.debtor == Party(name="Supplier 017")
    assert "roles" not in told.others


def test_a_return_without_its_own_chain_names_the_parties_as_the_original_had_them() -> None:
    told = one(document("PmtRtr", RETURN.format(chain="")))
    assert (told.debtor, told.others["roles"]) == (Party(name="House"), "original")


CASE = """<Assgnmt><Id>A-1</Id><Assgnr><Agt><FinInstnId><BICFI>COBADEFF</BICFI></FinInstnId></Agt></Assgnr><Assgne>
<Agt><FinInstnId>
<BICFI>BNPAFRPP</BICFI></FinInstnId></Agt></Assgne><CreDtTm>2026-11-28T10:00:00</CreDtTm></Assgnmt><Case><Id>C-1</Id>
</Case>"""
UNDERLYING = """<Undrlyg><OrgnlGrpInfAndCxl><OrgnlMsgId>M-0</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
</OrgnlGrpInfAndCxl><OrgnlPmtInfAndCxl><OrgnlPmtInfId>RUN-7</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndCxl></Undrlyg>"""


def cancellation(inside: str) -> bytes:
    told = CASE + UNDERLYING.format(inside=inside)
    return f"<Document xmlns='urn:x:camt.055.001.08'><CstmrPmtCxlReq>{told}</CstmrPmtCxlReq></Document>".encode()


def test_a_payment_that_is_taken_back_is_told_with_its_reason() -> None:
    content = cancellation("""<TxInf><OrgnlEndToEndId>E-1</OrgnlEndToEndId>
<OrgnlInstdAmt Ccy="EUR">12.34</OrgnlInstdAmt>
<CxlRsnInf><Rsn><Cd>DUPL</Cd></Rsn></CxlRsnInf></TxInf>""")
    told = one(content)
    assert (told.group, told.references.end_to_end, told.references.message) == ("RUN-7", "E-1", "M-0")
    assert told.returned is not None
    assert told.returned.code == "DUPL"
    assert head(content).original == OriginalMessage(message_id="M-0", name="pain.001.001.09")
    assert head(content).others == {"Case": "C-1", "Assgne": "BNPAFRPP"}
    assert head(content).initiating_party == Party(ids={"BIC": "COBADEFF"})


def test_a_group_that_is_taken_back_whole_stands_for_its_payments() -> None:
    content = cancellation(
        "<NbOfTxs>5</NbOfTxs><PmtInfCxl>true</PmtInfCxl><CxlRsnInf><Rsn><Cd>CUST</Cd></Rsn></CxlRsnInf>"
    )
    told = one(content)
    assert (told.group, told.amount, told.others["group_cancellation"]) == ("RUN-7", None, "true")
    assert failed(content) == []


def test_an_investigation_tells_the_payment_with_what_is_said_after_it() -> None:
    content = ("<Document><UblToApply>" + CASE + """<Undrlyg><IntrBk><OrgnlGrpInf><OrgnlMsgId>M-0</OrgnlMsgId>
</OrgnlGrpInf>
<OrgnlEndToEndId>E-1</OrgnlEndToEndId><OrgnlIntrBkSttlmAmt Ccy="EUR">5.00</OrgnlIntrBkSttlmAmt></IntrBk></Undrlyg>
<Justfn>
<MssngOrIncrrctInf><MssngInf><Cd>MS01</Cd></MssngInf></MssngOrIncrrctInf></Justfn></UblToApply>
</Document>""").encode()  # fmt: skip
    assert one(content).references.end_to_end == "E-1"
    assert [(reason.code, reason.text) for reason in head(content).reasons] == [("MS01", "missing")]


def test_a_bill_of_a_bank_tells_each_service() -> None:
    content = b"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.086.001.03"><BkSvcsBllgStmt><RptHdr>
<RptId>B-1</RptId></RptHdr>
<BllgStmtGrp><GrpId>G</GrpId><Sndr><Nm>Bank</Nm></Sndr><Rcvr><Nm>House</Nm></Rcvr><BllgStmt><StmtId>S-1</StmtId>
<AcctChrtcs><CshAcct>
<Id><IBAN>DE89370400440532013000</IBAN></Id></CshAcct></AcctChrtcs><Svc><SvcDtl><BkSvc><Id>010000</Id>
<Desc>Account keeping</Desc>
</BkSvc><Vol>1</Vol></SvcDtl><OrgnlChrgPric><Amt Ccy="EUR">9.50</Amt><Sgn>true</Sgn></OrgnlChrgPric></Svc></BllgStmt>
</BllgStmtGrp>
</BkSvcsBllgStmt></Document>"""
    told = one(content)
    assert (head(content).kind, head(content).message_id) == ("billing_statement", "B-1")
    assert told.amount == Amount(value=Decimal("9.50"), currency="EUR")
    assert told.debtor_account == BankAccount(iban="DE89370400440532013000")
    assert (told.remittance, told.others["service"], told.others["volume"]) == (("Account keeping",), "010000", "1")


def test_where_the_xml_is_cut_is_told_and_what_was_whole_before_is_kept() -> None:
    content = initiation(group(payment(1), payment(2)))
    *inside, reject = read(content[: content.index(b"E-2")])
    assert isinstance(reject, Reject)
    assert reject.where == "/Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[2]"
    assert [type(item).__name__ for item in inside] == ["MessageHead", "Instruction"]


def test_a_message_that_holds_nothing_says_so() -> None:
    assert failed(b"<Document><CstmrCdtTrfInitn/></Document>") == [
        ("payments", "the message holds no payment and no status")
    ]


@pytest.mark.parametrize("content", [b"", b"hello", b"<html/>", b"<Document><Other/></Document>"])
def test_what_is_no_message_is_refused_before_anything_is_told(content: bytes) -> None:
    with pytest.raises(FormatRefused):
        read(content)


STREAM = """
import resource
from nostro.formats.iso20022.message import read_messages
from tests.unit.test_payment_messages import group, initiation, payment

def chunks():
    start, stop = initiation(group("|")).split(b"|")
    yield start
    for number in range(12_000):
        yield payment(number).encode()
    yield stop

told = 0
for item in read_messages(chunks()):
    told += 1
    if told == 1_000:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(told, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_memory_stays_flat_however_many_payments_stream_by() -> None:
    told = subprocess.run([sys.executable, "-c", STREAM], check=True, capture_output=True, text=True, cwd=ROOT)
    items, grown_kilobytes = (int(word) for word in told.stdout.split())
    assert items == 12_002
    assert grown_kilobytes < 9_000  # as many payments in a tree take 60,000
