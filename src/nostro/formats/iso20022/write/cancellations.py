"""camt.055 and camt.056: a payment that was sent is asked back, by a customer or between banks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from nostro.formats.grouped import Group, Grouped
from nostro.formats.iso20022.write.batches import amount_of, document, in_pieces
from nostro.formats.iso20022.write.held import held
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


Hears = Callable[[Instruction], object]


def write_camt055(
    payments: Iterable[Instruction], letter: Assignment, hears: Hears = lambda _: None
) -> Iterator[bytes]:
    """A customer's request. A payment without references of its own stands for its whole group.

    `references.message`, `others["original_name"]` and `group` name the initiation; `returned` says why. `payments` are
    read twice or more often: a list, or what can be read again; `hears` is told each one as it is written. Raises
    `FormatRefused` where one of them is missing.
    """
    speech = dialect(CAMT055, profile("iso"), 8)
    run = _Run.of(payments, grouped=True)
    return held(document(CAMT055, "CstmrPmtCxlReq", in_pieces(_customers(run, letter, speech, hears))), CAMT055)


def write_camt056(
    payments: Iterable[Instruction], letter: Assignment, hears: Hears = lambda _: None
) -> Iterator[bytes]:
    """A bank's request, each payment with the message that it was in. Raises `FormatRefused` as `write_camt055`."""
    speech = dialect(CAMT056, profile("iso"), 8)
    run = _Run.of(payments, grouped=False)
    return held(document(CAMT056, "FIToFIPmtCxlReq", in_pieces(_banks(run, letter, speech, hears))), CAMT056)


def _admit(payment: Instruction, *, grouped: bool) -> None:
    if not (payment.references.message and payment.others.get("original_name")):
        raise FormatRefused("A payment names the message that it was in.", "Give that message's id and name.")
    if grouped and not payment.group:
        raise FormatRefused("A payment names the group that it was in.", "Give the group's id.")
    if payment.returned is None or not (payment.returned.code or payment.returned.proprietary):
        raise FormatRefused("There is no reason why it is taken back.", "Give a code, such as DUPL or CUST.")


class _Name(NamedTuple):
    """What a payment was in."""

    message: str
    kind: str
    group: str


def _named(payment: Instruction) -> _Name:
    return _Name(payment.references.message, payment.others["original_name"], payment.group)


@dataclass(slots=True)
class _Run:
    """The payments, counted; groups that are taken back whole, and those of which an amount is not known."""

    grouped: Grouped[Instruction]
    count: int = 0
    whole: dict[_Name, Instruction] = field(default_factory=dict)
    unknown: set[_Name] = field(default_factory=set)

    @classmethod
    def of(cls, payments: Iterable[Instruction], *, grouped: bool) -> _Run:
        """All payments, each of which names what it has to. Raises `FormatRefused`."""
        run, last = cls(Grouped(payments, _named, amount_of)), None
        for payment in payments:
            _admit(payment, grouped=grouped)
            last, name = run.grouped.add(payment, last), _named(payment)
            run.count += 1
            if not _single(payment):
                run.whole.setdefault(name, payment)
            if payment.amount is None:
                run.unknown.add(name)
        if not run.count:
            raise FormatRefused("There is no payment to take back.", "Leave the request out.")
        run.grouped.sort(lambda group: _named(group.first)[:2])
        return run

    def total(self, *groups: Group[Instruction]) -> str:
        """The control sum, where every payment has an amount."""
        if not self.unknown.isdisjoint(_named(group.first) for group in groups):
            return ""
        return plain(sum((group.total for group in groups), Decimal(0)))


def _customers(run: _Run, letter: Assignment, speech: Dialect, hears: Hears) -> Iterator[str]:
    yield from _head(run, letter, speech)
    before = ("", "")
    for group, payments in run.grouped.given():
        name = _named(group.first)
        if name[:2] != before:
            yield "</Undrlyg>" if any(before) else ""
            original = leaf("OrgnlMsgId", name.message) + leaf("OrgnlMsgNmId", name.kind)
            yield f"<Undrlyg>{branch('OrgnlGrpInfAndCxl', original)}"
            before = name[:2]
        yield f"<OrgnlPmtInfAndCxl>{leaf('OrgnlPmtInfId', name.group)}"
        whole = run.whole.get(name)
        if whole is not None:
            yield f"<PmtInfCxl>true</PmtInfCxl>{_reason(whole, speech)}"
        else:
            yield leaf("NbOfTxs", str(group.count)) + leaf("CtrlSum", run.total(group)) + "<PmtInfCxl>false</PmtInfCxl>"
        for payment in payments:
            hears(payment)
            yield "" if whole else _payment(payment, speech, "OrgnlInstdAmt")
        yield "</OrgnlPmtInfAndCxl>"
    yield "</Undrlyg>"


def _single(payment: Instruction) -> bool:
    references = payment.references
    return bool(references.end_to_end or references.instruction or references.others.get("UETR"))


def _banks(run: _Run, letter: Assignment, speech: Dialect, hears: Hears) -> Iterator[str]:
    yield from _head(run, letter, speech)
    yield "<Undrlyg>"
    for payment in run.grouped.told:
        hears(payment)
        yield _payment(payment, speech, "OrgnlIntrBkSttlmAmt")
    yield "</Undrlyg>"


def _head(run: _Run, letter: Assignment, speech: Dialect) -> Iterator[str]:
    yield branch(
        "Assgnmt",
        leaf("Id", letter.message_id),
        _who("Assgnr", letter.assigner, speech),
        _who("Assgne", letter.assignee, speech),
        leaf("CreDtTm", instant(letter.created_at)),
    )
    # The assigner, whose address and ids are told above, opened the case.
    creator = Party(name=letter.assigner.name) if letter.assigner.name else letter.assigner
    yield branch("Case", leaf("Id", letter.case_id), _who("Cretr", creator, speech)) if letter.case_id else ""
    if not run.whole:
        total = run.total(*run.grouped.groups.values())
        yield branch("CtrlData", leaf("NbOfTxs", str(run.count)), leaf("CtrlSum", total))


def _who(name: str, told: Party, speech: Dialect) -> str:
    """A bank by its BIC, or a party."""
    if not told.name and told.ids.get("BIC"):
        return branch(name, branch("Agt", branch("FinInstnId", leaf(speech.bic, told.ids["BIC"]))))
    return branch(name, party("Pty", told, speech))


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
