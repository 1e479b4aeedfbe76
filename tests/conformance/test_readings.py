"""The scenarios of reading: what is not as we know it costs itself at most, and says nothing confidential."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from nostro.connectors.kit.conformance import CONFIDENTIAL, READINGS, ReadingScenario
from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.reading import Item, ReadItem, RejectItem
from nostro.model.facts import InvoicePosted, split
from tests.conformance.driver import Outside
from tests.conformance.houses import OPENED, OdooHouse, StripeHouse
from tests.conformance.moneyback.house import MoneybackHouse
from tests.conformance.moneyback.ways import WITH_NEWS
from tests.conformance.receipts import receipt

Page = Callable[[], tuple[Outside, str, bytes]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A feed with three things in it, and what it calls its fields. A role that it lacks isn't played."""

    name: str
    feed: str
    page: Page
    roles: Mapping[str, str]


def _stripe(feed: str) -> tuple[Outside, str, bytes]:
    house = StripeHouse()
    for _ in range(2):
        house.stand.apply({"act": "card_payment", "amount": 500, "currency": "eur", "payer": CONFIDENTIAL}, OPENED)
    for intent in house.stand.books()["payment_intents"]:
        house.stand.apply({"act": "refund", "payment_intent": intent["id"], "amount": 123}, OPENED)
        house.stand.apply({"act": "dispute", "payment_intent": intent["id"], "amount": 7}, OPENED)
    message, body, _ = house.outside.fetch(feed, "")
    return house.outside, message.target, body


def _odoo(version: int) -> tuple[Outside, str, bytes]:
    house = OdooHouse(version)
    for amount in ("100.10", "0.30", "1234567.89"):
        house.invoice(amount)
    message, body, _ = house.outside.fetch("invoices", "")
    told = json.loads(body)
    rows = told["result"] if version < 19 else told
    for row in rows:
        row["company_id"] = [1, "DE"]
    return house.outside, message.target, json.dumps(rows).encode()


def _moneyback() -> tuple[Outside, str, bytes]:
    house = MoneybackHouse(WITH_NEWS)
    for number in range(3):
        house.pay_back(number)
    message, body, _ = house.outside.fetch("changes", "")
    return house.outside, message.target, body


STATED = {"new": "brand_new", "status": "status", "amount": "amount"}
SAMPLES = (
    Sample("stripe charges", "charges", partial(_stripe, "charges"), {"new": "brand_new", "amount": "amount"}),
    Sample("stripe refunds", "refunds", partial(_stripe, "refunds"), STATED),
    Sample("stripe disputes", "disputes", partial(_stripe, "disputes"), STATED),
    Sample("moneyback changes", "changes", _moneyback, STATED),
    Sample("odoo 18 invoices", "invoices", partial(_odoo, 18), {"new": "x_studio", "amount": "amount_total"}),
    Sample("odoo 19 invoices", "invoices", partial(_odoo, 19), {"new": "x_studio", "amount": "amount_residual"}),
)
PLAYED = [(sample, scenario) for sample in SAMPLES for scenario in READINGS if scenario.role in sample.roles]


def _listed(page: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    things: list[dict[str, Any]] = page["data"] if isinstance(page, dict) else page
    return things


def _read(sample: Sample, outside: Outside, target: str, body: bytes) -> list[Item]:
    return list(outside.connector.read(receipt(outside, f"poll:{sample.feed}", body, target)))


@pytest.mark.parametrize("sample,scenario", PLAYED, ids=lambda value: value.name)
def test_what_is_not_as_we_know_it_costs_itself_at_most(sample: Sample, scenario: ReadingScenario) -> None:
    outside, target, body = sample.page()
    before = _read(sample, outside, target, body)
    assert len(before) == 3
    assert all(isinstance(item, ReadItem) and item.unknown_fields == 0 for item in before)
    page, role = json.loads(body), sample.roles[scenario.role]
    if scenario.value is None:
        del _listed(page)[1][role]
    else:
        _listed(page)[1][role] = scenario.value
    after = _read(sample, outside, target, json.dumps(page).encode())
    assert [after[0], after[2]] == [before[0], before[2]]
    if scenario.read:
        assert isinstance(after[1], ReadItem)
        assert after[1].unknown_fields == scenario.unknown
    else:
        assert isinstance(after[1], RejectItem)
        assert CONFIDENTIAL not in after[1].where + after[1].why


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_amount_survives_the_round_trip(sample: Sample) -> None:
    outside, target, body = sample.page()
    things = _listed(exact_json(body))
    for thing, item in zip(things, _read(sample, outside, target, body), strict=True):
        assert isinstance(item, ReadItem)
        fact = item.facts[0]
        if isinstance(fact, InvoicePosted):
            assert (fact.total.value, fact.residual.value) == (thing["amount_total"], thing["amount_residual"])
        else:
            told = fact.model_dump()["amount"]
            assert told["currency"] == thing["currency"].upper()
            assert Decimal(told["minor"]) == thing["amount"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_confidential_values_stand_only_where_they_are_encrypted(sample: Sample) -> None:
    outside, target, body = sample.page()
    for item in _read(sample, outside, target, body):
        assert isinstance(item, ReadItem)
        for fact in item.facts:
            clear, _ = split(fact)
            assert CONFIDENTIAL.encode() not in clear
            assert CONFIDENTIAL not in fact.natural_key()
