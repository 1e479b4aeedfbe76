"""`write`: payment files from payments, validated against their schema, beside sepaxml, in seconds of processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bench.parse import FULL_SECONDS, best
from bench.report import Note, Parameters, Report, surroundings
from nostro.formats.iso20022.write.batches import Initiation
from nostro.formats.iso20022.write.credit_transfers import write_pain001
from nostro.formats.iso20022.write.schema import validated
from nostro.formats.profiles import profile
from nostro.model.messages import Instruction
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import References, Source

PAYMENTS = 100_000
RIVALS_PAYMENTS = 2_000
"""sepaxml's time a payment is the same for few and for many, and it holds all of them as a tree."""
VERSION = "pain.001.001.09"
DAY = date(2026, 11, 30)
OURS = BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX")
COMPANY = Party(name="Company 1")


def write(parameters: Parameters, note: Note) -> Iterator[Report]:
    """pain.001 of 100,000 payments."""
    count = int(PAYMENTS * min(1.0, parameters.seconds / FULL_SECONDS))
    report = Report("write pain.001", "payments/s", context=surroundings(parameters, ("sepaxml", "lxml")))
    note(f"pain.001: {count} payments of ours, {RIVALS_PAYMENTS} of sepaxml's in each turn, both validated")
    payments = [_payment(number) for number in range(count)]
    rates = best({"ours": lambda: _ours(payments), "sepaxml": _sepaxml}, parameters.seconds)
    report.ours = rates.pop("ours")
    report.baselines = rates
    report.limit("times sepaxml", report.ours / rates["sepaxml"], 5, at_least=True)
    yield report


def _payment(number: int) -> Instruction:
    return Instruction(
        amount=Amount(value=Decimal(number % 900_00 + 100) / 100, currency="EUR"),
        references=References(end_to_end=f"E2E-{number:09}"),
        execution_date=DAY,
        debtor=COMPANY,
        debtor_account=OURS,
        creditor=Party(name=f"Supplier {number:06}"),
        creditor_account=BankAccount(iban="FR1420041010050500013M02606", bic="PSSTFRPPXXX"),
        remittance=(f"Invoice INV/2026/{number:06}",),
        source=Source(where=""),
    )


def _ours(payments: Sequence[Instruction]) -> int:
    letter = Initiation(message_id="M1", created_at=datetime(2026, 11, 27, 10, tzinfo=UTC), initiating_party=COMPANY)
    pieces = validated(write_pain001(payments, letter, profile("sepa"), VERSION), VERSION)
    assert sum(map(len, pieces))
    return len(payments)


def _sepaxml() -> int:
    from sepaxml import SepaTransfer  # type: ignore[import-untyped]  # noqa: PLC0415 - only this bench's rival

    ours = {"name": "Company 1", "IBAN": OURS.iban, "BIC": OURS.bic, "batch": True, "currency": "EUR"}
    made: Any = SepaTransfer(ours, schema=VERSION, clean=False)
    for number in range(RIVALS_PAYMENTS):
        made.add_payment(
            {
                "name": f"Supplier {number:06}",
                "IBAN": "FR1420041010050500013M02606",
                "BIC": "PSSTFRPPXXX",
                "amount": number % 900_00 + 100,
                "execution_date": DAY,
                "description": f"Invoice INV/2026/{number:06}",
                "endtoend_id": f"E2E-{number:09}",
            }
        )
    assert made.export(validate=True)
    return RIVALS_PAYMENTS
