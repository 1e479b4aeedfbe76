"""The head of a message about payments: who sends it, what it answers, and what its sender counted."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.formats.iso20022.actors import agent, party
from nostro.formats.iso20022.instruction import flag
from nostro.formats.iso20022.message_types import MessageType
from nostro.formats.iso20022.statuses import original, reasons
from nostro.formats.iso20022.told import Layers, Table, Told
from nostro.model.messages import Case, Envelope, MessageHead, Reason
from nostro.model.statements import Source

_IDS = ("GrpHdr/MsgId", "Assgnmt/Id", "RptHdr/RptId", "MsgId/Id", "MsgHdr/MsgId", "GrpHdr/Id")
_CREATED = ("GrpHdr/CreDtTm", "Assgnmt/CreDtTm", "MsgId/CreDtTm", "MsgHdr/CreDtTm", "CreDtTm")
_SENDERS = ("GrpHdr/InitgPty", "Assgnmt/Assgnr", "GrpHdr/MsgSndr", "GrpHdr/InstgAgt")
_HEADERS = ("GrpHdr", "CtrlData")
_STATUSES = ("OrgnlGrpInfAndSts/GrpSts", "OrgnlGrpInfAndSts/GrpCxlSts", "Sts/Conf", "GrpSts")
_REASONS = ("OrgnlGrpInfAndSts", "Justfn/MssngOrIncrrctInf", "")
_OTHERS = Table({
    "Case": ("Case/Id", "RslvdCase/Id", "CxlDtls/RslvdCase/Id"),
    "Assgne": ("Assgnmt/Assgne/Agt/FinInstnId/BICFI", "Assgnmt/Assgne/Agt/FinInstnId/ClrSysMmbId/MmbId",
               "Assgnmt/Assgne/Pty/Nm"),
    "SttlmMtd": ("GrpHdr/SttlmInf/SttlmMtd",),
    "ClrSys": ("GrpHdr/SttlmInf/ClrSys/Cd", "GrpHdr/SttlmInf/ClrSys/Prtry"),
    "IntrBkSttlmDt": ("GrpHdr/IntrBkSttlmDt",),
    "Grpg": ("GrpHdr/Grpg",),
    "GrpRtr": ("GrpHdr/GrpRtr",),
    "RjctdMod": ("Sts/RjctdMod/Cd", "Sts/RjctdMod/Prtry", "Sts/RjctdMod"),
    "AnyInf": ("Justfn/AnyInf",),
    "PssblDplctInstr": ("Justfn/PssblDplctInstr",),
    "PrtryTp": ("PrtryData/Tp",),
})  # fmt: skip
_BANKS = ("InstdAgt", "FwdgAgt", "DbtrAgt", "CdtrAgt")
_MISSING: Mapping[str, str] = {"MssngInf": "missing", "IncrrctInf": "incorrect"}


def head_of(kind: MessageType, version: str, layers: Layers, source: Source, envelope: Envelope | None) -> MessageHead:
    """The head, of what the message said before its first payment."""
    told = layers.told[-1]
    created = layers.instant(*_CREATED)
    count = told.text(*(f"{header}/NbOfTxs" for header in _HEADERS))
    return MessageHead(
        kind=kind.kind,
        message_id=told.text(*_IDS),
        created_at=created,
        created_on=created.date() if created else None,
        initiating_party=party(layers, *_SENDERS),
        original=original(layers),
        status=layers.text(*_STATUSES),
        reasons=_reasons(told),
        declared_count=int(count[:18]) if count.isdecimal() else None,
        declared_sum=layers.number(*(f"{header}/CtrlSum" for header in _HEADERS)),
        envelope=envelope,
        case=_case(layers),
        others=_others(layers),
        source=source,
        format=version,
    )


def _case(layers: Layers) -> Case | None:
    """`Case`, or the one that is resolved; groups and payments may name others of their own in their references."""
    place = next((place for place in _CASES if layers.text(f"{place}/Id")), "")
    if not place:
        return None
    return Case(
        case_id=layers.text(f"{place}/Id"),
        creator=_named(layers, f"{place}/Cretr"),
        assigner=_named(layers, "Assgnmt/Assgnr"),
        assignee=_named(layers, "Assgnmt/Assgne"),
        reopened=flag(layers.text(f"{place}/ReopCaseIndctn")),
    )


_CASES = ("Case", "RslvdCase", "CxlDtls/RslvdCase")


def _named(layers: Layers, place: str) -> str:
    """Who it is: a bank by its BIC, clearing id or name, anyone else by name."""
    return agent(layers, f"{place}/Agt") or layers.text(f"{place}/Pty/Nm")


def _reasons(told: Told) -> tuple[Reason, ...]:
    stated = [reason for block in told.blocks("OrgnlGrpInfAndSts") for reason in reasons(block)]
    for name, sentence in _MISSING.items():
        for block in told.blocks(f"Justfn/MssngOrIncrrctInf/{name}"):
            said = f"{sentence} {block.text(f'Addtl{name}')}".strip()
            stated.append(Reason(code=block.text("Cd"), text=said))
    return tuple(stated)


def _others(layers: Layers) -> dict[str, str]:
    banks = {name: said for name in _BANKS if (said := agent(layers, f"GrpHdr/{name}"))}
    return layers.fields(_OTHERS) | banks
