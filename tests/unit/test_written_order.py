"""What stands where in statements that we write, by ISO 20022's content models of camt.052, 053 and 054, version 8.

Their XSD comes with a package that nobody has to install; these are its rules for what the writer writes. In pain.002,
camt.055, 056 and 060, whose XSD no package carries, the writers themselves hold each element against theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from nostro.formats.checks import Sums
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.iso20022.write.held import held
from nostro.formats.iso20022.write.order import misplaced, models
from nostro.formats.iso20022.write.statements import MESSAGES, write_camt
from nostro.formats.reading import Item
from nostro.formats.xml import local
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.remittance import Adjustment, Document
from nostro.model.statements import (
    Balance,
    Charge,
    Detail,
    Entry,
    Exchange,
    References,
    ReportKind,
    ReturnInformation,
    Source,
    StatementHead,
)

STATEMENTS = models("""
Document: BkToCstmrStmt | BkToCstmrAcctRpt | BkToCstmrDbtCdtNtfctn
BkToCstmrStmt: GrpHdr Stmt+
BkToCstmrAcctRpt: GrpHdr Rpt+
BkToCstmrDbtCdtNtfctn: GrpHdr Ntfctn+
GrpHdr: MsgId CreDtTm
Stmt: Id StmtPgntn? ElctrncSeqNb? LglSeqNb? CreDtTm? FrToDt? CpyDplctInd? Acct Bal+ Ntry*
Rpt: Id RptPgntn? ElctrncSeqNb? LglSeqNb? CreDtTm? FrToDt? CpyDplctInd? Acct Bal* Ntry*
Ntfctn: Id NtfctnPgntn? ElctrncSeqNb? LglSeqNb? CreDtTm? FrToDt? CpyDplctInd? Acct Ntry*
StmtPgntn: PgNb LastPgInd
RptPgntn: PgNb LastPgInd
NtfctnPgntn: PgNb LastPgInd
FrToDt: FrDtTm ToDtTm
Acct: Id Ccy? Nm? Ownr? Svcr?
DbtrAcct: Id Ccy? Nm?
CdtrAcct: Id Ccy? Nm?
Id: IBAN | Othr | OrgId
Othr: Id SchmeNm?
SchmeNm: Cd | Prtry
Ownr: Nm
Svcr: FinInstnId
FinInstnId: BICFI? ClrSysMmbId? Othr?
ClrSysMmbId: MmbId
Bal: Tp Amt CdtDbtInd Dt
CdOrPrtry: Cd | Prtry
Dt: Dt
Ntry: NtryRef? Amt CdtDbtInd RvslInd? Sts BookgDt? ValDt? AcctSvcrRef? BkTxCd Chrgs? NtryDtls* AddtlNtryInf?
Sts: Cd
BookgDt: Dt
ValDt: Dt
BkTxCd: Domn? Prtry?
OrgnlBkTxCd: Domn? Prtry?
Domn: Cd Fmly
Fmly: Cd SubFmlyCd
Chrgs: Rcrd*
Rcrd: Amt CdtDbtInd? ChrgInclInd? Tp? Br?
NtryDtls: Btch? TxDtls*
Btch: MsgId? PmtInfId? NbOfTxs?
TxDtls: Refs? Amt? CdtDbtInd? AmtDtls? BkTxCd? Chrgs? RltdPties? RltdAgts? LclInstrm? Purp? RmtInf? RltdDts? Tax?
 RtrInf? AddtlTxInf?
Refs: MsgId? AcctSvcrRef? PmtInfId? InstrId? EndToEndId? UETR? TxId? MndtId? ChqNb? ClrSysRef? AcctOwnrTxId?
 AcctSvcrTxId? MktInfrstrctrTxId? PrcgId? Prtry*
AmtDtls: InstdAmt? TxAmt? CntrValAmt?
InstdAmt: Amt
TxAmt: Amt CcyXchg?
CntrValAmt: Amt
CcyXchg: SrcCcy TrgtCcy? UnitCcy? XchgRate CtrctId?
RltdPties: Dbtr? DbtrAcct? UltmtDbtr? Cdtr? CdtrAcct? UltmtCdtr?
Dbtr: Pty
UltmtDbtr: Pty
Cdtr: Pty
UltmtCdtr: Pty
Pty: Nm? PstlAdr? Id?
PstlAdr: StrtNm? BldgNb? PstCd? TwnNm? CtrySubDvsn? Ctry? AdrLine{0,7}
OrgId: AnyBIC? LEI? Othr*
RltdAgts: DbtrAgt? CdtrAgt?
DbtrAgt: FinInstnId
CdtrAgt: FinInstnId
LclInstrm: Cd | Prtry
Purp: Cd | Prtry
RmtInf: Ustrd* Strd*
Strd: RfrdDocInf* RfrdDocAmt? CdtrRefInf?
RfrdDocInf: Tp? Nb? RltdDt?
RfrdDocAmt: DuePyblAmt? DscntApldAmt? CdtNoteAmt? TaxAmt? AdjstmntAmtAndRsn* RmtdAmt?
DscntApldAmt: Amt
TaxAmt: Amt
AdjstmntAmtAndRsn: Amt CdtDbtInd? Rsn? AddtlInf?
CdtrRefInf: Ref
RltdDts: IntrBkSttlmDt
Tax: TtlTaxAmt
RtrInf: OrgnlBkTxCd? Orgtr? Rsn? AddtlInf*
Orgtr: Nm
Rsn: Cd | Prtry
Tp: CdOrPrtry | Cd
Prtry: Cd | Tp Ref
""")
NOTHING: Mapping[str, object] = {}
AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = date(2026, 8, 31)
HERE = Source(where="Ntry[1]")
EUR = Amount(value=Decimal("12.34"), currency="EUR")
PARTY = Party(
    name="Supplier 017",
    address=Address(street="Rue", building="4", postcode="75001", town="Paris", region="IDF", country="FR",
                    lines=tuple("1234567")),
    ids={"BIC": "BNPAFRPPXXX", "LEI": "5493001KJTIIGC8Y1R12", "CUST": "77", "VAT": " "},
)  # fmt: skip
ACCOUNT = BankAccount(other="77-1", scheme="BBAN", bic="BNPAFRPPXXX", clearing_id="30004", currency="EUR", name="Ours")
DOCUMENT = Document(
    number="INV-1", type="CINV", on=DAY, due=EUR, discount=EUR, remitted=EUR, credited=EUR, tax=EUR,
    adjustments=(Adjustment(amount=EUR, direction="debit", reason="R1", text="kept"), Adjustment(amount=EUR)),
)  # fmt: skip
DETAIL = Detail(
    amount=EUR, direction="credit", counterparty=PARTY, counterparty_account=ACCOUNT, remittance=("INV-1", "thanks"),
    references=References(
        end_to_end="E", account_servicer="A", instruction="I", transaction="T", mandate="M", structured="S",
        message="MSG", payment_information="P",
        others={"UETR": "eb6305c9-1f7f-49de-aed0-16487c27b42d", "ChqNb": "1", "ClrSysRef": "2", "Own": "3", "No": " "},
    ),
    exchange=Exchange(instructed=EUR, source_currency="EUR", target_currency="CHF", rate=Decimal("1.1"),
                      unit_currency="EUR", contract="C-1", counter_value=EUR),
    charges=(Charge(amount=EUR, included=True, bearer="SHAR", type="COMM"),), purpose="SALA", additional="more",
    returned=ReturnInformation(code="AC04", text="closed", originator="Bank 005", original_code="PMNT-ICDT-ESCT"),
    ultimate_counterparty=PARTY, documents=(DOCUMENT,), settlement_date=DAY, local_instrument="CORE", tax=EUR,
    bank_transaction_code="PMNT-RCDT-ESCT", proprietary_code="166", own_account=ACCOUNT, own_ultimate=PARTY,
)  # fmt: skip
ENTRY = Entry(
    amount=EUR, direction="credit", state="booked", reversal=True, booking_date=DAY, value_date=DAY, details_total=2,
    references=References(entry="N-1", account_servicer="B-1", message="MSG-2"), charges=(Charge(amount=EUR),),
    bank_transaction_code="PMNT-RCDT-ESCT", proprietary_code="166", additional="text", details=(DETAIL, DETAIL),
    source=HERE,
)  # fmt: skip


def statement(entry: Entry, kind: ReportKind = "statement", *, changes: Mapping[str, object] = NOTHING) -> list[Item]:
    sums = Sums()
    sums.add(entry)
    closing = EUR.model_copy(update={"value": sums.totals.get("EUR", Decimal(0))})
    balances = (
        Balance(code="OPBD", amount=Amount(value=Decimal(0), currency="EUR"), on=DAY),
        Balance(code="CLBD", amount=closing, on=DAY),
    )
    head = StatementHead(
        kind=kind, statement_id="S-1", bank_account=ACCOUNT.model_copy(update={"owner": "House"}), sequence=7,
        legal_sequence=8, page=1, last_page=True, created_at=AT, from_date=DAY, to_date=DAY, copy_mark="DUPL",
        balances=balances, source=Source(where="Stmt[1]"),
    )  # fmt: skip
    return [head.model_copy(update=dict(changes)), entry, sums.end(balances)]


def written(items: list[Item]) -> tuple[bytes, list[str]]:
    said: list[str] = []
    return b"".join(write_camt(items, AT, said.append)), said


def disordered(content: bytes) -> list[str]:
    parts = [(local(one), "".join(f"{local(part)}/" for part in one)) for one in etree.fromstring(content).iter()]
    found = (misplaced(STATEMENTS, name, inside) for name, inside in parts if inside)
    return [why for why in found if why]


@pytest.mark.parametrize("kind", MESSAGES)
def test_all_that_a_statement_tells_stands_where_the_standard_has_it(kind: ReportKind) -> None:
    content, said = written(statement(ENTRY, kind))
    assert disordered(content) == []
    assert said == []


def test_who_sends_a_payment_back_is_a_party_without_a_choice() -> None:
    content, _ = written(statement(ENTRY))
    assert b"<Orgtr><Nm>Bank 005</Nm></Orgtr>" in content
    (again,) = [item for item in read_camt([content]) if isinstance(item, Entry)]
    assert again.details[0].returned is not None
    assert again.details[0].returned.originator == "Bank 005"


def test_every_adjustment_of_a_document_comes_back() -> None:
    content, _ = written(statement(ENTRY))
    (again,) = [item for item in read_camt([content]) if isinstance(item, Entry)]
    assert again.details[0].documents == (DOCUMENT,)


def test_a_detail_without_a_direction_has_that_of_its_entry() -> None:
    detail = DETAIL.model_copy(update={"direction": None, "own_account": None, "own_ultimate": None})
    entry = ENTRY.model_copy(update={"details": (detail,), "details_total": 1})
    content, _ = written(statement(entry))
    assert b"<RltdPties><Dbtr>" in content


FINE = Amount(value=Decimal("0.000001"), currency="EUR")
BELOW = Amount(value=Decimal("-1.00"), currency="EUR")
LONG = Amount(value=Decimal(1234567890123456789), currency="EUR")


@pytest.mark.parametrize(
    "changes, element, sentence", [
        ({"exchange": Exchange(source_currency="EURO", rate=Decimal(1))}, b"CcyXchg", "SrcCcy takes another currency"),
        ({"exchange": Exchange(source_currency="EUR", rate=Decimal("0.12345678901"))}, b"XchgRate", "XchgRate takes"),
        ({"exchange": Exchange(source_currency="EUR", rate=Decimal(123456789012))}, b"XchgRate", "XchgRate takes"),
        ({"exchange": Exchange(source_currency="EUR", target_currency="chf", rate=Decimal(1))}, b"TrgtCcy", "TrgtCcy"),
        ({"counterparty_account": ACCOUNT.model_copy(update={"currency": "eur"})}, b"eur", "Ccy takes another"),
        ({"documents": (Document(number="1", due=FINE),)}, b"DuePyblAmt", "DuePyblAmt takes another amount"),
        ({"documents": (Document(number="1", remitted=BELOW),)}, b"RmtdAmt", "RmtdAmt takes another amount"),
        ({"documents": (Document(number="1", tax=LONG),)}, b"TaxAmt", "TaxAmt takes another amount"),
        ({"documents": (Document(adjustments=(Adjustment(amount=BELOW),)),)}, b"Adjstmnt", "AdjstmntAmtAndRsn takes"),
    ],
)  # fmt: skip
def test_what_the_standard_has_no_form_for_is_left_out_aloud(
    changes: dict[str, object], element: bytes, sentence: str
) -> None:
    detail = Detail(amount=EUR, direction="credit").model_copy(update=changes)
    content, said = written(statement(ENTRY.model_copy(update={"details": (detail,), "details_total": 1})))
    assert element not in content
    assert disordered(content) == []
    assert [one for one in said if sentence in one and one.startswith("Ntry[1]: ")]


@pytest.mark.parametrize(
    "changes, element, sentence", [
        ({"sequence": 10**18}, b"ElctrncSeqNb", "ElctrncSeqNb takes another number of at most 18 digits"),
        ({"page": 100_000}, b"StmtPgntn", "PgNb takes another number of at most 5 digits"),
    ],
)  # fmt: skip
def test_numbers_that_are_too_long_are_left_out_aloud(
    changes: dict[str, object], element: bytes, sentence: str
) -> None:
    content, said = written(statement(ENTRY, changes=changes))
    assert element not in content
    assert said == [f"Stmt[1]: {sentence}; it was left out."]


def test_names_of_blanks_are_none() -> None:
    entry = ENTRY.model_copy(
        update={"details": (Detail(references=References(others={" ": "1"})),), "details_total": 1}
    )
    content, _ = written(statement(entry, changes={"statement_id": " "}))
    assert disordered(content) == []
    assert content.count(b"<MsgId>1</MsgId>") == content.count(b"<Stmt><Id>1</Id>") == 1
    assert b"<Prtry><Tp>Prtry</Tp><Ref>1</Ref></Prtry>" in content


def test_codes_of_closed_lists_are_those_or_own_words() -> None:
    odd = Detail(
        amount=EUR, direction="credit", charges=(Charge(amount=EUR, bearer="XXXX"),),
        documents=(Document(number="1", type="ABCD"), Document(number="2", type="PUOR")),
        returned=ReturnInformation(code="TOO LONG"),
    )  # fmt: skip
    content, _ = written(statement(ENTRY.model_copy(update={"details": (odd,), "details_total": 1})))
    assert b"<Br>" not in content
    assert b"<CdOrPrtry><Prtry>ABCD</Prtry></CdOrPrtry>" in content
    assert b"<CdOrPrtry><Cd>PUOR</Cd></CdOrPrtry>" in content
    assert b"<Rsn><Prtry>TOO LONG</Prtry></Rsn>" in content


REQUEST = (
    "<Document><AcctRptgReq><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-11-28T10:00:00</CreDtTm></GrpHdr><RptgReq>"
    "<ReqdMsgNmId>camt.053.001.08</ReqdMsgNmId><Acct><Id><Othr><Id>1</Id></Othr></Id></Acct><AcctOwnr><Pty>"
    "<Nm>House</Nm></Pty></AcctOwnr></RptgReq></AcctRptgReq></Document>"
)


@pytest.mark.parametrize(
    "told, wrong, sentence", [
        ("<MsgId>M</MsgId>", "", "holds CreDtTm which don't stand so in it"),
        ("<AcctOwnr><Pty><Nm>House</Nm></Pty></AcctOwnr>", "", "holds ReqdMsgNmId Acct which don't"),
        ("<Nm>House</Nm>", "<CtryOfRes>DE</CtryOfRes><Nm>House</Nm>", "Pty: what would be written holds CtryOfRes Nm"),
        ("<Nm>House</Nm>", f"<PstlAdr>{'<AdrLine>1</AdrLine>' * 8}</PstlAdr>", "holds AdrLine"),
        ("<MsgId>M</MsgId>", "<MsgId><Cd>M</Cd></MsgId>", "holds Cd which has no place there"),
        ("<MsgId>M</MsgId>", "<MsgId/>", "is empty"),
        ("<Id>1</Id>", f"<Id>{'1' * 35}</Id>", "has 35 signs, 34 are taken"),
    ],
)  # fmt: skip
def test_elements_that_do_not_stand_so_are_never_written(told: str, wrong: str, sentence: str) -> None:
    assert list(held([REQUEST.encode()], "camt.060.001.05")) == [REQUEST.encode()]
    with pytest.raises(FormatRefused) as refused:
        list(held([REQUEST.replace(told, wrong).encode()], "camt.060.001.05"))
    assert sentence in refused.value.sentence
