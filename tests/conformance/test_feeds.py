"""The scenarios of feeds: everything is told, with its newest state, however the pages fall and whatever crashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from nostro.connectors import odoo, stripe
from nostro.connectors.kit.conformance import FEEDS, FeedScenario
from nostro.connectors.kit.reading import ReadItem
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.facts import FactBody, InvoicePosted, InvoiceWithdrawn, PaymentRegistered, RefundReported, split
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import CompanySetup, OdooBooks, OdooSettings, PspJournal
from nostro.sandbox.psp import Psp, PspSettings
from tests.conformance.driver import Outside
from tests.conformance.moneyback.house import MoneybackHouse
from tests.conformance.moneyback.ways import WITH_NEWS
from tests.conformance.receipts import receipt

OPENED = datetime(2026, 8, 31, 8, 0, 0, 250_000, tzinfo=UTC)


@dataclass
class Listener:
    """What was told so far, by natural key; the same key with another content fails at once."""

    outside: Outside
    feed: str
    cursor: str = ""
    told: dict[str, FactBody] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def poll(self, *, crashes: bool = False) -> int:
        """All pages that wait; says how many held something. With `crashes` each page is fetched twice."""
        held, more = 0, True
        while more:
            for _ in range(2 if crashes else 1):
                message, body, page = self.outside.fetch(self.feed, self.cursor)
                self.asked.append(message.target)
                if body:  # of what was refused none is kept
                    self._hear(message.target, body)
            self.cursor, more = page.cursor, page.more
            held += not page.empty
        return held

    def _hear(self, target: str, body: bytes) -> None:
        items = list(self.outside.connector.read(receipt(self.outside, f"poll:{self.feed}", body, target)))
        for fact in [fact for item in items if isinstance(item, ReadItem) for fact in item.facts]:
            assert split(self.told.setdefault(fact.natural_key(), fact)) == split(fact)

    def turn(self) -> None:
        """One page."""
        message, body, page = self.outside.fetch(self.feed, self.cursor)
        self._hear(message.target, body)
        self.cursor = page.cursor

    def gone(self) -> list[int]:
        """Invoices that were told as gone."""
        return [one.move_id for one in self.told.values() if isinstance(one, InvoiceWithdrawn) and one.why == "gone"]

    def newest(self) -> dict[int, str]:
        """What is open of each invoice by its newest telling (of one second: the later told)."""
        facts = [fact for fact in self.told.values() if isinstance(fact, InvoicePosted)]
        return {fact.move_id: str(fact.residual.value) for fact in sorted(facts, key=lambda fact: fact.changed_at)}


def _pass(outside: Outside, seconds: float) -> None:
    outside.advance(outside.now + timedelta(seconds=seconds))


@pytest.mark.parametrize("scenario", FEEDS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("version", [18, 19])
def test_every_invoice_of_an_odoo_is_told_with_its_newest_state(version: int, scenario: FeedScenario) -> None:
    companies = (CompanySetup("DE", "EUR", psps=(PspJournal("PSP"),)),)
    books = OdooBooks(OdooSettings(companies, version), FaultPlan(), OPENED)
    config = OdooConfig(
        database="odoo",
        login="nostro",
        protocol="jsonrpc" if version < 19 else "json2",
        page_size=scenario.page_size,
    )
    outside = Outside(odoo.CONNECTOR, books, config, {"api_key": "key-nostro"}, OPENED)
    outside.open_session()
    partner = books.apply({"act": "partner", "name": "Customer 001"}, outside.now)["id"]
    journal = books.landscape()["DE"]["journals"]["PSP"]
    listener, bursts = Listener(outside, "invoices"), 0
    for place in range(scenario.things):
        slow = timedelta(seconds=100 if scenario.late and place % 2 else 0)
        told = {"act": "invoice", "company": "DE", "partner": partner, "amount": "10.10"}
        invoice = books.apply(told, outside.now - slow)["id"]
        if place % scenario.burst == scenario.burst - 1:
            bursts += 1
            _pass(outside, 1)
            if bursts % scenario.poll_every == 0:
                listener.poll(crashes=scenario.crashes)
                paid = {"act": "provider_payment", "invoice": invoice, "journal": journal, "provider_reference": "pi_1"}
                if not slow:
                    books.apply(paid, outside.now)
                _pass(outside, 20 if scenario.late else 200)
    listener.poll(crashes=scenario.crashes)
    moves = [row for row in books.books()["moves"] if row["move_type"] == "out_invoice"]
    assert len(moves) == scenario.things
    assert listener.newest() == {row["id"]: row["amount_residual"] for row in moves}
    listener.poll()
    assert listener.poll() == 0, "a poll without news is a heartbeat"
    payments = Listener(outside, "payments")
    payments.poll(crashes=scenario.crashes)
    heard = {fact.payment_id for fact in payments.told.values() if isinstance(fact, PaymentRegistered)}
    assert heard == {row["id"] for row in books.books()["payments"]}


@pytest.mark.parametrize("scenario", FEEDS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("feed", ["events", "charges"])
def test_every_charge_of_a_stripe_account_is_told(feed: str, scenario: FeedScenario) -> None:
    pages = 100 // scenario.page_size  # Stripe's pages hold 100
    psp = Psp(PspSettings("psp"), FaultPlan(), OPENED)
    outside = Outside(stripe.CONNECTOR, psp, StripeConfig(livemode=False), {"api_key": "sk_test_sandbox"}, OPENED)
    listener, bursts = Listener(outside, feed), 0
    for place in range(scenario.things):
        for _ in range(pages):
            psp.apply({"act": "card_payment", "amount": 1010, "currency": "eur"}, outside.now)
        if place % scenario.burst == scenario.burst - 1:
            bursts += 1
            _pass(outside, 1)
            if bursts % scenario.poll_every == 0:
                listener.poll(crashes=scenario.crashes)
                _pass(outside, 200)
    listener.poll(crashes=scenario.crashes)
    told = {key.partition("/")[2] for key, fact in listener.told.items() if fact.fact_type == "payment.captured"}
    assert told == {charge["id"] for charge in psp.books()["charges"]}
    _pass(outside, 4000)
    listener.poll()
    assert listener.poll() == 0, "a poll without news is a heartbeat"


@pytest.mark.parametrize("scenario", FEEDS, ids=lambda scenario: scenario.name)
def test_every_refund_of_a_moneyback_account_is_told(scenario: FeedScenario) -> None:
    house = MoneybackHouse(WITH_NEWS, page_size=scenario.page_size)
    listener = Listener(house.outside, "changes")
    for place in range(scenario.things):
        house.pay_back(place)
        if (place + 1) % (scenario.burst * scenario.poll_every) == 0:
            listener.poll(crashes=scenario.crashes)
    listener.poll(crashes=scenario.crashes)
    told = [fact.refund_id for fact in listener.told.values() if isinstance(fact, RefundReported)]
    assert told == [refund["id"] for refund in house.stand.refunds]
    assert listener.poll() == 0, "a poll without news is a heartbeat"


@pytest.mark.parametrize("version", [18, 19])
def test_an_invoice_that_was_deleted_is_told_once_as_gone_and_one_that_is_hidden_is_not(version: int) -> None:
    """Deletes leave no trace at Odoo: what the feed told as open is asked for by id every fifteen walks."""
    outside, books = _odoo_of_two_companies(version)
    partner = books.apply({"act": "partner", "name": "Customer 001"}, outside.now)["id"]
    told = {"act": "invoice", "partner": partner, "amount": "10.10"}
    here = [books.apply({**told, "company": "DE"}, outside.now)["id"] for _ in range(5)]
    there = [books.apply({**told, "company": "CH"}, outside.now)["id"] for _ in range(3)]
    listener = Listener(outside, "invoices")
    listener.poll(crashes=True)
    for gone in (here[1], here[4], there[2]):
        _pass(outside, 60)
        books.apply({"act": "delete_invoice", "invoice": gone}, outside.now)
        for _ in range(20):
            listener.poll(crashes=True)
    found = [fact for fact in listener.told.values() if isinstance(fact, InvoiceWithdrawn)]
    assert [(fact.move_id, fact.why, fact.number) for fact in found] == [(here[1], "gone", ""), (here[4], "gone", "")]
    newest = max(fact.changed_at for fact in listener.told.values() if isinstance(fact, InvoicePosted))
    assert all(fact.changed_at >= newest for fact in found), "it is the newest news of the invoice"


@pytest.mark.parametrize("version", [18, 19])
def test_a_company_that_the_user_sees_no_more_says_nothing_about_its_invoices(version: int) -> None:
    outside, books = _odoo_of_two_companies(version)
    partner = books.apply({"act": "partner", "name": "Customer 001"}, outside.now)["id"]
    for company in ("DE", "CH"):
        books.apply({"act": "invoice", "partner": partner, "amount": "1", "company": company}, outside.now)
    listener = Listener(outside, "invoices")
    listener.poll()
    books.apply({"act": "hide_company", "login": "nostro", "company": "CH"}, outside.now)
    for _ in range(20):
        listener.poll()
    assert listener.gone() == []
    assert '"held":{"1":[1],"2":[2]}' in listener.cursor, "it may be seen again"


@pytest.mark.parametrize("hidden", [(0,), (4,), (1, 2, 6), tuple(range(7))], ids=str)
@pytest.mark.parametrize("version", [18, 19])
def test_hidden_invoices_hold_up_nothing_and_are_never_taken_for_gone(version: int, hidden: tuple[int, ...]) -> None:
    outside, books, here, listener = _odoo_of_many_invoices(version)
    for place in hidden:
        books.apply({"act": "hide_invoice", "login": "nostro", "invoice": here[place]}, outside.now)
    books.apply({"act": "delete_invoice", "invoice": here[3]}, outside.now)
    for _ in range(17):
        listener.poll(crashes=True)
    assert listener.gone() == [here[3]]
    later = {"act": "invoice", "partner": 1, "amount": "1", "company": "DE"}
    added = books.apply(later, outside.now)["id"]
    _pass(outside, 1)
    listener.poll()
    assert added in listener.newest()


@pytest.mark.parametrize("version", [18, 19])
def test_a_hidden_invoice_is_asked_for_in_one_sweep_only(version: int) -> None:
    outside, books, here, listener = _odoo_of_many_invoices(version)
    books.apply({"act": "hide_invoice", "login": "nostro", "invoice": here[2]}, outside.now)
    for _ in range(17):
        listener.poll()
    listener.asked.clear()
    for _ in range(17):
        listener.poll()
    swept = [target for target in listener.asked if "?" in target]
    assert swept
    assert not any(str(here[2]) in target.partition("ids=")[2].split("%2C") for target in swept)


@pytest.mark.parametrize("version", [18, 19])
def test_a_company_that_is_taken_away_amid_a_sweep_holds_up_nothing_and_is_swept_when_it_is_seen_again(
    version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.connectors.odoo.feed.HIDDEN_IN_A_ROW", 3)
    outside, books, here, listener = _odoo_of_many_invoices(version)
    books.apply({"act": "invoice", "partner": 1, "amount": "1", "company": "CH"}, outside.now)
    while '"companies":' not in listener.cursor:
        listener.turn()
    user = {"act": "hide_company", "login": "nostro", "company": "DE"}
    books.apply(user, outside.now)
    books.apply({"act": "delete_invoice", "invoice": here[3]}, outside.now)
    for _ in range(40):
        listener.poll()
    assert listener.gone() == []
    books.apply({**user, "act": "show_company"}, outside.now)
    for _ in range(17):
        listener.poll()
    assert listener.gone() == [here[3]]


@pytest.mark.parametrize("version", [18, 19])
def test_what_is_held_open_stays_so_over_a_recovery(version: int) -> None:
    outside, books, here, listener = _odoo_of_many_invoices(version)
    _pass(outside, 3600)
    rewound = outside.connector.manifest.feeds["invoices"].rewound
    listener.cursor = rewound(listener.cursor, outside.now - timedelta(seconds=60))
    books.apply({"act": "delete_invoice", "invoice": here[3]}, outside.now)
    for _ in range(17):
        listener.poll()
    assert listener.gone() == [here[3]]


def _odoo_of_many_invoices(version: int) -> tuple[Outside, OdooBooks, list[int], Listener]:
    """Seven open invoices that were told."""
    outside, books = _odoo_of_two_companies(version, page_size=4)
    partner = books.apply({"act": "partner", "name": "Customer 001"}, outside.now)["id"]
    told = {"act": "invoice", "partner": partner, "amount": "1", "company": "DE"}
    here = [books.apply(told, outside.now)["id"] for _ in range(7)]
    listener = Listener(outside, "invoices")
    listener.poll()
    _pass(outside, 600)
    return outside, books, here, listener


@pytest.mark.parametrize("method,why", [("button_draft", "draft"), ("button_cancel", "cancelled")])
@pytest.mark.parametrize("version", [18, 19])
def test_an_invoice_that_is_set_to_draft_or_cancelled_is_told_at_the_next_poll(
    version: int, method: str, why: str
) -> None:
    outside, books = _odoo_of_two_companies(version)
    partner = books.apply({"act": "partner", "name": "Customer 001"}, outside.now)["id"]
    told = {"act": "invoice", "partner": partner, "amount": "1", "company": "DE"}
    invoice = books.apply(told, outside.now)["id"]
    listener = Listener(outside, "invoices")
    listener.poll()
    _pass(outside, 60)
    call = {"act": "call", "key": "key-nostro", "model": "account.move", "ids": [invoice], "context": {}}
    for step in dict.fromkeys(("button_draft", method)):
        books.apply({**call, "method": step, "arguments": {}}, outside.now)
    assert listener.poll() == 1
    found = [fact for fact in listener.told.values() if isinstance(fact, InvoiceWithdrawn)]
    assert [(fact.move_id, fact.why) for fact in found] == [(invoice, why)]


def _odoo_of_two_companies(version: int, page_size: int = 2) -> tuple[Outside, OdooBooks]:
    companies = (CompanySetup("DE", "EUR"), CompanySetup("CH", "CHF", "CH"))
    books = OdooBooks(OdooSettings(companies, version), FaultPlan(), OPENED)
    protocol = "jsonrpc" if version < 19 else "json2"
    config = OdooConfig(database="odoo", login="nostro", protocol=protocol, page_size=page_size)
    outside = Outside(odoo.CONNECTOR, books, config, {"api_key": "key-nostro"}, OPENED)
    outside.open_session()
    return outside, books
