"""What is asked of refunds notices one that is there twice, of another amount, unasked or too much; no seed has any."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from nostro.model.canonical import canonical
from nostro.model.money import Money
from nostro.runtime.demo.judge import CARD, Effect, Judgement
from tests.simulation.business import Business
from tests.simulation.given_back import Refund, compared, known, too_much, without_what_is_over

EUR_40, EUR_60, EUR_100 = (Money(minor=minor, currency="EUR") for minor in (4_000, 6_000, 10_000))
REFUND = Refund("NOS1", "re_1", "pi_1", EUR_40, live=True)


def asked(fate: str = "done", key: str = "NOS1") -> Any:  # noqa: ANN401 - a row's parts
    """A command that gives 40 EUR of a payment back."""
    body = canonical({"payment_id": "pi_1", "amount": {"value": "40.00", "currency": "EUR"}})
    return SimpleNamespace(correlation=key, entity="DE", body=body, fate=fate)


@pytest.mark.parametrize(
    "refunds, fate, flaw",
    [
        ([REFUND], "done", ""),
        ([REFUND], "adopted", ""),
        ([REFUND], "handed_over", ""),
        ([], "discarded", ""),
        ([REFUND._replace(live=False)], "failed", ""),
        ([REFUND, REFUND._replace(ident="re_2")], "done", "2: given back 2 times: NOS1"),
        ([], "done", "2: closed as done, and not given back: NOS1"),
        ([REFUND], "failed", "2: 40.00 EUR of pi_1 went back, and the command is failed"),
        ([REFUND._replace(amount=EUR_60)], "done", "2: 40.00 EUR of pi_1 were to go back, and 60.00 EUR of pi_1 did"),
        ([REFUND._replace(payment="pi_2")], "done", "2: 40.00 EUR of pi_1 were to go back, and 40.00 EUR of pi_2 did"),
        ([REFUND, REFUND._replace(correlation="NOS2")], "done", "2: nobody asked for refund re_1"),
    ],
)
def test_a_refund_stands_once_at_the_provider_as_it_was_asked_for(refunds: list[Refund], fate: str, flaw: str) -> None:
    assert list(compared(refunds, [asked(fate)])) == ([flaw] if flaw else [])


def test_a_refund_stands_once_in_our_books_as_the_provider_has_it() -> None:
    told = ("pi_1", "re_1", EUR_40, True)
    assert list(known([REFUND], [told])) == []
    assert len(list(known([REFUND], []))) == 1
    assert len(list(known([REFUND], [told, told]))) == 1
    assert len(list(known([REFUND], [("pi_1", "re_1", EUR_60, True)]))) == 1


def sold() -> Any:  # noqa: ANN401 - a business and its world, as far as they are asked
    """An invoice of 100 EUR of which 40 were paid by transfer, and all of it by card."""
    expected = SimpleNamespace(entity="DE", currency="EUR", surplus_minor=4_000)
    business = SimpleNamespace(expected={"DE-1": expected}, payments={"card/DE-1": ("DE-1", 10_000, "card")})
    world = SimpleNamespace(results={"card/DE-1": {"id": "pi_1"}, "DE-1": {"name": "INV/1"}})
    return business, world


def test_no_more_goes_back_than_was_over_but_of_what_nobody_could_use() -> None:
    business, world = sold()
    twice = [REFUND, REFUND._replace(ident="re_2")]
    assert list(too_much([REFUND], business, world, set())) == []
    assert list(too_much(twice, business, world, set())) == ["2: of DE-1 8000 went back, and 4000 were over"]
    assert list(too_much([REFUND._replace(amount=EUR_100)], business, world, {"pi_1"})) == []


@pytest.mark.parametrize(
    "back, booked, left",
    [
        (EUR_100, None, 0),
        (EUR_40, EUR_60, 0),
        (EUR_40, None, 1),
        (EUR_40, EUR_40, 2),
        (None, EUR_60, 2),
    ],
)
def test_of_what_went_back_nothing_has_to_be_booked_and_nothing_else_is_explained(
    back: Money | None, booked: Money | None, left: int
) -> None:
    business, world = sold()
    whole = Effect(CARD, "DE", "INV/1", EUR_100)
    doubled = (replace(whole, amount=booked),) if booked else ()
    told = {"id": "re_1", "payment_intent": "pi_1", "currency": "eur", "status": "succeeded"}
    refunds = [{**told, "amount": back.minor, "metadata": {"nostro_key": "NOS1"}}] if back else []
    outside = {"psp/de": {"kind": "psp", "refunds": refunds}}
    judged = without_what_is_over(Judgement((whole,), doubled), outside, business, world, [])
    assert len(judged.lost) + len(judged.doubled) == left


def test_a_card_payment_is_over_in_some_seeds_and_only_where_people_can_give_it_back() -> None:
    over = [business for seed in range(1, 201) if (business := Business(seed)).card_is_over]
    assert {story[3:] for one in over for story in one.stories.values()} >= {
        "card twice", "card beyond", "card of nobody", "card for nothing",
    }  # fmt: skip
