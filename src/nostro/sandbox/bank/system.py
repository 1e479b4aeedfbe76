"""The bank at work: acts become entries, entries become files, and some files come late, twice or in halves."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from nostro.sandbox.agenda import Agenda
from nostro.sandbox.bank import camt
from nostro.sandbox.bank.ledger import AccountSettings, BankLedger, Entry, Transfer
from nostro.sandbox.entropy import chance
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.wire import FileStep, WireReply, WireRequest

_CREDIT = {"EUR": ("PMNT", "RCDT", "ESCT"), "CHF": ("PMNT", "RCDT", "DMCT"), "USD": ("PMNT", "RCDT", "ACDT")}
_OTHER_CREDIT = ("PMNT", "RCDT", "XBCT")
REPORTS_AT = tuple(time(hour) for hour in range(8, 20))
"""When camt.052 come on a business day, if there is news."""
STATEMENT_AT = time(5, 30)
"""camt.053 of a business day comes at this time of the following calendar day."""
_RETURN = ("PMNT", "RCDT", "RRTN")
_CHARGE = ("PMNT", "RCDT", "CHRG")
_COLLECTED = ("PMNT", "RDDT", "ESDD")


@dataclass(frozen=True, slots=True)
class StatementFault:
    """What goes wrong with the camt.053 of one account and business day.

    `missing`: it never comes, or `later` after its time. `doubled`: it comes again under another message id.
    `repeated`: the same bytes again under another file name. `restated`: the first lacks its last entry, a corrected
    one with the same sequence number follows. `belated`: so, and it lacks its first one. `amended`: so, and it tells
    another amount of its last one. `withdrawn`: so, and it lists one more that was never booked.
    """

    account: str
    day: date
    kind: str
    later: timedelta | None = None


def _amended(entries: list[Entry]) -> list[Entry]:
    """The entries, the last one with a unit more than it is."""
    if not entries:
        return []
    first, *more = entries[-1].transfers
    amended = replace(entries[-1], transfers=(replace(first, amount_minor=first.amount_minor + 100), *more))
    return [*entries[:-1], amended]


def _with_a_stranger(entries: list[Entry]) -> list[Entry]:
    """The entries, and one that the bank takes out of its books again."""
    if not entries:
        return []
    stranger = replace(entries[-1], number=900_000_001, transfers=(Transfer(999, remittance="IN ERROR"),))
    return [*entries, stranger]


_FIRST_TOLD: Mapping[str, Callable[[list[Entry]], list[Entry]]] = {
    "restated": lambda entries: entries[:-1],
    "belated": lambda entries: entries[1:],
    "amended": _amended,
    "withdrawn": _with_a_stranger,
}
"""What a statement lists that is corrected later, by its fault."""


@dataclass(frozen=True, slots=True)
class BankSettings:
    """One bank: its accounts and the folder into which it puts their files."""

    name: str
    accounts: tuple[AccountSettings, ...]
    seed: int = 0
    statement_faults: tuple[StatementFault, ...] = ()


class Bank:
    """A bank with books of its own. It has no API; the house reads its files."""

    def __init__(self, settings: BankSettings, plan: FaultPlan, opened: datetime) -> None:
        self.settings = settings
        self.plan = plan
        self.ledger = BankLedger({account.number: account for account in settings.accounts})
        self._agenda = Agenda()
        self._steps: list[FileStep] = []
        self._counts: Counter[str] = Counter()
        self._written: list[dict[str, Any]] = []
        self._reported_at: dict[str, datetime] = dict.fromkeys(self.ledger.accounts, opened)
        self._reported: set[tuple[int, bool]] = set()
        self._sequence = {account.number: account.first_sequence - 1 for account in settings.accounts}
        self._statements: dict[tuple[str, date], camt.Message] = {}
        for account in settings.accounts:
            self._plan_day(account, account.local(opened).date(), opened)

    # Acts of the world

    def apply(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """What happens to an account: `op["act"]` is a key of the table below, the rest its parameters."""
        self.tick(now)
        acts: Mapping[str, Callable[[Mapping[str, Any], datetime], Entry]] = {
            "credit": self._credit,
            "debit": self._debit,
            "return": self._return,
            "charge": self._charge,
            "vanish": self._vanish,
            "resend_statement": self._resend,
        }
        entry = acts[op["act"]](op, now)
        return {"entry": entry.number, "servicer_reference": entry.reference("054")}

    def _credit(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """Money comes in: one transfer, or `transfers` as one collective entry; booked now or in `pending_minutes`."""
        account = self.ledger.accounts[op["account"]]
        transfers = [self._transfer(each) for each in op.get("transfers", [op])]
        text = "CREDIT TRANSFER" if len(transfers) == 1 else f"COLLECTIVE CREDIT OF {len(transfers)} TRANSFERS"
        code, bare = _CREDIT.get(account.currency, _OTHER_CREDIT), op.get("bare", False)
        entry = Entry(account, tuple(transfers), code, text, now, credit=True, bare=bare)
        return self._enter(entry, now + timedelta(minutes=op.get("pending_minutes", 0)))

    def _debit(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """Somebody collects from our account, as a PSP does with a negative balance."""
        account = self.ledger.accounts[op["account"]]
        return self._enter(Entry(account, (self._transfer(op),), _COLLECTED, "DIRECT DEBIT", now, credit=False), now)

    def _return(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """A credit is taken back (a recall, a returned debit); with `charge` the bank takes that much for it."""
        original = self._entry(op["entry"])
        transfers = tuple(replace(each, return_reason=op.get("reason", "AC04")) for each in original.transfers)
        account, text = original.account, "RETURN OF CREDIT"
        entry = self._enter(Entry(account, transfers, _RETURN, text, now, credit=not original.credit), now)
        if op.get("charge"):
            self._charge({"account": account.number, "amount": op["charge"], "text": "RETURN CHARGE"}, now)
        return entry

    def _charge(self, op: Mapping[str, Any], now: datetime) -> Entry:
        account = self.ledger.accounts[op["account"]]
        text = op.get("text", "ACCOUNT CHARGE")
        return self._enter(Entry(account, (Transfer(op["amount"]),), _CHARGE, text, now, credit=False), now)

    def _vanish(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """A pending entry is never booked."""
        entry = self._entry(op["entry"])
        assert entry.booked_at is None, f"entry {entry.number} was booked and can't vanish by {now}"
        self.ledger.entries.remove(entry)
        return entry

    def _resend(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """The bank sends a statement once more, because somebody asked."""
        statement = self._statements[op["account"], date.fromisoformat(op["day"])]
        again = self._again(statement, "doubled", now)
        self._write(again, now)
        return again.entries[-1] if again.entries else self.ledger.entries[-1]

    def _enter(self, entry: Entry, booked_at: datetime) -> Entry:
        """Take up an entry that is not booked yet, under the next number."""
        self._counts["entries"] += 1
        entry.number = self._counts["entries"]
        self.ledger.entries.append(entry)
        self._agenda.at(booked_at, lambda at: self._book(entry, at))
        self._agenda.run(entry.told_at)
        return entry

    def _book(self, entry: Entry, now: datetime) -> None:
        if entry not in self.ledger.entries:
            return
        self.ledger.book(entry, now)
        if entry.credit:
            soon = chance(self.settings.seed, self.settings.name, "054", entry.number).randrange(5, 90)
            self._agenda.at(now + timedelta(seconds=soon), lambda at: self._notify(entry, at))

    def _transfer(self, op: Mapping[str, Any]) -> Transfer:
        self._counts["transfers"] += 1
        draw = chance(self.settings.seed, self.settings.name, "uetr", self._counts["transfers"])
        return Transfer(
            amount_minor=op["amount"],
            name=op.get("name", ""),
            account=op.get("payer", ""),
            end_to_end=op.get("end_to_end", "NOTPROVIDED"),
            remittance=op.get("remittance", ""),
            reference=op.get("reference", ""),
            uetr="" if op.get("bare") else str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        )

    def _entry(self, number: int) -> Entry:
        return next(entry for entry in self.ledger.entries if entry.number == number)

    # Files

    def _plan_day(self, account: AccountSettings, day: date, after: datetime) -> None:
        """Enter a day's reports and its statement; the next day is entered when it begins."""
        hours = REPORTS_AT if account.is_business_day(day) else ()
        for at, produce in (*((hour, self._report) for hour in hours), (STATEMENT_AT, self._state)):
            if (due := account.instant(day, at)) > after:
                self._agenda.at(due, partial(produce, account))
        tomorrow = day + timedelta(days=1)
        self._agenda.at(account.instant(tomorrow, time()), lambda at: self._plan_day(account, tomorrow, at))

    def _report(self, account: AccountSettings, now: datetime) -> None:
        """camt.052: what is new since the last one, or all of the day; nothing new, no report."""
        since, today = self._reported_at[account.number], account.booking_date(now)
        mine = [entry for entry in self.ledger.entries if entry.account is account]
        new = [entry for entry in mine if (entry.number, entry.booked_at is not None) not in self._reported]
        if not new:
            return
        self._reported_at[account.number] = now
        self._reported.update((entry.number, entry.booked_at is not None) for entry in new)
        of_today = [entry for entry in mine if entry.booking_date in (None, today)]
        balance = ("ITBD", self.ledger.balance_before(account, today + timedelta(days=1)), today)
        period = (account.instant(account.local(now).date(), time()) if account.cumulative else since, now)
        told, ident = self._frozen(of_today if account.cumulative else new), self._ident("052")
        self._write(camt.Message("052", account, ident, ident, now, period, told, None, [balance]), now)

    def _notify(self, entry: Entry, now: datetime) -> None:
        """camt.054: one credit, shortly after it was booked."""
        assert entry.booked_at is not None
        period, ident = (entry.booked_at, now), self._ident("054")
        self._write(camt.Message("054", entry.account, ident, ident, now, period, self._frozen([entry])), now)

    def _state(self, account: AccountSettings, now: datetime) -> None:
        """camt.053 of yesterday, if that was a business day; a day without entries has its statement too."""
        day = account.local(now).date() - timedelta(days=1)
        if not account.is_business_day(day):
            return
        self._sequence[account.number] += 1
        entries = self.ledger.booked_on(account, day)
        fault = next((f for f in self.settings.statement_faults if (f.account, f.day) == (account.number, day)), None)
        whole = self._statement(account, day, entries, now)
        self._statements[account.number, day] = whole
        kind = fault.kind if fault else ""
        if kind != "missing":
            at_first = _FIRST_TOLD.get(kind)
            self._write(self._statement(account, day, at_first(entries), now) if at_first else whole, now)
        if fault and (kind != "missing" or fault.later is not None):
            again = now + (fault.later or timedelta(hours=2))
            self._agenda.at(again, lambda at: self._write(self._again(whole, kind, at), at))

    def _again(self, statement: camt.Message, kind: str, at: datetime) -> camt.Message:
        """What is sent later: the very same bytes, or the statement made anew, where it was told before as another."""
        if kind == "repeated":
            return statement
        ident = statement.ident if kind == "missing" else self._ident("053")
        return replace(statement, ident=ident, created=at)

    def _statement(self, account: AccountSettings, day: date, entries: Sequence[Entry], now: datetime) -> camt.Message:
        opening, sequence = self.ledger.balance_before(account, day), self._sequence[account.number]
        closing = opening + sum(entry.signed_minor for entry in entries)
        document = f"{account.number[-10:]}-{day:%Y%m%d}-{sequence:05d}-{len(entries)}"
        period = (account.instant(day, time()), account.instant(day, time(23, 59, 59)))
        balances = [("OPBD", opening, day), ("CLBD", closing, day), ("CLAV", closing, day)]
        ident = self._ident("053")
        return camt.Message("053", account, ident, document, now, period, list(entries), sequence, balances)

    def _frozen(self, entries: Iterable[Entry]) -> list[Entry]:
        """An entry that is pending now may be booked later: a message keeps it as it is at this moment."""
        return [replace(entry) for entry in entries]

    def _ident(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{self.settings.name.upper()}-{kind}-{self._counts[kind]:06d}"

    def _write(self, message: camt.Message, now: datetime) -> None:
        """Put a file into the folder: whole and renamed into place, or in two steps where the fault plan says so."""
        content = camt.write(message)
        self._counts["all"] += 1
        name = f"camt{message.kind}_{message.account.number}_{now:%Y%m%dT%H%M%S}_{self._counts['all']:05d}.xml"
        told = {"file": name, "message": message.ident, "document": message.document, "at": now.isoformat()}
        self._written.append(
            told | {"kind": message.kind, "sequence": message.sequence, "entries": [e.number for e in message.entries]}
        )
        halved = self.plan.halving(name)
        folder = self.settings.name
        if halved is None:
            self._steps.append(FileStep(folder, f"{name}.part", content, now, rename_to=name))
            return
        share, rest_seconds, in_place = halved
        cut, rest = int(len(content) * share), now + timedelta(seconds=rest_seconds)
        first = name if in_place else f"{name}.part"
        self._steps.append(FileStep(folder, first, content[:cut], now))
        self._agenda.at(
            rest, lambda at: self._steps.append(FileStep(folder, first, content[cut:], at, "" if in_place else name))
        )

    # Time, outbox, books

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        """This bank speaks in files only."""
        self.tick(now)
        return WireReply(404, {"content-type": "text/plain"}, f"no such page: {request.path}".encode())

    def changes_books(self, request: WireRequest) -> bool:
        """No request does."""
        return request.path == ""

    def tick(self, now: datetime) -> None:
        """Book what was pending, produce what is due."""
        self._agenda.run(now)

    def next_due(self) -> datetime | None:
        """The next booking, report, notification, statement or rest of a file."""
        return self._agenda.next_due()

    def take_files(self) -> list[FileStep]:
        """Steps to carry out in the folder, in order."""
        taken, self._steps = self._steps, []
        return taken

    def books(self) -> dict[str, Any]:
        """Every account with its entries and every file that told of them. Amounts are ISO minor units."""
        return {
            "kind": "bank",
            "name": self.settings.name,
            "accounts": [self._account_books(account) for account in self.settings.accounts],
            "files": self._written,
        }

    def _account_books(self, account: AccountSettings) -> dict[str, Any]:
        entries = [entry for entry in self.ledger.entries if entry.account is account]
        return {
            "number": account.number,
            "currency": account.currency,
            "opening_minor": account.opening_minor,
            "balance_minor": account.opening_minor + sum(e.signed_minor for e in entries if e.booked_at),
            "entries": [
                {
                    "entry": entry.number,
                    "amount_minor": entry.signed_minor,
                    "booking_date": entry.booking_date and entry.booking_date.isoformat(),
                    "references": sorted({entry.reference("054"), entry.reference("053")}),
                    "end_to_end": [transfer.end_to_end for transfer in entry.transfers],
                    "text": entry.text,
                }
                for entry in entries
            ],
        }
