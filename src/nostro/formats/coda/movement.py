"""Records 2.1 to 3.3 of CODA: one movement or detail, with what is told about it.

Febelfin, "Standard for the coded statement of account (CODA)" 2.6, records 2 and 3 and the lists of structured
communications and information.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nostro.formats.line_statements import amount_zone, scaled, zone
from nostro.formats.reading import Unreadable
from nostro.model.money import EXPONENTS, Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.references import all_told, told
from nostro.model.statements import Direction, References, ReturnInformation

RECORD = 128
_INFORMATION = 400
"""Records of information that are kept of one movement."""
_INFORMED = 268
"""Letters of one of them: records 3.1, 3.2 and 3.3."""
_DIRECTIONS: dict[str, Direction] = {"0": "credit", "1": "debit"}
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}")
_RETURNED = {
    "1": "reject", "2": "return", "3": "refund", "4": "reversal", "5": "cancellation",
}  # fmt: skip
_ZONES = {"32": (11, 115), "33": (11, 100)}
_PARTIES = {"008": "ultimate_creditor", "009": "ultimate_debtor"}


@dataclass(slots=True)
class Movement:
    """A record 2.1 with the records that follow it."""

    line: int
    first: str
    second: str = " " * RECORD
    third: str = " " * RECORD
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The continuous sequence number: alike for a movement and its details."""
        return self.first[2:6]

    @property
    def is_detail(self) -> bool:
        """Whether it is part of another movement."""
        return self.first[6:10] != "0000"

    @property
    def level(self) -> str:
        """The globalisation code: what opens a group has another one than "0", and what ends it has the same."""
        return self.first[124:125].strip().replace("0", "")

    def take(self, record: str) -> None:
        """A record 2.2, 2.3, 3.1, 3.2 or 3.3."""
        kind = record[:2]
        if kind == "22":
            self.second = record
        elif kind == "23":
            self.third = record
        elif kind == "31" and len(self.told) < _INFORMATION:
            self.told.append((record[39:40], record[40:113]))
        elif kind in _ZONES and self.told and len(self.told[-1][1]) < _INFORMED:
            first, last = _ZONES[kind]
            structure, said = self.told.pop()
            self.told.append((structure, said + record[first - 1 : last]))

    def amount(self, currency: str) -> Amount:
        """The amount. Raises `Unreadable`."""
        return scaled(amount_zone(self.first, 33, 47), 3, currency)

    def direction(self) -> Direction:
        """The direction. Raises `Unreadable`."""
        found = _DIRECTIONS.get(self.first[31:32])
        if found is None:
            raise Unreadable("the sign is neither 0 nor 1")
        return found

    def fields(self, currency: str) -> dict[str, Any]:
        """What an entry and a detail have in common. Raises `Unreadable`."""
        direction = self.direction()
        references, remittance = _communication(self)
        party, others, additional = _information(self.told)
        if self.purpose:
            others["purpose"] = self.purpose
        account, name = _other_side(self.third)
        bic = zone(self.second, 99, 109)
        if account.identification or bic:
            account = account.model_copy(update={"bic": bic})
        return {
            "amount": self.amount(currency),
            "direction": direction,
            "references": references.model_copy(update={"others": {**references.others, **others}}),
            "counterparty": _merged(party, name),
            "counterparty_account": account if account.identification or bic else None,
            "remittance": remittance,
            "returned": _returned(self),
            "additional": additional,
        }

    @property
    def purpose(self) -> str:
        """The purpose's code, or that of its category."""
        return zone(self.second, 122, 125) or zone(self.second, 118, 121)


def _merged(party: Party | None, name: str) -> Party | None:
    """The counterparty: its name from the movement, its address from the information about it."""
    if party is None:
        return Party(name=name) if name else None
    whole = party.name.startswith(name)  # the movement's is cut after 35 letters
    return Party(name=party.name if whole else name, address=party.address)


def account_of(said: str) -> BankAccount:
    """An account zone without its structure code: IBAN or national number, then the currency."""
    number, _, rest = said.strip().partition(" ")
    currency = next((word[:3] for word in (said[34:37], rest.strip()) if word[:3] in EXPONENTS), "")
    if _IBAN.fullmatch(number):
        return BankAccount(iban=number, currency=currency)
    return BankAccount(other=number, scheme="BBAN" if number else "", currency=currency)


def _other_side(record: str) -> tuple[BankAccount, str]:
    """The account of the other side and its name (record 2.3).

    Some banks let the name begin right after the currency, inside the account's zone.
    """
    zone_of_account, name = record[10:47], record[47:82]
    account = account_of(zone_of_account)
    rest = zone_of_account[len(account.identification) :].strip()
    rest = rest.removeprefix(account.currency)
    return account, " ".join((rest + name).split())


def _communication(movement: Movement) -> tuple[References, tuple[str, ...]]:
    """The references and the free lines of the communication, which runs through records 2.1, 2.2 and 2.3."""
    whole = movement.first[62:115] + movement.second[10:63] + movement.third[82:125]
    named = {"account_servicer": zone(movement.first, 11, 31), "end_to_end": zone(movement.second, 64, 98)}
    known = all_told(named)
    if movement.first[61:62] != "1":
        said = " ".join(whole.split())
        return References(**known), (said,) if said else ()
    kind, body = whole[:3], whole[3:]
    if kind in _STRUCTURED:
        length = _STRUCTURED[kind]
        said = " ".join(body[length:].split())
        return References(**known, structured=told(body[:length])), (said,) if said else ()
    if kind == "127":
        return _direct_debit(known, body)
    others = {f"structured_{kind}": " ".join(body.split())}
    return References(**known, others=others), ()


_STRUCTURED = {"100": 21, "101": 12, "102": 12}
"""Types of structured communication that are a creditor's reference, and its length."""


def _direct_debit(known: dict[str, str], body: str) -> tuple[References, tuple[str, ...]]:
    """Type 127, a European direct debit: its date and marks, the creditor's id, the mandate and the communication."""
    others = {"creditor_id": zone(body, 10, 44), "direct_debit": zone(body, 7, 9)}
    said = " ".join(body[79:141].split())
    others = {name: value for name, value in others.items() if value}
    return References(**known, mandate=told(zone(body, 45, 79)), others=others), (said,) if said else ()


def _information(records: list[tuple[str, str]]) -> tuple[Party | None, dict[str, str], str]:
    """Records 3: the other side's name and address, other parties, and free text of the bank."""
    party: Party | None = None
    others: dict[str, str] = {}
    free: list[str] = []
    for structure, said in records:
        kind, body = said[:3], said[3:]
        if structure != "1":
            free.append(said)
        elif kind == "001":
            lines = [" ".join(line.split()) for line in (body[70:105], body[105:140])]
            free.append(body[140:])
            address = Address(lines=tuple(line for line in lines if line))
            party = Party(name=zone(body, 1, 70), address=address if address.lines else None)
        elif kind in _PARTIES:
            others[_PARTIES[kind]] = zone(body, 1, 70)
        else:
            others[f"information_{kind}"] = " ".join(body.split())
    return party, others, " ".join("".join(free).split())


def _returned(movement: Movement) -> ReturnInformation | None:
    """Why a payment came back: the kind of R-transaction, and ISO 20022's reason; a direct debit's own words."""
    kind, reason = movement.second[112:113], zone(movement.second, 114, 117)
    if kind not in _RETURNED and movement.first[61:65] == "1127":
        kind, reason = movement.third[120:121], zone(movement.third, 122, 125)
    return ReturnInformation(code=reason, text=_RETURNED[kind]) if kind in _RETURNED else None
