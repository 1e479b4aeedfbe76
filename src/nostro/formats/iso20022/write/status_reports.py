"""pain.002, Customer Payment Status Report, versions 03 and 10: what we tell whoever sends us initiations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.carried import place
from nostro.formats.grouped import Grouped
from nostro.formats.iso20022.write.batches import Initiation, document, in_pieces
from nostro.formats.iso20022.write.held import held
from nostro.formats.iso20022.write.settled import amount
from nostro.formats.iso20022.write.told_as import Dialect, account_number, dialect, instant, party, reason
from nostro.formats.profiles import profile
from nostro.formats.xml_text import branch, leaf
from nostro.model.failures import FormatRefused
from nostro.model.messages import Level, OriginalMessage, PaymentStatus
from nostro.model.money import plain
from nostro.model.parties import Party

PAIN002 = ("pain.002.001.03", "pain.002.001.10")
_FIRST_MODERN = 10
_OF_PAYMENTS = frozenset({"ACTC", "RJCT", "PDNG", "ACCP", "ACSP", "ACSC", "ACWC"})
_EARLY: Mapping[Level, frozenset[str]] = {
    "message": _OF_PAYMENTS | {"RCVD", "PART"},
    "group": _OF_PAYMENTS | {"RCVD", "PART"},
    "transaction": _OF_PAYMENTS,
}
"""The statuses that version 03 knows; later ones take any of the external code set."""


Hears = Callable[[PaymentStatus], object]


def write_pain002(
    statuses: Iterable[PaymentStatus],
    letter: Initiation,
    original: OriginalMessage,
    version: str = PAIN002[-1],
    hears: Hears = lambda _: None,
) -> Iterator[bytes]:
    """The report, in pieces: the message's status, then each group's with those of its payments.

    `statuses` are read twice or more often: a list, or what can be read again; `hears` is told each one as it is
    written. Raises `FormatRefused` where a status can't be told in this version, or names no group that it belongs to.
    """
    if version not in PAIN002:
        raise FormatRefused(f"{version} is not written.", f"There are {', '.join(PAIN002)}.")
    if not (original.message_id and original.name):
        raise FormatRefused("A report names the message that it answers.", "Give its id and its name.")
    speech = dialect(version, profile("iso"), _FIRST_MODERN)
    report = _report(_Run.of(statuses, speech), letter, original, hears)
    return held(document(version, "CstmrPmtStsRpt", in_pieces(report)), version, echoes=True)


@dataclass(slots=True)
class _Run:
    """The statuses by group, and what was said first of the message and of each group."""

    speech: Dialect
    grouped: Grouped[PaymentStatus]
    message: PaymentStatus | None = None
    groups: dict[str, PaymentStatus] = field(default_factory=dict)

    @classmethod
    def of(cls, statuses: Iterable[PaymentStatus], speech: Dialect) -> _Run:
        """All statuses, each of which this version knows. Raises `FormatRefused`."""
        run, last = cls(speech, Grouped(_Below(statuses), lambda told: told.group, lambda _: Decimal(0))), None
        says = False
        for told in statuses:
            _admit(told, speech)
            says = says or bool(told.status or told.reasons or told.counts)
            if (told.level == "message" and run.message) or (told.level == "group" and told.group in run.groups):
                raise FormatRefused(f"{place(told)}: the {told.level} has a status already.", "Take one of them out.")
            if told.level == "message":
                run.message = told
                continue
            last = run.grouped.add(told, last)
            if told.level == "group":
                run.groups[told.group] = told
        if not says:
            raise FormatRefused("There is no status to report.", "Leave the report out.")
        return run


@dataclass(slots=True)
class _Below:
    """The statuses of groups and payments, read anew each time."""

    statuses: Iterable[PaymentStatus]

    def __iter__(self) -> Iterator[PaymentStatus]:
        return (told for told in self.statuses if told.level != "message")


def _admit(told: PaymentStatus, speech: Dialect) -> None:
    if not told.group and told.level != "message":
        raise FormatRefused("A status of a group or payment names its group.", "Give the group's id.")
    if speech.modern:
        return
    unknown = {told.status} - _EARLY[told.level] - {""} or set(told.counts) - _OF_PAYMENTS
    if unknown:
        sentence = f"{speech.version} doesn't know the status {min(unknown)} at the level {told.level}."
        raise FormatRefused(sentence, f"Write {PAIN002[-1]}.")


def _report(run: _Run, letter: Initiation, original: OriginalMessage, hears: Hears) -> Iterator[str]:
    head = (leaf("MsgId", letter.message_id), leaf("CreDtTm", instant(letter.created_at)))
    yield branch("GrpHdr", *head, party("InitgPty", letter.initiating_party, run.speech))
    if run.message:
        hears(run.message)
    yield branch("OrgnlGrpInfAndSts", *_original(original), *_state("GrpSts", run.message, run.speech))
    for group, inside in run.grouped.given():
        yield from _group(group.first.group, run, inside, hears)


def _original(told: OriginalMessage) -> Iterator[str]:
    yield leaf("OrgnlMsgId", told.message_id) + leaf("OrgnlMsgNmId", told.name)
    yield leaf("OrgnlCreDtTm", instant(told.created_at)) if told.created_at else ""
    yield leaf("OrgnlNbOfTxs", "" if told.count is None else str(told.count))
    yield leaf("OrgnlCtrlSum", "" if told.control_sum is None else plain(told.control_sum))


def _state(name: str, told: PaymentStatus | None, speech: Dialect) -> Iterator[str]:
    if told is not None:
        yield leaf(name, told.status)
        yield from (reason("StsRsnInf", one, speech) for one in told.reasons)
        sums = told.sums or {}
        for state, count in told.counts.items():
            total = leaf("DtldCtrlSum", plain(sums[state])) if state in sums else ""
            yield branch("NbOfTxsPerSts", leaf("DtldNbOfTxs", str(count)), leaf("DtldSts", state), total)


def _group(name: str, run: _Run, inside: Iterable[PaymentStatus], hears: Hears) -> Iterator[str]:
    own = run.groups.get(name)
    counted = [leaf("OrgnlNbOfTxs", own.others.get("original_count", "")) if own else ""]
    counted += [leaf("OrgnlCtrlSum", own.others.get("original_sum", "")) if own else ""]
    yield "<OrgnlPmtInfAndSts>" + leaf("OrgnlPmtInfId", name) + "".join(counted)
    yield from _state("PmtInfSts", own, run.speech)
    if own:
        hears(own)
    for told in inside:
        if told.level == "transaction":
            hears(told)
            yield _payment(told, run.speech)
    yield "</OrgnlPmtInfAndSts>"


def _payment(told: PaymentStatus, speech: Dialect) -> str:
    references, others = told.references, told.references.others
    return branch(
        "TxInfAndSts",
        leaf("StsId", others.get("status_id", "")),
        leaf("OrgnlInstrId", references.instruction),
        leaf("OrgnlEndToEndId", references.end_to_end),
        leaf("OrgnlUETR", others.get("UETR", "")) if speech.modern else "",
        leaf("TxSts", told.status),
        *(reason("StsRsnInf", one, speech) for one in told.reasons),
        leaf("AccptncDtTm", instant(told.accepted_at)) if told.accepted_at else "",
        leaf("AcctSvcrRef", references.account_servicer),
        leaf("ClrSysRef", others.get("ClrSysRef", "")),
        branch("OrgnlTxRef", *_payment_itself(told, speech)),
    )


def _payment_itself(told: PaymentStatus, speech: Dialect) -> Iterator[str]:
    day = told.execution_date.isoformat() if told.execution_date else ""
    yield branch("Amt", amount("InstdAmt", told.amount))
    yield branch("ReqdExctnDt", leaf("Dt", day)) if speech.modern else leaf("ReqdExctnDt", day)
    yield _side("Dbtr", told.debtor, speech) + account_number("DbtrAcct", told.debtor_account, speech)
    yield _side("Cdtr", told.creditor, speech) + account_number("CdtrAcct", told.creditor_account, speech)


def _side(name: str, told: Party | None, speech: Dialect) -> str:
    """A party; later versions have it in a choice with a bank."""
    return branch(name, party("Pty", told, speech)) if speech.modern else party(name, told, speech)
