"""What became of payments: every level, Verification of Payee, banks among themselves, and answers to cancellations."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.message import read_messages
from nostro.model.messages import MessageHead, OriginalMessage, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party

REPORT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.14"><CstmrPmtStsRpt><GrpHdr><MsgId>S-1</MsgId>
<CreDtTm>2026-11-28T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{message}</OrgnlGrpInfAndSts>{groups}</CstmrPmtStsRpt></Document>"""


def statuses(content: str) -> list[PaymentStatus]:
    return [item for item in read_messages([content.encode()]) if isinstance(item, PaymentStatus)]


def head(content: str) -> MessageHead:
    return next(item for item in read_messages([content.encode()]) if isinstance(item, MessageHead))


def report(message: str = "", groups: str = "") -> str:
    return REPORT.format(message=message, groups=groups)


def test_a_message_that_is_taken_or_refused_whole_says_so_at_its_level() -> None:
    content = report(
        "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn><AddtlInf>not</AddtlInf><AddtlInf>XML</AddtlInf></StsRsnInf>"
    )
    (told,) = statuses(content)
    assert (told.level, told.status) == ("message", "RJCT")
    assert told.reasons == (Reason(code="FF01", text="not XML"),)
    assert told.original == OriginalMessage(message_id="M-1", name="pain.001.001.09")
    assert (head(content).status, head(content).reasons) == ("RJCT", told.reasons)


def test_a_report_that_only_names_the_message_says_nothing_at_its_level() -> None:
    group = "<OrgnlPmtInfAndSts><OrgnlPmtInfId>RUN-7</OrgnlPmtInfId><PmtInfSts>ACCP</PmtInfSts></OrgnlPmtInfAndSts>"
    (told,) = statuses(report(groups=group))
    assert (told.level, told.status, told.group) == ("group", "ACCP", "RUN-7")


PAYEES = """<OrgnlPmtInfAndSts><OrgnlPmtInfId>RUN-7</OrgnlPmtInfId><PmtInfSts>RVCM</PmtInfSts>
<NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>RCVC</DtldSts></NbOfTxsPerSts>
<NbOfTxsPerSts><DtldNbOfTxs>3</DtldNbOfTxs><DtldSts>RVMC</DtldSts></NbOfTxsPerSts>{payments}</OrgnlPmtInfAndSts>"""
PAYEE = """<TxInfAndSts><OrgnlEndToEndId>E-{n}</OrgnlEndToEndId><TxSts>{state}</TxSts>{more}<OrgnlTxRef><Cdtr><Pty>
<Nm>{name}</Nm>
</Pty></Cdtr><CdtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id></CdtrAcct></OrgnlTxRef></TxInfAndSts>"""


def test_a_verification_of_payees_is_told_for_each_payee_with_the_name_that_the_bank_knows() -> None:
    states = ("RCVC", "RVMC", "RVNM", "RVNA")
    payees = (PAYEE.format(n=n, state=state, name=f"Supplier 01{n}", more="") for n, state in enumerate(states))
    group, *told = statuses(report("<GrpSts>RVCM</GrpSts>", PAYEES.format(payments="".join(payees))))[1:]
    assert (group.level, group.status, group.counts) == ("group", "RVCM", {"RCVC": 1, "RVMC": 3})
    assert [one.status for one in told] == [*states]
    assert [one.references.end_to_end for one in told] == ["E-0", "E-1", "E-2", "E-3"]
    assert told[1].creditor == Party(name="Supplier 011")
    assert told[1].creditor_account == BankAccount(iban="FR1420041010050500013M02606")
    assert {one.group for one in told} == {"RUN-7"}


def test_a_payments_status_refers_to_the_payment_and_says_what_the_bank_calls_it() -> None:
    payment = """<OrgnlPmtInfAndSts><OrgnlPmtInfId>RUN-7</OrgnlPmtInfId><TxInfAndSts><StsId>B-9</StsId>
<OrgnlInstrId>I-1</OrgnlInstrId>
<OrgnlEndToEndId>E-1</OrgnlEndToEndId><OrgnlUETR>8a562c67-ca16-48ba-b074-65581be6f011</OrgnlUETR><TxSts>ACSC</TxSts>
<AccptncDtTm>2026-11-28T10:00:00Z</AccptncDtTm><AcctSvcrRef>BANK-1</AcctSvcrRef><OrgnlTxRef><Amt>
<InstdAmt Ccy="EUR">5.00</InstdAmt>
</Amt><ReqdExctnDt><Dt>2026-11-30</Dt></ReqdExctnDt></OrgnlTxRef></TxInfAndSts></OrgnlPmtInfAndSts>"""
    (told,) = statuses(report(groups=payment))
    references = told.references
    assert (references.instruction, references.end_to_end, references.account_servicer) == ("I-1", "E-1", "BANK-1")
    assert references.others == {"UETR": "8a562c67-ca16-48ba-b074-65581be6f011", "status_id": "B-9"}
    assert told.amount == Amount(value=Decimal("5.00"), currency="EUR")
    assert (told.execution_date, told.accepted_at) == (date(2026, 11, 30), datetime(2026, 11, 28, 10, tzinfo=UTC))


def test_a_bank_that_answers_a_bank_may_name_another_message_for_each_payment() -> None:
    content = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"><FIToFIPmtStsRpt><GrpHdr>
<MsgId>S-1</MsgId></GrpHdr>
<TxInfAndSts><OrgnlGrpInf><OrgnlMsgId>M-2</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId></OrgnlGrpInf>
<OrgnlTxId>T-1</OrgnlTxId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Prtry>X1</Prtry></Rsn></StsRsnInf></TxInfAndSts>
</FIToFIPmtStsRpt>
</Document>"""
    (told,) = statuses(content)
    assert told.original == OriginalMessage(message_id="M-2", name="pacs.008.001.08")
    assert (told.references.transaction, told.reasons) == ("T-1", (Reason(proprietary="X1"),))


def test_an_answer_to_a_cancellation_says_what_came_of_it() -> None:
    content = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn><Assgnmt>
<Id>A-2</Id></Assgnmt>
<RslvdCase><Id>C-1</Id></RslvdCase><Sts><Conf>RJCR</Conf></Sts><CxlDtls><OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts><TxInfAndSts><CxlStsId>X-1</CxlStsId>
<OrgnlEndToEndId>E-1</OrgnlEndToEndId>
<TxCxlSts>RJCR</TxCxlSts><CxlStsRsnInf><Rsn><Cd>CUST</Cd></Rsn></CxlStsRsnInf></TxInfAndSts></CxlDtls>
</RsltnOfInvstgtn></Document>"""
    (told,) = statuses(content)
    assert (told.level, told.status, told.reasons) == ("transaction", "RJCR", (Reason(code="CUST"),))
    assert told.references.others["status_id"] == "X-1"
    assert told.original == OriginalMessage(message_id="M-1", name="pain.001.001.09")
    assert (head(content).kind, head(content).status, head(content).others["Case"]) == ("investigation", "RJCR", "C-1")


def test_a_message_that_a_network_did_not_take_is_refused_and_what_it_quotes_is_no_message() -> None:
    quoted = "<![CDATA[<Document><FIToFICstmrCdtTrf><CdtTrfTxInf/></FIToFICstmrCdtTrf></Document>]]>"
    content = f"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:admi.002.001.01"><admi.002.001.01><RltdRef>
<Ref>M-1</Ref></RltdRef>
<Rsn><RjctgPtyRsn>690</RjctgPtyRsn><RsnDesc>no such member</RsnDesc><AddtlData>{quoted}</AddtlData></Rsn>
</admi.002.001.01></Document>"""
    (told,) = tell(lambda: iter([content.encode()]))
    head, refused, _ = told.items
    assert isinstance(head, MessageHead)
    assert (head.kind, head.format) == ("payment_status", "admi.002.001.01")
    assert isinstance(refused, PaymentStatus)
    assert (refused.level, refused.status, refused.references.message) == ("message", "RJCT", "M-1")
    assert refused.reasons == (Reason(proprietary="690", text="no such member"),)


def test_an_answer_without_details_is_told_at_the_message() -> None:
    told = "<Assgnmt><Id>A-2</Id></Assgnmt><Sts><Conf>CNCL</Conf></Sts>"
    content = f"<Document><RsltnOfInvstgtn>{told}</RsltnOfInvstgtn></Document>"
    assert (head(content).status, statuses(content)) == ("CNCL", [])


def test_who_gives_a_reason_who_passes_it_on_and_what_was_agreed_to_is_told() -> None:
    said = (
        "<StsRsnInf><Orgtr><Nm>The bank</Nm></Orgtr><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>"
        "<PmtCondSts><AccptdAmt Ccy='EUR'>9.50</AccptdAmt><GrntedPmt>true</GrntedPmt>"
        "<EarlyPmt>false</EarlyPmt></PmtCondSts>"
        "<InstgAgt><FinInstnId><BICFI>BANKDEFF</BICFI></FinInstnId></InstgAgt>"
    )
    payee = PAYEE.format(n=1, state="RJCT", name="Supplier 017", more=said)
    (told,) = statuses(report(groups=f"<OrgnlPmtInfAndSts>{payee}</OrgnlPmtInfAndSts>"))
    assert told.reasons == (Reason(code="AC04", originator="The bank"),)
    assert told.others == {
        "accepted_amount": "9.50",
        "accepted_currency": "EUR",
        "guaranteed": "true",
        "early_payment": "false",
        "instructing_agent": "BANKDEFF",
    }
