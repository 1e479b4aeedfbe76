"""The log's leaf chain: over every column, each part with its length."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from nostro.model.canonical import canonical
from nostro.model.facts import DeadlineFellDue, Fact, Position
from nostro.model.ids import Subject
from nostro.store.arrivals import Arrival, Blob, arrival_for
from nostro.store.blobs import open_fact
from nostro.store.entropy import SystemEntropy
from nostro.store.keys import Keys
from nostro.store.log import FactRow, Made, leaf_of, parts_of

AT = datetime(2026, 8, 31, 6, 30, tzinfo=UTC)
KEYS = Keys({1: b"m" * 32}, SystemEntropy())
ROW = FactRow(
    shard=3, position=17, month=date(2026, 8, 1), process="payout", version=1, subject="psp/po_1", revision=2,
    entity="DE", type="payout.reported", type_version=1, natural_key='psp/po_1/"paid"/ü', origin="psp",
    receipt=b"r" * 16, item=4, cause_shard=5, cause_position=6, body=b'{"a":1}', sealed_body=b"sealed",
    data_key=b"k" * 16, state_before="new", state_after="collecting", rule="0 lines", decided=b"d" * 32,
    bundle=b"b" * 32, actor="psp", on_behalf_of="", reason="", occurred_at=AT, received_at=AT + timedelta(seconds=1),
    decided_at=AT.astimezone(timezone(timedelta(hours=2))), sender_order="1",
)  # fmt: skip
BARE = ROW._replace(
    receipt=None, cause_shard=None, cause_position=None, data_key=None, sealed_body=None, received_at=AT
)
BESIDE = ("body", "sealed_body", "leaf", "position")


@pytest.mark.parametrize("row", [ROW, BARE])
def test_the_header_is_the_canonical_object_of_every_column_that_does_not_stand_beside_it(row: FactRow) -> None:
    told = {name: getattr(row, name) for name in FactRow._fields if name not in BESIDE}
    assert parts_of(row[:-1]) == (row.position, canonical(told), row.body, row.sealed_body or b"")


@pytest.mark.parametrize("row", [ROW, BARE])
def test_the_leaf_is_over_each_part_with_its_length(row: FactRow) -> None:
    told = hashlib.sha256(b"p" * 32)
    position, *parts = parts_of(row[:-1])
    for part in (position.to_bytes(8, "big"), *parts):
        told.update(len(part).to_bytes(8, "big") + part)
    assert leaf_of(b"p" * 32, row) == told.digest()


@pytest.mark.parametrize("row", [ROW, BARE])
def test_a_row_holds_what_the_queue_held_and_what_the_decision_made_of_it(row: FactRow) -> None:
    of_the_queue = {name: getattr(row, name) for name in Arrival._fields if name in FactRow._fields}
    arrival = Arrival(**of_the_queue, lane=1, at=AT, key=b"of the queue alone")
    made = Made(**{name: getattr(row, name) for name in Made._fields})
    assert FactRow.of(arrival, made, b"p" * 32) == row._replace(leaf=leaf_of(b"p" * 32, row))


def test_each_column_counts_for_the_leaf() -> None:
    for name in FactRow._fields[:-1]:
        assert leaf_of(b"", ROW._replace(**{name: _another(getattr(ROW, name))})) != leaf_of(b"", ROW), name


def _another(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, date):
        return value + timedelta(days=31)
    return value + 1 if isinstance(value, int) else value + value[:1] or "x"


def test_an_arrival_tells_every_part_of_its_fact() -> None:
    body = DeadlineFellDue(name="reply", subject="payout/po_1", revision=1, due_at="2026-08-31T06:30:00.000000Z")
    fact = Fact(
        body=body, entity="DE", origin="psp", actor="treasury", occurred_at=AT, received_at=AT + timedelta(seconds=1),
        receipt=b"r" * 16, item=4, sender_order="7", on_behalf_of="engine", reason="It was asked.",
        cause=Position(5, 6),
    )  # fmt: skip
    subject = Subject("payout", "po_1")
    arrival = arrival_for(fact, Blob(canonical(body)), subject, 2, AT + timedelta(seconds=2))
    assert open_fact(KEYS, arrival, {}) == fact
    assert arrival[:3] == (subject.shard, 2, AT + timedelta(seconds=2))
    assert arrival[5:7] == subject
    assert arrival[8:11] == (fact.type, body.version, body.natural_key())
