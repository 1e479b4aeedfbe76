"""What became of messages, groups and payments: pain.002, pain.014, pacs.002 and camt.029 become `PaymentStatus`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from nostro.formats.iso20022.actors import agent, called, party
from nostro.formats.iso20022.instruction import (
    EXECUTION,
    GROUPS,
    MOVED,
    SETTLEMENT,
    accounts,
    charges,
    references,
)
from nostro.formats.iso20022.told import Layers, Table, Told
from nostro.formats.iso20022.values import decimal
from nostro.formats.reading import if_readable
from nostro.model.messages import Level, OriginalMessage, PaymentStatus, Reason
from nostro.model.parties import BankAccount, Party
from nostro.model.references import all_told
from nostro.model.statements import References, Source

_STATUSES: dict[Level, tuple[str, ...]] = {
    "message": ("GrpSts", "GrpCxlSts"),
    "group": ("PmtInfSts", "PmtInfCxlSts"),
    "transaction": ("TxSts", "TxCxlSts"),
}
REASONS = ("StsRsnInf", "CxlStsRsnInf", "ModStsRsnInf")
_COUNTS = ("NbOfTxsPerSts", "NbOfTxsPerCxlSts")
_SAYINGS = ("AddtlInf", "AddtlStsRsnInf")
_COUNTED = 100
_OTHERS = Table(
    {
        "effective_settlement": ("FctvIntrBkSttlmDt/Dt", "FctvIntrBkSttlmDt/DtTm", "FctvIntrBkSttlmDt"),
        "processed": ("PrcgDt/Dt", "PrcgDt/DtTm"),
        "debited": ("DbtDt/Dt", "DbtDt/DtTm", "DbtDt"),
        "resolved_settlement": ("RsltnRltdInf/IntrBkSttlmDt",),
        "original_count": ("OrgnlNbOfTxs",),
        "original_sum": ("OrgnlCtrlSum",),
        "accepted_amount": ("PmtCondSts/AccptdAmt",),
        "accepted_currency": ("PmtCondSts/AccptdAmt@Ccy",),
        "guaranteed": ("PmtCondSts/GrntedPmt",),
        "early_payment": ("PmtCondSts/EarlyPmt",),
    }
)
_AGENTS = {"instructing_agent": "InstgAgt", "instructed_agent": "InstdAgt"}
_STATUS_IDS = ("StsId", "CxlStsId", "OrgnlPmtInfCxlId", "OrgnlGrpCxlId", "ModStsId")
_ORIGINALS = ("OrgnlGrpInf/", "OrgnlGrpInfAndSts/", "OrgnlGrpInfAndCxl/", "OrgnlNtfctn/", "")


def message_status(layers: Layers, source: Source) -> PaymentStatus | None:
    """`OrgnlGrpInfAndSts`; None where it only names the original."""
    return _if_told(_stated("message", layers, source))


def group_status(layers: Layers, source: Source) -> PaymentStatus | None:
    """`OrgnlPmtInfAndSts` before its payments; None where it only names the group."""
    return _if_told(_stated("group", layers, source))


def _if_told(found: PaymentStatus) -> PaymentStatus | None:
    return found if found.status or found.reasons or found.counts else None


def payment_status(layers: Layers, source: Source) -> PaymentStatus:
    """`TxInfAndSts`: what is said of one payment."""
    return _stated("transaction", layers, source)


def message_refused(layers: Layers, source: Source) -> PaymentStatus:
    """`Rsn` of admi.002: a network didn't take a message, which it quotes; what is quoted was never sent on."""
    said = " ".join(layers.own.texts("RsnDesc"))
    return PaymentStatus(
        level="message",
        status=_REFUSED,
        reasons=(Reason(proprietary=layers.own.text("RjctgPtyRsn"), text=said),),
        references=References(message=layers.text("RltdRef/Ref")),
        original=OriginalMessage(message_id=layers.text("RltdRef/Ref")),
        others=layers.own.fields(_REFUSAL),
        source=source,
    )


_REFUSED = "RJCT"
_REFUSAL = Table({"refused_at": ("RjctnDtTm",), "error_location": ("ErrLctn",)})


def _stated(level: Level, layers: Layers, source: Source) -> PaymentStatus:
    transaction = level == "transaction"
    own = layers if transaction else Layers(layers.told[:1], layers.flaws)
    return PaymentStatus(
        level=level,
        status=own.own.text(*_STATUSES[level]),
        reasons=reasons(own.own),
        group=layers.text(*GROUPS),
        references=_references(layers if transaction else own),
        original=original(layers),
        amount=own.soft_amount(*MOVED, "RsltnRltdInf/IntrBkSttlmAmt"),
        execution_date=own.day(*EXECUTION, *SETTLEMENT),
        accepted_at=own.instant("AccptncDtTm"),
        **_sides(own) if transaction else {},
        counts=_counts(own),
        sums=_sums(own) or None,
        charges=charges(own),
        others=own.own.fields(_OTHERS) | all_told({name: agent(own, element) for name, element in _AGENTS.items()}),
        source=source,
    )


def _references(layers: Layers) -> References:
    found, status_id = references(layers), layers.own.text(*_STATUS_IDS)
    return found.model_copy(update={"others": {**found.others, "status_id": status_id}}) if status_id else found


def _sides(layers: Layers) -> dict[str, Party | BankAccount | None]:
    sides = {name: party(layers, role, f"OrgnlTxRef/{role}") for name, role in _ROLES}
    return {**sides, **accounts(layers)}


_ROLES = (("debtor", "Dbtr"), ("creditor", "Cdtr"))


def reasons(told: Told) -> tuple[Reason, ...]:
    """Every reason that is given, with who says it where it names itself."""
    return tuple(found for path in REASONS for block in told.blocks(path) if (found := _reason(block)) != Reason())


def _reason(block: Told) -> Reason:
    return Reason(
        code=block.text("Rsn/Cd", "StsRsn/Cd"),
        proprietary=block.text("Rsn/Prtry", "StsRsn/Prtry"),
        text=" ".join(block.texts(*_SAYINGS)),
        originator=called(party(Layers((block,)), "Orgtr", "StsOrgtr")),
    )


def _counts(layers: Layers) -> dict[str, int]:
    found = {block.text("DtldSts"): block.text("DtldNbOfTxs") for path in _COUNTS for block in layers.own.blocks(path)}
    return {state: int(said[:18]) for state, said in list(found.items())[:_COUNTED] if said.isdecimal()}


def _sums(layers: Layers) -> dict[str, Decimal]:
    blocks = [block for path in _COUNTS for block in layers.own.blocks(path)][:_COUNTED]
    found = {block.text("DtldSts"): if_readable(decimal, block.text("DtldCtrlSum")) for block in blocks}
    return {state: total for state, total in found.items() if total is not None}


def original(layers: Layers, prefixes: Iterable[str] = _ORIGINALS) -> OriginalMessage | None:
    """The message that is answered: what the payment says of it, else the group, else the message."""
    places = tuple(prefixes)
    found = OriginalMessage(
        message_id=_said(layers, places, "OrgnlMsgId"),
        name=_said(layers, places, "OrgnlMsgNmId"),
        created_at=layers.instant(*(place + "OrgnlCreDtTm" for place in places)),
        count=_count(layers.text(*(f"{place}OrgnlNbOfTxs" for place in places if place))),
        control_sum=layers.number(*(f"{place}OrgnlCtrlSum" for place in places if place)),
    )
    return found if found != OriginalMessage() else None


def _said(layers: Layers, places: tuple[str, ...], name: str) -> str:
    return layers.text(*(place + name for place in places))


def _count(said: str) -> int | None:
    return int(said[:18]) if said.isdecimal() else None
