"""`Ntry` and `TxDtls` of every camt version, as `Entry` and `Detail`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from nostro.formats.iso20022.actors import bank_account, called, party
from nostro.formats.iso20022.documents import documents, settled
from nostro.formats.iso20022.told import CURRENCY, Layers, Shape, Table, Told, amount_of, day_of
from nostro.formats.iso20022.values import decimal
from nostro.formats.reading import Unreadable, if_readable
from nostro.model.base import changed, maker
from nostro.model.parties import BankAccount, Party, same_account
from nostro.model.references import all_told
from nostro.model.references import told as really_told
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
_REFERENCES = Table({
    "message": ("Refs/MsgId",), "account_servicer": ("Refs/AcctSvcrRef",), "payment_information": ("Refs/PmtInfId",),
    "instruction": ("Refs/InstrId",), "end_to_end": ("Refs/EndToEndId",), "transaction": ("Refs/TxId",),
    "mandate": ("Refs/MndtId",),
})  # fmt: skip
_ENTRY_REFERENCES = Table({
    "entry": ("NtryRef",), "account_servicer": ("AcctSvcrRef",), "message": ("NtryDtls/Btch/MsgId", "Btch/MsgId"),
    "payment_information": ("NtryDtls/Btch/PmtInfId", "Btch/PmtInfId"),
})  # fmt: skip
_NAMED = ("UETR", "ClrSysRef", "ChqNb", "AcctOwnrTxId", "AcctSvcrTxId", "MktInfrstrctrTxId", "PrcgId")
_OTHERS = Table({name: (f"Refs/{name}",) for name in _NAMED})
_SAID = Table({
    "purpose": ("Purp/Cd", "Purp/Prtry"), "additional": ("AddtlTxInf",),
    "local_instrument": ("LclInstrm/Cd", "LclInstrm/Prtry"),
})  # fmt: skip
_CODES = Table({
    "domain": ("BkTxCd/Domn/Cd",), "family": ("BkTxCd/Domn/Fmly/Cd",), "sub_family": ("BkTxCd/Domn/Fmly/SubFmlyCd",),
})  # fmt: skip
_ALL_CODES = Table({**_CODES.paths, "proprietary": ("BkTxCd/Prtry/Cd",)})
_made_entry = maker(Entry)
_made_detail = maker(Detail)
_made_references = maker(References)
_made_charge = maker(Charge)
_NOTHING_MORE = Detail()


class Around(NamedTuple):
    """What an entry is in: the kind of document, the bank account and its currency as far as they are told."""

    kind: ReportKind
    account: str
    currency: str


def read_entry(told: Told, details: tuple[Detail, ...], total: int, around: Around, source: Source) -> Entry:
    """One entry, its details read before. What its only detail tells is told of the entry too. Raises `Unreadable`.

    `RvslInd` says that an earlier entry is taken back; `CdtDbtInd` is the direction of this entry all the same.
    """
    only = details[0] if total == 1 and details else _NOTHING_MORE
    amount, (code, proprietary) = amount_of(told, "Amt", around.currency), _codes(told)
    return _made_entry({
        "amount": amount,
        "direction": direction_of(told),
        "state": _state(told, around.kind),
        "reversal": told.text("RvslInd").lower() in _TRUE,
        "booking_date": day_of(told, "BookgDt"),
        "value_date": day_of(told, "ValDt"),
        "references": changed(only.references, {"entry": "", **all_told(told.fields(_ENTRY_REFERENCES))}),
        "bank_transaction_code": code,
        "proprietary_code": proprietary or None,
        "remittance": only.remittance,
        "counterparty": only.counterparty,
        "counterparty_account": only.counterparty_account,
        "exchange": _exchange(told) or only.exchange,
        "charges": _charges(told, amount.currency) or only.charges,
        "returned": only.returned,
        "additional": told.text("AddtlNtryInf") or only.additional,
        "details": details,
        "details_total": total,
        "source": source,
    })  # fmt: skip


_TRUE = ("true", "1")


def read_detail(told: Told, entry: Told, around: Around, source: Source) -> Detail:
    """One transaction of an entry. Raises `Unreadable`."""
    direction = direction_of(told if told.holds("CdtDbtInd") else entry)
    layers, amount = Layers((told,)), told.holder("Amt", "AmtDtls/TxAmt/Amt")
    other, ours = _other_side(layers, direction, around.account)
    reference, lines = settled(layers)
    found: dict[str, object] = {
        "amount": amount_of(told, amount, around.currency) if amount else None,
        "direction": direction,
        "references": _references(told, reference),
        "counterparty": other.party,
        "counterparty_account": other.account,
        "remittance": lines,
        "charges": _charges(told, around.currency, f"{source.where}/"),
        "ultimate_counterparty": other.ultimate,
        "own_account": _own_number(layers, ours, around.account),
        "own_ultimate": party(layers, ours.parties[1]),
        "source": source,
        **told.fields(_SAID),
    }
    for name, read in told.planned("seldom", _seldom_in, told.shape):
        found[name] = read(told, entry, around)
    return _made_detail(found)


def _seldom_in(shape: Shape) -> list[tuple[str, _Seldom]]:
    return [(name, read) for name, (path, read) in _SELDOM.items() if shape.holds(path)]


def _codes(told: Told) -> tuple[str, str]:
    """The code of ISO's set, else the bank's own; and the bank's own beside one of ISO's."""
    code, own = "-".join(told.fields(_CODES).values()), told.text("BkTxCd/Prtry/Cd")
    return (code, own) if code else (own, "")


def _own_code(told: Told, entry: Told, _: Around) -> str | None:
    return (_codes(told)[0] or None) if _is_coded_apart(told, entry) else None


def _own_proprietary(told: Told, entry: Told, _: Around) -> str | None:
    return (_codes(told)[1] or None) if _is_coded_apart(told, entry) else None


def _is_coded_apart(told: Told, entry: Told) -> bool:
    """Whether a transaction's codes are not its entry's: nearly always they are, to the letter."""
    return told.fields(_ALL_CODES) != entry.fields(_ALL_CODES) and _codes(told) != _codes(entry)


def direction_of(told: Told) -> Direction:
    """`CdtDbtInd`. Raises `Unreadable`."""
    found = _DIRECTIONS.get(told.text("CdtDbtInd").upper())
    if found is None:
        raise Unreadable("the direction is neither CRDT nor DBIT")
    return found


def _state(told: Told, kind: ReportKind) -> EntryState:
    """The entry's state; a code that we don't know is pending, and a statement that says none has booked it."""
    said = state_said(told).upper()
    return _STATES.get(said, "booked" if kind == "statement" and not said else "pending")


def state_said(told: Told) -> str:
    """The entry's state as the bank writes it."""
    return told.text("Sts/Cd", "Sts/Prtry", "Sts")


class _Side(NamedTuple):
    """The names of one side's elements."""

    parties: tuple[str, str]
    account: str
    agent: str


def _side(role: str) -> _Side:
    return _Side((f"RltdPties/{role}", f"RltdPties/Ultmt{role}"), f"RltdPties/{role}Acct", f"RltdAgts/{role}Agt")


_SIDES: dict[Direction, tuple[_Side, _Side]] = {
    "credit": (_side("Dbtr"), _side("Cdtr")),
    "debit": (_side("Cdtr"), _side("Dbtr")),
}


class _Other(NamedTuple):
    """Who stands on the other side. `account` may say only at which bank; `ultimate` stands behind the `party`."""

    party: Party | None = None
    account: BankAccount | None = None
    ultimate: Party | None = None


def _other_side(layers: Layers, direction: Direction, own: str) -> tuple[_Other, _Side]:
    """Who paid (a credit) or was paid (a debit), and which side is ours then.

    Reversals and returns keep the roles of the original: where the expected side is our own bank account, or is not
    told at all, it is the other one.
    """
    expected, other = _SIDES[direction]
    if _is_another(first := _on_side(layers, expected), own):
        return first, other
    if _is_another(found := _on_side(layers, other), own):
        return found, expected
    known = first.account if first.account and not first.account.identification else None
    return _NOBODY._replace(account=known), other


def _own_number(layers: Layers, side: _Side, own: str) -> BankAccount | None:
    """Our bank account as the other side named it, where that is not the number of the statement."""
    if not layers.holder(side.account):
        return None
    found = bank_account(layers, side.account, side.agent)
    return found if found and found.identification and not same_account(own, found.identification) else None


def _is_another(found: _Other, own: str) -> bool:
    number = found.account.identification if found.account else ""
    return bool(found.party or number) and not (number and same_account(own, number))


_NOBODY = _Other()


def _on_side(layers: Layers, side: _Side) -> _Other:
    nearest, ultimate = side.parties
    account, found = bank_account(layers, side.account, side.agent), party(layers, nearest)
    behind = party(layers, ultimate)
    return _Other(found or behind, account, behind if found and behind != found else None)


def _references(told: Told, structured: str) -> References:
    others = told.fields(_OTHERS)
    for own in told.blocks("Refs/Prtry"):
        others[own.text("Tp") or "Prtry"] = own.text("Ref")
    fields = all_told(told.fields(_REFERENCES))
    return _made_references(
        {**fields, "structured": structured and really_told(structured), "others": others and all_told(others)}
    )


def _exchange(told: Told) -> Exchange | None:
    """A currency exchange, where one is told or what was instructed is not what was settled.

    In one currency that is what the banks on the way kept.
    """
    alike, said = told.planned("alike", _alike_in, told.shape), told.values
    if alike and said[alike[0]] == said[alike[1]] and said[alike[2]] == said[alike[3]]:
        return None
    conversion = told.holder(*_CONVERSIONS)
    if not conversion:
        if not (told.holds(_INSTRUCTED) and told.holds(_SETTLED)):
            return None
        instructed, settled = if_readable(amount_of, told, _INSTRUCTED), if_readable(amount_of, told, _SETTLED)
        if instructed == settled or not (instructed and settled):
            return None
    return Exchange(
        instructed=amount_of(told, _INSTRUCTED) if told.holds(_INSTRUCTED) else None,
        source_currency=told.text(f"{conversion}/SrcCcy"),
        target_currency=told.text(f"{conversion}/TrgtCcy"),
        rate=if_readable(decimal, told.text(f"{conversion}/XchgRate")),
        unit_currency=told.text(f"{conversion}/UnitCcy") or None,
        contract=told.text(f"{conversion}/CtrctId") or None,
        counter_value=if_readable(amount_of, told, _COUNTER) if told.holds(_COUNTER) else None,
    )


def _alike_in(shape: Shape) -> list[int]:
    """Where both amounts stand, then both currencies, where nothing but they may tell of an exchange."""
    paths = (_INSTRUCTED, _SETTLED, _INSTRUCTED + CURRENCY, _SETTLED + CURRENCY)
    found = [shape.first((path,)) for path in paths]
    return [] if min(found) < 0 or any(map(shape.holds, _CONVERSIONS)) else found


_CONVERSIONS = ("AmtDtls/TxAmt/CcyXchg", "AmtDtls/CntrValAmt/CcyXchg", "AmtDtls/InstdAmt/CcyXchg")
_INSTRUCTED, _SETTLED, _COUNTER = "AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt"


def _charges(told: Told, currency: str, below: str = "") -> tuple[Charge, ...]:
    """Charges: one element each until version 2, records under one element from version 3 on, or a bare total."""
    found = [
        charge
        for place, block in enumerate(told.blocks("Chrgs"), start=1)
        for charge in _charges_in(block.shape, block.kept, currency, f"{below}Chrgs[{place}]")
    ]
    return tuple(found[:_CHARGES])


@lru_cache(maxsize=1_024)
def _charges_in(shape: Shape, values: Sequence[str], currency: str, where: str) -> tuple[Charge, ...]:
    """A bank takes the same charges again and again."""
    block = Told(shape, values)
    records = [(one, f"{where}/Rcrd[{place}]") for place, one in enumerate(block.blocks("Rcrd"), start=1)]
    charged = [charge for one, at in records or [(block, where)] if (charge := _charge(one, currency, at))]
    return tuple(charged or _total_charge(block, currency, where))


_CHARGES = 100
_TOTAL = "TtlChrgsAndTaxAmt"


def _total_charge(told: Told, currency: str, where: str) -> list[Charge]:
    source = Source(where=f"{where}/{_TOTAL}")
    amount = amount_of(told, _TOTAL, currency) if told.holds(_TOTAL) else None
    return [_made_charge({"amount": amount, "source": source})] if amount else []


def _charge(told: Told, currency: str, where: str) -> Charge | None:
    if not told.holds("Amt"):
        return None
    included = told.text("ChrgInclInd").lower()
    return _made_charge({
        "amount": amount_of(told, "Amt", currency),
        "direction": _DIRECTIONS.get(told.text("CdtDbtInd").upper(), "debit"),
        "included": included in _TRUE if included else None,
        "bearer": told.text("Br"),
        "type": told.text("Tp/Cd", "Tp/Prtry/Id", "Tp/Prtry") or None,
        "source": Source(where=where),
    })  # fmt: skip


def _returned(told: Told) -> ReturnInformation | None:
    if not told.holds("RtrInf"):
        return None
    originator = party(Layers((told,)), "RtrInf/Orgtr")
    return ReturnInformation(
        code=told.text("RtrInf/Rsn/Cd"),
        proprietary=told.text("RtrInf/Rsn/Prtry"),
        text=" ".join(told.texts("RtrInf/AddtlInf")),
        originator=called(originator),
        original_code="-".join(told.fields(_ORIGINAL_CODES).values()) or told.text(f"{_ORIGINAL}/Prtry/Cd") or None,
    )


_TAX = "Tax/TtlTaxAmt"
_Seldom = Callable[[Told, Told, Around], object]
_SELDOM: Mapping[str, tuple[str, _Seldom]] = {
    "exchange": ("AmtDtls", lambda told, *_: _exchange(told)),
    "returned": ("RtrInf", lambda told, *_: _returned(told)),
    "documents": ("RmtInf/Strd/RfrdDocInf", lambda told, *_: documents(Layers((told,))) or None),
    "settlement_date": ("RltdDts/IntrBkSttlmDt", lambda told, *_: if_readable(day_of, told, "RltdDts/IntrBkSttlmDt")),
    "tax": (_TAX, lambda told, _, around: if_readable(amount_of, told, _TAX, around.currency)),
    "bank_transaction_code": ("BkTxCd", _own_code),
    "proprietary_code": ("BkTxCd/Prtry", _own_proprietary),
}
"""Fields that most transactions don't have, with the element that has to be there: it is looked for once a shape."""
_ORIGINAL = "RtrInf/OrgnlBkTxCd"
_ORIGINAL_CODES = Table({name: (f"RtrInf/Orgnl{path}",) for name, [path] in _CODES.paths.items()})
