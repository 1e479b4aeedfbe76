"""`Ntry` and `TxDtls` of every camt version, as `Entry` and `Detail`."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from nostro.formats.iso20022.parties import counterparty, remittance, structured_reference
from nostro.formats.iso20022.tree import (
    Node,
    Told,
    Tree,
    Unreadable,
    amount,
    children,
    day,
    decimal,
    find,
    text,
    texts,
    those,
)
from nostro.model.base import unchecked
from nostro.model.statements import (
    Charge,
    Detail,
    Direction,
    Entry,
    EntryState,
    Exchange,
    References,
    ReportKind,
    ReturnInformation,
    Source,
)

_DIRECTIONS: dict[str, Direction] = {"CRDT": "credit", "DBIT": "debit"}
_STATES: dict[str, EntryState] = {"BOOK": "booked", "PDNG": "pending", "INFO": "information", "FUTR": "future"}
STATE_CODES: dict[EntryState, str] = {state: code for code, state in _STATES.items()}
_REFERENCES = {
    "MsgId": "message",
    "AcctSvcrRef": "account_servicer",
    "PmtInfId": "payment_information",
    "InstrId": "instruction",
    "EndToEndId": "end_to_end",
    "TxId": "transaction",
    "MndtId": "mandate",
}
_OTHERS = {
    name: name for name in ("UETR", "ClrSysRef", "ChqNb", "AcctOwnrTxId", "AcctSvcrTxId", "MktInfrstrctrTxId", "PrcgId")
}


_new_entry = unchecked(Entry)
_new_detail = unchecked(Detail)
_new_references = unchecked(References)
_new_charge = unchecked(Charge)
_new_return_information = unchecked(ReturnInformation)
_new_exchange = unchecked(Exchange)
_NOTHING_MORE = Detail()


class Around(NamedTuple):
    """What an entry is in: the kind of document, the bank account and its currency as far as they are told."""

    kind: ReportKind
    account: str
    currency: str


def read_entry(element: Tree, details: tuple[Detail, ...], total: int, around: Around, source: Source) -> Entry:
    """One entry, its details read before. What its only detail tells is told of the entry too. Raises `Unreadable`.

    `RvslInd` says that an earlier entry is taken back; `CdtDbtInd` is the direction of this entry all the same.
    """
    only = details[0] if total == 1 and details else _NOTHING_MORE
    told = amount(find(element, "Amt"), around.currency)
    if told is None:
        raise Unreadable("there is no amount")
    return _new_entry(
        amount=told,
        direction=direction_of(element),
        state=_state(element, around.kind),
        reversal=text(element, "RvslInd").lower() in ("true", "1"),
        booking_date=day(find(element, "BookgDt")),
        value_date=day(find(element, "ValDt")),
        references=_entry_references(element, only.references),
        bank_transaction_code=_code(find(element, "BkTxCd")),
        remittance=only.remittance,
        counterparty=only.counterparty,
        counterparty_account=only.counterparty_account,
        exchange=_exchange(find(element, "AmtDtls")) or only.exchange,
        charges=_charges(element, told.currency) or only.charges,
        returned=only.returned,
        additional=text(element, "AddtlNtryInf") or only.additional,
        details=details,
        details_total=total,
        source=source,
    )


def read_detail(element: Tree, entry: Node, around: Around) -> Detail:
    """One transaction of an entry. Raises `Unreadable`."""
    direction = direction_of(element if find(element, "CdtDbtInd") is not None else entry)
    other = counterparty(element, direction, around.account)
    currency = around.currency
    return _new_detail(
        amount=amount(find(element, "Amt", "AmtDtls/TxAmt/Amt"), currency),
        direction=direction,
        references=_references(element),
        counterparty=other.party,
        counterparty_account=other.bank_account,
        remittance=remittance(element),
        exchange=_exchange(find(element, "AmtDtls")),
        charges=_charges(element, currency),
        returned=_returned(find(element, "RtrInf")),
        purpose=text(element, "Purp/Cd", "Purp/Prtry"),
        additional=text(element, "AddtlTxInf"),
    )


def direction_of(element: Node) -> Direction:
    """`CdtDbtInd`. Raises `Unreadable`."""
    found = _DIRECTIONS.get(text(element, "CdtDbtInd"))
    if found is None:
        raise Unreadable("the direction is neither CRDT nor DBIT")
    return found


def _state(element: Tree, kind: ReportKind) -> EntryState:
    """The entry's state; a code that we don't know is pending, and a statement that says none has booked it."""
    said = text(element, "Sts/Cd", "Sts/Prtry", "Sts")
    return _STATES.get(said, "booked" if kind == "statement" and not said else "pending")


def _references(details: Tree) -> References:
    refs = find(details, "Refs")
    known, others = those(refs, _REFERENCES), those(refs, _OTHERS)
    for own in children(refs, "Prtry"):
        others[text(own, "Tp") or "Prtry"] = text(own, "Ref")
    return _new_references(**known, structured=structured_reference(details), others=others)


def _entry_references(element: Tree, only: References) -> References:
    batch = find(element, "NtryDtls/Btch", "Btch")
    return only.model_copy(
        update={
            "entry": text(element, "NtryRef"),
            "account_servicer": text(element, "AcctSvcrRef") or only.account_servicer,
            "message": text(batch, "MsgId") or only.message,
            "payment_information": text(batch, "PmtInfId") or only.payment_information,
        }
    )


def _code(element: Node) -> str:
    """`PMNT-RCDT-ESCT` (ISO 20022 external code sets), else the bank's own code."""
    parts = (text(element, path) for path in ("Domn/Cd", "Domn/Fmly/Cd", "Domn/Fmly/SubFmlyCd"))
    return "-".join(part for part in parts if part) or text(element, "Prtry/Cd")


def _exchange(element: Node) -> Exchange | None:
    """A currency exchange, where one is told or the instructed currency is another one."""
    if element is None:
        return None
    conversion = find(element, "TxAmt/CcyXchg", "CntrValAmt/CcyXchg", "InstdAmt/CcyXchg")
    instructed, settled = find(element, "InstdAmt/Amt"), find(element, "TxAmt/Amt")
    if conversion is None and (instructed is None or settled is None or _currency(instructed) == _currency(settled)):
        return None
    return _new_exchange(
        instructed=amount(instructed),
        source_currency=text(conversion, "SrcCcy"),
        target_currency=text(conversion, "TrgtCcy"),
        rate=_rate(text(conversion, "XchgRate")),
    )


def _currency(told: Tree) -> str:
    return told.currency if isinstance(told, Told) else ""


def _rate(said: str) -> Decimal | None:
    try:
        return decimal(said) if said else None
    except Unreadable:
        return None


def _charges(element: Tree, currency: str) -> tuple[Charge, ...]:
    """Charges: one element each until version 2, records under one element from version 3 on, or a bare total."""
    found: list[Charge] = []
    for block in children(element, "Chrgs"):
        records = list(children(block, "Rcrd")) or [block]
        charged = [charge for one in records if (charge := _charge(one, currency))]
        total = amount(find(block, "TtlChrgsAndTaxAmt"), currency)
        found += charged or ([_new_charge(amount=total)] if total else [])
    return tuple(found[:_CHARGES])


_CHARGES = 100


def _charge(element: Tree, currency: str) -> Charge | None:
    told = amount(find(element, "Amt"), currency)
    if told is None:
        return None
    included = text(element, "ChrgInclInd").lower()
    return _new_charge(
        amount=told,
        direction=_DIRECTIONS.get(text(element, "CdtDbtInd"), "debit"),
        included=included in ("true", "1") if included else None,
        bearer=text(element, "Br"),
    )


def _returned(element: Node) -> ReturnInformation | None:
    if element is None:
        return None
    return _new_return_information(
        code=text(element, "Rsn/Cd"), proprietary=text(element, "Rsn/Prtry"), text=" ".join(texts(element, "AddtlInf"))
    )
