"""`Ntry` and `TxDtls` of every camt version, as `Entry` and `Detail`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from nostro.formats.iso20022.actors import called, party, party_in
from nostro.formats.iso20022.documents import documents, plain_lines, settled
from nostro.formats.iso20022.sides import Side, other_side, own_number, side_at
from nostro.formats.iso20022.told import CURRENCY, Hits, Layers, Shape, Table, Told, amount_of, day_of
from nostro.formats.iso20022.values import decimal
from nostro.formats.reading import Unreadable, if_readable
from nostro.model.base import maker, whole_maker
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
_made_entry, _made_detail, _made_references = whole_maker(Entry), whole_maker(Detail), whole_maker(References)
_NO_REFERENCES = dict(References())
_made_charge = maker(Charge)
_NOTHING_MORE = Detail()


class Around(NamedTuple):
    """What an entry is in: the kind of document, the bank account and its currency as far as they are told."""

    kind: ReportKind
    account: str
    currency: str


class _EntryAt(NamedTuple):
    """Where an entry's fields stand; `exchanged`, `charged`: whether anything is told of that."""

    references: Hits
    exchanged: bool
    charged: bool


def _entry_at(shape: Shape) -> _EntryAt:
    return _EntryAt(shape.hits(_ENTRY_REFERENCES.paths), shape.holds("AmtDtls"), shape.holds("Chrgs"))


def read_entry(told: Told, details: tuple[Detail, ...], total: int, around: Around, source: Source) -> Entry:
    """One entry, its details read before. What its only detail tells is told of the entry too. Raises `Unreadable`.

    `RvslInd` says that an earlier entry is taken back; `CdtDbtInd` is the direction of this entry all the same.
    """
    only = details[0] if total == 1 and details else _NOTHING_MORE
    at, values = told.planned(_entry_at, _entry_at, told.shape), told.values
    amount, (code, proprietary) = amount_of(told, "Amt", around.currency), _codes(told)
    references = all_told({name: values[place] for name, place in at.references})
    return _made_entry({
        "amount": amount,
        "direction": direction_of(told),
        "state": _state(told, around.kind),
        "reversal": told.text("RvslInd").lower() in _TRUE,
        "booking_date": day_of(told, "BookgDt"),
        "value_date": day_of(told, "ValDt"),
        "references": _made_references({**only.references.__dict__, "entry": "", **references}),
        "bank_transaction_code": code,
        "remittance": only.remittance,
        "counterparty": only.counterparty,
        "counterparty_account": only.counterparty_account,
        "exchange": (_exchange(told) if at.exchanged else None) or only.exchange,
        "charges": (_charges(told, amount.currency) if at.charged else ()) or only.charges,
        "returned": only.returned,
        "additional": told.text("AddtlNtryInf") or only.additional,
        "details": details,
        "details_total": total,
        "proprietary_code": proprietary or None,
        "source": source,
    })  # fmt: skip


_TRUE = ("true", "1")


class _DetailAt(NamedTuple):
    """Where a transaction's fields stand, worked out once for all that are built alike.

    `amount`: its path, empty where there is none; `named`: references have names of the bank's own; `sides`: for each
    direction the other side and ours; `lines`: None where structured blocks say more of what it settles.
    """

    directed: bool
    amount: str
    references: Hits
    others: Hits
    named: bool
    sides: Mapping[Direction, tuple[Side, Side]]
    lines: Sequence[int] | None
    charged: bool
    said: Hits
    seldom: Sequence[_Seldom]


def _detail_at(told: Told) -> _DetailAt:
    shape = told.shape
    debtor, creditor = side_at("Dbtr", shape), side_at("Cdtr", shape)
    return _DetailAt(
        directed=shape.holds("CdtDbtInd"),
        amount=told.holder("Amt", "AmtDtls/TxAmt/Amt"),
        references=shape.hits(_REFERENCES.paths),
        others=shape.hits(_OTHERS.paths),
        named=shape.holds("Refs/Prtry"),
        sides={"credit": (debtor, creditor), "debit": (creditor, debtor)},
        lines=plain_lines(shape),
        charged=shape.holds("Chrgs"),
        said=shape.hits(_SAID.paths),
        seldom=[read for path, read in _SELDOM if shape.holds(path)],
    )


def read_detail(told: Told, entry: Told, around: Around, source: Source) -> Detail:
    """One transaction of an entry. Raises `Unreadable`."""
    at, values = told.planned(_detail_at, _detail_at, told), told.values
    direction = direction_of(told if at.directed else entry)
    other, ours = other_side(told, at.sides[direction], around.account)
    plain = at.lines
    reference, lines = settled(Layers((told,))) if plain is None else ("", tuple([values[place] for place in plain]))
    found: dict[str, Any] = {
        "amount": amount_of(told, at.amount, around.currency) if at.amount else None,
        "direction": direction,
        "references": _references(told, at, reference),
        "counterparty": other.party,
        "counterparty_account": other.account,
        "remittance": lines,
        "exchange": None,
        "charges": _charges(told, around.currency, f"{source.where}/") if at.charged else (),
        "returned": None,
        "purpose": "",
        "additional": "",
        "ultimate_counterparty": other.ultimate,
        "documents": None,
        "settlement_date": None,
        "local_instrument": None,
        "tax": None,
        "bank_transaction_code": None,
        "proprietary_code": None,
        "own_account": own_number(told, ours, around.account) if ours.numbered else None,
        "own_ultimate": party_in(told, ours.behind) if ours.behind else None,
        "source": source,
    }
    for name, place in at.said:
        found[name] = values[place]
    for read in at.seldom:
        found.update(read(told, entry, around))
    return _made_detail(found)


def _codes(told: Told) -> tuple[str, str]:
    """The code of ISO's set, else the bank's own; and the bank's own beside one of ISO's."""
    code, own = "-".join(told.fields(_CODES).values()), told.text("BkTxCd/Prtry/Cd")
    return (code, own) if code else (own, "")


def _own_codes(told: Told, entry: Told, _: Around) -> dict[str, object]:
    """A transaction's codes, where they are not its entry's: nearly always they are, to the letter."""
    if told.fields(_ALL_CODES) == entry.made(_ALL_CODES, entry.fields, _ALL_CODES):
        return {}
    code, own = codes = _codes(told)
    return {"bank_transaction_code": code or None, "proprietary_code": own or None} if codes != _codes(entry) else {}


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


def _references(told: Told, at: _DetailAt, structured: str) -> References:
    values = told.values
    others = {name: values[place] for name, place in at.others}
    if at.named:
        for own in told.blocks("Refs/Prtry"):
            others[own.text("Tp") or "Prtry"] = own.text("Ref")
    fields = all_told({name: values[place] for name, place in at.references})
    return _made_references({
        **_NO_REFERENCES,
        **fields,
        "structured": structured and really_told(structured),
        "others": others and all_told(others),
    })  # fmt: skip


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
_Seldom = Callable[[Told, Told, Around], Mapping[str, object]]
_SELDOM: Sequence[tuple[str, _Seldom]] = (
    ("AmtDtls", lambda told, *_: {"exchange": _exchange(told)}),
    ("RtrInf", lambda told, *_: {"returned": _returned(told)}),
    ("RmtInf/Strd/RfrdDocInf", lambda told, *_: {"documents": documents(Layers((told,))) or None}),
    ("RltdDts/IntrBkSttlmDt", lambda told, *_: {"settlement_date": if_readable(day_of, told, "RltdDts/IntrBkSttlmDt")}),
    (_TAX, lambda told, _, around: {"tax": if_readable(amount_of, told, _TAX, around.currency)}),
    ("BkTxCd", _own_codes),
)
"""What most transactions don't have, by the element that has to be there: it is looked for once a shape."""
_ORIGINAL = "RtrInf/OrgnlBkTxCd"
_ORIGINAL_CODES = Table({name: (f"RtrInf/Orgnl{path}",) for name, [path] in _CODES.paths.items()})
