"""Exceptions that banks talk about, and requests to pay with their terms, as values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from nostro.formats.codes import Legend
from nostro.formats.iso20022.message import read_messages
from nostro.model.messages import Case, Instruction, MessageHead, PaymentStatus, RequestTerms
from nostro.model.money import Amount
from nostro.model.statements import Reject

ASSIGNED = """<Assgnmt><Id>A-1</Id><Assgnr><Agt><FinInstnId><BICFI>BANKDEFFXXX</BICFI></FinInstnId></Agt></Assgnr>
<Assgne><Pty><Nm>Supplier 017</Nm></Pty></Assgne><CreDtTm>2026-11-28T10:00:00Z</CreDtTm></Assgnmt>"""
CASE = "<{0}><Id>C-1</Id><Cretr><Pty><Nm>Buyer 3</Nm></Pty></Cretr><ReopCaseIndctn>true</ReopCaseIndctn></{0}>"
MISSING = """<Justfn><MssngOrIncrrctInf><MssngInf><Cd>MS01</Cd></MssngInf></MssngOrIncrrctInf></Justfn>"""
REQUEST = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.013.001.07"><CdtrPmtActvtnReq>
<GrpHdr><MsgId>R-1</MsgId></GrpHdr><PmtInf><XpryDt>{expiry}</XpryDt><PmtCond><AmtModAllwd>false</AmtModAllwd>
<EarlyPmtAllwd>true</EarlyPmtAllwd><DelyPnlty>2 % a month</DelyPnlty><ImdtPmtRbt><Rate>1.5</Rate></ImdtPmtRbt>
<GrntedPmtReqd>1</GrntedPmtReqd></PmtCond><CdtTrfTx><PmtId><EndToEndId>E-1</EndToEndId></PmtId>
<Amt><InstdAmt Ccy="EUR">12.34</InstdAmt></Amt></CdtTrfTx></PmtInf></CdtrPmtActvtnReq></Document>"""


def message(root: str, *inside: str) -> list[object]:
    return list(read_messages([f"<Document xmlns='urn:x:x'><{root}>{''.join(inside)}</{root}></Document>".encode()]))


def head(root: str, *inside: str) -> MessageHead:
    return next(item for item in message(root, *inside) if isinstance(item, MessageHead))


def test_a_cancellation_tells_its_case_and_who_hands_it_to_whom() -> None:
    told = Case(
        case_id="C-1", creator="Buyer 3", assigner="BANKDEFFXXX", assignee="Supplier 017", reopened=True
    )  # fmt: skip
    assert head("FIToFIPmtCxlReq", ASSIGNED, CASE.format("Case")).case == told
    assert head("RsltnOfInvstgtn", ASSIGNED, CASE.format("RslvdCase")).case == told
    assert head("FIToFIPmtCxlReq", ASSIGNED).case is None


def test_what_a_payment_lacks_is_named_by_its_own_set() -> None:
    told = head("UblToApply", ASSIGNED, CASE.format("Case"), MISSING)
    assert [code.name for code in Legend(told).told()] == ["missing: the remittance information"]


def test_an_answer_to_a_case_is_named_by_its_own_sets() -> None:
    answer = """<CxlDtls><TxInfAndSts><OrgnlEndToEndId>E-1</OrgnlEndToEndId><TxCxlSts>RJCR</TxCxlSts>
    <CxlStsRsnInf><Rsn><Cd>ARDT</Cd></Rsn></CxlStsRsnInf></TxInfAndSts></CxlDtls>"""
    items = message("RsltnOfInvstgtn", ASSIGNED, CASE.format("RslvdCase"), "<Sts><Conf>RJCR</Conf></Sts>", answer)
    legend = Legend(next(item for item in items if isinstance(item, MessageHead)))
    for item in items:
        if isinstance(item, PaymentStatus):
            legend.take(item)
    assert [code.name for code in legend.told()] == ["cancellation refused", "the payment was already returned"]


def request(expiry: str) -> Instruction:
    items = read_messages([REQUEST.format(expiry=expiry).encode()])
    return next(item for item in items if isinstance(item, Instruction))


def test_a_request_to_pay_tells_until_when_and_how_it_may_be_paid() -> None:
    told = request("<DtTm>2026-12-24T16:00:00Z</DtTm>")
    assert (told.method, told.amount) == ("request_to_pay", Amount(value=Decimal("12.34"), currency="EUR"))
    assert told.request == RequestTerms(
        expires_at=datetime(2026, 12, 24, 16, tzinfo=UTC), expires_on=date(2026, 12, 24), amount_changeable=False,
        early_payment=True, guaranteed=True, delay_penalty="2 % a month", early_discount_percentage=Decimal("1.5"),
    )  # fmt: skip
    by_day = request("<Dt>2026-12-24</Dt>").request
    assert by_day is not None
    assert (by_day.expires_at, by_day.expires_on) == (None, date(2026, 12, 24))


def test_payments_that_wait_for_the_end_of_their_message_are_bounded() -> None:
    asked = b"<Undrlyg><Initn><OrgnlEndToEndId>E-1</OrgnlEndToEndId></Initn></Undrlyg>"
    items = list(read_messages([b"<Document><UblToApply>", asked * 10_001, b"</UblToApply></Document>"]))
    assert sum(isinstance(item, Instruction) for item in items) == 10_000
    assert isinstance(items[-1], Reject)
    assert "more than 10000 payments" in items[-1].why


def test_of_a_message_that_is_cut_the_head_tells_what_it_told_and_the_reject_says_where() -> None:
    told = f"<Document><UblToApply>{ASSIGNED}<Undrlyg><Initn>"
    head, reject = read_messages([told.encode()])
    assert isinstance(head, MessageHead)
    assert isinstance(reject, Reject)
    assert (head.message_id, reject.where) == ("A-1", "/Document/UblToApply/Undrlyg/Initn[1]")
    head, reject = read_messages([told[: told.index("<Assgne>")].encode()])
    assert isinstance(head, MessageHead)
    assert (head.message_id, head.created_at) == ("A-1", None)
    answer = "<Document><CstmrPmtStsRpt><GrpHdr><MsgId>R-1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M-1"
    head, reject = read_messages([answer.encode()])
    assert isinstance(head, MessageHead)
    assert isinstance(reject, Reject)
    assert (head.message_id, reject.where) == ("R-1", "/Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts[1]")
