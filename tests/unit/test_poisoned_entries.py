"""An entry of a bank's file on which something throws that nobody foresaw stops nothing but itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nostro.connectors.bank_files.hints import hints
from nostro.connectors.kit.reading import ReadItem, RejectItem
from nostro.formats.checks import page_of
from nostro.model.facts import StatementReceived
from tests.unit.test_bank_files import read, rejected, reports, text
from tests.unit.test_camt import balance, document, entry

FLAWS = [ValueError("of IBAN 1"), KeyError("x"), OverflowError(), AttributeError()]
FIVE = document(
    balance("OPBD", "10.00"), balance("CLBD", "25.00"),
    *(entry(f"{n}.00", more=text("poison" if n == 2 else f"entry {n}")) for n in range(1, 6)),
)  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: type(flaw).__name__)
def test_one_entry_that_throws_is_one_reject_with_its_amount_and_all_others_are_taken(
    monkeypatch: pytest.MonkeyPatch, flaw: Exception
) -> None:
    whole = reports(read(FIVE))

    def thrower(texts: Any) -> Any:  # noqa: ANN401 - stands in for the real one
        said = list(texts)
        if "poison" in said:
            raise flaw
        return hints(said)

    monkeypatch.setattr("nostro.connectors.bank_files.entries.hints", thrower)
    items = read(FIVE)
    [reject] = rejected(items)
    assert reject.amount is not None
    assert reject.amount.value == Decimal("2.00")
    assert "Ntry[2], line " in reject.where
    assert "IBAN" not in reject.why, "nothing of the content is quoted"
    assert reports(items) == [whole[0], *whole[2:]], "each at the place where it stands"
    assert isinstance(items[-1], ReadItem)
    assert isinstance(items[-1].facts[0], StatementReceived)
    assert items[-1].facts[0].entries == 5


def test_a_statement_that_throws_at_its_end_is_one_reject_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    second = document(entry("7.00")).replace(b"M1", b"M2")
    thrown = list[object]()

    def once(*given: Any) -> Any:  # noqa: ANN401 - stands in for the real one
        if not thrown:
            thrown.append(given)
            raise ValueError("of IBAN 1")
        return page_of(*given)

    monkeypatch.setattr("nostro.connectors.bank_files.read.page_of", once)
    together = FIVE.replace(b"</Stmt>", b"</Stmt>" + second.partition(b"</GrpHdr>")[2].partition(b"</BkToCstmr")[0], 1)
    items = read(together)
    assert [type(item) for item in items] == [ReadItem] * 5 + [RejectItem] + [ReadItem] * 2
    [reject] = rejected(items)
    assert "Stmt[1]" in reject.where
    assert "IBAN" not in reject.why
