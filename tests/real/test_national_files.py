"""Every national statement, OFX, QIF, CSV and XLSX file at hand is read, or located as broken where it is.

No ground truth comes with these files but their own arithmetic and what their origins' tests say; where that does not
hold, the file and why are named here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.national import NATIONAL
from nostro.formats.reading import Beginning, Format, Item
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.profile import PROFILES
from nostro.model.failures import FormatRefused
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead
from tests.statement_texts import end, entries, head, rejects

FOLDERS = {"bai2": "bai2", "cfonb": "cfonb", "coda": "coda", "n43": "norma43", "ofx": "ofx", "csv_xlsx": "table"}
NAMED = {"cfonb": {"cfonb.240-complex-test.txt": "cfonb240"}, "ofx": {"test_qif.qif": "qif"}}
TABLES = {
    "balance.csv": "us-balance",
    "debit_credit.csv": "us-debit-credit-mark",
    "debit_credit_amount.csv": "us-debit-credit-columns",
    "meta_data_separated_credit_debit.csv": "eu-debit-credit-columns",
    "meta_data_separated_credit_debit.xlsx": "eu-debit-credit-columns",
    "multi_currency.csv": "us-currency",
    "original_currency_no_header.csv": "us-no-header",
    "sample_statement_credit_card_inverse_sign_en.csv": "us-card-original-amount",
    "sample_statement_en.csv": "us-original-amount",
}
REJECTED = {
    "test_ofx_wrong.ofx": 4,  # currency, account and one amount were commented out
    "decimal_error.ofx": 1,  # "$120" and a broken day
    "account_listing_aggregation.ofx": 1,  # a list of accounts, no statement
    "bank_small.ofx": 1,
    "error_message.ofx": 1,  # the bank's server answered with an error
    "signon_fail.ofx": 1,
    "signon_success.ofx": 1,  # a sign-on, no statement
    "signon_success_no_message.ofx": 1,
}
HELD = {
    "bai2": rb"(?:^|/ +)16,", "cfonb": rb"^[03]4", "coda": rb"^21....0000", "n43": rb"^22", "ofx": rb"<STMTTRN>|^\^",
}  # fmt: skip
"""What an entry begins with."""
UNBALANCED = {
    # Origins made these anonymous by hand, record by record: the totals are those of other movements.
    "sample2.cod", "sample3.cod", "sample4.cod", "sample5.cod", "sample6.cod", "sample7.cod", "sample9.cod",
    "citi_example.bai2",  # one penny comes in, and the balance stays
    "test.n43",  # a line more than its trailer counts, which is right about the rest: no balance breaks
    "meta_data_separated_credit_debit.csv", "meta_data_separated_credit_debit.xlsx",  # two cents too much
    "debit_credit_amount.csv",  # a debit that the balance beside it adds
}  # fmt: skip


def known(folder: str, path: Path) -> str:
    return NAMED.get(folder, {}).get(path.name, "cfonb120" if folder == "cfonb" else FOLDERS[folder])


def files(shared: Path) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((shared / "data" / "bank" / folder).rglob("*")):
            if path.is_file():
                yield folder, path


def reading(folder: str, path: Path) -> Format:
    return next(one for one in NATIONAL if one.name == known(folder, path))


def read(folder: str, path: Path) -> list[Item]:
    if folder == "csv_xlsx":
        return list(read_table([path.read_bytes()], PROFILES[TABLES[path.name]]))
    return list(reading(folder, path).read([path.read_bytes()]))


def test_every_file_is_recognised_by_its_own_format_and_no_other_family_s_file_is(shared: Path) -> None:
    mine = {path: known(folder, path) for folder, path in files(shared)}
    for part in ("bank", "einvoice"):
        for path in sorted((shared / "data" / part).rglob("*")):
            if not path.is_file():
                continue
            found = recognise(Beginning(path.read_bytes()[:65_536]))
            if path in mine:
                assert found is not None, path
                assert found.name == mine[path], path
            else:
                assert found is None or found not in NATIONAL, path


def test_every_file_is_read_whole_or_located_as_broken(shared: Path) -> None:
    read_files = 0
    for folder, path in files(shared):
        items = read(folder, path)
        assert len(rejects(items)) == REJECTED.get(path.name, 0), path
        assert all(reject.line and reject.where for reject in rejects(items)), path
        heads = [item for item in items if isinstance(item, StatementHead)]
        ends = [item for item in items if isinstance(item, StatementEnd)]
        assert len(heads) == len(ends), path
        assert sum(one.entries for one in ends) == len(entries(items)), path
        read_files += 1
    assert read_files == 59


def test_what_does_not_add_up_is_read_and_named(shared: Path) -> None:
    broken = {
        path.name
        for folder, path in files(shared)
        for item in read(folder, path)
        if isinstance(item, StatementEnd)
        if any(check.name in ("balance", "records") and not check.ok for check in item.checks)
    }
    assert broken == UNBALANCED


def test_as_many_entries_are_read_as_the_files_hold(shared: Path) -> None:
    counted: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for folder, path in files(shared):
        counted[folder] += len(entries(read(folder, path)))
        if folder in HELD:
            held[folder] += len(re.findall(HELD[folder], path.read_bytes(), re.MULTILINE))
    # Five movements of OFX files can't be read. What tables hold is counted here by hand.
    assert counted == held - Counter({"ofx": 5}) + Counter({"csv_xlsx": 23})


def test_php_coda_parser_s_own_expectations_hold(shared: Path) -> None:
    folder = shared / "data" / "bank" / "coda" / "wimverstuyf"
    first = read("coda", folder / "sample1.cod")
    assert [entry.amount.value for entry in entries(first)] == [Decimal(5), Decimal(25), Decimal(20), Decimal(30)]
    assert entries(first)[0].references.structured == "000003505158"
    assert [balance.amount.value for balance in end(first).balances] == [Decimal("17752.12"), Decimal("17832.12")]
    second = entries(read("coda", folder / "sample2.cod"))[0]
    assert (second.signed.value, second.details_total) == (Decimal("-9.68"), 2)
    collected = entries(read("coda", folder / "sample10.cod"))[0]
    assert [detail.references.mandate for detail in collected.details] == ["SEPA-000000001", "SEPA-00000002"]
    eighth = entries(read("coda", folder / "sample8.cod"))
    assert [entry.references.end_to_end for entry in eighth] == [
        "ACERTA/I/03948039/230306/1", "ACERTA/I/33449300/230306/1",
    ]  # fmt: skip


def test_oca_s_own_expectations_of_norma_43_hold(shared: Path) -> None:
    items = read("n43", shared / "data" / "bank" / "n43" / "oca-es" / "test.n43")
    told = head(items)
    assert told.opening is not None
    assert (told.opening.amount.value, told.from_date) == (Decimal("0.00"), date(2016, 2, 1))
    assert [str(entry.signed.value) for entry in entries(items)] == ["-0.03", "-178.30", "280.29", "0.00"]
    assert entries(items)[2].remittance == ("TRANSFERENC. TEST PARTNER 2",)


def test_the_real_files_of_each_format_survive_every_mutilation(shared: Path) -> None:
    random = Random(17)  # noqa: S311 - a seeded choice of where to cut
    tried = 0
    for folder, path in files(shared):
        whole = path.read_bytes()
        for _ in range(12):
            content = mutilated(whole, random)
            try:
                items = read_mutilated(folder, path, content)
            except FormatRefused:
                continue
            tried += 1
            heads = sum(isinstance(item, StatementHead) for item in items)
            ends = sum(isinstance(item, StatementEnd) for item in items)
            assert heads - ends in (0, 1), path
            assert heads == ends or any(isinstance(item, Reject) for item in items), path
            assert all(isinstance(item, StatementHead | StatementEnd | Entry | Reject) for item in items), path
    assert tried > 400


def read_mutilated(folder: str, path: Path, content: bytes) -> list[Item]:
    if folder == "csv_xlsx":
        return list(read_table([content], PROFILES[TABLES[path.name]]))
    return list(reading(folder, path).read([content]))


def mutilated(content: bytes, random: Random) -> bytes:
    """Cut, swapped, doubled or garbled somewhere."""
    one, other = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return random.choice([
        content[:one],
        content[:one] + content[other:],
        content[:one] + content[one:other] * 2 + content[other:],
        content[other:] + content[:other],
        content[:one] + random.randbytes(min(40, other - one)) + content[one + min(40, other - one) :],
        content.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    ])  # fmt: skip


def test_a_cut_file_gives_the_first_of_its_entries(shared: Path) -> None:
    for folder, path in files(shared):
        if folder == "csv_xlsx" or path.suffix == ".qif":
            continue
        whole = entries(read(folder, path))
        content = path.read_bytes()
        for share in (3, 5, 8):
            try:
                some = entries(reading(folder, path).read([content[: len(content) * share // 10]]))
            except FormatRefused:
                continue
            # The last one may lack what was cut off with it.
            assert [(e.amount, e.direction) for e in some[:-1]] == [
                (e.amount, e.direction) for e in whole[: len(some)]
            ][:-1]


@pytest.mark.parametrize("name", ["balance.csv", "debit_credit.csv", "multi_currency.csv"])
def test_tables_that_leave_nothing_open_are_read_without_a_profile(shared: Path, name: str) -> None:
    path = shared / "data" / "bank" / "csv_xlsx" / "oca" / name
    proposed, declared = list(read_table([path.read_bytes()])), read("csv_xlsx", path)
    assert [entry.signed for entry in entries(proposed)] == [entry.signed for entry in entries(declared)]


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"balance.csv", "debit_credit.csv", "multi_currency.csv"}))
def test_tables_that_leave_something_open_are_not(shared: Path, name: str) -> None:
    path = shared / "data" / "bank" / "csv_xlsx" / "oca" / name
    with pytest.raises(FormatRefused, match="needs a profile"):
        list(read_table([path.read_bytes()]))
