"""What a bank tells of a payment beyond its amount: nothing of it is lost on the way in, nor on the way out again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from nostro.formats.catalogue import tell
from nostro.formats.conversion.order import Order
from nostro.formats.reading import Item
from nostro.formats.writing import written
from nostro.model.messages import Instruction, PaymentStatus
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.remittance import Adjustment, Document
from nostro.model.statements import Charge, Entry, Exchange, Reject, Source, StatementEnd, StatementHead
from tests.placeless import placeless

URN = "urn:iso:std:iso:20022:tech:xsd:"
DETAIL = """<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<AmtDtls><InstdAmt><Amt Ccy="USD">11.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">10.00</Amt><CcyXchg><SrcCcy>USD</SrcCcy>
<TrgtCcy>EUR</TrgtCcy><UnitCcy>EUR</UnitCcy><XchgRate>1.1</XchgRate><CtrctId>K7</CtrctId></CcyXchg></TxAmt>
<CntrValAmt><Amt Ccy="GBP">8.50</Amt></CntrValAmt></AmtDtls>
<Chrgs><Rcrd><Amt Ccy="EUR">0.30</Amt><CdtDbtInd>DBIT</CdtDbtInd><Tp><Cd>BRKF</Cd></Tp></Rcrd></Chrgs>
<RltdPties><Dbtr><Pty><Nm>Payment Factory</Nm></Pty></Dbtr><UltmtDbtr><Pty><Nm>Customer 017</Nm></Pty></UltmtDbtr>
<Cdtr><Pty><Nm>Us</Nm></Pty></Cdtr></RltdPties>
<RltdAgts><DbtrAgt><FinInstnId><BICFI>DEUTDEFF</BICFI></FinInstnId></DbtrAgt></RltdAgts>
<LclInstrm><Cd>INST</Cd></LclInstrm><RmtInf>
<Strd><RfrdDocInf><Nb>I1</Nb></RfrdDocInf><RfrdDocAmt><DuePyblAmt Ccy="EUR">7</DuePyblAmt>
<AdjstmntAmtAndRsn><Amt Ccy="EUR">1</Amt><CdtDbtInd>DBIT</CdtDbtInd><Rsn>dmg</Rsn></AdjstmntAmtAndRsn>
<RmtdAmt Ccy="EUR">6</RmtdAmt></RfrdDocAmt></Strd>
<Strd><RfrdDocInf><Nb>I2</Nb></RfrdDocInf><RfrdDocAmt><RmtdAmt Ccy="EUR">4</RmtdAmt></RfrdDocAmt></Strd></RmtInf>
<RltdDts><IntrBkSttlmDt>2026-01-03</IntrBkSttlmDt></RltdDts><Tax><TtlTaxAmt Ccy="EUR">1</TtlTaxAmt></Tax>
<RtrInf><OrgnlBkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></OrgnlBkTxCd>
<Orgtr><Pty><Nm>The bank</Nm></Pty></Orgtr><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"""


def camt(entries: str) -> str:
    """A statement of these entries."""
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        "<Dt><Dt>2026-01-02</Dt></Dt></Bal>"
        for code, amount in (("OPBD", "0"), ("CLBD", "10.00"))
    )
    return (
        f"<Document xmlns='{URN}camt.053.001.08'><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>"
        "<CreDtTm>2026-01-02T10:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id><CreDtTm>2026-01-02T10:00:00</CreDtTm>"
        f"<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>{balances}{entries}</Stmt></BkToCstmrStmt></Document>"
    )


def entry(details: str = "", direction: str = "CRDT", state: str = "<Cd>BOOK</Cd>") -> str:
    """An entry of ten euros."""
    told = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    return (
        f"<Ntry><NtryRef>1</NtryRef><Amt Ccy='EUR'>10.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts>{state}</Sts>"
        f"<BookgDt><Dt>2026-01-02</Dt></BookgDt><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>{told}</Ntry>"
    )


def read(text: str) -> list[Item]:
    """Everything that is read of a text."""
    return [item for told in tell(lambda: iter([text.encode()]), "file") for item in told.items]


def entries(text: str) -> list[Entry]:
    """The entries of a text."""
    return [item for item in read(text) if isinstance(item, Entry)]


def euros(value: str) -> Amount:
    """An amount in euros."""
    return Amount(value=Decimal(value), currency="EUR")


def test_all_that_is_told_of_a_payment_is_read() -> None:
    [told] = entries(camt(entry(DETAIL)))
    [detail] = told.details
    assert (detail.counterparty, detail.ultimate_counterparty) == (
        Party(name="Payment Factory"),
        Party(name="Customer 017"),
    )
    assert detail.counterparty_account == told.counterparty_account == BankAccount(bic="DEUTDEFF")
    kept = Adjustment(amount=euros("1"), direction="debit", reason="dmg")
    assert detail.documents == (
        Document(number="I1", due=euros("7"), remitted=euros("6"), adjustments=(kept,)),
        Document(number="I2", remitted=euros("4")),
    )
    place = Source(where="descendant::TxDtls[1]/Chrgs[1]/Rcrd[1]")
    assert detail.charges == (Charge(amount=euros("0.30"), type="BRKF", source=place),)
    assert (detail.local_instrument, str(detail.settlement_date), detail.tax) == ("INST", "2026-01-03", euros("1"))
    assert detail.exchange == Exchange(
        instructed=Amount(value=Decimal("11.00"), currency="USD"),
        source_currency="USD",
        target_currency="EUR",
        rate=Decimal("1.1"),
        unit_currency="EUR",
        contract="K7",
        counter_value=Amount(value=Decimal("8.50"), currency="GBP"),
    )
    assert detail.returned is not None
    assert (detail.returned.originator, detail.returned.original_code) == ("The bank", "PMNT-ICDT-ESCT")


def test_and_written_again() -> None:
    text = camt(entry(DETAIL))
    said: list[str] = []
    order = Order(datetime(2026, 1, 3, 6, tzinfo=UTC), said.append, source=lambda: read(text))
    [again] = entries(b"".join(written("camt.053", read(text), order)).decode())
    [told] = entries(text)
    assert placeless(again.details) == placeless(told.details)
    assert said == []


def test_a_message_of_another_kind_beside_statements_is_a_located_reject() -> None:
    status = (
        f"<Document xmlns='{URN}pain.002.001.10'><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId></GrpHdr></CstmrPmtStsRpt>"
        "</Document>"
    )
    statement = camt(entry())
    for text in (f"<Batch>{status}{statement}</Batch>", f"<Batch>{statement}{status}</Batch>"):
        items = read(text)
        [reject] = [item for item in items if isinstance(item, Reject)]
        assert "pain.002" in reject.why
        assert "CstmrPmtStsRpt" in reject.where
        assert len([item for item in items if isinstance(item, Entry)]) == 1


def test_codes_count_in_any_case_and_an_unknown_state_is_said() -> None:
    items = read(camt(entry(direction="crdt", state="book") + entry(state="<Cd>DONE</Cd>")))
    one, other = (item for item in items if isinstance(item, Entry))
    assert (one.direction, one.state, other.state) == ("credit", "booked", "pending")
    [end] = [item for item in items if isinstance(item, StatementEnd)]
    [check] = [check for check in end.checks if check.name == "state"]
    assert not check.ok
    assert "DONE" in check.detail


def test_what_was_moved_is_told_beside_what_comes_back() -> None:
    text = (
        f"<Document xmlns='{URN}pacs.004.001.09'><PmtRtr><GrpHdr><MsgId>R</MsgId></GrpHdr><TxInf>"
        "<OrgnlIntrBkSttlmAmt Ccy='EUR'>100.00</OrgnlIntrBkSttlmAmt>"
        "<RtrdIntrBkSttlmAmt Ccy='EUR'>95.00</RtrdIntrBkSttlmAmt></TxInf></PmtRtr></Document>"
    )
    [back] = [item for item in read(text) if isinstance(item, Instruction)]
    assert (back.amount, back.original_amount) == (euros("95.00"), euros("100.00"))


def test_sums_and_charges_of_answers_are_told() -> None:
    report = (
        f"<Document xmlns='{URN}pain.002.001.10'><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId></GrpHdr><OrgnlGrpInfAndSts>"
        "<OrgnlMsgId>M</OrgnlMsgId><GrpSts>PART</GrpSts><NbOfTxsPerSts><DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>ACSC</DtldSts>"
        "<DtldCtrlSum>20.00</DtldCtrlSum></NbOfTxsPerSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"
    )
    [status] = [item for item in read(report) if isinstance(item, PaymentStatus)]
    assert (status.counts, status.sums) == ({"ACSC": 2}, {"ACSC": Decimal("20.00")})
    answer = (
        f"<Document xmlns='{URN}camt.029.001.09'><RsltnOfInvstgtn><Assgnmt><Id>A</Id></Assgnmt><CxlDtls><TxInfAndSts>"
        "<TxCxlSts>ACCR</TxCxlSts><RsltnRltdInf><IntrBkSttlmAmt Ccy='EUR'>9.50</IntrBkSttlmAmt>"
        "<Chrgs><Amt Ccy='EUR'>0.50</Amt></Chrgs></RsltnRltdInf></TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>"
    )
    [status] = [item for item in read(answer) if isinstance(item, PaymentStatus)]
    assert placeless(status.charges) == (Charge(amount=euros("0.50")),)


OURS = """<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><AmtDtls>
<InstdAmt><Amt Ccy="EUR">12.50</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">10.00</Amt></TxAmt></AmtDtls><BkTxCd><Domn>
<Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn><Prtry><Cd>166</Cd></Prtry></BkTxCd><RltdPties>
<Dbtr><Pty><Nm>Customer 017</Nm></Pty></Dbtr><Cdtr><Pty><Nm>House bank</Nm></Pty></Cdtr><CdtrAcct><Id>
<IBAN>CH4431999123000889012</IBAN></Id></CdtrAcct><UltmtCdtr><Pty><Nm>Subsidiary 3</Nm></Pty></UltmtCdtr></RltdPties>
</TxDtls>"""


def _there_and_back(text: str) -> str:
    """The same written as camt again; nothing may have to be said of it but what a new document says of itself."""
    told = read(text)
    said: list[str] = []
    order = Order(created_at=datetime(2026, 1, 3, tzinfo=UTC), say=said.append)
    again = b"".join(written("camt.053", iter(told), order)).decode()
    assert said == []
    return again


def test_what_the_bank_says_of_our_side_and_of_each_transaction_is_read_and_comes_back() -> None:
    text = camt(entry(OURS).replace("<Cd>X</Cd>", "<Cd>NTRF</Cd>"))
    for told in entries(text) + entries(_there_and_back(text)):
        assert (told.bank_transaction_code, told.proprietary_code) == ("NTRF", None)
        [detail] = told.details
        assert (detail.bank_transaction_code, detail.proprietary_code) == ("PMNT-RCDT-ESCT", "166")
        assert detail.own_account == BankAccount(iban="CH4431999123000889012")
        assert detail.own_ultimate == Party(name="Subsidiary 3")
        assert detail.exchange == Exchange(instructed=euros("12.50"))


def test_a_banks_own_code_stands_beside_the_one_of_iso_and_is_not_repeated_in_details() -> None:
    codes = (
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
        "<Prtry><Cd>NTRF+166</Cd></Prtry></BkTxCd>"
    )
    detail = f"<TxDtls><Amt Ccy='EUR'>10.00</Amt>{codes}</TxDtls>"
    text = camt(entry(detail).replace("<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>", codes))
    for told in entries(text) + entries(_there_and_back(text)):
        assert (told.bank_transaction_code, told.proprietary_code) == ("PMNT-RCDT-ESCT", "NTRF+166")
        assert (told.details[0].bank_transaction_code, told.details[0].proprietary_code) == (None, None)


def test_our_own_number_is_not_told_where_it_is_the_statements() -> None:
    sides = (
        "<RltdPties><Dbtr><Nm>Customer 017</Nm></Dbtr>"
        "<CdtrAcct><Id><IBAN>DE89 3704 0044 0532 0130 00</IBAN></Id></CdtrAcct></RltdPties>"
    )
    [told] = entries(camt(entry(f"<TxDtls>{sides}</TxDtls>")))
    assert told.details[0].own_account is None


def test_what_header_and_statement_say_in_words_and_who_carried_them_is_read() -> None:
    text = camt(entry()).replace("</CreDtTm></GrpHdr>", "</CreDtTm><AddtlInf>SPS/2.1/TEST</AddtlInf></GrpHdr>")
    text = text.replace("</Stmt>", "<AddtlStmtInf>A new fee applies</AddtlStmtInf></Stmt>")
    header = (
        "<AppHdr><Fr><FIId><FinInstnId><BICFI>BANKDEFF</BICFI></FinInstnId></FIId></Fr><BizMsgIdr>B1</BizMsgIdr>"
        "<PssblDplct>true</PssblDplct></AppHdr>"
    )
    head, _, end, second, *_ = read(f"<Batch>{header}{text}<AppHdr><BizMsgIdr>B2</BizMsgIdr></AppHdr>{text}</Batch>")
    assert isinstance(head, StatementHead)
    assert isinstance(second, StatementHead)
    assert isinstance(end, StatementEnd)
    carried = {"sender": "BANKDEFF", "business_message_id": "B1", "possible_duplicate": "true"}
    assert head.others == {**carried, "AddtlInf": "SPS/2.1/TEST"}
    assert second.others == {"business_message_id": "B2", "AddtlInf": "SPS/2.1/TEST"}
    assert end.additional == "A new fee applies"
