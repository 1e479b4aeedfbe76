"""MT900 and MT910: the confirmation of one debit or credit, as a notification of one entry.

SWIFT User Handbook, category 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydantic import ValidationError

from nostro.formats.checks import Sums
from nostro.formats.reading import Unreadable
from nostro.formats.swift_mt.blocks import Field, Piece
from nostro.formats.swift_mt.entry import money_of
from nostro.formats.swift_mt.line import CODEWORD, told_reference
from nostro.formats.swift_mt.parties import Told, read_agent, read_party
from nostro.formats.swift_mt.returned import returned
from nostro.formats.swift_mt.statement import StatementItem
from nostro.formats.swift_mt.values import about, bank_account, dated_amount, moment
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import Check, Direction, Entry, References, Reject, Source, StatementHead

_DIRECTIONS: dict[str, Direction] = {"900": "debit", "910": "credit"}


def read_notification(piece: Piece, kind: str) -> Iterator[StatementItem]:
    """Head, entry and end. Who paid is field 50 of an MT910, else the ordering institution (52)."""
    fields = {told.tag: told for told in reversed(piece.fields)}
    where, sums = f"MT{kind}[{piece.number}]", Sums()
    account, created = fields.get("25", fields.get("25P")), fields.get("13D")
    at = moment(created.joined) if created else None
    yield StatementHead(
        kind="notification",
        statement_id=_said(fields.get("20")),
        bank_account=bank_account(account.text[0], "".join(account.text[1:])) if account else BankAccount(),
        created_at=at,
        created_on=at.date() if at else None,
        source=Source(where=where, line=piece.line),
        format=f"MT{kind}",
    )
    told = fields.get("32A")
    source = Source(where=f"{where}/32A", line=told.line if told else piece.line)
    try:
        # Of an amount behind which the message breaks off some digits may lack: it is none.
        whole = told is not None and not (piece.cut and told is piece.fields[-1])
        on, amount, wrong = dated_amount(told.joined if told and whole else "")
        for one in wrong:
            sums.fail(Check(name=about(one), ok=False, detail=f"line {source.line}: {one}"))
        entry = _entry(piece, fields, _DIRECTIONS[kind], (on, amount), source)
    except (Unreadable, ValidationError) as error:
        sums.rejected += 1
        why = str(error) if isinstance(error, Unreadable) else "the amount can't be taken as told"
        yield Reject(where=source.where, why=why, line=source.line)
    else:
        sums.add(entry)
        yield entry
    if piece.cut:
        sums.rejected += 1
        yield Reject(where=where, why="the message breaks off: its end is missing", line=piece.line)
    yield sums.end(())


def _entry(
    piece: Piece, fields: dict[str, Field], direction: Direction, told: tuple[date | None, Amount], source: Source
) -> Entry:
    other = _counterparty(piece)
    uetr = piece.carrier.user.get("121", "")
    lines = [line.strip() for line in fields["72"].text] if "72" in fields else []
    words = dict(CODEWORD.findall("\n".join(lines)))
    exchange, charges = money_of(words, told[1].currency)
    return Entry(
        amount=told[1],
        direction=direction,
        state="booked",
        booking_date=told[0],
        value_date=told[0],
        references=References(
            account_servicer=told_reference(_said(fields.get("20"))),
            instruction=told_reference(_said(fields.get("21"))),
            others={**({"UETR": uetr} if uetr else {}), **words},
        ),
        counterparty=other.party,
        counterparty_account=other.bank_account,
        exchange=exchange,
        charges=charges,
        returned=returned(lines),
        additional=" ".join(lines),
        source=source,
    )


def _counterparty(piece: Piece) -> Told:
    """Who is on the other side, with the bank (52) that keeps its bank account."""
    found, bank = _side(piece), next((told for told in piece.fields if told.tag.startswith("52")), None)
    if found.bic or bank is None or not any(told.tag.startswith("50") for told in piece.fields):
        return found
    agent, account = read_agent(bank), found.bank_account or BankAccount()
    update = {"bic": agent.bic, "clearing_id": agent.clearing_id or account.clearing_id}
    return Told(found.party, account.model_copy(update=update) if any(update.values()) else found.bank_account)


def _side(piece: Piece) -> Told:
    for prefix in ("50", "52"):
        for told in piece.fields:
            if told.tag.startswith(prefix):
                found = read_party(told)
                return Told(
                    found.party or Party(ids={"BIC": found.bic}) if found.bic else found.party, found.bank_account
                )
    return Told(None, None)


def _said(told: Field | None) -> str:
    return told.joined.strip() if told else ""
