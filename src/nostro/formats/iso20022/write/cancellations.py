"""camt.055 and camt.056: a payment that was sent is asked back, by a customer or between banks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from nostro.formats.iso20022.write.batches import amount_of, document, in_pieces
from nostro.formats.iso20022.write.settled import amount
from nostro.formats.iso20022.write.told_as import Dialect, dialect, instant, party, reason
from nostro.formats.profiles import profile
from nostro.formats.xml_text import branch, leaf
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.money import plain
from nostro.model.parties import Party

CAMT055 = "camt.055.001.08"
CAMT056 = "camt.056.001.08"


class Assignment(Value):
    """Who asks whom, when, and what the request and its case are called."""

    message_id: str
    created_at: datetime
    assigner: Party
    assignee: Party
    case_id: str = ""


def write_camt055(payments: Sequence[Instruction], letter: Assignment) -> Iterator[bytes]:
    """A customer's request. A payment without references of its own stands for its whole group.

    `references.message`, `others["original_name"]` and `group` name the initiation; `returned` says why. Raises
    `FormatRefused` where one of them is missing.
    """
    speech = dialect(CAMT055, profile("iso"), 8)
    _admit(payments, grouped=True)
    return document(CAMT055, "CstmrPmtCxlReq", in_pieces(_customers(payments, letter, speech)))


def write_camt056(payments: Sequence[Instruction], letter: Assignment) -> Iterator[bytes]:
    """A bank's request, each payment with the message that it was in. Raises `FormatRefused` as `write_camt055`."""
    speech = dialect(CAMT056, profile("iso"), 8)
    _admit(payments, grouped=False)
    return document(CAMT056, "FIToFIPmtCxlReq", in_pieces(_banks(payments, letter, speech)))


def _admit(payments: Sequence[Instruction], *, grouped: bool) -> None:
    if not payments:
        raise FormatRefused("There is no payment to take back.", "Leave the request out.")
    for payment in payments:
        if not (payment.references.message and payment.others.get("original_name")):
            raise FormatRefused("A payment names the message that it was in.", "Give that message's id and name.")
        if grouped and not payment.group:
            raise FormatRefused("A payment names the group that it was in.", "Give the group's id.")
        if payment.returned is None or not (payment.returned.code or payment.returned.proprietary):
            raise FormatRefused("There is no reason why it is taken back.", "Give a code, such as DUPL or CUST.")


def _customers(payments: Sequence[Instruction], letter: Assignment, speech: Dialect) -> Iterator[str]:
    yield from _head(payments, letter, speech)
    messages: dict[tuple[str, str], dict[str, list[Instruction]]] = {}
    for payment in payments:
        message = (payment.references.message, payment.others["original_name"])
        messages.setdefault(message, {}).setdefault(payment.group, []).append(payment)
    for (message_id, name), groups in messages.items():
        original = branch("OrgnlGrpInfAndCxl", leaf("OrgnlMsgId", message_id), leaf("OrgnlMsgNmId", name))
        inside = (_group(group, its, speech) for group, its in groups.items())
        yield branch("Undrlyg", original, *inside)


def _group(name: str, payments: Sequence[Instruction], speech: Dialect) -> str:
    whole = next((payment for payment in payments if not _single(payment)), None)
    if whole:
        return branch(
            "OrgnlPmtInfAndCxl", leaf("OrgnlPmtInfId", name), "<PmtInfCxl>true</PmtInfCxl>", _reason(whole, speech)
        )
    counted = (leaf("NbOfTxs", str(len(payments))), leaf("CtrlSum", _sum(payments)), "<PmtInfCxl>false</PmtInfCxl>")
    inside = (_payment(payment, speech, "OrgnlInstdAmt") for payment in payments)
    return branch("OrgnlPmtInfAndCxl", leaf("OrgnlPmtInfId", name), *counted, *inside)


def _single(payment: Instruction) -> bool:
    references = payment.references
    return bool(references.end_to_end or references.instruction or references.others.get("UETR"))


def _banks(payments: Sequence[Instruction], letter: Assignment, speech: Dialect) -> Iterator[str]:
    yield from _head(payments, letter, speech)
    inside = (_payment(payment, speech, "OrgnlIntrBkSttlmAmt") for payment in payments)
    yield branch("Undrlyg", *inside)


def _head(payments: Sequence[Instruction], letter: Assignment, speech: Dialect) -> Iterator[str]:
    yield branch(
        "Assgnmt",
        leaf("Id", letter.message_id),
        _who("Assgnr", letter.assigner, speech),
        _who("Assgne", letter.assignee, speech),
        leaf("CreDtTm", instant(letter.created_at)),
    )
    yield branch("Case", leaf("Id", letter.case_id), _who("Cretr", letter.assigner, speech)) if letter.case_id else ""
    if all(_single(payment) for payment in payments):
        yield branch("CtrlData", leaf("NbOfTxs", str(len(payments))), leaf("CtrlSum", _sum(payments)))


def _who(name: str, told: Party, speech: Dialect) -> str:
    """A bank by its BIC, or a party."""
    if not told.name and told.ids.get("BIC"):
        return branch(name, branch("Agt", branch("FinInstnId", leaf(speech.bic, told.ids["BIC"]))))
    return branch(name, party("Pty", told, speech))


def _sum(payments: Sequence[Instruction]) -> str:
    """The control sum, where every payment has an amount."""
    if not all(payment.amount for payment in payments):
        return ""
    return plain(sum((amount_of(payment) for payment in payments), Decimal(0)))


def _payment(payment: Instruction, speech: Dialect, amount_name: str) -> str:
    references, others = payment.references, payment.references.others
    between_banks = amount_name == "OrgnlIntrBkSttlmAmt"
    day = payment.settlement_date if between_banks else payment.execution_date
    on = day.isoformat() if day else ""
    dated = leaf("OrgnlIntrBkSttlmDt", on) if between_banks else branch("OrgnlReqdExctnDt", leaf("Dt", on))
    return branch(
        "TxInf",
        leaf("CxlId", others.get("CxlId", "")),
        _original(payment) if between_banks else "",
        leaf("OrgnlInstrId", references.instruction),
        leaf("OrgnlEndToEndId", references.end_to_end),
        leaf("OrgnlTxId", references.transaction) if between_banks else "",
        leaf("OrgnlUETR", others.get("UETR", "")),
        leaf("OrgnlClrSysRef", others.get("ClrSysRef", "")) if between_banks else "",
        amount(amount_name, payment.amount),
        dated,
        _reason(payment, speech),
    )


def _original(payment: Instruction) -> str:
    name = payment.others["original_name"]
    return branch("OrgnlGrpInf", leaf("OrgnlMsgId", payment.references.message), leaf("OrgnlMsgNmId", name))


def _reason(payment: Instruction, speech: Dialect) -> str:
    return reason("CxlRsnInf", payment.returned, speech) if payment.returned else ""
