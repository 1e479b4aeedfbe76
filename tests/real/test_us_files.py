"""Every NACHA file at hand is read whole, says what its bytes say, and bears damage; no other family's is taken."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.nacha.read import NachaItem, read_nacha
from nostro.formats.reading import BEGINNING_BYTES, Beginning
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Reject

OURS = {"nacha": "nacha"}
"""Which folders hold files of which of our formats."""
FAILED = {"txp-debit.ach": ["file/blocks"], "20110805A.ach": ["file/batches"]}
"""Both are wrong as told: ten records are one block, not two; the file holds four batches and says five."""
KINDS = {
    "return-WEB.ach": ["payment_return", "payment_return"],
    "iat-addenda99.ach": ["payment_return"],
    "cor-example.ach": ["mandate_change"],
    "iat-addenda98.ach": ["mandate_change"],
    "20110805A.ach": ["payment_initiation"] * 4,
    "two-micro-deposits.ach": ["payment_initiation"] * 2,
    "web-debit.ach": ["payment_initiation"] * 3,
}


def files(shared: Path) -> list[Path]:
    return sorted((shared / "data" / "bank" / "nacha").rglob("*.ach"))


def read(content: bytes) -> list[NachaItem]:
    return list(read_nacha([content]))


def entries(content: bytes) -> list[str]:
    return [line for line in re.split(r"[\r\n]", content.decode("latin-1")) if line.startswith("6")]


def test_every_file_is_read_whole(shared: Path) -> None:
    assert len(files(shared)) == 13
    for path in files(shared):
        items = read(path.read_bytes())
        assert [item for item in items if isinstance(item, Reject)] == [], path
        heads = [item.kind for item in items if isinstance(item, MessageHead)]
        assert heads == KINDS.get(path.name, ["payment_initiation"]), path
        failed = [c.name for item in items if isinstance(item, MessageEnd) for c in item.checks if not c.ok]
        assert failed == FAILED.get(path.name, []), path


def test_each_entry_says_what_its_record_says(shared: Path) -> None:
    compared = 0
    for path in files(shared):
        told = [item for item in read(path.read_bytes()) if isinstance(item, Instruction | PaymentStatus)]
        for item, line in zip(told, entries(path.read_bytes()), strict=True):
            compared += 1
            assert item.amount is not None
            assert item.amount.value == Decimal(line[29:39]) / 100, path
            sides = [(item.creditor, item.creditor_account), (item.debtor, item.debtor_account)]
            party, account = sides[0] if line[2] in "1234" else sides[1]
            assert account is not None
            assert party is not None
            if isinstance(item, Instruction) and item.local_instrument != "IAT":
                assert (account.other, account.clearing_id) == (line[12:29].strip(), line[3:12]), path
                assert party.name == line[54:76].strip(), path
            elif isinstance(item, Instruction):
                assert account.identification == line[39:74].strip(), path
    assert compared == 73


def test_returns_and_changes_say_why(shared: Path) -> None:
    folder = shared / "data" / "bank" / "nacha" / "moov"
    back = [item for item in read((folder / "return-WEB.ach").read_bytes()) if isinstance(item, Instruction)]
    assert [item.returned and item.returned.code for item in back] == ["R01", "R03"]
    abroad = [item for item in read((folder / "iat-addenda99.ach").read_bytes()) if isinstance(item, Instruction)]
    assert [item.returned and (item.returned.code, item.returned.text) for item in abroad] == [
        ("R01", "Authorization Revoked")
    ]
    changes = [
        item
        for name in ("cor-example.ach", "iat-addenda98.ach")
        for item in read((folder / name).read_bytes())
        if isinstance(item, PaymentStatus)
    ]
    assert [(item.status, item.others["corrected_account"]) for item in changes] == [
        ("C01", "1918171614"),
        ("C01", "89722-C3"),
    ]


def test_a_tax_payment_names_its_taxes(shared: Path) -> None:
    path = shared / "data" / "bank" / "nacha" / "moov" / "txp-debit.ach"
    (told,) = (item for item in read(path.read_bytes()) if isinstance(item, Instruction))
    paid = [tax.remitted.value for tax in told.documents if tax.remitted]
    assert paid == [Decimal("100.00"), Decimal("50.00"), Decimal("150.00")]


def beginnings(shared: Path) -> Iterator[tuple[Path, Beginning]]:
    for folder in ("bank", "einvoice"):
        for path in sorted((shared / "data" / folder).rglob("*")):
            if path.is_file():
                with path.open("rb") as opened:
                    yield path, Beginning(opened.read(BEGINNING_BYTES), path.name)


def test_our_files_are_recognised_and_no_others(shared: Path) -> None:
    formats = set(OURS.values()) | {"rates_xml", "rates_csv", "rates_xml_others", "rates_csv_others"}
    for path, beginning in beginnings(shared):
        found = recognise(beginning)
        name = found.name if found else ""
        folder = path.relative_to(shared / "data").parts[1]
        assert name == OURS[folder] if folder in OURS else name not in formats, path


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The file cut, with a piece taken out, doubled, swapped or overwritten."""
    one, other = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    noise = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 40)))
    return chance.choice(
        [
            content[:one],
            content[:one] + content[other:],
            content[:other] + content[one:],
            content[other:] + content[:other],
            content[:one] + noise + content[one + len(noise) :],
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_damage_never_crashes_the_reader_nor_loses_an_entry_silently(shared: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - damage has to be repeatable, not secret
    for path in files(shared):
        for _ in range(25):
            content = damaged(path.read_bytes(), chance)
            try:
                items = read(content)
            except FormatRefused:
                continue
            told = sum(isinstance(item, Instruction | PaymentStatus | Reject) for item in items)
            assert told >= len([line for line in entries(content) if len(line) > 40]), path
