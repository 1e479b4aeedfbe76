"""Statements and payments, as far as MT940 and MT101 have room and letters: whoever converts says what is lost.

SWIFT User Handbook, "Standards General Information": character set X; MT940, fields 20, 61 and 86.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nostro.formats.profiles import profile
from nostro.formats.swift_mt.information import SLASH_CODES
from nostro.formats.swift_mt.write_statement import LINES, SIGNS, information
from nostro.formats.swift_mt.writing import OUTSIDE_X, REFERENCE_SIGNS, wrapped
from nostro.model.messages import Instruction, MessageHead
from nostro.model.statements import OPENING, Entry, StatementEnd, StatementHead, balance_of

Told = StatementHead | Entry | StatementEnd
_ROOM = LINES * SIGNS - 3 * LINES
"""Of field 86, less what is lost where a line may not end."""
_NUMBERS = 99_999
_REFERENCE = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/\-?:().,'+ ]{1,16}(?<!/)")


def fitted(items: Iterable[Told]) -> Iterator[Told]:
    """The statements in letters and lengths that the writer takes; entries that are not booked are left out.

    A statement whose opening balance is not told before its entries is held until its end.
    """
    given = iter(items)
    for told in given:
        held = list(_to_its_end(given)) if isinstance(told, StatementHead) and told.opening is None else []
        for one in (told, *held):
            match one:
                case StatementHead():
                    end = held[-1] if held else None
                    yield _head(one, end if isinstance(end, StatementEnd) else None)
                case Entry() if one.state == "booked":
                    yield _entry(one)
                case StatementEnd():
                    lines = _text(one.additional)[:_ROOM].rstrip("/ ")
                    yield one.model_copy(update={"additional": lines})


def _to_its_end(given: Iterator[Told]) -> Iterator[Told]:
    for told in given:
        yield told
        if isinstance(told, StatementEnd):
            return


def fitted_head(head: MessageHead) -> MessageHead:
    """With an id in a length that an MT101 takes."""
    return head.model_copy(update={"message_id": _cut_reference(head.message_id)})


def numbered(head: MessageHead, number: int) -> MessageHead:
    """The head of another message of the same source: field 20 tells them apart."""
    mark = f"-{number}" if number > 1 else ""
    return head.model_copy(update={"message_id": head.message_id[: REFERENCE_SIGNS - len(mark)].rstrip("/ ") + mark})


def fitted_payment(payment: Instruction, number: str) -> Instruction:
    """With ids in lengths that an MT101 takes, one of its own, and who bears charges, where it is shared."""
    refs = payment.references
    own = _reference(refs.instruction) or _reference(refs.end_to_end) or number
    shared = payment.charge_bearer in ("", "SLEV")
    return payment.model_copy(
        update={
            "group": _reference(payment.group),
            "references": refs.model_copy(update={"instruction": own}),
            "charge_bearer": "SHAR" if shared else payment.charge_bearer,
        }
    )


def _cut_reference(said: str) -> str:
    return re.sub(r"//+", "/", in_latin(said))[:REFERENCE_SIGNS].strip("/ ") or "NONREF"


def in_latin(text: str) -> str:
    """The text in the letters that networks take: spelt otherwise where it can be, else without the letter."""
    return OUTSIDE_X.sub("", profile("sepa").written(" ".join(text.split())))


def _text(said: str) -> str:
    """Words that would be taken for codes are told from them by a full stop."""
    words = in_latin(said).split("/")
    return "/".join(f"{word}." if word in SLASH_CODES else word for word in words).strip("/ ")


def _head(head: StatementHead, end: StatementEnd | None) -> StatementHead:
    """With the balances that its end tells, and their currency where none is told."""
    balances = head.balances if head.opening or end is None else end.balances
    opening = balance_of(balances, OPENING)
    currency = head.currency or (opening.amount.currency if opening else "")
    numbers = {"sequence": head.sequence, "page": head.page}
    kept = {field: number if number is None or number <= _NUMBERS else None for field, number in numbers.items()}
    return head.model_copy(
        update={**kept, "balances": balances, "currency": currency, "statement_id": _cut_reference(head.statement_id)}
    )


def _entry(entry: Entry) -> Entry:
    refs = entry.references
    sixteen = {name: _reference(getattr(refs, name)) for name in ("account_servicer", "instruction")}
    others = {name: _text(getattr(refs, name)) for name in ("end_to_end", "payment_information", "mandate")}
    party = entry.counterparty
    fitting = entry.model_copy(
        update={
            "references": refs.model_copy(update={**sixteen, **others}),
            "additional": _text(entry.additional),
            "counterparty": party.model_copy(update={"name": _text(party.name)}) if party else None,
            "remittance": (_text(" ".join(entry.remittance)),),
        }
    )
    return _cut(fitting)


def _cut(entry: Entry) -> Entry:
    """With as much of its texts as field 86 has lines for: the remittance goes first, then what is additional."""
    for name in ("remittance", "additional"):
        said = information(entry)
        if len(list(wrapped(said, SIGNS))) <= LINES:
            break
        text = entry.remittance[0] if name == "remittance" else entry.additional
        kept = text[: max(0, len(text) - (len(said) - _ROOM))].rstrip("/:- ")
        entry = entry.model_copy(update={name: (kept,) if name == "remittance" else kept})
    return entry


def _reference(said: str) -> str:
    return said if _REFERENCE.fullmatch(said) and said == said.strip() else ""
