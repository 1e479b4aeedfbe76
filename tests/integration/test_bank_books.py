"""A bank with books of its own tells two days in files; read in any order, our movements are its booked entries."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from nostro.connectors.bank_files.manifest import CONNECTOR, BankFilesConfig, Profile
from nostro.connectors.kit.reading import ReadItem, ReceiptView, RejectItem
from nostro.model.entities import HouseBankAccount
from nostro.model.facts import EntryReported
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.sandbox import bank as outside
from nostro.sandbox.faults import FaultPlan
from tests.movements import Bank, banking_entity
from tests.stories import SmallRules

OPENED = datetime(2026, 8, 31, 4, tzinfo=UTC)
CLOSED = datetime(2026, 9, 2, 12, tzinfo=UTC)
TOMORROW = date(2026, 9, 2)
"""The first day that no statement has told yet when the story ends."""
DELTA = outside.AccountSettings("DE89370400440532013000", "EUR", "Entity DE", "COBADEFFXXX", "Europe/Berlin", 100_000)
OWN = outside.AccountSettings(
    "CH9300762011623852957", "CHF", "Entity CH", "UBSWCHZH80A", "Europe/Zurich", cumulative=True, own_references=True
)
PLAIN = outside.AccountSettings("000123456789", "USD", "Entity US", "CHASUS33XXX", "America/New_York")
PROFILES = {
    "delta": Profile(intraday="delta", references="shared"),
    "own": Profile(intraday="cumulative", references="own"),
    "default": Profile(),
}


def two_days(chance: Random) -> outside.Bank:
    """Everything that the bank can do to an account, at random times; its files are still to be taken."""
    faults = tuple(
        outside.StatementFault(account.number, date(2026, 8, 31), kind, timedelta(hours=2))
        for account, kind in zip((DELTA, OWN, PLAIN), ("doubled", "restated", "repeated"), strict=True)
    )
    settings = outside.BankSettings("main", (DELTA, OWN, PLAIN), seed=chance.randrange(1000), statement_faults=faults)
    bank = outside.Bank(settings, FaultPlan(seed=1), OPENED)
    times = sorted(chance.randrange(60, 60 * 40) for _ in range(40))
    for minutes in times:
        _act(bank, chance, OPENED + timedelta(minutes=minutes))
    return bank


def _act(bank: outside.Bank, chance: Random, now: datetime) -> None:
    account = chance.choice((DELTA, OWN, PLAIN))
    op: dict[str, Any] = {"act": chance.choice(["credit"] * 6 + ["debit", "charge"]), "account": account.number}
    op["amount"] = chance.choice((300, 300, 12_500, chance.randrange(100, 90_000)))
    if op["act"] == "credit":
        op |= chance.choice(({"bare": True, "remittance": "KANTINE"}, {"name": "Customer 007", "remittance": "INV/7"}))
        op |= chance.choice(({}, {"end_to_end": f"E-{chance.randrange(3)}"}, {"pending_minutes": 90}))
    bank.apply(op, now)
    last = bank.ledger.entries[-1]
    if last.booked_at and last.credit and chance.random() < 0.2:
        bank.apply({"act": "return", "entry": last.number, "charge": 350}, now)


def files_of(bank: outside.Bank) -> list[bytes]:
    while (due := bank.next_due()) is not None and due <= CLOSED:
        bank.tick(due)
    return [step.content for step in bank.take_files()]


def reading(content: bytes, house: Bank) -> list[EntryReported]:
    receipt = ReceiptView(
        id="r", connection="bank", kind="file", name="f", received_at=CLOSED, chunks=lambda: iter([content]),
        config=BankFilesConfig(folder="in", profiles=PROFILES), entities=(house.rules.of,),
    )  # fmt: skip
    items = list(CONNECTOR.read(receipt))
    assert not any(isinstance(item, RejectItem) for item in items)
    bodies = [body for item in items if isinstance(item, ReadItem) for body in item.facts]
    return [body for body in bodies if isinstance(body, EntryReported)]


def house_with_accounts() -> Bank:
    accounts = tuple(
        HouseBankAccount(
            id=profile,
            identification=told.number,
            currency=told.currency,
            connection="bank",
            odoo_journal=7,
            profile=profile,
        )
        for told, profile in ((DELTA, "delta"), (OWN, "own"), (PLAIN, "default"))
    )
    return Bank(rules=SmallRules(of=banking_entity().model_copy(update={"bank_accounts": accounts})))


@pytest.mark.parametrize("seed", range(20))
def test_our_movements_are_the_bank_s_booked_entries_in_whatever_order_its_files_are_read(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a seed that is told makes a failure repeatable
    bank, house = two_days(chance), house_with_accounts()
    files = files_of(bank)
    if seed % 2:
        chance.shuffle(files)
    for content in files:
        house.tell(*reading(content, house))
    house.wait()
    house.answer()
    names = {DELTA.number: "delta", OWN.number: "own", PLAIN.number: "default"}
    theirs = Counter(
        (names[entry.account.number], entry.signed_minor)
        for entry in bank.ledger.entries
        if entry.booking_date and entry.booking_date < TOMORROW
    )
    states = [instance.data for instance in house.instances.values()]
    ours = Counter(
        (one.account, one.total.minor if one.direction == "credit" else -one.total.minor)
        for one in states
        if isinstance(one, MovementState) and one.counts and (one.booked_on or date.max) < TOMORROW
    )
    assert ours == theirs
    assert all(one.stated or (one.booked_on or date.max) >= TOMORROW for one in house.movements())
