"""One credit, told by camt.052, camt.054, MT942, an API and camt.053: one bank movement, known ever better."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from nostro.connectors.bank_files.entries import Document
from nostro.model.facts import EntryReported
from nostro.model.facts.bank import EntryPart
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import Entry, References, Source, StatementHead
from nostro.processes.bank_movement import PROCESS
from nostro.processes.bank_movement.v1.identity import identity
from tests.movements import Bank, banking_entity, eur, report
from tests.stories import fact
from tests.unit.test_bank_files import read, reports
from tests.unit.test_camt import document

SERVICER, END_TO_END = "2026083100017", "E2E-00017"
PAYER = "FR1420041010050500013M02606"
PLAIN = (
    '<Ntry><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>{booked}'
    f"<ValDt><Dt>2026-08-31</Dt></ValDt><AcctSvcrRef>{SERVICER}</AcctSvcrRef>{{details}}</Ntry>"
)
BOOKED = "<BookgDt><Dt>2026-08-31</Dt></BookgDt>"
REFS = f"<Refs><EndToEndId>{END_TO_END}</EndToEndId></Refs>"
DETAILS = (
    f"<NtryDtls><TxDtls>{REFS}<RltdPties><Dbtr><Nm>Customer 017</Nm></Dbtr><DbtrAcct><Id><IBAN>{PAYER}</IBAN></Id>"
    "</DbtrAcct></RltdPties><RmtInf><Ustrd>INV/2026/00012</Ustrd></RmtInf></TxDtls></NtryDtls>"
)
MT942 = f""":20:INTERIM
:25:DE89370400440532013000
:28C:00244/001
:34F:EUR0,
:13D:2608311200+0200
:61:2608310831C100,00NTRF{END_TO_END}//{SERVICER}
:86:166?00GUTSCHRIFT?20EREF+{END_TO_END}?21SVWZ+INV/2026/00012?31{PAYER}?32CUSTOMER 017
:90C:1EUR100,00
-
"""


def camt(message: str, *, pending: bool = False, details: str = "") -> bytes:
    entry = PLAIN.format(status="PDNG" if pending else "BOOK", booked="" if pending else BOOKED, details=details)
    names = {"052": ("BkToCstmrAcctRpt", "Rpt"), "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}
    told = document(entry).decode()
    if message in names:
        root, inner = names[message]
        told = told.replace("BkToCstmrStmt", root).replace("Stmt>", f"{inner}>").replace("camt.053", f"camt.{message}")
    return told.encode()


def api() -> EntryReported:
    """What a bank's API says of a booked transaction, put into the same words by whoever reads it."""
    account = banking_entity().bank_accounts[0]
    source = Source(where="/transactions[1]")
    head = StatementHead(
        kind="report", statement_id="page-1", bank_account=BankAccount(iban=account.identification), source=source
    )
    return Document(account=account, head=head, statement_id="page-1").report(
        Entry(
            amount=Amount(value=Decimal("100.00"), currency="EUR"),
            direction="credit",
            state="booked",
            booking_date=date(2026, 8, 31),
            value_date=date(2026, 8, 31),
            references=References(account_servicer=SERVICER, end_to_end=END_TO_END),
            counterparty=Party(name="Customer 017"),
            counterparty_account=BankAccount(iban=PAYER),
            remittance=("INV/2026/00012",),
            source=source,
        )
    )


def tellings() -> dict[str, EntryReported]:
    files = {
        "camt.052": camt("052", pending=True),
        "camt.054": camt("054", details=DETAILS),
        "MT942": MT942.encode(),
        "camt.053": camt("053"),
    }
    told = {name: reports(read(content)) for name, content in files.items()}
    assert {name: len(found) for name, found in told.items()} == dict.fromkeys(files, 1)
    return {**{name: found[0] for name, found in told.items()}, "API": api()}


ORDERS = list(permutations(tellings()))


@pytest.mark.parametrize("order", ORDERS[::7], ids="-".join)
def test_five_tellings_in_whatever_order_are_one_movement(order: tuple[str, ...]) -> None:
    told, bank = tellings(), Bank()
    for name in order:
        bank.tell(told[name])
        bank.wait()
        bank.answer()
    [movement] = bank.movements()
    assert movement.amount == eur("100.00")
    assert len([key for key in bank.commands if "/book" in key]) == 1
    assert bank.balance() == eur("100.00").minor
    assert bank.proof().holds, bank.story()


def test_a_person_finds_a_collective_entry_by_each_of_its_payments_and_no_report_does() -> None:
    parts = [EntryPart(amount=eur("50.00"), end_to_end=name) for name in ("E2E-1", "E2E-2")]
    named = [one for one in PROCESS.registers(fact(report(parts=parts))) if one.kind == "part"]
    assert [one.value for one in named] == ["E2E-1", "E2E-2"]
    single = report(direction="debit", document="S2", end_to_end="E2E-1")
    asked = (*PROCESS.correlates(fact(single)), *identity("DE", single))
    assert asked
    assert "part" not in {one.kind for one in asked}
