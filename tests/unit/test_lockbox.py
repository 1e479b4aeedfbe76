"""Lockbox files: cheques that the bank deposited for us, with the invoices they pay."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.lockbox import BAI, read_lockbox
from nostro.formats.lockbox.read import LockboxItem
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.statements import Reject


def cheque(batch: int, item: int, cents: int, number: int, payer: str) -> str:
    return f"6{batch:03}{item:03}{cents:010}0210000211234567890{number:09}260830{payer:29}"


def invoice(batch: int, item: int, number: str, paid: int, deducted: int = 0, *, last: bool = False) -> str:
    return f"4{batch:03}{item:03}601{'9' if last else '0'}{number:16}{paid:010}{deducted:010}{'':3}"


HEADER = ["100COMPANY017 0910000192608311005", "2COMPANY017 0910000190000000077400080  1"]
BATCH = [
    "50010001234567260831COMPANY017 091000019 ",
    cheque(1, 1, 20000, 4711, "CUSTOMER 042"),
    invoice(1, 1, "INV-0001", 15000, 500),
    invoice(1, 1, "INV-0002", 5000, last=True),
    cheque(1, 2, 7550, 4712, "CUSTOMER 043"),
    "700100212345672608310020000027550",
    "8001000123456726083100020000027550",
]
WHOLE = [*HEADER, *BATCH, "9000010"]


def read(lines: list[str]) -> list[LockboxItem]:
    return list(read_lockbox(["\n".join(lines).encode()]))


def failed(items: list[LockboxItem]) -> list[str]:
    return [check.name for item in items if isinstance(item, MessageEnd) for check in item.checks if not check.ok]


def test_a_deposit_lists_its_cheques_with_their_invoices() -> None:
    head, first, second, end = read(WHOLE)
    assert isinstance(head, MessageHead)
    assert (head.kind, head.message_id, head.created_on) == ("remittance_advice", "1234567-260831", date(2026, 8, 31))
    assert isinstance(first, Instruction)
    assert first.amount is not None
    assert (first.method, first.amount.value, first.group) == ("cheque", Decimal("200.00"), "001")
    assert first.debtor is not None
    assert first.debtor.name == "CUSTOMER 042"
    assert first.debtor_account is not None
    assert (first.debtor_account.clearing_id, first.debtor_account.other) == ("021000021", "1234567890")
    assert (first.references.end_to_end, first.execution_date) == ("4711", date(2026, 8, 30))
    assert first.settlement_date == date(2026, 8, 31)
    assert [(one.number, one.remitted and one.remitted.value) for one in first.documents] == [
        *(("INV-0001", Decimal("150.00")), ("INV-0002", Decimal("50.00"))),
    ]
    assert first.documents[0].discount is not None
    assert first.documents[0].discount.value == Decimal("5.00")
    assert isinstance(second, Instruction)
    assert second.documents == ()
    assert isinstance(end, MessageEnd)
    assert (end.items, end.totals) == (2, {"USD": Decimal("275.50")})
    assert failed([end]) == []
    assert [check.name for check in end.checks] == [
        *("batch/count", "batch/total", "lockbox/count", "lockbox/total", "file/records"),
    ]


@pytest.mark.parametrize("payee", ["COMPANY 017", ""], ids=["with payee", "cut after the payer"])
def test_cheques_of_the_wider_layout_are_read_with_their_payee(payee: str) -> None:
    wide = f"6001001{20000:010}0210000211234567890{4711:010}083026{'CUSTOMER 042':30}{payee}".rstrip()
    items = read([*HEADER, BATCH[0], wide, *BATCH[2:4], "700100112345672608310010000020000"])
    (found,) = [item for item in items if isinstance(item, Instruction)]
    assert found.amount is not None
    assert (found.amount.value, found.references.end_to_end) == (Decimal("200.00"), "4711")
    assert found.execution_date == date(2026, 8, 30)
    assert found.debtor is not None
    assert found.debtor.name == "CUSTOMER 042"
    assert (found.creditor.name if found.creditor else "") == payee


def test_a_header_of_the_same_lockbox_before_each_batch_changes_nothing() -> None:
    again = [line.replace("6001", "6002").replace("4001", "4002") for line in BATCH[:6]]
    total = "8002000123456726083100040000055100"
    items = read([*HEADER, *BATCH[:6], *again, total, "9000016"])
    assert len([item for item in items if isinstance(item, MessageHead)]) == 1
    assert failed(items) == []


def test_two_lockboxes_are_two_messages() -> None:
    other = [line.replace("1234567260831", "7654321260831") for line in BATCH]
    items = read([*HEADER, *BATCH, *other, "9000017"])
    assert [item.message_id for item in items if isinstance(item, MessageHead)] == ["1234567-260831", "7654321-260831"]
    assert failed(items) == []


def test_totals_that_do_not_hold_are_told() -> None:
    assert failed(read([*WHOLE[:6], *WHOLE[7:]])) == [
        *("batch/count", "batch/total", "lockbox/count", "lockbox/total", "file/records"),
    ]
    assert failed(read([*WHOLE[:8], WHOLE[9]])) == ["lockbox/total", "file/records"]


def test_what_cannot_be_read_is_located_and_the_rest_is_kept() -> None:
    lines = list(WHOLE)
    lines[3] = lines[3][:7] + "X" * 10 + lines[3][17:]
    lines[5] = lines[5].replace("4001001", "4001009")
    rejects = [item for item in read(lines) if isinstance(item, Reject)]
    assert [(reject.line, reject.why) for reject in rejects] == [
        *((6, "an overflow record without its cheque"), (4, "the amount is no number")),
    ]
    (stray,) = (item for item in read([*WHOLE[:4], "X", *WHOLE[4:]]) if isinstance(item, Reject))
    assert stray.line == 5


def test_a_day_without_cheques_is_told_too() -> None:
    head, end = read([*HEADER, "9000003"])
    assert isinstance(head, MessageHead)
    assert isinstance(end, MessageEnd)
    assert (end.items, failed([end])) == (0, [])


def test_a_cut_file_says_so() -> None:
    for end in range(3, 9):
        items = read(WHOLE[:end])
        assert isinstance(items[-1], Reject)
        assert items[-1].why == "the file ends before the lockbox's total"


def test_a_bank_s_own_layout_is_data() -> None:
    layout = {**BAI, "6": {"amount": slice(4, 12), "payer": slice(12, 30), "invoice": slice(30, 40)}}
    content = "\n".join([*HEADER, BATCH[0], f"600100020000{'CUSTOMER 042':18}{'INV-9':10}"]).encode()
    told = list(read_lockbox([content], layout))[1]
    assert isinstance(told, Instruction)
    assert told.amount is not None
    assert (told.amount.value, told.documents[0].number) == (Decimal("200.00"), "INV-9")


def test_lockbox_files_are_recognised_and_others_refused() -> None:
    found = recognise(Beginning("\n".join(WHOLE).encode()))
    assert found is not None
    assert found.name == "lockbox"
    assert recognise(Beginning(b"1,2,3\n2,3,4\n")) is None
    for content in ([], ["hello"], ["6001"]):
        with pytest.raises(FormatRefused):
            read(content)


def test_a_placeholder_is_no_reference_and_no_invoice_and_what_was_paid_is_kept() -> None:
    lines = [line.replace("000004711", "NONREF   ").replace("INV-0001", "NONREF  ") for line in WHOLE]
    first = next(item for item in read(lines) if isinstance(item, Instruction))
    assert (first.references.end_to_end, first.references.others) == ("", {"item": "001"})
    assert [(one.number, one.remitted and one.remitted.value) for one in first.documents] == [
        ("", Decimal("150.00")), ("INV-0002", Decimal("50.00")),
    ]  # fmt: skip
