"""The bank at work: acts become entries, entries become files, and some files come late, twice or in halves."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from nostro.sandbox.agenda import Agenda
from nostro.sandbox.bank import camt
from nostro.sandbox.bank.ledger import AccountSettings, BankLedger, Entry, Transfer
from nostro.sandbox.entropy import chance
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.wire import FileStep, WireReply, WireRequest

_CREDIT = {"EUR": ("PMNT", "RCDT", "ESCT"), "CHF": ("PMNT", "RCDT", "DMCT"), "USD": ("PMNT", "RCDT", "ACDT")}
_OTHER_CREDIT = ("PMNT", "RCDT", "XBCT")
_RETURN = ("PMNT", "RCDT", "RRTN")
_CHARGE = ("PMNT", "RCDT", "CHRG")
_COLLECTED = ("PMNT", "RDDT", "ESDD")


@dataclass(frozen=True, slots=True)
class StatementFault:
    """What goes wrong with the camt.053 of one account and business day.

    `missing`: it never comes, or `later` after its time. `doubled`: it comes again under another message id.
    `repeated`: the same bytes again under another file name. `restated`: the first lacks its last entry, a corrected
    one with the same sequence number follows.
    """

    account: str
    day: date
    kind: str
    later: timedelta | None = None


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
        code = _CREDIT.get(account.currency, _OTHER_CREDIT)
        text = "CREDIT TRANSFER" if len(transfers) == 1 else f"COLLECTIVE CREDIT OF {len(transfers)} TRANSFERS"
        pending = timedelta(minutes=op.get("pending_minutes", 0))
        return self._enter(
            account, transfers, code, text, now, credit=True, pending=pending, bare=op.get("bare", False)
        )

    def _debit(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """Somebody collects from our account, as a PSP does with a negative balance."""
        account = self.ledger.accounts[op["account"]]
        return self._enter(account, [self._transfer(op)], _COLLECTED, "DIRECT DEBIT", now, credit=False)

    def _return(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """A credit is taken back (a recall, a returned debit); with `charge` the bank takes that much for it."""
        original = self._entry(op["entry"])
        transfers = [replace(transfer, return_reason=op.get("reason", "AC04")) for transfer in original.transfers]
        entry = self._enter(original.account, transfers, _RETURN, "RETURN OF CREDIT", now, credit=not original.credit)
        if op.get("charge"):
            self._charge({"account": original.account.number, "amount": op["charge"], "text": "RETURN CHARGE"}, now)
        return entry

    def _charge(self, op: Mapping[str, Any], now: datetime) -> Entry:
        account = self.ledger.accounts[op["account"]]
        transfers = [Transfer(op["amount"])]
        return self._enter(account, transfers, _CHARGE, op.get("text", "ACCOUNT CHARGE"), now, credit=False)

    def _vanish(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """A pending entry is never booked."""
        entry = self._entry(op["entry"])
        assert entry.booked_at is None, f"entry {entry.number} was booked and can't vanish by {now}"
        self.ledger.entries.remove(entry)
        return entry

    def _resend(self, op: Mapping[str, Any], now: datetime) -> Entry:
        """The bank sends a statement once more, because somebody asked."""
        statement = self._statements[op["account"], date.fromisoformat(op["day"])]
        again = replace(statement, ident=self._ident("053"), created=now)
        self._write(again, now)
        return again.entries[-1] if again.entries else self.ledger.entries[-1]

    def _enter(  # noqa: PLR0913 - an entry has this many sides, and all are named
        self,
        account: AccountSettings,
        transfers: Sequence[Transfer],
        code: tuple[str, str, str],
        text: str,
        now: datetime,
        *,
        credit: bool,
        pending: timedelta = timedelta(0),
        bare: bool = False,
    ) -> Entry:
        self._counts["entries"] += 1
        entry = Entry(self._counts["entries"], account, credit, tuple(transfers), code, text, now, bare=bare)
        self.ledger.enter(entry)
        self._agenda.at(now + pending, lambda at: self._book(entry, at))
        self._agenda.run(now)
        return entry

    def _book(self, entry: Entry, now: datetime) -> None:
        if entry not in self.ledger.entries:
            return
        self.ledger.book(entry, now)
        if entry.credit:
            soon = timedelta(
                seconds=chance(self.settings.seed, self.settings.name, "054", entry.number).randrange(5, 90)
            )
            self._agenda.at(now + soon, lambda at: self._notify(entry, at))

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
        first, last = account.reports_from_to
        if account.is_business_day(day):
            for hour in range(first, last + 1):
                self._produce(account, account.instant(day, time(hour)), after, self._report)
        self._produce(account, account.instant(day, account.statement_at), after, self._state)
        tomorrow = day + timedelta(days=1)
        self._agenda.at(account.instant(tomorrow, time()), lambda at: self._plan_day(account, tomorrow, at))

    def _produce(
        self,
        account: AccountSettings,
        due: datetime,
        after: datetime,
        produce: Callable[[AccountSettings, datetime], None],
    ) -> None:
        if due > after:
            self._agenda.at(due, lambda at: produce(account, at))

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
        balance = self.ledger.balance_before(account, today + timedelta(days=1))
        period = (account.instant(account.local(now).date(), time()) if account.cumulative else since, now)
        self._tell("052", account, now, period, of_today if account.cumulative else new, [("ITBD", balance, today)])

    def _notify(self, entry: Entry, now: datetime) -> None:
        """camt.054: one credit, shortly after it was booked."""
        assert entry.booked_at is not None
        self._tell("054", entry.account, now, (entry.booked_at, now), [entry], [])

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
        later = now + (fault.later or timedelta(hours=2)) if fault else now
        match fault.kind if fault else "":
            case "missing":
                if fault is not None and fault.later is not None:
                    self._agenda.at(later, lambda at: self._write(replace(whole, created=at), at))
            case "doubled":
                self._write(whole, now)
                self._agenda.at(later, lambda at: self._write(replace(whole, ident=self._ident("053"), created=at), at))
            case "repeated":
                self._write(whole, now)
                self._agenda.at(later, lambda at: self._write(whole, at))
            case "restated":
                self._write(self._statement(account, day, entries[:-1], now), now)
                self._agenda.at(later, lambda at: self._write(replace(whole, ident=self._ident("053"), created=at), at))
            case _:
                self._write(whole, now)

    def _statement(self, account: AccountSettings, day: date, entries: Sequence[Entry], now: datetime) -> camt.Message:
        opening = self.ledger.balance_before(account, day)
        closing = opening + sum(entry.signed_minor for entry in entries)
        sequence = self._sequence[account.number]
        return camt.Message(
            kind="053",
            account=account,
            ident=self._ident("053"),
            document=f"{account.number[-10:]}-{day:%Y%m%d}-{sequence:05d}-{len(entries)}",
            created=now,
            period=(account.instant(day, time()), account.instant(day, time(23, 59, 59))),
            entries=list(entries),
            sequence=sequence,
            balances=[("OPBD", opening, day), ("CLBD", closing, day), ("CLAV", closing, day)],
        )

    def _tell(
        self,
        kind: str,
        account: AccountSettings,
        now: datetime,
        period: tuple[datetime, datetime],
        entries: Sequence[Entry],
        balances: Sequence[tuple[str, int, date]],
    ) -> None:
        ident = self._ident(kind)
        # An entry that is pending now may be booked later: the message keeps it as it is at this moment.
        frozen = [replace(entry) for entry in entries]
        self._write(camt.Message(kind, account, ident, ident, now, period, frozen, None, balances), now)

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
