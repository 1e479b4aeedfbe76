"""Who may say something in Stripe's name."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from nostro.connectors.kit.reading import Refusal, Verified
from nostro.connectors.stripe.config import StripeConfig
from nostro.connectors.stripe.webhook import verify

NOW = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)
SECRETS = {"api_key": "sk", "webhook_secret": "whsec_new", "webhook_secret_previous": "whsec_old"}
EVENT = {"id": "evt_1", "object": "event", "created": 1_788_163_200, "data": {"object": {"id": "ch_1", "amount": 5}}}
BODY = json.dumps(EVENT).encode()


def _header(body: bytes, secret: str, at: datetime = NOW, scheme: str = "v1") -> str:
    stamp = str(int(at.timestamp()))
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},{scheme}={mark}"


def _verdict(body: bytes, header: str, secrets: dict[str, str] = SECRETS) -> Verified | Refusal:
    return verify(body, {"stripe-signature": header}, StripeConfig(), secrets, NOW)


@pytest.mark.parametrize("secret", ["whsec_new", "whsec_old"])
def test_each_secret_whose_name_begins_with_webhook_secret_may_sign(secret: str) -> None:
    verdict = _verdict(BODY, _header(BODY, secret))
    assert isinstance(verdict, Verified)
    assert verdict.signed
    assert verdict.event_id == "evt_1"
    assert verdict.sender_time == datetime.fromtimestamp(1_788_163_200, UTC)


def test_one_right_mark_among_several_is_enough_while_a_secret_is_rolled() -> None:
    header = f"{_header(BODY, 'whsec_unknown')},{_header(BODY, 'whsec_new').partition(',')[2]}"
    assert isinstance(_verdict(BODY, header), Verified)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=abc,v1=00",
        "t=,v1=",
        f"t={int(NOW.timestamp())}",
        f"t={int(NOW.timestamp())},v1=é",
        _header(BODY, "whsec_unknown"),
        _header(BODY, "sk"),
        _header(BODY + b" ", "whsec_new"),
        _header(BODY, "whsec_new", scheme="v0"),
        _header(BODY, "whsec_new", NOW - timedelta(seconds=301)),
        _header(BODY, "whsec_new", NOW + timedelta(seconds=301)),
    ],
)
def test_a_missing_wrong_or_stale_signature_is_refused_with_401(header: str) -> None:
    verdict = _verdict(BODY, header)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401


def test_a_signature_may_be_five_minutes_old() -> None:
    assert isinstance(_verdict(BODY, _header(BODY, "whsec_new", NOW - timedelta(seconds=300))), Verified)


def test_an_empty_secret_signs_nothing() -> None:
    assert isinstance(_verdict(BODY, _header(BODY, ""), {"webhook_secret": ""}), Refusal)


def test_what_must_not_differ_between_two_deliveries_is_the_object_and_not_the_pending_webhooks() -> None:
    first, second = (json.dumps({**EVENT, "pending_webhooks": count}).encode() for count in (2, 1))
    changed = json.dumps({**EVENT, "data": {"object": {"id": "ch_1", "amount": 6}}}).encode()
    contents = []
    for body in (first, second, changed):
        verdict = _verdict(body, _header(body, "whsec_new"))
        assert isinstance(verdict, Verified)
        contents.append(verdict.content)
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"id": "evt_1"}',
        b'{"id": "evt_1", "created": 1e400, "data": {"object": {}}}',
        b'{"id": "evt_1", "created": 99999999999999999999, "data": {"object": {}}}',
        b'{"id": "evt_1", "created": 1, "data": {"object": 99999999999999999999}}',
        b'{"id": "evt_1", "created": 1, "data": {"object": NaN}}',
        b"[" * 200_000,
        b"\xff\xfe",
    ],
)
def test_a_signed_body_that_cannot_be_read_is_verified_so_that_it_is_kept(body: bytes) -> None:
    verdict = _verdict(body, _header(body, "whsec_new"))
    assert isinstance(verdict, Verified)
    assert verdict.event_id == hashlib.sha256(body).hexdigest()
    assert verdict.content == body
