"""camt.053.001.08 and camt.054.001.08 from statements of any format that is read here.

ISO 20022 "Bank-to-Customer Cash Management", version 8: the order of elements, which of them must be there, and how
long texts may be. What a statement tells and the message has no place for is said to whoever asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from nostro.formats.checks import Sums
from nostro.formats.iso20022.entry import STATE_CODES
from nostro.formats.iso20022.write.placed import CODE, Place, Say, agent, bank_account, fitted, party
from nostro.formats.iso20022.write.settled import document, is_rate
from nostro.formats.reading import Item
from nostro.formats.xml_text import DECLARATION, attribute, branch, leaf
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount, plain
from nostro.model.statements import (
    Balance,
    Charge,
    Detail,
    Direction,
    Entry,
    Exchange,
    References,
    Reject,
    ReportKind,
    StatementEnd,
    StatementHead,
)

MESSAGES: dict[ReportKind, tuple[str, str, str]] = {
    "statement": ("camt.053.001.08", "BkToCstmrStmt", "Stmt"),
    "report": ("camt.052.001.08", "BkToCstmrAcctRpt", "Rpt"),
    "notification": ("camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
_ID, _LONG_ID, _LINE, _MORE, _NAME, _PAGES, _NUMBERS = 35, 105, 140, 500, 140, 5, 18
_BEARERS = frozenset({"DEBT", "CRED", "SHAR", "SLEV"})
_DIRECTIONS: dict[Direction, str] = {"credit": "CRDT", "debit": "DBIT"}
_REFERENCES = (
    ("MsgId", "message"), ("AcctSvcrRef", "account_servicer"), ("PmtInfId", "payment_information"),
    ("InstrId", "instruction"), ("EndToEndId", "end_to_end"),
)  # fmt: skip
_UETR = re.compile("[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}")
_OTHERS = ("ChqNb", "ClrSysRef", "AcctOwnrTxId", "AcctSvcrTxId", "MktInfrstrctrTxId", "PrcgId")


_HELD = 5_000
"""So many entries wait for the end of their statement before it is looked for in a second reading."""


def write_camt(
    items: Iterable[Item],
    created_at: datetime,
    say: Say = lambda _: None,
    ends: Iterable[StatementEnd] = (),
) -> Iterator[bytes]:
    """The message with all statements among the items, which are of one kind; `say` hears what can't be carried.

    Balances stand before the entries: of a long statement they are taken from `ends`, those of a second reading.
    Raises `FormatRefused` when there is no statement, when kinds differ, or when one lacks what the schema demands.
    """
    kind: ReportKind | None = None
    written: _Statement | None = None
    numbered, number = enumerate(ends), 0
    for one in items:
        match one:
            case StatementHead():
                if kind is not None and kind != one.kind:
                    raise FormatRefused(f"A {one.kind} and a {kind} don't fit into one message.")
                if kind is None:
                    yield _opening(one, created_at, say)
                kind, written = one.kind, _Statement(one, say)
            case Entry() if written is not None:
                yield from written.entry(one, (end for at, end in numbered if at == number))
            case StatementEnd() if written is not None:
                yield from written.end(one)
                written, number = None, number + 1
            case Reject():
                say(f"{one.where}: {one.why}; it is not in the message.")
            case _:
                raise FormatRefused("Only statements can become a camt message.")
    if kind is None or written is not None:
        raise FormatRefused("There is no whole statement to write." if kind is None else "The statement is cut off.")
    yield f"</{MESSAGES[kind][1]}></Document>\n".encode()


@dataclass(slots=True)
class _Statement:
    """The statement that is written, and its entries that wait for it to begin."""

    head: StatementHead
    say: Say
    entries: list[Entry] = field(default_factory=list)
    begun: bool = False
    sums: Sums = field(default_factory=partial(Sums, paged=True))

    def entry(self, entry: Entry, ends: Iterator[StatementEnd]) -> Iterator[bytes]:
        """One entry more."""
        self.sums.add(entry)
        self.entries.append(entry)
        if not self.begun and len(self.entries) == _HELD:
            yield from (piece for end in islice(ends, 1) for piece in self._begin(end))
        if self.begun:
            yield from self._flush()

    def end(self, end: StatementEnd) -> Iterator[bytes]:
        """The statement is complete."""
        if not self.begun:
            yield from self._begin(end)
        yield from self._flush()
        self._hold(self.head.completed(end))
        yield f"</{MESSAGES[self.head.kind][2]}>\n".encode()

    def _hold(self, head: StatementHead) -> None:
        """A statement leads from its opening balance to its closing one. Raises `FormatRefused` where it does not."""
        broken = [check for check in self.sums.checks(head.balances, ()) if not check.ok]
        if head.kind == "statement" and broken:
            raise FormatRefused(
                f"{head.source.where}, Bal: {broken[0].detail} (opening + booked entries = closing).",
                "Find the entry that is missing, doubled or could not be read; nostro validate says more.",
            )

    def _flush(self) -> Iterator[bytes]:
        yield from (_entry(entry, self.say).encode() for entry in self.entries)
        self.entries.clear()

    def _begin(self, end: StatementEnd) -> Iterator[bytes]:
        self.begun = True
        yield from _beginning(self.head, end, self.say)


def _opening(head: StatementHead, created_at: datetime, say: Say) -> bytes:
    version, message, _ = MESSAGES[head.kind]
    at = Place(head.source.where, say)
    group = branch("GrpHdr", at.leaf("MsgId", _name(head), _ID), leaf("CreDtTm", created_at.isoformat()))
    namespace = attribute("xmlns", f"urn:iso:std:iso:20022:tech:xsd:{version}")
    return f"{DECLARATION}<Document{namespace}><{message}>{group}".encode()


def _beginning(head: StatementHead, end: StatementEnd, say: Say) -> Iterator[bytes]:
    """What stands before the entries."""
    version, _, name = MESSAGES[head.kind]
    head = head.completed(end)
    if not head.bank_account.identification:
        raise FormatRefused("The statement names no bank account (Acct is mandatory).", "Say which one it is.")
    at = Place(head.source.where, say)
    if head.kind == "statement" and not head.balances:
        raise FormatRefused(
            f"The statement has no balance: {version} demands one (Bal).", "Write a notification, or CSV."
        )
    told = [*_head(head, at), *(_balance(told, at) for told in head.balances if head.kind != "notification")]
    yield f"<{name}>{''.join(told)}".encode()


def _head(head: StatementHead, at: Place) -> Iterator[str]:
    yield at.leaf("Id", _name(head), _ID)
    if page := at.number("PgNb", head.page, _PAGES):
        last = str(head.last_page is not False).lower()
        yield branch(f"{MESSAGES[head.kind][2]}Pgntn", page, leaf("LastPgInd", last))
    yield at.number("ElctrncSeqNb", head.sequence, _NUMBERS)
    yield at.number("LglSeqNb", head.legal_sequence, _NUMBERS)
    yield leaf("CreDtTm", head.created_at.isoformat() if head.created_at else "")
    if head.from_date and head.to_date:
        edges = leaf("FrDtTm", f"{head.from_date}T00:00:00"), leaf("ToDtTm", f"{head.to_date}T23:59:59")
        yield branch("FrToDt", *edges)
    yield leaf("CpyDplctInd", head.copy_mark if head.copy_mark in ("COPY", "CODU", "DUPL") else "")
    yield bank_account("Acct", head.bank_account, at, head.currency)


def _name(head: StatementHead) -> str:
    return head.statement_id.strip() or "1"


def _balance(told: Balance, at: Place) -> str:
    code = leaf("Cd", told.code) if len(told.code) == CODE else at.leaf("Prtry", told.code, _ID)
    negative = told.amount.value < 0
    absolute = Amount(value=abs(told.amount.value), currency=told.amount.currency)
    on = branch("Dt", leaf("Dt", told.on.isoformat() if told.on else ""))
    if not on:
        raise FormatRefused(f"The balance {told.code} has no date (Bal/Dt is mandatory).")
    kind = branch("Tp", branch("CdOrPrtry", code))
    return branch("Bal", kind, at.amount("Amt", absolute), leaf("CdtDbtInd", "DBIT" if negative else "CRDT"), on)


def _entry(entry: Entry, say: Say) -> str:
    at = Place(entry.source.where, say)
    details = entry.details or (_detail_of(entry),)
    if entry.details_total > len(entry.details) > 0:
        say(f"{entry.source.where}: of {entry.details_total} payments in the entry {len(entry.details)} were kept.")
    only = details[0].references
    same = (only.message, only.payment_information) == (entry.references.message, entry.references.payment_information)
    batch = "" if same and entry.details_total < 2 else _batch(entry, at)
    return branch(
        "Ntry",
        at.leaf("NtryRef", entry.references.entry, _ID),
        at.amount("Amt", entry.amount),
        leaf("CdtDbtInd", _DIRECTIONS[entry.direction]),
        leaf("RvslInd", "true" if entry.reversal else ""),
        branch("Sts", leaf("Cd", STATE_CODES[entry.state])),
        branch("BookgDt", leaf("Dt", entry.booking_date.isoformat() if entry.booking_date else "")),
        branch("ValDt", leaf("Dt", entry.value_date.isoformat() if entry.value_date else "")),
        at.leaf("AcctSvcrRef", entry.references.account_servicer, _ID),
        _code(entry.bank_transaction_code, entry.proprietary_code, at),
        _charges(entry.charges if len(details) > 1 else (), at),
        branch("NtryDtls", batch, *(_detail(detail, entry.direction, at) for detail in details)),
        at.leaf("AddtlNtryInf", entry.additional, _MORE),
    )


def _batch(entry: Entry, at: Place) -> str:
    message = at.leaf("MsgId", entry.references.message, _ID)
    information = at.leaf("PmtInfId", entry.references.payment_information, _ID)
    return branch("Btch", message, information, leaf("NbOfTxs", str(max(entry.details_total, 1))))


def _detail_of(entry: Entry) -> Detail:
    """What an entry without details tells of its only payment."""
    return Detail(
        amount=entry.amount,
        direction=entry.direction,
        references=entry.references,
        counterparty=entry.counterparty,
        counterparty_account=entry.counterparty_account,
        remittance=entry.remittance,
        exchange=entry.exchange,
        charges=entry.charges,
        returned=entry.returned,
    )


def _detail(detail: Detail, direction: Direction, at: Place) -> str:
    role = "Dbtr" if (detail.direction or direction) == "credit" else "Cdtr"
    account = detail.counterparty_account
    theirs = (
        party(role, detail.counterparty, at),
        bank_account(f"{role}Acct", account, at),
        party(f"Ultmt{role}", detail.ultimate_counterparty, at),
    )
    own = "Cdtr" if role == "Dbtr" else "Dbtr"
    ours = (bank_account(f"{own}Acct", detail.own_account, at), party(f"Ultmt{own}", detail.own_ultimate, at))
    settled_on = leaf("IntrBkSttlmDt", detail.settlement_date.isoformat() if detail.settlement_date else "")
    return branch(
        "TxDtls",
        _references(detail.references, at),
        at.amount("Amt", detail.amount) if detail.amount else "",
        leaf("CdtDbtInd", _DIRECTIONS[detail.direction] if detail.amount and detail.direction else ""),
        _exchange(detail.exchange, detail.amount, at),
        _code(detail.bank_transaction_code, detail.proprietary_code, at) if detail.bank_transaction_code else "",
        _charges(detail.charges, at),
        branch("RltdPties", *(theirs + ours if role == "Dbtr" else ours + theirs)),
        branch("RltdAgts", branch(f"{role}Agt", agent(account, at))),
        _coded("LclInstrm", detail.local_instrument or "", at),
        _coded("Purp", detail.purpose, at),
        _remittance(detail, at),
        branch("RltdDts", settled_on),
        branch("Tax", at.amount("TtlTaxAmt", detail.tax)) if detail.tax else "",
        _returned(detail, at),
        at.leaf("AddtlTxInf", detail.additional, _MORE),
    )


def _coded(name: str, said: str, at: Place) -> str:
    return branch(name, leaf("Cd", said) if len(said) == CODE else at.leaf("Prtry", said, _ID))


def _references(told: References, at: Place) -> str:
    named = [at.leaf(name, getattr(told, field), _ID) for name, field in _REFERENCES]
    others = [at.leaf(name, told.others.get(name, ""), _ID) for name in _OTHERS]
    said = told.others.get("UETR", "").lower()
    unique = leaf("UETR", said) if _UETR.fullmatch(said) else ""
    own = [
        branch("Prtry", at.leaf("Tp", name.strip() or "Prtry", _ID), at.leaf("Ref", said, _ID))
        for name, said in sorted(told.others.items())
        if name not in _OTHERS and said.strip() and not (name == "UETR" and unique)
    ]
    ids = at.leaf("TxId", told.transaction, _ID), at.leaf("MndtId", told.mandate, _ID)
    return branch("Refs", *named, unique, *ids, *others, *own)


def _exchange(told: Exchange | None, settled: Amount | None, at: Place) -> str:
    if told is None:
        return ""
    instructed = branch("InstdAmt", at.amount("Amt", told.instructed)) if told.instructed else ""
    moved = branch("TxAmt", at.amount("Amt", settled), _conversion(told, at)) if settled else ""
    counter = branch("CntrValAmt", at.amount("Amt", told.counter_value)) if told.counter_value else ""
    return branch("AmtDtls", instructed, moved, counter)


def _conversion(told: Exchange, at: Place) -> str:
    """The rate with its currencies; the schema wants the first of them, and BaseOneRate."""
    source = at.currency("SrcCcy", told.source_currency)
    if told.rate is None or not source:
        return ""
    if not is_rate(told.rate):
        return at.left_out("XchgRate", "rate")
    return branch(
        "CcyXchg",
        source,
        at.currency("TrgtCcy", told.target_currency),
        at.currency("UnitCcy", told.unit_currency or ""),
        leaf("XchgRate", plain(told.rate)),
        at.leaf("CtrctId", told.contract or "", _ID),
    )


def _charges(told: Sequence[Charge], at: Place) -> str:
    return branch("Chrgs", *(
        branch(
            "Rcrd",
            at.amount("Amt", charge.amount),
            leaf("CdtDbtInd", _DIRECTIONS[charge.direction]),
            leaf("ChrgInclInd", "" if charge.included is None else str(charge.included).lower()),
            branch("Tp", leaf("Cd", charge.type) if len(charge.type) == CODE else "") if charge.type else "",
            leaf("Br", charge.bearer if charge.bearer in _BEARERS else ""),
        )
        for charge in told
    ))  # fmt: skip


def _remittance(detail: Detail, at: Place) -> str:
    documents = detail.documents or ()
    numbers = {told.number for told in documents}
    lines = [at.leaf("Ustrd", line, _LINE) for line in detail.remittance if line not in numbers]
    named = [branch("Strd", document(fitted(told, at), modern=True)) for told in documents]
    structured = branch("Strd", branch("CdtrRefInf", at.leaf("Ref", detail.references.structured, _ID)))
    return branch("RmtInf", *lines, *named, structured)


def _returned(detail: Detail, at: Place) -> str:
    told = detail.returned
    if told is None:
        return ""
    original = _code(told.original_code, None, at).replace("BkTxCd", "OrgnlBkTxCd") if told.original_code else ""
    # No choice here, as it is where a party stands in `RltdPties`: PartyIdentification135.
    originator = branch("Orgtr", at.leaf("Nm", told.originator or "", _NAME))
    reason = leaf("Cd", told.code) if len(told.code) <= CODE else at.leaf("Prtry", told.code, _ID)
    reason = reason or at.leaf("Prtry", told.proprietary, _ID)
    return branch("RtrInf", original, originator, branch("Rsn", reason), at.leaf("AddtlInf", told.text, _LONG_ID))


def _code(said: str, own: str | None, at: Place) -> str:
    """A code of ISO's external set has three parts; whatever else a bank says is its own."""
    parts = said.split("-")
    if len(parts) == 3 and all(len(part) == CODE for part in parts):
        domain, family, below = parts
        coded = branch("Domn", leaf("Cd", domain), branch("Fmly", leaf("Cd", family), leaf("SubFmlyCd", below)))
        return branch("BkTxCd", coded, branch("Prtry", at.leaf("Cd", own or "", _ID)))
    return branch("BkTxCd", branch("Prtry", at.leaf("Cd", said or "NOTPROVIDED", _ID)))
