"""The messages about payments that are read, each with where its payments, groups and statuses stand.

ISO 20022 message definitions "Payments Initiation", "Payments Clearing and Settlement", "Exceptions and
Investigations", "Cash Management" and "Remittance Advice", every version: versions change what is
inside these elements, hardly their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nostro.formats.iso20022 import instruction, statuses
from nostro.formats.iso20022.billing import billed_service
from nostro.formats.iso20022.envelope import HEADERS
from nostro.formats.iso20022.places import ONE_BY_ONE, Place, Role
from nostro.formats.iso20022.told import Layers
from nostro.model.messages import Instruction, MessageKind, PaymentStatus
from nostro.model.statements import Source

Shape = Callable[[Layers, Source], Instruction | PaymentStatus | None]


class Group(NamedTuple):
    """An element whose own fields hold for all that stands in it.

    `before` is told ahead of what is in it, `alone` when there turned out to be nothing in it.
    """

    before: Shape | None = None
    alone: Shape | None = None


class MessageType(NamedTuple):
    """A message: its payments by path, the groups around them, and other elements whose fields hold for them.

    `whole`: it is small, and what it tells last is needed first.
    """

    name: str
    kind: MessageKind
    payments: Mapping[str, Shape]
    groups: Mapping[str, Group] = {}
    beside: tuple[str, ...] = ()
    whole: bool = False

    def filled(self, group: str) -> bool:
        """Whether payments stand in a group."""
        return any(payment.startswith(group + "/") for payment in self.payments)


_PLAIN = Group()
_STATUS = Group(before=statuses.group_status)
_MESSAGE_STATUS = Group(before=statuses.message_status)
_CANCELLED = Group(alone=instruction.referred)
_REPORT = {"OrgnlGrpInfAndSts": _MESSAGE_STATUS, "OrgnlPmtInfAndSts": _STATUS}
_STATUSES = {"OrgnlPmtInfAndSts/TxInfAndSts": statuses.payment_status, "TxInfAndSts": statuses.payment_status}
_REVERSED = {"OrgnlPmtInfAndRvsl/TxInf": instruction.payment_return, "TxInf": instruction.payment_return}
_UNDERLYING = dict.fromkeys(("Undrlyg/Initn", "Undrlyg/IntrBk", "Undrlyg/StmtNtry"), instruction.referred)
_CANCELLATIONS = {
    "Undrlyg/TxInf": instruction.referred,
    "Undrlyg/OrgnlPmtInfAndCxl/TxInf": instruction.referred,
    "TxInf": instruction.referred,
}
_CANCELLED_GROUPS = {"Undrlyg": _CANCELLED, "Undrlyg/OrgnlPmtInfAndCxl": _CANCELLED}
_RESOLVED = {
    "CxlDtls/TxInfAndSts": statuses.payment_status,
    "CxlDtls/OrgnlPmtInfAndSts/TxInfAndSts": statuses.payment_status,
    "TxInfAndSts": statuses.payment_status,
    "ModDtls": statuses.payment_status,
}
_RESOLVED_GROUPS = {
    "CxlDtls": _PLAIN,
    "CxlDtls/OrgnlGrpInfAndSts": _MESSAGE_STATUS,
    "CxlDtls/OrgnlPmtInfAndSts": _STATUS,
    "OrgnlGrpInfAndSts": _MESSAGE_STATUS,
}
_TYPES: Mapping[str, MessageType] = {
    "CstmrCdtTrfInitn": MessageType(
        "pain.001", "payment_initiation", {"PmtInf/CdtTrfTxInf": instruction.credit_transfer}, {"PmtInf": _PLAIN}
    ),
    "CstmrPmtStsRpt": MessageType("pain.002", "payment_status", _STATUSES, _REPORT),
    "CstmrPmtRvsl": MessageType("pain.007", "payment_return", _REVERSED, {"OrgnlPmtInfAndRvsl": _PLAIN}),
    "CstmrDrctDbtInitn": MessageType(
        "pain.008", "payment_initiation", {"PmtInf/DrctDbtTxInf": instruction.direct_debit}, {"PmtInf": _PLAIN}
    ),
    "CdtrPmtActvtnReq": MessageType(
        "pain.013", "payment_initiation", {"PmtInf/CdtTrfTx": instruction.payment_request}, {"PmtInf": _PLAIN}
    ),
    "CdtrPmtActvtnReqStsRpt": MessageType("pain.014", "payment_status", _STATUSES, _REPORT),
    "FIToFIPmtStsRpt": MessageType("pacs.002", "payment_status", _STATUSES, _REPORT),
    "FIToFICstmrDrctDbt": MessageType("pacs.003", "interbank_payment", {"DrctDbtTxInf": instruction.direct_debit}),
    "PmtRtr": MessageType("pacs.004", "payment_return", {"TxInf": instruction.payment_return}),
    "FIToFIPmtRvsl": MessageType("pacs.007", "payment_return", {"TxInf": instruction.payment_return}),
    "FIToFICstmrCdtTrf": MessageType("pacs.008", "interbank_payment", {"CdtTrfTxInf": instruction.credit_transfer}),
    "FICdtTrf": MessageType("pacs.009", "interbank_payment", {"CdtTrfTxInf": instruction.credit_transfer}),
    "FIDrctDbt": MessageType(
        "pacs.010", "interbank_payment", {"CdtInstr/DrctDbtTxInf": instruction.direct_debit}, {"CdtInstr": _PLAIN}
    ),
    "FIToFIPmtStsReq": MessageType("pacs.028", "status_request", {"TxInf": instruction.referred}),
    "UblToApply": MessageType("camt.026", "investigation", _UNDERLYING, beside=("Justfn",), whole=True),
    "AddtlPmtInf": MessageType("camt.028", "investigation", _UNDERLYING, beside=("Inf",), whole=True),
    "RsltnOfInvstgtn": MessageType("camt.029", "investigation", _RESOLVED, _RESOLVED_GROUPS),
    "PrtryFrmtInvstgtn": MessageType(
        "camt.035", "investigation", {"PrtryData/Data/OrigRefs": instruction.referred}, whole=True
    ),
    "CstmrPmtCxlReq": MessageType("camt.055", "payment_cancellation", _CANCELLATIONS, _CANCELLED_GROUPS),
    "FIToFIPmtCxlReq": MessageType("camt.056", "payment_cancellation", _CANCELLATIONS, _CANCELLED_GROUPS),
    "NtfctnToRcv": MessageType(
        "camt.057", "notice_to_receive",
        {"Ntfctn/Itm": instruction.own_account, "Itm": instruction.own_account}, {"Ntfctn": _PLAIN},
    ),
    "NtfctnToRcvCxlAdvc": MessageType(
        "camt.058", "notice_to_receive",
        {"OrgnlNtfctn/OrgnlNtfctnRef/OrgnlItm": instruction.own_account},
        {"OrgnlNtfctn": _PLAIN, "OrgnlNtfctn/OrgnlNtfctnRef": _PLAIN}, beside=("CxlRsn",), whole=True,
    ),
    "AcctRptgReq": MessageType("camt.060", "reporting_request", {"RptgReq": instruction.asked_account}),
    "BkSvcsBllgStmt": MessageType(
        "camt.086", "billing_statement", {"BllgStmtGrp/BllgStmt/Svc": billed_service},
        {"BllgStmtGrp": _PLAIN, "BllgStmtGrp/BllgStmt": _PLAIN},
    ),
    "MsgRjct": MessageType("admi.002", "payment_status", {"Rsn": statuses.message_refused}),
    "RmtAdvc": MessageType("remt.001", "remittance_advice", {"RmtInf": instruction.referred}),
}  # fmt: skip
_NAMED = {found.name: found for found in _TYPES.values()}
_SUFFIXED = re.compile(r"(\w+?)V\d\d")
_FIRST = re.compile(r"((?:pain|pacs|camt|remt|admi)\.\d{3})\.\d{3}\.\d\d")


def message_type(name: str) -> MessageType | None:
    """The message of an element's name: early versions carry their number in it, or are called by it alone."""
    if found := _TYPES.get(name):
        return found
    suffixed, numbered = _SUFFIXED.fullmatch(name), _FIRST.fullmatch(name)
    return _TYPES.get(suffixed[1]) if suffixed else _NAMED.get(numbered[1]) if numbered else None


def cut_so(above: Place, name: str) -> int:
    """How messages are cut: headers around them, groups, and payments in these. Groups without any are told by both."""
    piece, path = above.piece, name
    if piece.role in (Role.BEFORE, Role.PIECE):
        around = Role.BEFORE if piece.role == Role.BEFORE else Role.INSIDE
        return Role.MESSAGE if message_type(name) else Role.PIECE if name in HEADERS else around
    while above.role != Role.MESSAGE:
        above, path = above.up, f"{above.name}/{path}"
    kind = message_type(above.name)
    if kind and piece.role in (Role.MESSAGE, Role.GROUP):
        if path in kind.payments:
            return Role.ANNOUNCED
        if path in kind.groups:
            return Role.GROUP if kind.filled(path) else Role.COPIED
    return Role.REPEATED if name in ONE_BY_ONE else Role.INSIDE
