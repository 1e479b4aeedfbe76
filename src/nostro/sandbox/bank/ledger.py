"""Bank accounts and their entries, on the bank's wall clock."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One bank account and how its bank tells about it. Times are the bank's wall clock."""

    number: str
    """An IBAN, or where there is none (US) the plain account number."""
    currency: str
    owner: str
    bic: str
    zone: str
    opening_minor: int = 0
    clearing_member: str = ""
    """US routing number (clearing system USABA)."""
    first_sequence: int = 1
    cumulative: bool = False
    """A camt.052 repeats all of the day, instead of what is new since the last one."""
    own_references: bool = False
    """camt.053 carries other servicer references than camt.052 and camt.054 did; end-to-end id and UETR stay."""
    close: time = time(18, 0)
    """What is booked later counts for the next business day."""
    holidays: frozenset[date] = frozenset()

    def local(self, moment: datetime) -> datetime:
        """A moment on this bank's wall clock."""
        return moment.astimezone(ZoneInfo(self.zone))

    def instant(self, day: date, at: time) -> datetime:
        """The moment (UTC) at which this bank's wall clock shows `at` on `day`."""
        return datetime.combine(day, at, ZoneInfo(self.zone)).astimezone(UTC)

    def is_business_day(self, day: date) -> bool:
        """Monday to Friday without this bank's holidays."""
        return day.weekday() < 5 and day not in self.holidays

    def booking_date(self, moment: datetime) -> date:
        """The business day for which something counts that is booked now."""
        local = self.local(moment)
        day = local.date() + timedelta(days=1 if local.time() >= self.close else 0)
        while not self.is_business_day(day):
            day += timedelta(days=1)
        return day


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment inside an entry, seen from our account: the other side, and what it says about itself."""

    amount_minor: int
    name: str = ""
    account: str = ""
    end_to_end: str = "NOTPROVIDED"
    remittance: str = ""
    reference: str = ""
    """Structured creditor reference: RF... (ISO 11649) or 27 digits (Swiss QR reference)."""
    uetr: str = ""
    return_reason: str = ""
    """ISO external return reason (AC04, MD06...); then the end-to-end id is that of the payment that comes back."""


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of the ledger; pending until it is booked, and perhaps never."""

    account: AccountSettings
    transfers: tuple[Transfer, ...]
    code: tuple[str, str, str]
    """Bank transaction code: domain, family, sub-family."""
    text: str
    told_at: datetime
    credit: bool
    number: int = 0
    booked_at: datetime | None = None
    booking_date: date | None = None
    bare: bool = False
    """Without any reference of the bank's own: two of these of one amount and day look alike."""

    @property
    def amount_minor(self) -> int:
        """Unsigned amount in ISO minor units of the account's currency."""
        return sum(transfer.amount_minor for transfer in self.transfers)

    @property
    def signed_minor(self) -> int:
        """Positive when it adds to the balance."""
        return self.amount_minor if self.credit else -self.amount_minor

    def reference(self, message: str) -> str:
        """The bank's own reference, as a message (`052`, `053`, `054`) tells it."""
        if self.bare:
            return ""
        kind = "S" if message == "053" and self.account.own_references else "N"
        return f"{kind}{self.told_at:%y%m%d}{self.number:09d}"


@dataclass(slots=True)
class BankLedger:
    """All entries of all accounts, in the order in which the bank learnt of them."""

    accounts: dict[str, AccountSettings]
    entries: list[Entry] = field(default_factory=list)

    def book(self, entry: Entry, now: datetime) -> None:
        """Book it: from now on it counts, for good."""
        assert entry.booked_at is None, f"entry {entry.number} is booked already"
        entry.booked_at, entry.booking_date = now, entry.account.booking_date(now)

    def booked_on(self, account: AccountSettings, day: date) -> list[Entry]:
        """Entries that count for a business day, in booking order."""
        entries = [e for e in self.entries if e.account is account and e.booked_at and e.booking_date == day]
        return sorted(entries, key=lambda entry: (entry.booked_at, entry.number))

    def balance_before(self, account: AccountSettings, day: date) -> int:
        """Booked balance at the end of the last business day before this one; signed minor units."""
        booked = (e for e in self.entries if e.account is account and e.booking_date and e.booking_date < day)
        return account.opening_minor + sum(entry.signed_minor for entry in booked)
