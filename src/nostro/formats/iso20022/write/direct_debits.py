"""pain.008, Customer Direct Debit Initiation, versions 02 and 08, written straight as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

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
from nostro.formats.iso20022.write.told_as import Dialect, account_number, bank, coded, party, without_address
from nostro.formats.profiles import Profile
from nostro.formats.xml_text import branch, leaf
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate
from nostro.model.parties import Party, valid_iban

_EARLY_SEQUENCES = frozenset({"FRST", "RCUR", "FNAL", "OOFF"})
_SAME_MANDATE = "SMNDA"
PAIN008 = ("pain.008.001.02", "pain.008.001.08")


def write_pain008(
    payments: Iterable[Instruction],
    letter: Initiation,
    rules: Profile | None = None,
    version: str = "",
    hears: Hears = lambda _: None,
) -> Iterator[bytes]:
    """The file, in pieces, as `write_pain001` does it; each group collects for one creditor id and sequence.

    A mandate that was amended (`amended_from`, or `original_*` among the others) is told with what it was before.
    """
    return _MESSAGE.written(payments, letter, rules, version, hears)


def _group(group: Batch, speech: Dialect) -> str:
    first, rules = group.first, speech.profile
    if not speech.modern and first.mandate and first.mandate.sequence not in _EARLY_SEQUENCES:
        raise FormatRefused(
            f"{speech.version} doesn't know the sequence {first.mandate.sequence}.", f"Write {PAIN008[-1]}."
        )
    booked = first.batch_booking if first.batch_booking is not None else rules.batch_booking
    return "".join((
        leaf("PmtInfId", group.name),
        "<PmtMtd>DD</PmtMtd>",
        flag("BtchBookg", booked),
        *counted([group]),
        payment_type(first, rules),
        leaf("ReqdColltnDt", first.execution_date.isoformat() if first.execution_date else ""),
        party("Cdtr", _collector(first.creditor, rules), speech),
        account_number("CdtrAcct", first.creditor_account, speech, with_currency=True),
        bank("CdtrAgt", first.creditor_account, speech, needed=True),
        leaf("ChrgBr", first.charge_bearer or rules.default_charge_bearer),
        _scheme("CdtrSchmeId", first.mandate.creditor_id if first.mandate else ""),
    ))  # fmt: skip


def _collector(told: Party | None, rules: Profile) -> Party | None:
    if told is None or not told.ids or "collector_ids" not in rules.leaves_out:
        return told
    return told.model_copy(update={"ids": {}})


def _scheme(name: str, creditor_id: str, its_name: str = "") -> str:
    scheme = branch("Othr", leaf("Id", creditor_id), "<SchmeNm><Prtry>SEPA</Prtry></SchmeNm>") if creditor_id else ""
    return branch(name, leaf("Nm", its_name), branch("Id", branch("PrvtId", scheme)))


def _payment(payment: Instruction, speech: Dialect) -> str:
    return "".join((
        "<DrctDbtTxInf>",
        identification(payment, speech),
        amount("InstdAmt", payment.amount),
        branch("DrctDbtTx", branch("MndtRltdInf", _mandate(payment, payment.mandate or Mandate(), speech))),
        without_address("UltmtCdtr", payment.ultimate_creditor, speech, "ultimate_address"),
        bank("DbtrAgt", payment.debtor_account, speech, needed=True),
        party("Dbtr", payment.debtor, speech),
        account_number("DbtrAcct", payment.debtor_account, speech),
        without_address("UltmtDbtr", payment.ultimate_debtor, speech, "ultimate_address"),
        coded("Purp", payment.purpose) if payment.purpose else "",
        remittance(payment, speech),
        "</DrctDbtTxInf>",
    ))  # fmt: skip


def _mandate(payment: Instruction, told: Mandate, speech: Dialect) -> str:
    amended = _amended(told, payment.others, speech)
    signed = leaf("DtOfSgntr", told.signed_on.isoformat()) if told.signed_on else ""
    return leaf("MndtId", told.mandate_id) + signed + (f"<AmdmntInd>true</AmdmntInd>{amended}" if amended else "")


def _amended(told: Mandate, others: Mapping[str, str], speech: Dialect) -> str:
    bic, number = others.get("original_debtor_agent", ""), others.get("original_debtor_account", "")
    creditor_id, name = others.get("original_creditor_id", ""), others.get("original_creditor_name", "")
    # "SMNDA": the account is another one, perhaps at another bank; the rulebook lets its number stay untold, and since
    # 2016 has the word stand for the account alone (EPC130-08).
    if bic == _SAME_MANDATE and speech.profile.rulebook:
        bic, number = "", _SAME_MANDATE
    agent = leaf(speech.bic, bic) if speech.is_bic(bic) else branch("Othr", leaf("Id", bic))
    account_id = leaf("IBAN", number) if valid_iban(number) else branch("Othr", leaf("Id", number))
    return branch(
        "AmdmntInfDtls",
        leaf("OrgnlMndtId", told.amended_from),
        _scheme("OrgnlCdtrSchmeId", creditor_id, speech.profile.written(name)) if creditor_id or name else "",
        branch("OrgnlDbtrAcct", branch("Id", account_id)),
        branch("OrgnlDbtrAgt", branch("FinInstnId", agent)),
    )


_MESSAGE = Message("pain.008", "CstmrDrctDbtInitn", PAIN008, 8, frozenset({"direct_debit"}), _group, _payment)
