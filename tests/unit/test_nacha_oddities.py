"""What real banks do to NACHA files, and what does not add up in them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.messages import MessageEnd, MessageHead
from nostro.model.statements import Reject
from tests.unit.test_nacha import HEAD, control, failed, file, payments, payroll, read, rejects


def test_a_file_without_line_ends_is_read_by_its_94_characters() -> None:
    lines = payroll().split(b"\n")
    items = read(b"".join(line.ljust(94) for line in lines))
    assert [item.references.transaction for item in payments(items)] == ["091000010000001", "091000010000002"]
    assert failed(items) == []
    assert payments(items)[0].source.line == 3


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\n"])
def test_line_ends_are_as_they_come(end: str) -> None:
    assert payments(read(payroll().replace(b"\n", end.encode())))[0].references.end_to_end == "EMPLOYEE-0042"


def test_blocks_of_ten_records_on_a_line_are_taken_apart() -> None:
    lines = payroll().split(b"\n")
    items = read(b"".join(line.ljust(94) for line in lines[:5]) + b"\n" + b"".join(lines[5:]))
    assert len(payments(items)) == 2
    assert failed(items) == []


def test_short_lines_and_missing_padding_are_read_all_the_same() -> None:
    items = read(b"\n".join(line.rstrip() for line in payroll().split(b"\n")[:7]))
    assert len(payments(items)) == 2
    assert failed(items) == []


def test_a_job_s_lines_before_the_file_do_no_harm() -> None:
    content = b"$$ADD ID=ACHFILE BID='X'\n" + payroll()
    assert recognised(content) == "nacha"
    assert len(payments(read(content))) == 2


def test_two_files_in_one_have_totals_of_their_own() -> None:
    items = read(payroll() + b"\n" + payroll())
    assert len(payments(items)) == 4
    assert failed(items) == []
    assert payments(items)[2].source.where == "batch[2]"


def test_a_batch_without_file_header_is_read() -> None:
    content = b"\n".join(payroll().split(b"\n")[1:6])
    assert recognised(content) == "nacha"
    items = read(content)
    assert len(payments(items)) == 2
    assert failed(items) == ["file/control"]


def test_entries_without_batch_header_are_read() -> None:
    content = b"\n".join(payroll().split(b"\n")[2:5])
    assert recognised(content) == "nacha"
    items = read(content)
    assert len(payments(items)) == 2
    assert [reject.why for reject in rejects(items)] == ["the file ends before the batch's control record"]


def test_an_empty_return_file_says_that_nothing_came_back() -> None:
    head, end = read(file(HEAD, control(0, 2, 0, 0, 0, 0)))
    assert isinstance(head, MessageHead)
    assert isinstance(end, MessageEnd)
    assert (end.items, failed([end])) == (0, [])


TOTALS = ["batch/debits", "batch/credits"]


@pytest.mark.parametrize(
    "old,new,names",
    [
        (b"8200000003", b"8200000004", ["batch/count"]),
        (b"8200000003000420000", b"8200000003000420001", ["batch/hash"]),
        (b"0004200004000000000199000000125050123", b"0004200004000000000198000000125051123", TOTALS),
        (b"5200COMPANY", b"5220COMPANY", ["service_class"]),
        (b"622021000021", b"622021000020", ["routing"]),
        (b"S 1091000010000002", b"S 0091000010000002", ["addenda"]),
        (b"0091000010000001\n", b"0091000010000003\n", ["trace"]),
    ],
)
def test_what_does_not_add_up_is_told_beside_the_payments(old: bytes, new: bytes, names: list[str]) -> None:
    items = read(payroll().replace(old, new))
    assert len(payments(items)) == 2
    assert failed(items) == names


def test_an_entry_that_cannot_be_read_is_located_with_its_amount_and_the_rest_is_kept() -> None:
    items = read(payroll().replace(b"622021000021", b"620021000021"))
    (reject,) = rejects(items)
    assert (reject.where, reject.line, reject.why) == ("batch[1]", 3, "the transaction code says no direction")
    assert reject.amount is not None
    assert reject.amount.value == Decimal("1250.50")
    assert len(payments(items)) == 1
    end = items[-1]
    assert isinstance(end, MessageEnd)
    assert (end.items, end.rejected) == (1, 1)


def test_stray_records_are_located() -> None:
    lines = payroll().split(b"\n")
    items = read(b"\n".join([*lines[:2], b"7" + b"0" * 93, b"X nonsense", *lines[2:6], lines[5], *lines[6:]]))
    assert [(reject.line, reject.why) for reject in rejects(items)] == [
        (3, "an addenda record without an entry"),
        (4, "this is no record of a NACHA file"),
        (9, "a batch control record without a batch"),
    ]


def test_a_cut_batch_has_no_end() -> None:
    items = read(b"\n".join(payroll().split(b"\n")[:4]))
    # The addenda of the second one lack, which might say that it came back.
    assert len(payments(items)) == 1
    assert not any(isinstance(item, MessageEnd) for item in items)
    amounts = [item.amount and item.amount.value for item in items if isinstance(item, Reject)]
    assert amounts == [Decimal("1.99"), None]


def test_what_is_no_nacha_file_is_refused() -> None:
    for content in (b"", b"hello", b"x\n" * 200):
        with pytest.raises(FormatRefused):
            read(content)


def recognised(content: bytes) -> str:
    found = recognise(Beginning(content))
    return found.name if found else ""


def lookalikes() -> Iterator[bytes]:
    yield b"101,102,103\n"
    yield b"1010910000192313801042608311005\n2LOCKBOX\n"
    yield b"1" * 94


def test_only_nacha_files_are_recognised() -> None:
    assert recognised(payroll()) == "nacha"
    assert "nacha" not in [recognised(content) for content in lookalikes()]
