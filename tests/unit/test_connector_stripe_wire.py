"""Stripe's amounts, calls and errors."""

import json
from decimal import Decimal

import pytest

from nostro.connectors.kit.manifest import Access
from nostro.connectors.stripe.config import StripeConfig
from nostro.connectors.stripe.wire import amount, minor_units, money, render, understand
from nostro.model.calls import HttpReply, Message
from nostro.model.failures import FailureKind
from nostro.model.money import InexactAmountError, Money

ACCESS = Access("https://api.stripe.com", {"api_key": "sk_1"})
MESSAGE = Message("/v1/refunds", {"charge": "ch_1"})


@pytest.mark.parametrize(
    "minor,currency,value",
    [
        (1234, "eur", "12.34"),
        (500, "jpy", "500"),
        (12_340, "kwd", "12.340"),
        (500, "isk", "5"),  # a whole currency that Stripe writes with two decimals
        (500, "ugx", "5"),
        (5, "mga", "5.00"),  # ISO says two decimals, Stripe none
        (10_000, "huf", "100.00"),
        (900, "twd", "9.00"),
        (-250, "usd", "-2.50"),
    ],
)
def test_amounts_are_read_and_written_by_stripes_own_exponents(minor: int, currency: str, value: str) -> None:
    told = money(minor, currency)
    assert told == Money.of(value, currency.upper())
    assert minor_units(told) == minor


def test_digits_that_the_currency_does_not_have_are_never_rounded_away() -> None:
    assert amount(501, "isk").value == Decimal("5.01")
    with pytest.raises(InexactAmountError):
        money(501, "isk")


def test_a_currency_that_no_standard_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        money(1, "xxx")


def test_a_post_carries_form_fields_the_pinned_version_and_the_key() -> None:
    message = Message("/v1/refunds", {"amount": 5, "expand[]": ["charge"]}, passing={"metadata[a]": "b c"})
    request = render(message, "NOSKEY", StripeConfig(), ACCESS)
    assert (request.method, request.url) == ("POST", "https://api.stripe.com/v1/refunds")
    assert request.body == b"amount=5&expand%5B%5D=charge&metadata%5Ba%5D=b+c"
    assert request.headers["idempotency-key"] == "NOSKEY"
    assert request.headers["authorization"] == "Bearer sk_1"
    assert request.headers["stripe-version"] == "2026-01-28.clover"


def test_a_get_carries_its_fields_in_the_query_and_no_key() -> None:
    request = render(Message("/v1/charges?a=1", {"created[gte]": 7}, "GET"), "NOSKEY", StripeConfig(), ACCESS)
    assert request.url == "https://api.stripe.com/v1/charges?a=1&created%5Bgte%5D=7"
    assert "idempotency-key" not in request.headers
    assert request.body == b""


@pytest.mark.parametrize(
    "status,error,kind",
    [
        (400, {"type": "invalid_request_error"}, FailureKind.INVALID),
        (400, {"type": "invalid_request_error", "code": "charge_already_refunded"}, FailureKind.CONFLICT),
        (401, {"type": "invalid_request_error"}, FailureKind.DENIED),
        (402, {"type": "card_error", "code": "card_declined"}, FailureKind.REFUSED),
        (403, {}, FailureKind.UNAUTHORISED),
        (404, {"code": "resource_missing"}, FailureKind.NOT_FOUND),
        (409, {"code": "idempotency_key_in_use"}, FailureKind.AMBIGUOUS),
        (409, {}, FailureKind.AMBIGUOUS),
        (429, {"code": "lock_timeout"}, FailureKind.LIMITED),
        (429, {}, FailureKind.LIMITED),
        (500, {"type": "api_error"}, FailureKind.AMBIGUOUS),
        (503, {}, FailureKind.AMBIGUOUS),
    ],
)
def test_each_error_has_its_failure_kind_and_an_unknown_one_is_ambiguous(
    status: int, error: dict[str, str], kind: FailureKind
) -> None:
    body = json.dumps({"error": {**error, "message": "The card of Customer 001 was declined."}}).encode()
    _, failure, sentence = understand(MESSAGE, HttpReply(status, {}, body))
    assert failure is kind
    assert "Customer 001" not in sentence


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 200_000])
def test_a_success_that_cannot_be_read_is_ambiguous(body: bytes) -> None:
    assert understand(MESSAGE, HttpReply(200, {}, body))[1] is FailureKind.AMBIGUOUS


def test_fractions_in_replies_stay_exact() -> None:
    content, failure, _ = understand(MESSAGE, HttpReply(200, {}, b'{"exchange_rate": 0.8512345678901234567}'))
    assert failure is None
    assert content["exchange_rate"] == Decimal("0.8512345678901234567")
