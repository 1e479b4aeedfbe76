"""Which elements stand in which, how often and in what order, for messages whose XSD no package carries.

The content models of ISO 20022's message definitions, of what we write in pain.002, camt.055, 056 and 060: one line an
element. `?`, `*`, `+` and `{n,m}` say how often, `|` is a choice; an element without a line of its own holds text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Models = Mapping[str, re.Pattern[str]]
_NAME = re.compile(r"[A-Z]\w*")

_PARTS = """
Id: OrgId | IBAN | Othr
OrgId: AnyBIC? LEI? Othr*
Othr: Id SchmeNm?
SchmeNm: Cd | Prtry
Rsn: Cd | Prtry
Orgtr: Nm
FinInstnId: BICFI? ClrSysMmbId?
ClrSysMmbId: MmbId
PstlAdr: Dept? SubDept? StrtNm? BldgNb? BldgNm? Flr? PstBx? Room? PstCd? TwnNm? TwnLctnNm? DstrctNm? CtrySubDvsn? Ctry?
 AdrLine{0,7}
"""
_PARTY = "Nm? PstlAdr? Id? CtryOfRes?"
_STATUS_REPORT = """
Document: CstmrPmtStsRpt
CstmrPmtStsRpt: GrpHdr OrgnlGrpInfAndSts OrgnlPmtInfAndSts*
GrpHdr: MsgId CreDtTm InitgPty?
OrgnlGrpInfAndSts: OrgnlMsgId OrgnlMsgNmId OrgnlCreDtTm? OrgnlNbOfTxs? OrgnlCtrlSum? GrpSts? StsRsnInf* NbOfTxsPerSts*
OrgnlPmtInfAndSts: OrgnlPmtInfId OrgnlNbOfTxs? OrgnlCtrlSum? PmtInfSts? StsRsnInf* NbOfTxsPerSts* TxInfAndSts*
StsRsnInf: Orgtr? Rsn? AddtlInf*
NbOfTxsPerSts: DtldNbOfTxs DtldSts DtldCtrlSum?
OrgnlTxRef: Amt? ReqdExctnDt? Dbtr? DbtrAcct? Cdtr? CdtrAcct?
Amt: InstdAmt
DbtrAcct: Id
CdtrAcct: Id
"""
_CANCELLATION = f"""
Assgnmt: Id Assgnr Assgne CreDtTm
Assgnr: Pty | Agt
Assgne: Pty | Agt
Case: Id Cretr
Cretr: Pty | Agt
Pty: {_PARTY}
Agt: FinInstnId
CtrlData: NbOfTxs CtrlSum?
CxlRsnInf: Orgtr? Rsn? AddtlInf*
"""
_MODELS = {
    "pain.002.001.03": f"""{_STATUS_REPORT}
TxInfAndSts: StsId? OrgnlInstrId? OrgnlEndToEndId? TxSts? StsRsnInf* AccptncDtTm? AcctSvcrRef? ClrSysRef? OrgnlTxRef?
InitgPty: {_PARTY}
Dbtr: {_PARTY}
Cdtr: {_PARTY}
OrgId: BICOrBEI? Othr*
PstlAdr: Dept? SubDept? StrtNm? BldgNb? PstCd? TwnNm? CtrySubDvsn? Ctry? AdrLine{{0,7}}
""",
    "pain.002.001.10": f"""{_STATUS_REPORT}
TxInfAndSts: StsId? OrgnlInstrId? OrgnlEndToEndId? OrgnlUETR? TxSts? StsRsnInf* AccptncDtTm? AcctSvcrRef? ClrSysRef?
 OrgnlTxRef?
InitgPty: {_PARTY}
ReqdExctnDt: Dt
Dbtr: Pty
Cdtr: Pty
Pty: {_PARTY}
""",
    "camt.055.001.08": f"""{_CANCELLATION}
Document: CstmrPmtCxlReq
CstmrPmtCxlReq: Assgnmt Case? CtrlData? Undrlyg+
Undrlyg: OrgnlGrpInfAndCxl OrgnlPmtInfAndCxl+
OrgnlGrpInfAndCxl: OrgnlMsgId OrgnlMsgNmId
OrgnlPmtInfAndCxl: OrgnlPmtInfId NbOfTxs? CtrlSum? PmtInfCxl? CxlRsnInf* TxInf*
TxInf: CxlId? OrgnlInstrId? OrgnlEndToEndId? OrgnlUETR? OrgnlInstdAmt? OrgnlReqdExctnDt? CxlRsnInf*
OrgnlReqdExctnDt: Dt
""",
    "camt.056.001.08": f"""{_CANCELLATION}
Document: FIToFIPmtCxlReq
FIToFIPmtCxlReq: Assgnmt Case? CtrlData? Undrlyg+
Undrlyg: TxInf+
OrgnlGrpInf: OrgnlMsgId OrgnlMsgNmId
TxInf: CxlId? OrgnlGrpInf? OrgnlInstrId? OrgnlEndToEndId? OrgnlTxId? OrgnlUETR? OrgnlClrSysRef? OrgnlIntrBkSttlmAmt?
 OrgnlIntrBkSttlmDt? CxlRsnInf*
""",
    "camt.060.001.05": f"""
Document: AcctRptgReq
AcctRptgReq: GrpHdr RptgReq+
GrpHdr: MsgId CreDtTm MsgSndr?
MsgSndr: Pty
RptgReq: Id? ReqdMsgNmId Acct? AcctOwnr AcctSvcr? RptgPrd?
Acct: Id Ccy?
AcctOwnr: Pty
AcctSvcr: FinInstnId
RptgPrd: FrToDt Tp
FrToDt: FrDt ToDt
Pty: {_PARTY}
""",
}


def models(text: str) -> Models:
    """The content models of a text, a later line of an element before an earlier one."""
    lines = (line.partition(":") for line in text.replace("\n ", " ").splitlines() if line)
    return {name: re.compile(_NAME.sub(r"(?:\g<0>/)", told).replace(" ", "")) for name, _, told in lines}


_ORDERS: Mapping[str, Models] = {version: models(_PARTS + text) for version, text in _MODELS.items()}


@lru_cache(maxsize=4_096)
def disorder(version: str, name: str, inside: str) -> str:
    """Why what stands in an element (`Cd/` or `MsgId/CreDtTm/`) may not stand so, or nothing."""
    return misplaced(_ORDERS[version], name, inside)


def misplaced(known: Models, name: str, inside: str) -> str:
    """The same, by content models that are given."""
    model = known.get(name)
    if model is None:
        return f"holds {inside.replace('/', ' ')}which has no place there"
    return "" if model.fullmatch(inside) else f"holds {inside.replace('/', ' ')}which don't stand so in it"
