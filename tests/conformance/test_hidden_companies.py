"""A company that our user was not allowed in for a while: what was written there meanwhile is told once it is again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nostro.connectors import odoo
from nostro.connectors.odoo.config import OdooConfig
from nostro.model.facts import PaymentRegistered
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.odoo import CompanySetup, OdooBooks, OdooSettings, PspJournal
from tests.conformance.driver import Outside
from tests.conformance.test_feeds import OPENED, Listener


class Group:
    """Two companies and a feed that is polled every minute."""

    def __init__(self, version: int, login: str, feed: str = "invoices") -> None:
        companies = tuple(CompanySetup(name, money, psps=(PspJournal("PSP"),)) for name, money in COMPANIES)
        self.login, self.books = login, OdooBooks(OdooSettings(companies, version), FaultPlan(), OPENED)
        protocol = "jsonrpc" if version < 19 else "json2"
        config = OdooConfig.model_validate({"database": "odoo", "login": login, "protocol": protocol, "page_size": 4})
        self.outside = Outside(odoo.CONNECTOR, self.books, config, {"api_key": f"key-{login}"}, OPENED)
        self.outside.open_session()
        self.partner = self.act("partner", name="Customer 001")
        self.listener = Listener(self.outside, feed)

    def act(self, act: str, **wish: object) -> int:
        return int(self.books.apply({"act": act, **wish}, self.outside.now)["id"])

    def invoice(self, company: str) -> int:
        return self.act("invoice", company=company, partner=self.partner, amount="10.10")

    def minutes(self, number: int) -> None:
        for _ in range(number):
            self.outside.advance(self.outside.now + timedelta(minutes=1))
            self.listener.poll(crashes=True)

    def allow(self, company: str, *, allowed: bool) -> None:
        self.act("show_company" if allowed else "hide_company", login=self.login, company=company)


COMPANIES = (("DE", "EUR"), ("CH", "CHF"))


@pytest.mark.parametrize("away", [3, 40])
@pytest.mark.parametrize("login", ["nostro", "admin"])
@pytest.mark.parametrize("version", [18, 19])
def test_what_was_written_in_a_hidden_company_is_told_once_it_is_seen_again(
    version: int, login: str, away: int
) -> None:
    group = Group(version, login)
    group.invoice("DE")
    group.minutes(3)
    group.allow("DE", allowed=False)
    hidden = group.invoice("DE")
    for _ in range(away):
        group.invoice("CH")
        group.minutes(1)
    assert hidden not in group.listener.newest()
    group.allow("DE", allowed=True)
    group.minutes(3)
    assert hidden in group.listener.newest()
    assert group.listener.gone() == []


@pytest.mark.parametrize("version", [18, 19])
def test_payments_of_a_company_that_was_hidden_twice_are_told_too(version: int) -> None:
    group = Group(version, "nostro", "payments")
    journal = group.books.landscape()["DE"]["journals"]["PSP"]
    invoices = [group.invoice("DE") for _ in range(3)]
    paid = [group.act("provider_payment", invoice=invoices[0], journal=journal, provider_reference="pi_0")]
    group.minutes(2)
    for place in (1, 2):
        group.allow("DE", allowed=False)
        told = {"invoice": invoices[place], "journal": journal, "provider_reference": f"pi_{place}"}
        paid.append(group.act("provider_payment", **told))
        group.minutes(5)
        group.allow("DE", allowed=True)
        group.minutes(3)
    heard = [fact.payment_id for fact in group.listener.told.values() if isinstance(fact, PaymentRegistered)]
    assert set(heard) == set(paid)


@pytest.mark.parametrize("version", [18, 19])
def test_a_look_that_is_refused_ends_no_walk(version: int) -> None:
    group = Group(version, "nostro")
    group.invoice("DE")
    group.minutes(1)
    cursor, feed = group.listener.cursor, group.outside.connector.manifest.feeds["invoices"]
    page = feed.page(cursor, [], group.outside.config)
    if not page.more:
        page = feed.page(page.cursor, [], group.outside.config)
    assert page.more, "every second walk is followed by a look"
    beyond = feed.refused(page.cursor, group.outside.config)
    assert beyond is not None
    assert not beyond.more
    group.listener.cursor = beyond.cursor
    later = group.invoice("DE")
    group.minutes(1)
    assert later in group.listener.newest()
