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
    account, sequence = message.account, message.sequence and str(message.sequence)
    created, start, end = (_moment(account, moment) for moment in (message.created, *message.period))
    pages = _node("MsgPgntn", _node("PgNb", "1"), _node("LastPgInd", "true"))
    header = _node("GrpHdr", _node("MsgId", message.ident), _node("CreDtTm", created), pages)
    body = _node(
        inner,
        _node("Id", message.document),
        sequence and _node("ElctrncSeqNb", sequence),
        sequence and _node("LglSeqNb", sequence),
        _node("CreDtTm", created),
        _node("FrToDt", _node("FrDtTm", start), _node("ToDtTm", end)),
        _bank_account(account),
        *(_balance(account, *balance) for balance in message.balances),
        message.entries and _summary(message),
        *(_entry(entry, message.kind) for entry in message.entries),
    )
    document = _node("Document", _node(outer, header, body))
    document.set("xmlns", f"urn:iso:std:iso:20022:tech:xsd:camt.{message.kind}.001.08")
    ET.indent(document)
    return bytes(ET.tostring(document, encoding="utf-8", xml_declaration=True))


def _bank_account(account: AccountSettings) -> ET.Element:
    member = account.clearing_member and _node(
        "ClrSysMmbId", _node("ClrSysId/Cd", "USABA"), _node("MmbId", account.clearing_member)
    )
    return _node(
        "Acct",
        _number(account.number),
        _node("Ccy", account.currency),
        _node("Ownr/Nm", account.owner),
        _node("Svcr/FinInstnId", _node("BICFI", account.bic), member),
    )


def _number(number: str) -> ET.Element:
    """An IBAN begins with its country's letters; anything else is a number of another kind."""
    return _node("Id/IBAN" if number[:2].isalpha() else "Id/Othr/Id", number)


def _balance(account: AccountSettings, code: str, minor: int, day: date) -> ET.Element:
    amount, direction = _amount(abs(minor), account.currency), _direction(credit=minor >= 0)
    return _node("Bal", _node("Tp/CdOrPrtry/Cd", code), amount, direction, _node("Dt/Dt", day.isoformat()))


def _summary(message: Message) -> ET.Element:
    currency = message.account.currency

    def count(tag: str, entries: Sequence[Entry], *more: ET.Element) -> ET.Element | None:
        total = decimal_text(sum(entry.amount_minor for entry in entries), currency)
        return _node(tag, _node("NbOfNtries", str(len(entries))), _node("Sum", total), *more) if entries else None

    net = sum(entry.signed_minor for entry in message.entries)
    net_entry = _node("TtlNetNtry", _node("Amt", decimal_text(abs(net), currency)), _direction(credit=net >= 0))
    return _node(
        "TxsSummry",
        count("TtlNtries", message.entries, net_entry),
        count("TtlCdtNtries", [entry for entry in message.entries if entry.credit]),
        count("TtlDbtNtries", [entry for entry in message.entries if not entry.credit]),
    )


def _entry(entry: Entry, kind: str) -> ET.Element:
    day, own = entry.booking_date, entry.reference(kind)
    several, value_date = len(entry.transfers) > 1, day or entry.account.booking_date(entry.told_at)
    return _node(
        "Ntry",
        _amount(entry.amount_minor, entry.account.currency),
        _direction(credit=entry.credit),
        any(transfer.return_reason for transfer in entry.transfers) and _node("RvslInd", "true"),
        _node("Sts/Cd", "BOOK" if day else "PDNG"),
        day and _node("BookgDt/Dt", day.isoformat()),
        _node("ValDt/Dt", value_date.isoformat()),
        own and day and _node("AcctSvcrRef", own),
        _code(entry.code),
        _node(
            "NtryDtls",
            several and _node("Btch/NbOfTxs", str(len(entry.transfers))),
            *(_transaction_details(entry, place, kind) for place in range(len(entry.transfers))),
        ),
        _node("AddtlNtryInf", entry.text),
    )


def _transaction_details(entry: Entry, place: int, kind: str) -> ET.Element:
    transfer, own = entry.transfers[place], entry.reference(kind)
    if own and len(entry.transfers) > 1:
        own = f"{own}/{place + 1}"
    return _node(
        "TxDtls",
        _node(
            "Refs",
            own and entry.booking_date and _node("AcctSvcrRef", own),
            _node("EndToEndId", transfer.end_to_end),
            transfer.uetr and _node("UETR", transfer.uetr),
        ),
        _amount(transfer.amount_minor, entry.account.currency),
        _direction(credit=entry.credit),
        _code(entry.code),
        _parties(transfer, "Dbtr" if entry.credit else "Cdtr"),
        _remittance(transfer),
        transfer.return_reason and _node("RtrInf/Rsn/Cd", transfer.return_reason),
    )


def _parties(transfer: Transfer, side: str) -> ET.Element | None:
    name = transfer.name and _node(f"{side}/Pty/Nm", transfer.name)
    account = transfer.account and _node(f"{side}Acct", _number(transfer.account))
    return _node("RltdPties", name, account) if transfer.name or transfer.account else None


def _remittance(transfer: Transfer) -> ET.Element | None:
    text, reference = transfer.remittance, transfer.reference
    if reference:
        kind = _node("Prtry", "QRR") if reference.isdigit() else _node("Cd", "SCOR")
        structured = _node("CdtrRefInf", _node("Tp/CdOrPrtry", kind), _node("Ref", reference))
        return _node("RmtInf/Strd", structured, text and _node("AddtlRmtInf", text))
    return _node("RmtInf", *(_node("Ustrd", text[at : at + 140]) for at in range(0, len(text), 140))) if text else None


def _code(code: tuple[str, str, str]) -> ET.Element:
    domain, family, sub_family = code
    inner = _node("Fmly", _node("Cd", family), _node("SubFmlyCd", sub_family))
    return _node("BkTxCd/Domn", _node("Cd", domain), inner)


def _amount(minor: int, currency: str) -> ET.Element:
    node = _node("Amt", decimal_text(minor, currency))
    node.set("Ccy", currency)
    return node


def _direction(*, credit: bool) -> ET.Element:
    return _node("CdtDbtInd", "CRDT" if credit else "DBIT")


def _moment(account: AccountSettings, moment: datetime) -> str:
    return account.local(moment).isoformat(timespec="seconds")


def _node(path: str, *content: object) -> ET.Element:
    """An element at the end of a path, with text or children; what is empty (None, "", False) is left out."""
    tag, _, rest = path.partition("/")
    node = ET.Element(tag)
    for part in (_node(rest, *content),) if rest else content:
        if isinstance(part, ET.Element):
            node.append(part)
        elif part:
            node.text = str(part)
    return node
