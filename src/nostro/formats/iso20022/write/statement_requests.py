"""camt.060, Account Reporting Request, version 05: a bank is asked for statements, reports or notifications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from nostro.formats.iso20022.write.batches import Initiation, document, in_pieces
from nostro.formats.iso20022.write.held import held
from nostro.formats.iso20022.write.told_as import Dialect, account_number, bank, dialect, instant, party
from nostro.formats.profiles import profile
from nostro.formats.xml_text import branch, leaf
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.parties import BankAccount, Party

CAMT060 = "camt.060.001.05"


class Wanted(Value):
    """A message (`camt.053.001.08`) about a bank account, for days from the first to the last, both included."""

    request_id: str
    message: str
    bank_account: BankAccount
    owner: Party
    from_date: date
    to_date: date


def write_camt060(wanted: Sequence[Wanted], letter: Initiation) -> Iterator[bytes]:
    """The request. Raises `FormatRefused` for a bank account without a number, or days that run backwards."""
    for one in wanted:
        if not one.bank_account.identification:
            raise FormatRefused("A request names the bank account.", "Give its IBAN or number.")
        if one.to_date < one.from_date:
            raise FormatRefused("The last day lies before the first.", "Turn them round.")
    if not wanted:
        raise FormatRefused("Nothing is asked for.", "Leave the request out.")
    speech = dialect(CAMT060, profile("iso"), 5)
    return held(document(CAMT060, "AcctRptgReq", in_pieces(_request(wanted, letter, speech))), CAMT060)


def _request(wanted: Sequence[Wanted], letter: Initiation, speech: Dialect) -> Iterator[str]:
    sender = branch("MsgSndr", party("Pty", letter.initiating_party, speech))
    yield branch("GrpHdr", leaf("MsgId", letter.message_id), leaf("CreDtTm", instant(letter.created_at)), sender)
    yield from (_one(one, speech) for one in wanted)


def _one(wanted: Wanted, speech: Dialect) -> str:
    days = branch("FrToDt", leaf("FrDt", wanted.from_date.isoformat()), leaf("ToDt", wanted.to_date.isoformat()))
    return branch(
        "RptgReq",
        leaf("Id", wanted.request_id),
        leaf("ReqdMsgNmId", wanted.message),
        account_number("Acct", wanted.bank_account, speech, with_currency=True),
        branch("AcctOwnr", party("Pty", wanted.owner, speech)),
        bank("AcctSvcr", wanted.bank_account, speech),
        branch("RptgPrd", days, leaf("Tp", "ALLL")),
    )
