"""Entry details (record type 6) as payments and notices, at a speed that a payroll of half a million needs."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from nostro.formats.nacha import addenda as more
from nostro.formats.nacha.codes import ADVICES, CHEQUES, ENTRY_CODES, LAYOUTS, EntryCode, Layout
from nostro.formats.nacha.headers import BatchHeader
from nostro.formats.reading import Unreadable
from nostro.model.base import Mould
from nostro.model.messages import Instruction, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import References, Source

_AMOUNT = Mould(Amount(value=Decimal(0), currency="USD"), "value")
_PARTY = Mould(Party(), "name")
_ACCOUNT = Mould(BankAccount(), "other", "clearing_id")
_REFERENCES = Mould(References(), "end_to_end", "transaction")
_COR = "COR"
_ACKNOWLEDGED = frozenset({"ACK", "ATX"})
_PLAIN = Layout()


class _Sort(NamedTuple):
    """Entries of one transaction code in a batch: what they share, and which side the receiver is on."""

    mould: Mould[Instruction]
    receiver: str
    account: str
    code: EntryCode


class Entries:
    """Reads the entries of one batch."""

    def __init__(self, header: BatchHeader) -> None:
        self.header = header
        self.layout = LAYOUTS["IAT"] if header.abroad else LAYOUTS.get(header.entry_class, _PLAIN)
        self._source = Mould(Source(where=header.where), "line")
        self._sorts = {code: self._sort(code, told) for code, told in ENTRY_CODES.items()}

    def instruction(self, line: int, record: str, addenda: list[str]) -> Instruction:
        """A payment, a prenote, or one that came back. Raises `Unreadable`."""
        sort = self._sorts.get(record[1:3])
        if sort is None:
            raise Unreadable("the transaction code says no direction")
        layout = self.layout
        fields: dict[str, Any] = {
            "amount": _AMOUNT.cast({"value": dollars(record[29:39], 10)}),
            "references": _REFERENCES.cast(
                {"end_to_end": really_told(record[layout.identification]), "transaction": record[79:94].strip()}
            ),
            sort.receiver: _PARTY.cast({"name": record[layout.name].strip()}),
            sort.account: _ACCOUNT.cast({"other": record[layout.account].strip(), "clearing_id": record[3:12].strip()}),
            "source": self._source.cast({"line": line}),
        }
        if (discretionary := record[76:78]) != "  ":
            name = "screened" if self.header.abroad else "discretionary"
            fields["others"] = {"transaction_code": record[1:3], name: discretionary.strip()}
        if self.header.entry_class in CHEQUES:
            fields["method"] = "cheque"
        if addenda and not more.add_text(fields, addenda):
            more.add(fields, addenda, more.Side(sort.receiver, sort.account, record[1:3], self.header))
        return sort.mould.cast(fields)

    def notice(self, line: int, record: str, addenda: list[str]) -> PaymentStatus:
        """A notification of change, an acknowledgement or an accounting advice. Raises `Unreadable`."""
        if self.header.entry_class == "ADV":
            return self._advice(line, record)
        told = self.instruction(line, record, addenda)
        change = more.change_of(addenda)
        original = change.original if change else told.references.end_to_end
        references = told.references.model_copy(update={"transaction": original})
        others = {**told.others, "trace": told.references.transaction}
        if told.remittance:
            others["addenda"] = told.remittance[0]
        status = change.code if change else self.header.entry_class
        return PaymentStatus(
            level="transaction",
            status=status,
            reasons=change.reasons if change else (),
            group=told.group,
            references=references,
            amount=told.amount,
            debtor=told.debtor,
            debtor_account=told.debtor_account,
            creditor=told.creditor,
            creditor_account=told.creditor_account,
            others=others,
            source=told.source,
        )

    def _advice(self, line: int, record: str) -> PaymentStatus:
        """ADV tells a bank what was credited or debited to it, over twelve digits."""
        direction = ADVICES.get(record[1:3])
        if direction is None:
            raise Unreadable("the transaction code says no direction")
        places = {
            "advice_routing": slice(39, 48), "file": slice(48, 53), "operator_data": slice(53, 54),
            "operator": slice(79, 87), "day_of_year": slice(87, 90), "sequence": slice(90, 94),
        }  # fmt: skip
        account = BankAccount(other=record[12:27].strip(), clearing_id=record[3:12].strip())
        party = Party(name=record[54:76].strip())
        credit = direction == "credit"
        return PaymentStatus(
            level="group",
            status=record[1:3],
            reasons=(Reason(proprietary="ADV", text=direction),),
            group=self.header.number,
            amount=Amount(value=dollars(record[27:39], 12), currency="USD"),
            creditor=party if credit else None,
            creditor_account=account if credit else None,
            debtor=None if credit else party,
            debtor_account=None if credit else account,
            others={name: said for name, at in places.items() if (said := record[at].strip())},
            source=Source(where=self.header.where, line=line),
        )

    def _sort(self, code: str, told: EntryCode) -> _Sort:
        header = self.header
        receiver, company = ("creditor", "debtor") if told.direction == "credit" else ("debtor", "creditor")
        shared = Instruction.model_validate(
            {
                "method": told.method,
                "group": header.number,
                "execution_date": header.effective,
                "settlement_date": header.settlement,
                company: header.company,
                f"{company}_account": header.company_account,
                "local_instrument": header.entry_class,
                "purpose": header.description,
                "others": {"transaction_code": code},
                "source": Source(where=header.where),
            }
        )
        changing = ("amount", "references", receiver, f"{receiver}_account")
        return _Sort(Mould(shared, *changing), receiver, f"{receiver}_account", told)


def answers(header: BatchHeader) -> bool:
    """Whether the batch's entries answer others instead of moving money."""
    return header.entry_class in {_COR, "ADV", *_ACKNOWLEDGED}


def dollars(digits: str, width: int = 0) -> Decimal:
    """An amount in cents as dollars, of so many digits at least. Raises `Unreadable`."""
    if digits.isdecimal() and len(digits) < width:
        raise Unreadable("the record ends within its amount")
    if not digits.isdecimal():
        raise Unreadable("the amount is no number")
    return Decimal(f"{digits[:-2]}.{digits[-2:]}")


@lru_cache(maxsize=16_384)
def is_routing_number(digits: str) -> bool:
    """Whether nine digits are a routing number: weights 3, 7, 1 make a multiple of ten (ABA)."""
    if len(digits) != 9 or not (digits.isascii() and digits.isdecimal()):
        return False
    return sum(int(digit) * weight for digit, weight in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0
