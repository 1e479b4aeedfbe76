"""pain.001, Customer Credit Transfer Initiation, versions 03, 09 and 11, written straight as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.formats.iso20022.write.batches import (
    Batch,
    Hears,
    Initiation,
    Message,
    counted,
    flag,
    payment_type,
)
from nostro.formats.iso20022.write.settled import amount, identification, remittance
from nostro.formats.iso20022.write.told_as import (
    Dialect,
    account_number,
    bank,
    coded,
    intermediary,
    party,
    without_address,
)
from nostro.formats.profiles import Profile
from nostro.formats.xml_text import branch, leaf
from nostro.model.messages import Instruction
from nostro.model.money import plain

PAIN001 = ("pain.001.001.03", "pain.001.001.09", "pain.001.001.11")
_ASKED_CODES = frozenset({"CHQB", "HOLD", "PHOB", "TELB"})


def write_pain001(
    payments: Iterable[Instruction],
    letter: Initiation,
    rules: Profile | None = None,
    version: str = "",
    hears: Hears = lambda _: None,
) -> Iterator[bytes]:
    """The file, in pieces. Counts and control sums are worked out; payments stand in groups that share what is alike.

    `payments` are read twice or more often: a list, or what can be read again; `hears` is told each one as it is
    written. `version` is one of `PAIN001`, by default the profile's. Raises `ProfileRefused` (a `FormatRefused`) with
    every finding before the first piece.
    """
    return _MESSAGE.written(payments, letter, rules, version, hears)


def _group(group: Batch, speech: Dialect) -> str:
    first, rules = group.first, speech.profile
    day = first.execution_date.isoformat() if first.execution_date else ""
    booked = first.batch_booking if first.batch_booking is not None else rules.batch_booking
    return "".join((
        leaf("PmtInfId", group.name),
        leaf("PmtMtd", "CHK" if first.method == "cheque" else "TRF"),
        flag("BtchBookg", booked),
        *counted([group]),
        payment_type(first, rules),
        branch("ReqdExctnDt", leaf("Dt", day)) if speech.modern else leaf("ReqdExctnDt", day),
        party("Dbtr", first.debtor, speech),
        account_number("DbtrAcct", first.debtor_account, speech, with_currency=True),
        bank("DbtrAgt", first.debtor_account, speech, needed=True),
        leaf("ChrgBr", first.charge_bearer or rules.default_charge_bearer),
    ))  # fmt: skip


def _payment(payment: Instruction, speech: Dialect) -> str:
    return "".join((
        "<CdtTrfTxInf>",
        identification(payment, speech),
        "<Amt>", amount("InstdAmt", payment.amount) or _equivalent(payment), "</Amt>",
        _exchange(payment),
        _cheque(payment),
        without_address("UltmtDbtr", payment.ultimate_debtor, speech, "ultimate_address"),
        *_intermediaries(payment, speech),
        bank("CdtrAgt", payment.creditor_account, speech),
        party("Cdtr", payment.creditor, speech),
        account_number("CdtrAcct", payment.creditor_account, speech),
        without_address("UltmtCdtr", payment.ultimate_creditor, speech, "ultimate_address"),
        *_instructions(payment, speech),
        coded("Purp", payment.purpose) if payment.purpose else "",
        remittance(payment, speech),
        "</CdtTrfTxInf>",
    ))  # fmt: skip


def _equivalent(payment: Instruction) -> str:
    told = payment.equivalent
    if told is None:  # pragma: no cover - the profile was checked
        return ""
    currency = payment.others.get("currency_of_transfer") or told.currency
    return branch("EqvtAmt", amount("Amt", told), leaf("CcyOfTrf", currency))


def _exchange(payment: Instruction) -> str:
    told = payment.exchange
    if told is None or told.rate is None:
        return ""
    others = payment.others
    return branch(
        "XchgRateInf", leaf("XchgRate", plain(told.rate)), leaf("RateTp", others.get("rate_type", "")),
        leaf("CtrctId", others.get("contract", "")),
    )  # fmt: skip


def _cheque(payment: Instruction) -> str:
    others = payment.others
    return branch(
        "ChqInstr", leaf("ChqTp", others.get("cheque_type", "")), leaf("ChqNb", others.get("cheque_number", ""))
    )


def _intermediaries(payment: Instruction, speech: Dialect) -> Iterator[str]:
    for number, agent in enumerate(payment.agents[:3], start=1):
        yield intermediary(f"IntrmyAgt{number}", agent, speech)


def _instructions(payment: Instruction, speech: Dialect) -> Iterator[str]:
    for asked in map(speech.profile.written, payment.instructions):
        code, _, text = asked.partition(" ")
        known = code in _ASKED_CODES
        yield branch("InstrForCdtrAgt", leaf("Cd", code if known else ""), leaf("InstrInf", text if known else asked))


_MESSAGE = Message(
    "pain.001", "CstmrCdtTrfInitn", PAIN001, 9, frozenset({"credit_transfer", "cheque"}), _group, _payment
)
