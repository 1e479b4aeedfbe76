"""File and batch headers (record types 1 and 5), domestic and IAT."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from nostro.model.parties import BankAccount, Party

_HALF_A_YEAR = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class FileHeader:
    """Who sends the file to whom, and when it was made."""

    number: int = 1
    line: int = 0
    destination: str = ""
    origin: str = ""
    created_at: datetime | None = None
    created_on: date | None = None
    mark: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, record: str, line: int, number: int) -> FileHeader:
        """The header, of whatever of it can be read."""
        on, at = day(record[23:29]), _time(record[29:33])
        told = {
            "destination_name": record[40:63].strip(),
            "origin_name": record[63:86].strip(),
            "reference": record[86:94].strip(),
        }
        return cls(
            number=number,
            line=line,
            destination=record[3:13].strip(),
            origin=record[13:23].strip(),
            created_at=datetime.combine(on, at) if on and at else None,
            created_on=on,
            mark="".join(record[23:34].split()),
            names={name: said for name, said in told.items() if said},
        )


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """The company that pays or collects, its entry class and dates."""

    ordinal: int
    line: int
    number: str = ""
    service_class: str = ""
    entry_class: str = ""
    company_name: str = ""
    company_id: str = ""
    description: str = ""
    effective: date | None = None
    settlement: date | None = None
    odfi: str = ""
    currencies: tuple[str, str] = ("", "")
    others: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, record: str, line: int, ordinal: int, file: FileHeader) -> BatchHeader:
        """The header, of whatever of it can be read."""
        entry_class = record[50:53].strip().upper()
        abroad = entry_class == "IAT" or record[4:10] == "IATCOR"
        effective = day(record[69:75])
        return cls(
            ordinal=ordinal,
            line=line,
            number=record[87:94].strip(),
            service_class=record[1:4].strip(),
            entry_class=entry_class,
            company_name="" if abroad else record[4:20].strip(),
            company_id=record[40:50].strip(),
            description=record[53:63].strip(),
            effective=effective,
            settlement=settled_on(record[75:78], effective or file.created_on),
            odfi=record[79:87].strip(),
            currencies=(record[63:66].strip(), record[66:69].strip()) if abroad else ("", ""),
            others=_others(record, abroad=abroad),
        )

    @property
    def abroad(self) -> bool:
        """Whether its entries are IAT's."""
        return self.entry_class == "IAT" or self.others.get("iat", "") != ""

    @property
    def where(self) -> str:
        """Where the batch stands in the bytes."""
        return f"batch[{self.ordinal}]"

    @property
    def company(self) -> Party:
        """The company, as the batch names it."""
        return Party(name=self.company_name, ids={"ACH": self.company_id} if self.company_id else {})

    @property
    def company_account(self) -> BankAccount:
        """At which bank the company's entries begin; which account it is, no NACHA file says."""
        return BankAccount(clearing_id=self.odfi)


_DOMESTIC = {"discretionary": slice(20, 40), "descriptive_date": slice(63, 69)}
_ABROAD = {
    "iat": slice(4, 20),
    "exchange_indicator": slice(20, 22),
    "exchange_reference": slice(23, 38),
    "destination_country": slice(38, 40),
}


def _others(record: str, *, abroad: bool) -> dict[str, str]:
    places = {**(_ABROAD if abroad else _DOMESTIC), "originator_status": slice(78, 79)}
    return {name: said for name, at in places.items() if (said := record[at].strip())}


def day(said: str) -> date | None:
    """A day as YYMMDD, of this century; None for blanks, zeros and what is no day."""
    if len(said) != 6 or not (said.isascii() and said.isdecimal()):
        return None
    try:
        return date(2000 + int(said[:2]), int(said[2:4]), int(said[4:]))
    except ValueError:
        return None


def settled_on(said: str, about: date | None) -> date | None:
    """The day of the year that the ACH operator wrote, in the year that brings it next to `about`."""
    if about is None or not (said.isascii() and said.isdecimal()) or not 1 <= int(said) <= 366:
        return None
    days = (date(year, 1, 1) + timedelta(days=int(said) - 1) for year in (about.year - 1, about.year, about.year + 1))
    return next((found for found in days if abs(found - about) <= _HALF_A_YEAR), None)


def _time(said: str) -> time | None:
    if len(said) != 4 or not (said.isascii() and said.isdecimal()):
        return None
    return time(int(said[:2]), int(said[2:])) if said < "2400" and said[2:] < "60" else None
