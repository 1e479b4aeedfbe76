from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.connectors.kit.reading import Item, ReadItem, ReceiptView, RejectItem
from nostro.connectors.people import CONNECTOR
from nostro.connectors.people.wire import ActReceipt
from nostro.model.canonical import canonical
from nostro.model.facts import CaseClosed, CommandReleased, FactBody, MatchConfirmed, RerunAsked
from nostro.model.facts.house import Target
from nostro.model.ids import IdempotencyKey

AT = datetime(2026, 8, 31, 8, tzinfo=UTC)
KEY = IdempotencyKey("collection", "DE/main/7", "register-ch_1").text
TARGET = Target(process="collection", subject="DE/main/7", kind="invoice_number", value="INV/1")


def receipt(body: FactBody, **change: Any) -> bytes:  # noqa: ANN401 - any field of the receipt
    told = ActReceipt(
        act="ACT1",
        type=body.fact_type,
        version=1,
        told=body.model_dump(),
        process="bank_movement",
        subject="DE/1",
        entity="DE",
        actor="clerk",
        on_behalf_of="controller",
        reason="as agreed",
        at=AT,
        seen="00",
        right="clerk/match",
        bundle="ff",
    )
    return canonical({**told.model_dump(), **change})


def read(content: bytes) -> list[Item]:
    view = ReceiptView("r1", "people", "act", "", AT, lambda: iter([content]), CONNECTOR.manifest.config(), ())
    return list(CONNECTOR.read(view))


@pytest.mark.parametrize(
    "body, address",
    [
        (CommandReleased(act="ACT1", key=KEY, verdict="release"), ("collection", "DE/main/7")),
        (MatchConfirmed(act="ACT1", target=TARGET), ("bank_movement", "DE/1")),
        (CaseClosed(act="ACT1", case="C-1"), ("bank_movement", "DE/1")),
        (RerunAsked(act="ACT1", receipt="ab"), None),
    ],
)
def test_an_act_becomes_its_fact_with_actor_reason_and_address(body: FactBody, address: tuple[str, str] | None) -> None:
    expected = ReadItem(
        facts=(body,),
        entity="DE",
        occurred_at=AT,
        actor="clerk",
        on_behalf_of="controller",
        reason="as agreed",
        addressed_to=address,
    )
    assert read(receipt(body)) == [expected]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "payment.captured"},
        {"type": "command.settled"},
        {"type": "bundle.activated"},
        {"type": "nothing"},
        {"told": {"act": "ACT1", "case": 7}},
        {"told": {"act": "ACT1", "case": "C-1", "amount": "1"}},
        {"subject": ""},
        {"actor": ""},
        {"reason": ""},
        {"extra": "field"},
    ],
)
def test_what_no_person_may_tell_or_cannot_be_read_is_a_reject(change: dict[str, Any]) -> None:
    (item,) = read(receipt(CaseClosed(act="ACT1", case="C-1"), **change))
    assert isinstance(item, RejectItem)
    assert item.why


def test_a_command_whose_key_is_none_is_a_reject() -> None:
    (item,) = read(receipt(CommandReleased(act="ACT1", key="nonsense", verdict="release")))
    assert isinstance(item, RejectItem)


@given(st.binary(max_size=50))
def test_any_bytes_give_exactly_one_item(content: bytes) -> None:
    (item,) = read(content)
    assert isinstance(item, RejectItem)
