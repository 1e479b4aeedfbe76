"""What real banks' statements become when they are written again: valid by the schema, and the same when read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.write.statements import write_camt
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.statements import Entry, StatementEnd, StatementHead

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
FOLDERS = ("camt.052", "camt.053", "camt.054")
SCHEMAS = {"statement": "camt.053.001.08", "report": "camt.052.001.08", "notification": "camt.054.001.08"}


def read(raw: bytes) -> list[Item]:
    return [one for told in tell(lambda: iter((raw,))) for one in told.items]


def written(items: list[Item]) -> tuple[bytes, list[str]]:
    said: list[str] = []
    return b"".join(write_camt(items, AT, said.append)), said


def statements(items: list[Item]) -> Iterator[tuple[StatementHead, list[Entry], StatementEnd]]:
    head: StatementHead | None = None
    entries: list[Entry] = []
    for one in items:
        if isinstance(one, StatementHead):
            head, entries = one, []
        elif isinstance(one, Entry):
            entries.append(one)
        elif isinstance(one, StatementEnd) and head is not None:
            yield head, entries, one


def essence(entry: Entry) -> list[object]:
    kept = entry.references.model_copy(update={"others": {}})
    who = entry.counterparty.name if entry.counterparty else ""
    account = entry.counterparty_account.identification if entry.counterparty_account else ""
    told = [entry.amount.value.normalize(), entry.amount.currency, entry.direction, entry.state, entry.reversal]
    return [*told, entry.booking_date, entry.value_date, kept, who, account, entry.remittance, len(entry.details) or 1]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_real_banks_file_is_valid_and_the_same_when_it_is_written_again(shared: Path, folder: str) -> None:
    place = shared / "data" / "bank" / "iso20022"
    valid = same = misfits = 0
    for path in sorted((place / folder).rglob("*.xml")):
        items = read(path.read_bytes())
        try:
            raw, said = written(items)
        except FormatRefused as refused:
            misfits += "opening + booked entries = closing" in refused.sentence
            continue
        kind = next(one.kind for one in items if isinstance(one, StatementHead))
        schema = etree.XMLSchema(etree.parse(str(place / "xsd" / f"{SCHEMAS[kind]}.xsd")))
        assert schema.validate(etree.fromstring(raw)), (path.name, str(schema.error_log))
        valid += 1
        for (before, old, end), (after, new, again) in zip(statements(items), statements(read(raw)), strict=True):
            assert before.bank_account.identification == after.bank_account.identification
            assert (end.entries, end.totals) == (again.entries, again.totals)
            if not said:
                assert [essence(entry) for entry in old] == [essence(entry) for entry in new], path.name
                same += 1
    assert (valid, misfits) == {"camt.052": (17, 0), "camt.053": (12, 14), "camt.054": (15, 0)}[folder]
    assert same > valid / 2
