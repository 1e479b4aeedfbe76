"""What has to be in the house's books, read from the books of the outside: the yardstick for lost and doubled.

The outside is the truth here. An invoice's intention comes from the scenario (who meant to pay what); entries, fees
and payouts come from the systems themselves, since rates and payout totals are made while the world runs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nostro.sandbox.currencies import iso_minor
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import ENTITIES
from nostro.sandbox.world import World

TOLD_OF_INVOICES = (
    *("invoice", "entity", "partner", "currency", "total_minor", "paid_minor", "returned_minor"),
    *("cleared_minor", "surplus_minor", "open_minor"),
)


def intended(scenario: Scenario, world: World) -> dict[str, Any]:
    """All that has to be booked, by business id. Amounts are ISO minor units."""
    systems = world.books()["systems"]
    psps = {path: books for path, books in systems.items() if books.get("kind") == "psp"}
    banks = {path: books for path, books in systems.items() if books.get("kind") == "bank"}
    return {
        "invoices": _invoices(scenario, world),
        "payments": _payments(scenario, world, _days(psps)),
        "days": {ident: days for path, books in psps.items() for ident, days in _days_of(path, books)},
        "movements": [movement for path, books in banks.items() for movement in _movements(path, books)],
        "fees": [fee for path, books in psps.items() for fee in _fees(path, books)],
        "payouts": [_of_psp(path, payout) for path, books in psps.items() for payout in books["payouts"]],
        "refunds": [_of_psp(path, refund) for path, books in psps.items() for refund in books["refunds"]],
        "disputes": [_of_psp(path, dispute) for path, books in psps.items() for dispute in books["disputes"]],
    }


def _invoices(scenario: Scenario, world: World) -> list[dict[str, Any]]:
    """Invoices that were posted by now, with what has to stay paid of each in the end."""
    return [
        {
            "number": world.results[key]["name"],
            "odoo_id": world.results[key]["id"],
            **{name: getattr(expected, name) for name in TOLD_OF_INVOICES},
        }
        for key, expected in scenario.expected.items()
        if key in world.results
    ]


def _days(psps: dict[str, dict[str, Any]]) -> dict[str, str]:
    """By payment intent: the day of its charge on the clocks of its company."""
    return {
        charge["payment_intent"]: _day(path, charge["created"])
        for path, books in psps.items()
        for charge in books["charges"]
    }


def _days_of(path: str, books: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The days on which entries about refunds, disputes and payouts may stand: those on which their money moved."""
    for payout in books["payouts"]:
        yield payout["id"], [datetime.fromtimestamp(payout["arrival_date"], UTC).date().isoformat()]
    lines = {line["id"]: line["created"] for line in books["balance_transactions"]}
    for refund in books["refunds"]:
        moved = (refund["balance_transaction"], refund.get("failure_balance_transaction"))
        yield refund["id"], [_day(path, lines[line]) for line in moved if line]
    for dispute in books["disputes"]:
        yield dispute["id"], [_day(path, line["created"]) for line in dispute["balance_transactions"]]


def _day(path: str, seconds: int) -> str:
    """The day of an instant on the clocks of the company that has this account."""
    account = next(entity.account for entity in ENTITIES if entity.psp_path == path)
    return account.local(datetime.fromtimestamp(seconds, UTC)).date().isoformat()


def _payments(scenario: Scenario, world: World, days: dict[str, str]) -> list[dict[str, Any]]:
    """Payments that were made by now: each has to be booked once, a card's on its day."""
    made = []
    for act, (invoice, minor, kind) in scenario.payments.items():
        result = world.results.get(act) or world.results.get(act.removesuffix(f"/{invoice}"))
        if result is not None:
            currency = scenario.expected[invoice].currency
            told = {"payment": act, "invoice": invoice, "kind": kind, "amount_minor": minor, "currency": currency}
            outside = result["id"] if kind == "card" else result["servicer_reference"]
            made.append(told | {"outside_id": outside, "paid_on": days.get(outside)})
    return made


def _movements(path: str, books: dict[str, Any]) -> list[dict[str, Any]]:
    """Booked entries: each has to be one statement line."""
    return [
        {"bank": path, "account": account["number"], "currency": account["currency"], **entry}
        for account in books["accounts"]
        for entry in account["entries"]
        if entry["booking_date"] is not None
    ]


def _fees(path: str, books: dict[str, Any]) -> list[dict[str, Any]]:
    """Fees that the PSP kept, by balance transaction."""
    return [
        {
            "psp": path,
            "line": line["id"],
            "source": line["source"],
            "currency": line["currency"].upper(),
            "fee_minor": iso_minor(line["fee"], line["currency"]),
            "payout": line["payout"],
        }
        for line in books["balance_transactions"]
        if line["fee"]
    ]


def _of_psp(path: str, thing: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "status", "payment_intent", "charge", "arrival_date")
    amount = iso_minor(thing["amount"], thing["currency"])
    told = {"psp": path, "amount_minor": amount, "currency": thing["currency"].upper()}
    return told | {key: thing[key] for key in kept if key in thing}
