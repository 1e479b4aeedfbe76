"""What banks tell each other of a payment: what was kept on the way, who covers it, who wants it back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from nostro.formats.iso20022.message import read_messages
from nostro.model.messages import Instruction
from nostro.model.money import Amount
from nostro.model.statements import Exchange


def _of_banks(message: str, inside: str, header: str = "") -> Instruction:
    content = f"<Document><{message}><GrpHdr><MsgId>M</MsgId>{header}</GrpHdr>{inside}</{message}></Document>"
    (told,) = [item for item in read_messages([content.encode()]) if isinstance(item, Instruction)]
    return told


def test_what_banks_on_the_way_kept_and_who_covers_the_payment_is_told() -> None:
    bank = "<FinInstnId><BICFI>BANK{}FF</BICFI></FinInstnId>"
    covers = f"<SttlmInf><SttlmMtd>COVE</SttlmMtd><InstgRmbrsmntAgt>{bank.format('DE')}</InstgRmbrsmntAgt></SttlmInf>"
    told = _of_banks(
        "FIToFICstmrCdtTrf",
        "<CdtTrfTxInf><IntrBkSttlmAmt Ccy='EUR'>95</IntrBkSttlmAmt><InstdAmt Ccy='EUR'>100</InstdAmt></CdtTrfTxInf>",
        covers,
    )
    assert told.exchange == Exchange(instructed=Amount(value=Decimal(100), currency="EUR"))
    assert told.others["instructing_reimbursement_agent"] == "BANKDEFF"
    customers = f"<UndrlygCstmrCdtTrf><DbtrAgt>{bank.format('FR')}</DbtrAgt></UndrlygCstmrCdtTrf>"
    cover = _of_banks(
        "FICdtTrf", f"<CdtTrfTxInf><IntrBkSttlmAmt Ccy='EUR'>95</IntrBkSttlmAmt>{customers}</CdtTrfTxInf>"
    )
    assert cover.others == {"underlying_debtor_agent": "BANKFRFF"}


def test_who_asks_for_a_payment_back_and_when_it_had_settled_is_told() -> None:
    reason = "<RtrRsnInf><Orgtr><Nm>Customer 017</Nm></Orgtr><Rsn><Cd>MD06</Cd></Rsn></RtrRsnInf>"
    told = _of_banks(
        "PmtRtr",
        "<TxInf><RtrdIntrBkSttlmAmt Ccy='EUR'>5</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>2026-11-27</IntrBkSttlmDt>"
        f"<OrgnlIntrBkSttlmDt>2026-11-20</OrgnlIntrBkSttlmDt>{reason}</TxInf>",
    )
    assert told.returned is not None
    assert told.returned.originator == "Customer 017"
    assert (told.settlement_date, told.others) == (date(2026, 11, 27), {"original_settlement_date": "2026-11-20"})
