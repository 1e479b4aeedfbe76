import json
from collections import Counter
from typing import Any

import pytest

from nostro.model.money import Money
from nostro.runtime.demo.judge import BANK, CARD, FEE, Effect, Judgement, judge, totals
from nostro.sandbox.faults import Answer
from nostro.sandbox.judgement import intended
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import END, ODOO, TUESDAY, build_world
from nostro.sandbox.wire import WireRequest


class Clerk:
    """A world without faults at its end, and somebody who books by hand what he is told to."""

    def __init__(self) -> None:
        self.scenario = Scenario(seed=3)
        self.world = build_world(seed=3, script=self.scenario.script, webhooks={}, faults=False)
        self.world.advance(END)
        self.wish: dict[str, Any] = intended(self.scenario, self.world)
        odoo = self.world.systems[ODOO]
        assert isinstance(odoo, OdooBooks)
        self.chart = odoo.landscape()

    def odoo(self, model: str, method: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever Odoo answers
        body = json.dumps(arguments).encode()
        headers = {"authorization": "bearer key-nostro", "content-type": "application/json"}
        outcome = self.world.call(ODOO, WireRequest("POST", f"/json/2/{model}/{method}", (), headers, body))
        assert isinstance(outcome, Answer)
        assert outcome.reply.status == 200, outcome.reply.body
        return json.loads(outcome.reply.body)

    def register(self, invoice: dict[str, Any], minor: int, day: str | None = None) -> None:
        amount = Money(minor=minor, currency=invoice["currency"]).value
        journal = self.chart[f"Entity {invoice['entity']}"]["journals"]["STR1"]
        context = {"active_model": "account.move", "active_ids": [invoice["odoo_id"]]}
        wizard = self.odoo(
            "account.payment.register",
            "create",
            vals_list=[{"journal_id": journal, "amount": float(amount), **({"payment_date": day} if day else {})}],
            context=context,
        )
        self.odoo("account.payment.register", "action_create_payments", ids=wizard, context=context)

    def register_cards(self) -> None:
        for payment in self.wish["payments"]:
            invoice = self.invoice(payment["invoice"])
            if payment["kind"] == "card" and payment["invoice"] != self.scenario.specials["adopted"]:
                self.register(invoice, payment["amount_minor"], payment["paid_on"])

    def invoice(self, key: str) -> dict[str, Any]:
        return next(one for one in self.wish["invoices"] if one["invoice"] == key)

    def line(self, movement: dict[str, Any]) -> None:
        company = self.chart[f"Entity {movement['bank'][-2:].upper()}"]
        amount = Money(minor=movement["amount_minor"], currency=movement["currency"]).value
        vals = {"journal_id": company["journals"]["BNK1"], "date": movement["booking_date"], "amount": float(amount)}
        self.odoo("account.bank.statement.line", "create", vals_list=[{**vals, "payment_ref": "entry"}])

    def fees(self, payout: str, minor: int, entity: str) -> None:
        company = self.chart[f"Entity {entity}"]
        sides = ((company["accounts"]["fees"], minor / 100), (company["clearing"]["STR1"], -minor / 100))
        lines = [[0, 0, {"account_id": account, "name": f"fees {payout}", "balance": sum_}] for account, sum_ in sides]
        entry = {"move_type": "entry", "journal_id": company["journals"]["MISC"], "line_ids": lines}
        made = self.odoo("account.move", "create", vals_list=[entry])
        self.odoo("account.move", "action_post", ids=made)

    def all_fees(self) -> None:
        paid = {payout["id"] for payout in self.wish["payouts"] if payout["status"] == "paid"}
        sums: Counter[tuple[str, str]] = Counter()
        for fee in self.wish["fees"]:
            if fee["payout"] in paid:
                sums[fee["payout"], fee["psp"][-2:].upper()] += fee["fee_minor"]
        for (payout, entity), minor in sums.items():
            self.fees(payout, minor, entity)

    def book_everything_due(self) -> None:
        self.register_cards()
        for movement in self.wish["movements"]:
            if movement["booking_date"] <= TUESDAY.isoformat():
                self.line(movement)
        self.all_fees()

    def judged(self) -> Judgement:
        return judge(self.wish, self.world.systems[ODOO].books(), TUESDAY)


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


def test_empty_books_have_lost_everything_that_is_due_but_what_odoo_registered_itself(clerk: Clerk) -> None:
    judged = clerk.judged()
    cards = [payment for payment in clerk.wish["payments"] if payment["kind"] == "card"]
    closed = [one for one in clerk.wish["movements"] if one["booking_date"] <= TUESDAY.isoformat()]
    count = Counter(effect.kind for effect in judged.lost)
    assert count[CARD] == len(cards) - 1
    assert count[BANK] == len(closed)
    assert count[FEE] == sum(payout["status"] == "paid" for payout in clerk.wish["payouts"])
    assert judged.doubled == ()


def test_books_that_hold_everything_once_are_clean(clerk: Clerk) -> None:
    clerk.book_everything_due()
    assert clerk.judged() == Judgement((), ())


def test_a_movement_of_an_open_day_may_be_booked_once_and_not_twice(clerk: Clerk) -> None:
    clerk.book_everything_due()
    early = next(one for one in clerk.wish["movements"] if one["booking_date"] > TUESDAY.isoformat())
    clerk.line(early)
    assert clerk.judged() == Judgement((), ())
    clerk.line(early)
    assert [effect.name for effect in clerk.judged().doubled] == [early["booking_date"]]


def test_a_payment_registered_twice_is_doubled_by_its_amount_and_only_there(clerk: Clerk) -> None:
    clerk.book_everything_due()
    invoice = clerk.invoice(clerk.scenario.specials["partial"])
    paid_by_card = clerk.invoice(clerk.scenario.specials["refund"])
    clerk.register(invoice, 10_000)
    judged = clerk.judged()
    assert judged.lost == ()
    assert judged.doubled == (Effect(CARD, "DE", invoice["number"], Money.of("100.00", "EUR")),)
    assert judged.doubled_amounts == [Money.of("100.00", "EUR")]
    assert paid_by_card["number"] not in {effect.name for effect in judged.doubled}


def test_equal_entries_of_one_day_are_two_and_one_of_them_can_be_lost(clerk: Clerk) -> None:
    coffees = [one for one in clerk.wish["movements"] if abs(one["amount_minor"]) == 420]
    assert len(coffees) == 2
    clerk.wish["movements"].remove(coffees[0])
    clerk.book_everything_due()
    clerk.wish["movements"].append(coffees[0])
    assert clerk.judged().lost == (Effect(BANK, "DE", coffees[0]["booking_date"], Money.of("4.20", "EUR")),)


def test_fees_booked_twice_and_fees_of_no_payout_are_doubled_and_half_a_fee_is_lost(clerk: Clerk) -> None:
    clerk.book_everything_due()
    payout = next(one for one in clerk.wish["payouts"] if one["psp"] == "psp/us" and one["status"] == "paid")
    clerk.fees(payout["id"], 250, "US")
    assert clerk.judged().doubled == (Effect(FEE, "US", payout["id"], Money.of("2.50", "USD")),)
    clerk.fees(payout["id"], -350, "US")
    assert clerk.judged().lost == (Effect(FEE, "US", payout["id"], Money.of("1.00", "USD")),)
    under_way = next(one for one in clerk.wish["payouts"] if one["status"] == "in_transit")
    kept = sum(fee["fee_minor"] for fee in clerk.wish["fees"] if fee["payout"] == under_way["id"])
    clerk.fees(under_way["id"], kept, under_way["psp"][-2:].upper())
    assert clerk.judged().doubled == ()
    clerk.fees("nothing", 100, "CH")
    assert [effect.amount for effect in clerk.judged().doubled] == [Money.of("1.00", "CHF")]


def test_totals_count_money_in_and_out_upwards_and_keep_currencies_apart() -> None:
    some = [Money.of("1.00", "EUR"), Money.of("-2.00", "EUR"), Money.of("5", "JPY")]
    assert totals(some) == [Money.of("3.00", "EUR"), Money.of("5", "JPY")]


def test_a_card_payment_on_the_day_that_stripe_counts_is_misdated_after_midnight_in_the_company(clerk: Clerk) -> None:
    late = clerk.scenario.specials["after_midnight"]
    paid = next(one for one in clerk.wish["payments"] if one["invoice"] == late)
    assert paid["paid_on"] == "2026-09-01"
    invoice = clerk.invoice(late)
    clerk.register(invoice, paid["amount_minor"], "2026-08-31")
    assert clerk.judged().misdated == (Effect(CARD, "DE", invoice["number"], Money.of("260.00", "EUR")),)
