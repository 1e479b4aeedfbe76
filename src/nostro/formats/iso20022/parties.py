"""Who stands on the other side of a movement, and bank accounts: the shapes of `RltdPties`, `RltdAgts` and `Acct`."""

from __future__ import annotations

from typing import NamedTuple

from nostro.formats.iso20022.tree import Node, children, find, text, texts, those
from nostro.model.base import unchecked
from nostro.model.parties import Address, BankAccount, Party, same_account
from nostro.model.statements import Direction

_new_party = unchecked(Party)
_new_address = unchecked(Address)
_new_bank_account = unchecked(BankAccount)


class Counterparty(NamedTuple):
    """The other side, as far as it was told."""

    party: Party | None
    bank_account: BankAccount | None


_ROLES: dict[Direction, tuple[str, ...]] = {"credit": ("Dbtr", "Cdtr"), "debit": ("Cdtr", "Dbtr")}


def counterparty(details: Node, direction: Direction, own: str) -> Counterparty:
    """Who paid (a credit) or was paid (a debit).

    Reversals and returns keep the roles of the original: where the expected side is our own bank account, or is not
    told at all, it is the other one.
    """
    for role in _ROLES[direction]:
        found = _side(details, role)
        account = found.bank_account
        if (found.party or account) and not (account and same_account(own, account.identification)):
            return found
    return Counterparty(None, None)


def _side(details: Node, role: str) -> Counterparty:
    parties, agents = find(details, "RltdPties"), find(details, "RltdAgts")
    told = _party(find(parties, role)) or _party(find(parties, f"Ultmt{role}"))
    account = bank_account(find(parties, f"{role}Acct"), find(agents, f"{role}Agt/FinInstnId"))
    return Counterparty(told, account if account.identification else None)


def _party(element: Node) -> Party | None:
    """A party, directly or in `Pty`; a bank in `Agt`."""
    if element is None:
        return None
    found = find(element, "Pty", "Agt/FinInstnId")
    told = element if found is None else found
    party = _new_party(
        name=text(told, "Nm", "NmAndAdr/Nm"),
        address=_address(find(told, "PstlAdr", "NmAndAdr/PstlAdr")),
        ids=_ids(told),
        country=text(told, "CtryOfRes"),
    )
    return party if party.name or party.ids or party.address else None


def _address(element: Node) -> Address | None:
    return None if element is None else _new_address(**those(element, _ADDRESS), lines=texts(element, "AdrLine"))


_ADDRESS = {
    "StrtNm": "street", "BldgNb": "building", "PstCd": "postcode", "TwnNm": "town", "CtrySubDvsn": "region",
    "Ctry": "country",
}  # fmt: skip


def _ids(party: Node) -> dict[str, str]:
    """Identifications by scheme: `BIC`, `LEI`, a code such as `CUST`, or who issued it."""
    found: dict[str, str] = {}
    for holder in (party, find(party, "Id/OrgId"), find(party, "Id/PrvtId")):
        for name in holder if isinstance(holder, dict) else ():
            if name not in _ID_ELEMENTS:
                continue
            for told in children(holder, name):
                said = text(told, "Id") if name in _IDS_BELOW else text(told, "")
                scheme = text(told, "SchmeNm/Cd", "SchmeNm/Prtry", "Issr") or name
                if said:
                    found[_BIC.get(scheme, scheme)] = said
    return found


_ID_ELEMENTS = frozenset({
    "AnyBIC", "BICOrBEI", "BIC", "BICFI", "LEI", "Othr", "PrtryId", "BEI", "IBEI", "EANGLN", "DUNS", "TaxIdNb",
    "SclSctyNb", "CstmrNb",
})  # fmt: skip
_IDS_BELOW = frozenset({"Othr", "PrtryId", "ClrSysMmbId"})
_BIC = {"AnyBIC": "BIC", "BICOrBEI": "BIC", "BICFI": "BIC", "PrtryId": "Othr"}


def bank_account(account: Node, servicer: Node = None) -> BankAccount:
    """A bank account (`Acct`, `DbtrAcct`...) at its bank (`FinInstnId`)."""
    identity = find(account, "Id")
    return _new_bank_account(
        iban="".join(text(identity, "IBAN").split()).upper(),
        other=text(identity, "Othr/Id", "PrtryAcct/Id", "BBAN", "UPIC"),
        scheme=text(identity, "Othr/SchmeNm/Cd", "Othr/SchmeNm/Prtry", "Othr/Issr"),
        currency=text(account, "Ccy"),
        bic=text(servicer, "BICFI", "BIC"),
        clearing_id=text(servicer, "ClrSysMmbId/MmbId", "ClrSysMmbId/Id"),
        owner=text(account, "Ownr/Nm", "Ownr/Pty/Nm"),
        name=text(account, "Nm"),
    )


def remittance(details: Node) -> tuple[str, ...]:
    """What the payer wrote: free lines, then document numbers, further references and text of structured blocks."""
    information = find(details, "RmtInf")
    lines = list(texts(information, "Ustrd"))
    references = 0
    for block in children(information, "Strd"):
        lines += [number for document in children(block, "RfrdDocInf") if (number := text(document, "Nb", "RfrdDocNb"))]
        if reference := text(block, *STRUCTURED):
            references += 1
            lines += [reference] if references > 1 else []
        lines += texts(block, "AddtlRmtInf")
    return tuple(lines[:_REMITTANCE_LINES])


STRUCTURED = ("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef")
_REMITTANCE_LINES = 200


def structured_reference(details: Node) -> str:
    """The first creditor reference (ISO 11649, Swiss QR and the like)."""
    blocks = children(find(details, "RmtInf"), "Strd")
    return next((reference for block in blocks if (reference := text(block, *STRUCTURED))), "")
