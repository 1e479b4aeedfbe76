"""Every camt file at hand is read, or located as broken where its name says so, and says what its truth says."""

from __future__ import annotations

import ast
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nostro.connectors.bank_files.manifest import CONNECTOR, BankFilesConfig
from nostro.connectors.kit.reading import IgnoredItem, ReadItem, ReceiptView, RejectItem
from nostro.formats.iso20022.camt import CamtItem, read_camt
from nostro.model.entities import HouseBankAccount
from nostro.model.facts import EntryReported, StatementListed, StatementReceived
from nostro.model.failures import FormatRefused
from nostro.model.money import exponent
from nostro.model.statements import Detail, Entry, Reject, StatementEnd, StatementHead
from tests.unit.test_bank_files import entity

KINDS = {"camt.052": "report", "camt.053": "statement", "camt.054": "notification"}
EMPTY = frozenset({"valid_namespace.xml", "invalid_namespace.xml"})
"""Documents that hold a root element and nothing else."""
WITHOUT_STATEMENT = frozenset({"camt053.v2.wrong.xml"})


@dataclass
class Told:
    """What the reader made of one statement."""

    head: StatementHead
    entries: list[Entry] = field(default_factory=list)
    end: StatementEnd | None = None


def camt_files(shared: Path) -> Iterator[tuple[str, Path]]:
    for folder in KINDS:
        for path in sorted((shared / "data" / "bank" / "iso20022" / folder).rglob("*.xml")):
            yield folder, path


def statements(items: list[CamtItem]) -> list[Told]:
    found: list[Told] = []
    for item in items:
        if isinstance(item, StatementHead):
            found.append(Told(item))
        elif isinstance(item, Entry):
            found[-1].entries.append(item)
        elif isinstance(item, StatementEnd):
            found[-1].end = item
    return found


def read(path: Path) -> list[CamtItem]:
    return list(read_camt([path.read_bytes()]))


def test_every_file_is_read_whole_or_located_as_broken_where_its_name_says_so(shared: Path) -> None:
    files = list(camt_files(shared))
    assert len(files) == 63
    for folder, path in files:
        if path.name in EMPTY:
            with pytest.raises(FormatRefused, match=r"no camt\.052, camt\.053 or camt\.054 message"):
                read(path)
            continue
        items = read(path)
        rejects = [item for item in items if isinstance(item, Reject)]
        if path.name in WITHOUT_STATEMENT:
            assert [(r.where, r.line, r.why) for r in rejects] == [
                ("/Document/BkToCstmrStmt", 3, "the message holds no statement, report or notification")
            ]
            continue
        assert rejects == [], path
        told = statements(items)
        assert told, path
        assert {one.head.kind for one in told} == {KINDS[folder]}, path
        assert all(one.head.bank_account.identification for one in told), path
        assert all(one.end is not None and one.end.entries == len(one.entries) for one in told), path


def test_as_many_entries_are_read_as_the_files_hold(shared: Path) -> None:
    for _, path in camt_files(shared):
        if path.name not in EMPTY:
            content = path.read_bytes()
            assert sum(isinstance(item, Entry) for item in read(path)) == content.count(b"<Ntry>"), path


def test_statements_that_do_not_add_up_are_read_and_say_so(shared: Path) -> None:
    broken = {
        path.name
        for folder, path in camt_files(shared)
        if path.name not in EMPTY and folder == "camt.053"
        for one in statements(read(path))
        if one.end and any(c.name == "balance" and not c.ok and "are in" not in c.detail for c in one.end.checks)
    }
    assert broken == {
        "camt053.v2.all-balance-types.xml",
        "camt053.v2.five.decimals.xml",
        "camt.053_P_CH2909000000250094239_1110092698_0_2020112503071366.xml",
        "test-camt053.xml",
        "valid_example_with_batch.xml",
        "valid_example_with_debit.xml",
        "valid_example_with_instdamt.xml",
    }


def test_a_container_of_files_is_read_too(shared: Path) -> None:
    path = shared / "data" / "bank" / "iso20022" / "camt.053" / "oca" / "test-camt053.zip"
    with zipfile.ZipFile(path) as container:
        told = [statements(list(read_camt([container.read(name)]))) for name in container.namelist()]
    assert [[len(one.entries) for one in document] for document in told] == [[3], [3]]


def test_every_entry_becomes_a_fact_or_says_where_and_why_it_does_not(shared: Path) -> None:
    refused: Counter[str] = Counter()
    for _, path in camt_files(shared):
        if path.name in EMPTY | WITHOUT_STATEMENT:
            continue
        told = statements(read(path))
        items = list(CONNECTOR.read(receipt(path, told)))
        facts = [body for item in items if isinstance(item, ReadItem) for body in item.facts]
        reported = [body for body in facts if isinstance(body, EntryReported)]
        rejects = [item for item in items if isinstance(item, RejectItem)]
        ignored = [item for item in items if isinstance(item, IgnoredItem)]
        assert len(reported) + len(rejects) + len(ignored) == sum(len(one.entries) for one in told), path
        received = [body for body in facts if isinstance(body, StatementReceived)]
        listed = [body for body in facts if isinstance(body, StatementListed)]
        assert len(received) == len(told), path
        assert len(facts) == len(reported) + len(received) + len(listed), path
        assert len({body.natural_key() for body in facts}) == len(facts), path
        assert all(reject.where for reject in rejects), path
        refused.update(reject.why for reject in rejects)
    assert refused == {"the entry is in EUR, the bank account in CHF": 1}


def receipt(path: Path, told: list[Told]) -> ReceiptView:
    """The file, with an entity to which every bank account in it belongs."""
    numbers = {one.head.bank_account.identification: _currency(one) for one in told}
    accounts = tuple(
        HouseBankAccount(id=f"a{n}", identification=number, currency=currency, connection="bank", odoo_journal=7)
        for n, (number, currency) in enumerate(numbers.items())
    )
    house = entity().model_copy(update={"bank_accounts": accounts})
    return ReceiptView(
        id="r", connection="bank", kind="file", name=path.name, received_at=datetime(2026, 9, 1, tzinfo=UTC),
        chunks=lambda: iter([path.read_bytes()]), config=BankFilesConfig(folder="in"), entities=(house,),
    )  # fmt: skip


def _currency(one: Told) -> str:
    """The account's own, else that of its entries: some samples show balances in many currencies."""
    told = one.head.bank_account.currency or next((entry.amount.currency for entry in one.entries), "")
    return told or one.head.currency or "EUR"


# genkgo/camt: what its parser makes of each file


def truths(shared: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for _, path in camt_files(shared):
        truth = path.with_suffix(".json")
        if truth.exists():
            yield path, json.loads(truth.read_text(encoding="utf-8"))


def money(told: dict[str, Any]) -> tuple[Decimal, str]:
    """Moneyphp counts minor units of ISO 4217, signed for debits."""
    currency = told["getCurrency"]["getCode"]
    return Decimal(told["getAmount"]).scaleb(-exponent(currency)), currency


def instant(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["0"])


def same_day(truth: dict[str, Any] | None, ours: date | None) -> bool:
    """Their parser moves times with a zone into UTC; the bank's own day is what counts."""
    return ours is None if truth is None else ours is not None and abs((instant(truth).date() - ours).days) <= 1


def told_entries(truth: object, within: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every entry with its statement's id: their dump names each object once, wherever it meets it first."""
    if isinstance(truth, list):
        for one in truth:
            yield from told_entries(one, within)
    elif isinstance(truth, dict):
        kind = truth["__CLASS__"].rpartition("\\")[2]
        record = truth.get("getRecord")
        if kind == "Entry":
            yield record["getId"] if isinstance(record, dict) else within, truth
        inside = truth.get("getId", "") if kind in ("Statement", "Report", "Notification") else within
        for name in ("getEntries", "getRecord", "getRecords"):
            yield from told_entries(truth.get(name), inside)


def pairs(shared: Path) -> Iterator[tuple[Path, Entry, dict[str, Any]]]:
    """Each of our entries with its truth."""
    for path, truth in truths(shared):
        ours = {one.head.statement_id: iter(one.entries) for one in statements(read(path))}
        named = {statement_id for statement_id, _ in told_entries(truth)}
        for statement_id, told in told_entries(truth):
            yield path, next(ours[statement_id]), told
        assert all(next(ours[statement_id], None) is None for statement_id in named), path


def test_entries_say_what_their_truth_says(shared: Path) -> None:
    compared = 0
    for path, entry, told in pairs(shared):
        compared += 1
        value, currency = money(told["getAmount"])
        assert (entry.amount.value, entry.amount.currency) == (abs(value), currency), path
        assert entry.direction == {"CRDT": "credit", "DBIT": "debit"}[told["getCreditDebitIndicator"]], path
        assert entry.state == {"BOOK": "booked", "PDNG": "pending"}[told["getStatus"]], path
        assert entry.reversal == bool(told["getReversalIndicator"]), path
        assert entry.references.entry == (told["getReference"] or ""), path
        servicer = told["getAccountServicerReference"]
        assert not servicer or entry.references.account_servicer == servicer, path
        assert same_day(told["getBookingDate"], entry.booking_date), path
        assert same_day(told["getValueDate"], entry.value_date), path
        assert told["getAdditionalInfo"] in ("", None, entry.additional), path
        assert entry.details_total == len(told["getTransactionDetails"]), path
    assert compared >= 23


def test_details_say_what_their_truth_says(shared: Path) -> None:
    compared = 0
    for path, entry, told in pairs(shared):
        for detail, expected in zip(entry.details, told["getTransactionDetails"], strict=True):
            whole = told["getTransactionDetail"] if expected == "__RECURSIVITY__" else expected
            compared += 1
            _compare(detail, whole, path)
    assert compared >= 23


def _compare(detail: Detail, told: dict[str, Any], path: Path) -> None:
    refs, ours = told["getReference"] or {}, detail.references
    names = {
        "getEndToEndId": ours.end_to_end,
        "getInstructionId": ours.instruction,
        "getMandateId": ours.mandate,
        "getMessageId": ours.message,
        "getPaymentInformationId": ours.payment_information,
        "getTransactionId": ours.transaction,
        "getUuidEndToEndReference": ours.others.get("UETR", ""),
    }
    assert {name: refs.get(name) or "" for name in names} == names, path
    for own in refs.get("getProprietaries") or []:
        assert ours.others[own["getType"]] == own["getReference"], path
    if told["getAmount"] and detail.amount:
        value, currency = money(told["getAmount"])
        assert (detail.amount.value, detail.amount.currency) == (abs(value), currency), path
    information = told["getRemittanceInformation"] or {}
    said = information.get("getMessage") or ""
    assert said in ("", ours.structured) or said in " ".join(detail.remittance), path
    structured = information.get("getCreditorReferenceInformation")
    if isinstance(structured, dict) and structured["getRef"]:
        assert structured["getRef"] in (ours.structured, *detail.remittance), path
    back = told["getReturnInformation"]
    if isinstance(back, dict):
        assert detail.returned is not None, path
        assert detail.returned.code == (back["getCode"] or ""), path


def test_heads_and_balances_say_what_their_truth_says(shared: Path) -> None:
    compared = 0
    for path, truth in truths(shared):
        records = [one["getRecord"] for one in truth["getEntries"] if isinstance(one["getRecord"], dict)]
        records = records or [one for one in truth["getRecords"] if isinstance(one, dict)]
        by_id = {one.head.statement_id: one.head for one in statements(read(path))}
        for told in records:
            head = by_id[told["getId"]]
            compared += 1
            account = told.get("getAccount") or {}
            assert head.bank_account.identification == account.get("getIdentification", ""), path
            assert str(head.sequence or "") == (told.get("getElectronicSequenceNumber") or ""), path
            assert same_day(told["getCreatedOn"], head.created_on), path
            expected = [money(balance["getAmount"]) for balance in told.get("getBalances", [])]
            assert [(b.amount.value, b.amount.currency) for b in head.balances] == expected, path
    assert compared > 20


# OCA: what Odoo's community import makes of each file


def test_odoo_s_own_import_sees_the_same_lines(shared: Path) -> None:
    folder = shared / "data" / "bank" / "iso20022"
    pairs = {
        "golden-camt053.pydata": folder / "camt.053/oca/test-camt053.xml",
        "golden-camt053-txdtls.pydata": folder / "camt.053/oca/test-camt053-txdtls.xml",
        "golden-camt054.pydata": folder / "camt.054/oca/test-camt054.xml",
    }
    for golden, path in pairs.items():
        currency, number, expected = ast.literal_eval((folder / "camt.053/oca" / golden).read_text(encoding="utf-8"))
        (told,) = statements(read(path))
        assert told.head.bank_account.identification == number
        lines = [line for entry in told.entries for line in (entry.details or (entry,))]
        assert len(lines) == len(expected[0]["transactions"])
        if opening := told.head.opening:
            assert (float(opening.amount.value), opening.amount.currency) == (expected[0]["balance_start"], currency)
        for line, odoo in zip(lines, expected[0]["transactions"], strict=True):
            assert line.amount is not None
            signed = line.amount.value if line.direction == "credit" else -line.amount.value
            assert float(signed) == odoo["amount"]
            assert line.counterparty is not None
            assert line.counterparty.name == odoo["partner_name"]
            assert line.counterparty_account is not None
            assert line.counterparty_account.identification == odoo["account_number"]
            assert odoo["ref"] in (line.references.structured, line.references.end_to_end)
