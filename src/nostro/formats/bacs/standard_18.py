"""Standard 18 payment files, read: labels of 80 characters, records of 100 (one processing day) or 106 (several).

Bacs "Electronic Funds Transfer file structures" (PN5011). What it is written by stands in `write`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from nostro.formats.bacs.codes import SEQUENCES, TRANSACTIONS
from nostro.formats.reading import Beginning, Format
from nostro.formats.text import lines
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate, MessageEnd, MessageHead
from nostro.model.money import Amount, plain
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Check, References, Reject, Source

Standard18Item = MessageHead | Instruction | MessageEnd | Reject

LABELS: Mapping[str, Mapping[str, slice]] = {
    "VOL1": {"serial": slice(4, 10), "owner": slice(37, 51)},
    "HDR1": {"user": slice(5, 11), "created": slice(41, 47)},
    "UHL1": {"processing": slice(4, 10), "work": slice(28, 37), "file": slice(37, 40)},
    "UTL1": {
        "debits": slice(4, 17),
        "credits": slice(17, 30),
        "debit_count": slice(30, 37),
        "credit_count": slice(37, 44),
        "instructions": slice(52, 59),
    },
}
FIELDS: Mapping[str, slice] = {
    "sort_code": slice(0, 6), "number": slice(6, 14), "type": slice(14, 15), "code": slice(15, 17),
    "own_sort_code": slice(17, 23), "own_number": slice(23, 31), "free": slice(31, 35), "amount": slice(35, 46),
    "own_name": slice(46, 64), "reference": slice(64, 82), "name": slice(82, 100), "day": slice(100, 106),
}  # fmt: skip
_NAMED = ("HDR1.user", "VOL1.serial", "UHL1.file")
CONTRA = "CONTRA"
_LABEL = ("VOL", "HDR", "UHL", "EOF", "EOV", "UTL")


def read_standard_18(chunks: Iterable[bytes]) -> Iterator[Standard18Item]:
    """Per user file its head, payments and located rejects, and its end with the totals; contra records are checked.

    Raises `FormatRefused` before anything was yielded when the bytes are no Standard 18 file.
    """
    walk = _Walk()
    for line, told in lines(chunks):
        if told.strip():
            yield from walk.take(line, told)
    yield from walk.finish()


def julian(said: str) -> date | None:
    """A day as ` YYDDD`, of this century."""
    digits = said.strip()
    if len(digits) != 5 or not (digits.isascii() and digits.isdecimal()) or not 1 <= int(digits[2:]) <= 366:
        return None
    found = date(2000 + int(digits[:2]), 1, 1) + timedelta(days=int(digits[2:]) - 1)
    return found if found.year == 2000 + int(digits[:2]) else None


@dataclass(slots=True)
class _Sums:
    """Counts and pence of one direction, contra records apart."""

    payments: int = 0
    pence: int = 0
    contras: int = 0
    contra_pence: int = 0


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    labels: dict[str, str] = field(default_factory=dict)
    files: int = 0
    open_file: bool = False
    items: int = 0
    rejected: int = 0
    instructions: int = 0
    sums: dict[str, _Sums] = field(default_factory=lambda: {"debit": _Sums(), "credit": _Sums()})

    def take(self, line: int, told: str) -> Iterator[Standard18Item]:
        """A label or a record."""
        kind = told[:4]
        if kind[:3] in _LABEL:
            self.labels |= {f"{kind}.{name}": told[at].strip() for name, at in LABELS.get(kind, {}).items()}
            if kind == "UHL1":
                yield self._begin(line)
            elif kind == "UTL1" and self.open_file:
                yield self._end()
        elif not self.open_file:
            if not self.labels:
                raise FormatRefused("This is no Standard 18 file: it does not begin with a label.")
            yield Reject(where="/", why="a record before the user header label", line=line)
        else:
            yield from self._entry(line, told)

    def finish(self) -> Iterator[Standard18Item]:
        """The bytes end."""
        if not self.files:
            raise FormatRefused("This is no Standard 18 file: it has no user header label (UHL1).")
        if self.open_file:
            yield Reject(where=self._where, why="the file ends before its user trailer label (UTL1)")

    @property
    def _where(self) -> str:
        return f"file[{self.files}]"

    def _begin(self, line: int) -> MessageHead:
        self.files, self.open_file, self.items, self.rejected, self.instructions = self.files + 1, True, 0, 0, 0
        self.sums = {"debit": _Sums(), "credit": _Sums()}
        told = self.labels
        user = told.get("HDR1.user", "")
        return MessageHead(
            kind="payment_initiation",
            message_id="-".join(said for name in _NAMED if (said := told.get(name, ""))),
            created_on=julian(told.get("HDR1.created", "")),
            initiating_party=Party(ids={"SUN": user} if user else {}),
            others={"work_code": told.get("UHL1.work", "")},
            source=Source(where=self._where, line=line),
            format="Bacs Standard 18",
        )

    def _entry(self, line: int, told: str) -> Iterator[Standard18Item]:
        fields = {name: told[at].strip() for name, at in FIELDS.items()}
        code, said = fields["code"], fields["amount"]
        why = "" if code in TRANSACTIONS else "the transaction code is none of Standard 18"
        if not (said.isascii() and said.isdecimal()):
            why = "the amount is no number"
        elif len(told) < FIELDS["amount"].stop:
            why = "the record ends within its amount"
        elif _own(fields) and len(told) < FIELDS["reference"].start + len(CONTRA):
            why = "the record ends before it says whether it is a contra record"
        if why:
            self.rejected += 1
            yield Reject(where=self._where, why=why, line=line)
            return
        sums = self.sums["credit" if TRANSACTIONS[code] == "credit_transfer" else "debit"]
        if _own(fields) and CONTRA in fields["reference"]:
            sums.contras += 1
            sums.contra_pence += int(said)
            return
        self.items += 1
        self.instructions += not TRANSACTIONS[code]
        sums.payments += 1
        sums.pence += int(said)
        yield self._payment(fields, line)

    def _payment(self, fields: dict[str, str], line: int) -> Instruction:
        code = fields["code"]
        own_account = BankAccount(other=fields["own_number"], clearing_id=fields["own_sort_code"])
        other_account = BankAccount(other=fields["number"], clearing_id=fields["sort_code"])
        own, other = Party(name=fields["own_name"]), Party(name=fields["name"])
        method = TRANSACTIONS[code]
        credit = method == "credit_transfer"
        day = julian(fields["day"]) or julian(self.labels.get("UHL1.processing", ""))
        reference = really_told(fields["reference"])
        others = {"transaction_code": code, "account_type": fields["type"], "free": fields["free"]}
        return Instruction(
            method=method,
            amount=Amount(value=Decimal(fields["amount"]).scaleb(-2), currency="GBP"),
            group=self.labels.get("UHL1.file", ""),
            references=References(end_to_end=reference, mandate="" if credit else reference),
            execution_date=day,
            debtor=own if credit else other,
            debtor_account=own_account if credit else other_account,
            creditor=other if credit else own,
            creditor_account=other_account if credit else own_account,
            mandate=None if credit else Mandate(mandate_id=fields["reference"], sequence=SEQUENCES.get(code, "")),
            others={name: said for name, said in others.items() if said},
            source=Source(where=self._where, line=line),
        )

    def _end(self) -> MessageEnd:
        self.open_file = False
        pence = sum(sums.pence for sums in self.sums.values())
        return MessageEnd(
            items=self.items,
            rejected=self.rejected,
            totals={"GBP": Decimal(pence).scaleb(-2)} if self.items else {},
            checks=tuple(self._checks()),
        )

    def _checks(self) -> Iterator[Check]:
        """The user trailer label counts contra records too; each contra balances what was paid or collected."""
        for name, other in (("debit", "credit"), ("credit", "debit")):
            sums = self.sums[name]
            there = sums.pence + sums.contra_pence
            yield self._check(f"{name}s", there)
            yield self._check(f"{name}_count", sums.payments + sums.contras)
            balanced = sums.pence == self.sums[other].contra_pence
            detail = f"contra records make {plain(Decimal(self.sums[other].contra_pence).scaleb(-2))}"
            yield Check(name=f"{name}s/contra", ok=balanced, detail="" if balanced else detail)

    def _check(self, name: str, there: int) -> Check:
        said = self.labels.get(f"UTL1.{name}", "")
        told = int(said) if said.isdecimal() else 0
        return Check(name=name, ok=told == there, detail="" if told == there else f"{told} is told, {there} is there")


def _own(fields: Mapping[str, str]) -> bool:
    """Whether the other side of a record is its own account: so it is in contra records."""
    return (fields["sort_code"], fields["number"]) == (fields["own_sort_code"], fields["own_number"])


def _is_standard_18(beginning: Beginning) -> bool:
    told = [line for line in beginning.lines[:6] if line.strip()]
    first = told[0] if told else ""
    return first[:4] in ("VOL1", "HDR1") and any(line[:5] == "HDR1A" and line[5:11].isdecimal() for line in told)


BACS_18: Sequence[Format] = (
    Format("bacs_standard_18", "Bacs Standard 18 payment file", _is_standard_18, read_standard_18, proven=False),
)
