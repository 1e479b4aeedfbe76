"""What carries a message: the business application header, or the header of SWIFT's DataPDU or of an older network.

ISO 20022 head.001, versions 1 to 4; SWIFT "XML version 2" (`Saa:DataPDU`) and `$ahV10`. A network's own elements
around them (Fedwire, FedNow, RTP, TARGET, `BizMsgEnvlp`, `RequestPayload`) are passed through.
"""

from __future__ import annotations

from nostro.formats.iso20022.told import Told
from nostro.model.messages import Envelope

HEADERS = frozenset({"AppHdr", "Header", "BizAppHdr"})
"""Elements that tell who sends what to whom."""
_BANK = ("BICFI", "BIC", "ClrSysMmbId/MmbId", "Othr/Id", "LEI", "Nm")
_ORGANISATION = ("Id/OrgId/AnyBIC", "Id/OrgId/BICOrBEI", "Id/OrgId/LEI", "Id/OrgId/Othr/Id", "Id/PrvtId/Othr/Id", "Nm")
_PARTY = (*(f"FIId/FinInstnId/{path}" for path in _BANK), *(f"OrgId/{path}" for path in _ORGANISATION))
_PATHS = {
    "sender": (*(f"Fr/{path}" for path in _PARTY), "From/Id", "Message/Sender/BIC12", "Message/Sender/DN",
               "Message/Sender/FullName/X1", "Fr"),
    "receiver": (*(f"To/{path}" for path in _PARTY), "To/Id", "Message/Receiver/BIC12", "Message/Receiver/DN",
                 "Message/Receiver/FullName/X1", "To"),
    "business_message_id": ("BizMsgIdr", "MsgRef", "Message/SenderReference"),
    "definition": ("MsgDefIdr", "MsgName", "Message/MessageIdentifier"),
    "service": ("BizSvc", "SvcName", "Message/NetworkInfo/Service"),
}  # fmt: skip
_DUPLICATE = ("PssblDplct", "DuplicateIndication", "PDEIndication")


def envelope_of(told: Told, before: Envelope | None) -> Envelope | None:
    """What the header tells, over what an outer one told; an empty header tells nothing."""
    fields: dict[str, object] = {name: said for name, paths in _PATHS.items() if (said := told.text(*paths))}
    if told.text(*_DUPLICATE).lower() in ("true", "1"):
        fields["possible_duplicate"] = True
    return (before or Envelope()).model_copy(update=fields) if fields else before
