"""Writes camt.052, camt.053 and camt.054 in version 001.08, after the ISO 20022 schemas and SEPA and Swiss practice.

Sources: camt.052.001.08, camt.053.001.08, camt.054.001.08 (ISO 20022 message definitions); "Swiss Payment Standards,
Cash Management" for QR references and collective credits; DFÜ agreement, annex 3, for structured creditor references.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree import ElementTree as ET

from nostro.sandbox.bank.ledger import AccountSettings, Entry, Transfer
from nostro.sandbox.currencies import decimal_text

_MESSAGES = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message about one account. `balances` are (code, signed minor units, date), e.g. OPBD, CLBD, ITBD."""

    kind: str
    account: AccountSettings
    ident: str
    document: str
    """Identification of the statement or report; it stays when the message is sent anew under another `ident`."""
    created: datetime
    period: tuple[datetime, datetime]
    entries: Sequence[Entry]
    sequence: int | None = None
    balances: Sequence[tuple[str, int, date]] = ()


def write(message: Message) -> bytes:
    """The whole file, UTF-8."""
    outer, inner = _MESSAGES[message.kind]
    account = message.account
    created = _moment(account, message.created)
    sequence = None if message.sequence is None else str(message.sequence)
    header = _node(
        "GrpHdr",
        _node("MsgId", message.ident),
        _node("CreDtTm", created),
        _node("MsgPgntn", _node("PgNb", "1"), _node("LastPgInd", "true")),
    )
    body = _node(
        inner,
        _node("Id", message.document),
        sequence and _node("ElctrncSeqNb", sequence),
        sequence and _node("LglSeqNb", sequence),
        _node("CreDtTm", created),
        _node(
            "FrToDt",
            _node("FrDtTm", _moment(account, message.period[0])),
            _node("ToDtTm", _moment(account, message.period[1])),
        ),
        _bank_account(account),
        *(_balance(account, *balance) for balance in message.balances),
        _summary(message) if message.entries else None,
        *(_entry(entry, message.kind) for entry in message.entries),
    )
    document = _node("Document", _node(outer, header, body))
    document.set("xmlns", f"urn:iso:std:iso:20022:tech:xsd:camt.{message.kind}.001.08")
    ET.indent(document)
    return bytes(ET.tostring(document, encoding="utf-8", xml_declaration=True))


def _bank_account(account: AccountSettings) -> ET.Element:
    number = _node("IBAN", account.number) if account.has_iban else _node("Othr", _node("Id", account.number))
    member = account.clearing_member and _node(
        "ClrSysMmbId", _node("ClrSysId", _node("Cd", "USABA")), _node("MmbId", account.clearing_member)
    )
    return _node(
        "Acct",
        _node("Id", number),
        _node("Ccy", account.currency),
        _node("Ownr", _node("Nm", account.owner)),
        _node("Svcr", _node("FinInstnId", _node("BICFI", account.bic), member or None)),
    )


def _balance(account: AccountSettings, code: str, minor: int, day: date) -> ET.Element:
    return _node(
        "Bal",
        _node("Tp", _node("CdOrPrtry", _node("Cd", code))),
        _amount("Amt", abs(minor), account.currency),
        _node("CdtDbtInd", "DBIT" if minor < 0 else "CRDT"),
        _node("Dt", _node("Dt", day.isoformat())),
    )


def _summary(message: Message) -> ET.Element:
    currency = message.account.currency

    def count(tag: str, entries: Sequence[Entry], *more: ET.Element) -> ET.Element | None:
        total = sum(entry.amount_minor for entry in entries)
        numbers = (_node("NbOfNtries", str(len(entries))), _node("Sum", decimal_text(total, currency)))
        return _node(tag, *numbers, *more) if entries else None

    net = sum(entry.signed_minor for entry in message.entries)
    direction = _node("CdtDbtInd", "DBIT" if net < 0 else "CRDT")
    return _node(
        "TxsSummry",
        count(
            "TtlNtries", message.entries, _node("TtlNetNtry", _node("Amt", decimal_text(abs(net), currency)), direction)
        ),
        count("TtlCdtNtries", [entry for entry in message.entries if entry.credit]),
        count("TtlDbtNtries", [entry for entry in message.entries if not entry.credit]),
    )


def _entry(entry: Entry, kind: str) -> ET.Element:
    day = entry.booking_date
    own = entry.reference(kind)
    returned = any(transfer.return_reason for transfer in entry.transfers)
    batch = len(entry.transfers) > 1 and _node("Btch", _node("NbOfTxs", str(len(entry.transfers))))
    return _node(
        "Ntry",
        _amount("Amt", entry.amount_minor, entry.account.currency),
        _node("CdtDbtInd", "CRDT" if entry.credit else "DBIT"),
        _node("RvslInd", "true") if returned else None,
        _node("Sts", _node("Cd", "BOOK" if day else "PDNG")),
        day and _node("BookgDt", _node("Dt", day.isoformat())),
        _node("ValDt", _node("Dt", (day or entry.account.booking_date(entry.told_at)).isoformat())),
        own and day and _node("AcctSvcrRef", own),
        _code(entry.code),
        _node(
            "NtryDtls",
            batch or None,
            *(_transaction_details(entry, place, kind) for place in range(len(entry.transfers))),
        ),
        _node("AddtlNtryInf", entry.text),
    )


def _transaction_details(entry: Entry, place: int, kind: str) -> ET.Element:
    transfer = entry.transfers[place]
    own = entry.reference(kind)
    if own and len(entry.transfers) > 1:
        own = f"{own}/{place + 1}"
    direction = "CRDT" if entry.credit else "DBIT"
    return _node(
        "TxDtls",
        _node(
            "Refs",
            own and entry.booking_date and _node("AcctSvcrRef", own),
            _node("EndToEndId", transfer.end_to_end),
            transfer.uetr and _node("UETR", transfer.uetr),
        ),
        _amount("Amt", transfer.amount_minor, entry.account.currency),
        _node("CdtDbtInd", direction),
        _code(entry.code),
        _parties(transfer, credit=entry.credit),
        _remittance(transfer),
        transfer.return_reason and _node("RtrInf", _node("Rsn", _node("Cd", transfer.return_reason))),
    )


def _parties(transfer: Transfer, *, credit: bool) -> ET.Element | None:
    side = "Dbtr" if credit else "Cdtr"
    number = transfer.account
    ident = _node("IBAN", number) if number[:2].isalpha() else _node("Othr", _node("Id", number))
    children = (
        transfer.name and _node(side, _node("Pty", _node("Nm", transfer.name))),
        number and _node(f"{side}Acct", _node("Id", ident)),
    )
    return _node("RltdPties", *children) if any(children) else None


def _remittance(transfer: Transfer) -> ET.Element | None:
    if transfer.reference:
        swiss = transfer.reference.isdigit()
        kind = _node("Prtry", "QRR") if swiss else _node("Cd", "SCOR")
        reference = _node("CdtrRefInf", _node("Tp", _node("CdOrPrtry", kind)), _node("Ref", transfer.reference))
        told = transfer.remittance and _node("AddtlRmtInf", transfer.remittance)
        return _node("RmtInf", _node("Strd", reference, told or None))
    if not transfer.remittance:
        return None
    text = transfer.remittance
    return _node("RmtInf", *(_node("Ustrd", text[at : at + 140]) for at in range(0, len(text), 140)))


def _code(code: tuple[str, str, str]) -> ET.Element:
    domain, family, sub_family = code
    inner = _node("Fmly", _node("Cd", family), _node("SubFmlyCd", sub_family))
    return _node("BkTxCd", _node("Domn", _node("Cd", domain), inner))


def _amount(tag: str, minor: int, currency: str) -> ET.Element:
    node = _node(tag, decimal_text(minor, currency))
    node.set("Ccy", currency)
    return node


def _moment(account: AccountSettings, moment: datetime) -> str:
    return account.local(moment).isoformat(timespec="seconds")


def _node(tag: str, *content: object) -> ET.Element:
    """An element with text or children; what is empty (None, "", False) is left out."""
    node = ET.Element(tag)
    for part in content:
        if isinstance(part, ET.Element):
            node.append(part)
        elif part:
            node.text = str(part)
    return node
