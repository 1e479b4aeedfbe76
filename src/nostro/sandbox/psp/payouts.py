"""From the balance to the bank account: the daily payouts, and reserves.

Sources: Stripe documentation, pages "Receive payouts", "Payout reconciliation", "Trace IDs"; API changelog of
2026-01-28.clover, "Monitor reserve activity on balance transactions"; support page "Negative balances in Stripe:
handling by country". That `?payout=` also lists the payout's own line is seen in airbytehq/airbyte#46499.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from nostro.sandbox.agenda import Agenda
from nostro.sandbox.currencies import iso_minor
from nostro.sandbox.entropy import token
from nostro.sandbox.psp import shapes
from nostro.sandbox.psp.events import EventLog
from nostro.sandbox.psp.ledger import Ledger, Settled, midnight, next_business_time
from nostro.sandbox.psp.settings import PspSettings, business_days_after, stamp
from nostro.sandbox.psp.shapes import Thing

PAYOUT_TIME, ARRIVAL_TIME = time(1, 30), time(7, 10)
"""UTC; on business days."""


@dataclass(frozen=True, slots=True)
class Wire:
    """Money that the account sends to its owner's bank account; a negative amount is collected from it.

    The currency is upper case and its minor units are ISO's, as it leaves Stripe's world here.
    """

    account: str
    amount_minor: int
    currency: str
    end_to_end: str
    text: str
    payout: str


class Payouts:
    """All payouts and reserves of one account, and the wires that the world has yet to carry to a bank."""

    def __init__(self, settings: PspSettings, ledger: Ledger, events: EventLog) -> None:
        self.payouts: dict[str, Thing] = {}
        self.reserves: dict[str, Thing] = {}
        self.wires: list[Wire] = []
        self._settings = settings
        self._ledger = ledger
        self._events = events
        self._agenda = Agenda()
        self._made: Counter[str] = Counter()

    def begin(self, now: datetime) -> None:
        """Start the daily schedule."""
        self._agenda.at(next_business_time(now, PAYOUT_TIME), self._pay_out_daily)

    def tick(self, now: datetime) -> None:
        """Make the payouts, arrivals and releases that are due."""
        self._agenda.run(now)

    def next_due(self) -> datetime | None:
        """When the next payout, arrival or release is due."""
        return self._agenda.next_due()

    # Payouts

    def _pay_out_daily(self, now: datetime) -> None:
        self._agenda.at(next_business_time(now, PAYOUT_TIME), self._pay_out_daily)
        self._ledger.mature(now)
        for currency in dict.fromkeys((self._settings.currency, *self._settings.bank_accounts)):
            lines = self._ledger.unpaid(currency)
            minor = sum(line["net"] for line in lines)
            if minor > 0 or (minor < 0 and self._settings.debits_negative_balance):
                payout = self._pay_out(minor, currency, now)
                for line in (*lines, self._ledger.line(payout["balance_transaction"])):
                    self._ledger.paid_out_by[line["id"]] = payout["id"]

    def _pay_out(self, minor: int, currency: str, now: datetime) -> Thing:
        self._made[currency] += 1
        arrival = business_days_after(now.date(), self._settings.arrival_days)
        ident = self._settings.ident("po", currency, self._made[currency], now.date())
        payout = shapes.payout(ident, minor, currency, stamp(now), arrival=stamp(midnight(arrival)))
        self.payouts[ident] = payout
        payout["balance_transaction"] = self._ledger.book("payout", payout, Settled(-minor, currency, None), now)["id"]
        self._events.emit("payout.created", payout, now)
        self._agenda.at(now + timedelta(minutes=35), lambda at: self._reconciled(payout, at))
        arrives = datetime.combine(arrival, ARRIVAL_TIME, now.tzinfo)
        self._agenda.at(max(arrives, now + timedelta(minutes=45)), lambda at: self._arrive(payout, at))
        return payout

    def _reconciled(self, payout: Thing, now: datetime) -> None:
        payout["reconciliation_status"] = "completed"
        self._events.emit("payout.reconciliation_completed", payout, now)

    def _arrive(self, payout: Thing, now: datetime) -> None:
        payout["status"] = "paid"
        self._events.emit("payout.paid", payout, now)
        end_to_end = f"STRIPE{token(16, self._settings.seed, 'trace', payout['id']).upper()}"
        trace = {"status": "supported", "value": end_to_end}
        self._agenda.at(now + timedelta(minutes=20), lambda at: self._traced(payout, trace, at))
        currency = payout["currency"]
        account = self._settings.bank_accounts.get(currency, "")
        amount = iso_minor(payout["amount"], currency)
        self.wires.append(Wire(account, amount, currency.upper(), end_to_end, "STRIPE PAYOUT", payout["id"]))

    def _traced(self, payout: Thing, trace: Thing, now: datetime) -> None:
        payout["trace_id"] = trace
        self._events.emit("payout.updated", payout, now, {"trace_id": {"status": "pending", "value": None}})

    # Reserves

    def hold(self, minor: int, currency: str, days: float, now: datetime) -> Thing:
        """Stripe keeps a part of the balance back until a date.

        Two legs, told apart by `balance_type`: out of the payments balance, into the reserved one. A reader that adds
        up lines without looking at it counts the reserve as nothing; one that takes the first leg alone, as lost.
        """
        self._made["reshold"] += 1
        ident = self._settings.ident("reshold", currency, self._made["reshold"])
        release = now + timedelta(days=days)
        hold = shapes.reserve_hold(ident, minor, currency, stamp(now), stamp(release))
        self.reserves[ident] = hold
        self._move_reserve("reserve_hold", hold, minor, now)
        self._agenda.at(release, lambda at: self._release(hold, at))
        return hold

    def _release(self, hold: Thing, now: datetime) -> None:
        release = shapes.reserve_release(self._settings.ident("resrel", hold["id"]), hold, stamp(now))
        hold |= {"amount_releasable": 0, "is_releasable": False}
        self.reserves[release["id"]] = release
        self._move_reserve("reserve_release", release, -hold["amount"], now)

    def _move_reserve(self, kind: str, source: Thing, minor: int, now: datetime) -> None:
        self._ledger.book(kind, source, Settled(-minor, source["currency"], None), now)
        other = self._ledger.book(kind, source, Settled(minor, source["currency"], None), now)
        other["balance_type"] = "risk_reserved"
