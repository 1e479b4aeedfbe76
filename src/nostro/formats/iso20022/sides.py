"""Both sides of a transaction in a statement: who is on the other one, and under which number we were meant."""

from __future__ import annotations

from typing import NamedTuple

from nostro.formats.iso20022.actors import PartyAt, account_at, bank_account_of, party_at, party_in
from nostro.formats.iso20022.told import Hits, Shape, Told
from nostro.model.parties import BankAccount, Party, same_account


class Side(NamedTuple):
    """Where one side of a transaction stands; `behind`: who stands behind it, `numbered`: its bank account is told."""

    party: PartyAt | None
    behind: PartyAt | None
    account: Hits
    numbered: bool


def side_at(role: str, shape: Shape) -> Side:
    """Where the side of a role (`Dbtr`, `Cdtr`) stands in transactions that are built so."""
    parties, account = (f"RltdPties/{role}", f"RltdPties/Ultmt{role}"), f"RltdPties/{role}Acct"
    party, behind = (party_at(shape, name) for name in parties)
    return Side(party, behind, account_at(shape, account, f"RltdAgts/{role}Agt"), shape.holds(account))


class Other(NamedTuple):
    """Who stands on the other side. `account` may say only at which bank; `ultimate` stands behind the `party`."""

    party: Party | None = None
    account: BankAccount | None = None
    ultimate: Party | None = None


def other_side(told: Told, sides: tuple[Side, Side], own: str) -> tuple[Other, Side]:
    """Who paid (a credit) or was paid (a debit), and which side is ours then.

    Reversals and returns keep the roles of the original: where the expected side is our own bank account, or is not
    told at all, it is the other one.
    """
    expected, other = sides
    if _is_another(first := _on_side(told, expected), own):
        return first, other
    if _is_another(found := _on_side(told, other), own):
        return found, expected
    known = first.account if first.account and not first.account.identification else None
    return _NOBODY._replace(account=known), other


def own_number(told: Told, side: Side, own: str) -> BankAccount | None:
    """Our bank account as the other side named it, where that is not the number of the statement."""
    found = _bank_account(told, side)
    return found if found and found.identification and not same_account(own, found.identification) else None


def _is_another(found: Other, own: str) -> bool:
    number = found.account.identification if found.account else ""
    return bool(found.party or number) and not (number and same_account(own, number))


_NOBODY = Other()


def _on_side(told: Told, side: Side) -> Other:
    found = party_in(told, side.party) if side.party else None
    if side.behind and (behind := party_in(told, side.behind)):
        return Other(found or behind, _bank_account(told, side), behind if found and behind != found else None)
    return Other(found, _bank_account(told, side))


def _bank_account(told: Told, side: Side) -> BankAccount | None:
    values = told.values
    return bank_account_of({name: values[place] for name, place in side.account})
