"""What is signed is believed; a webhook tells the very same fact as the feed."""

from __future__ import annotations

import hashlib
import hmac
import json

from nostro.connectors.kit.reading import ReadItem, Refusal, Verified
from tests.conformance.moneyback.house import MoneybackHouse
from tests.conformance.moneyback.ways import WITH_NEWS
from tests.conformance.receipts import receipt


def test_a_signed_webhook_is_taken_and_any_other_is_refused() -> None:
    house, verify = MoneybackHouse(WITH_NEWS), WITH_NEWS.verify
    assert verify is not None
    signature = hmac.new(b"hook", b"{}", hashlib.sha256).hexdigest()
    told = (house.outside.config, house.outside.secrets, house.outside.now)
    assert isinstance(verify(b"{}", {"moneyback-signature": signature}, *told), Verified)
    for headers in ({}, {"moneyback-signature": "\xe9"}, {"moneyback-signature": signature[1:]}):
        assert isinstance(verify(b"{}", headers, *told), Refusal)


def test_a_webhook_and_the_feed_tell_the_very_same_fact() -> None:
    house = MoneybackHouse(WITH_NEWS)
    house.pay_back(1)
    _, page, _ = house.outside.fetch("changes", "")
    hook = json.dumps(house.stand.refunds[0]).encode()
    [polled] = WITH_NEWS.read(receipt(house.outside, "poll:changes", page))
    [pushed] = WITH_NEWS.read(receipt(house.outside, "webhook", hook))
    assert isinstance(polled, ReadItem)
    assert polled == pushed
