"""Somebody works on the same things at Odoo while we do: nothing is there twice, and nothing is left untold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.model.calls import Message, Reply
from nostro.model.failures import FailureKind
from nostro.model.intents import Reconcile, ReopenInvoice
from nostro.model.outcomes import OutcomeKind
from tests.conformance.driver import Outside
from tests.conformance.houses import DAY, OdooHouse, eur, outcome_of
from tests.conformance.test_drafts import ENTRY, PAYMENT, fee, once, ours

RECONCILE = "account.move.line/reconcile"


@pytest.fixture(params=[18, 19], ids=["odoo 18", "odoo 19"])
def house(request: pytest.FixtureRequest) -> OdooHouse:
    return OdooHouse(request.param)


def chargeback(house: OdooHouse) -> ReopenInvoice:
    invoice = house.invoice()
    payment = int(house.do(house.payment(invoice))[0]["payment"])
    told = {"entity": "DE", "move_id": invoice, "payment": payment, "amount": eur("100.10"), "booked_on": DAY}
    return ReopenInvoice(**told, journal=house.journals["MISC"], account=house.clearing, label="chargeback")


def suspended(house: OdooHouse) -> Reconcile:
    """A credit on suspense, and the invoice that it pays."""
    line = int(house.do(house.line("100.10"))[0]["statement_line"])
    return Reconcile(entity="DE", move_id=house.invoice(), statement_line=line)


def receivables(house: OdooHouse, *moves: int) -> list[int]:
    return [row["id"] for move in moves for row in house.rows("lines", move_id=move, account_type="asset_receivable")]


def test_an_entry_that_somebody_posts_right_before_us_is_adopted(house: OdooHouse) -> None:
    post = once(f"{ENTRY}/action_post", lambda: house.person(ENTRY, "action_post", ours(house, fee(house))[0]["id"]))
    assert outcome_of(house, fee(house), post).there
    assert [row["state"] for row in ours(house, fee(house))] == ["posted"]


def test_a_line_that_somebody_matches_right_before_us_is_matched(house: OdooHouse) -> None:
    wanted = suspended(house)
    paying = house.row("statement_lines", wanted.statement_line or 0)["move_id"]
    match = once(RECONCILE, lambda: house.act("match", lines=receivables(house, paying, wanted.move_id)))
    assert outcome_of(house, wanted, match).there
    assert (len(house.rows("partials")), house.left(wanted.move_id)) == (1, Decimal("0.00"))


def test_a_line_whose_invoice_somebody_else_pays_meanwhile_is_told_where_it_stands(house: OdooHouse) -> None:
    wanted = suspended(house)
    pay = once(RECONCILE, lambda: house.do(house.payment(wanted.move_id)))
    outcome = outcome_of(house, wanted, pay)
    assert (outcome.kind, outcome.failure) == (OutcomeKind.FAILED, FailureKind.CONFLICT)
    move = house.row("statement_lines", wanted.statement_line or 0)["move_id"]
    assert f"not on suspense (/odoo/account.move/{move})" in outcome.sentence


def test_a_line_is_not_matched_with_an_invoice_that_was_taken_back(house: OdooHouse) -> None:
    wanted = suspended(house)
    house.person(ENTRY, "button_draft", wanted.move_id)
    assert outcome_of(house, wanted).kind is OutcomeKind.FAILED
    assert house.rows("partials") == []


def test_a_payment_that_somebody_took_back_is_not_taken_back_by_an_entry_too(house: OdooHouse) -> None:
    wanted = chargeback(house)
    house.person(PAYMENT, "action_cancel", wanted.payment or 0)
    outcome = outcome_of(house, wanted)
    assert (outcome.kind, ours(house, wanted)) == (OutcomeKind.FAILED, [])


@pytest.mark.parametrize("way", ["action_draft", "action_cancel"])
@pytest.mark.parametrize("call", ["account.move.line/remove_move_reconcile", RECONCILE])
def test_a_payment_that_somebody_takes_back_after_our_entry_is_a_persons_business(
    house: OdooHouse, way: str, call: str
) -> None:
    wanted = chargeback(house)
    for before in (once(call, lambda: house.person(PAYMENT, way, wanted.payment or 0)), lambda _: None):
        outcome = outcome_of(house, wanted, before)
        (entry,) = ours(house, wanted)
        assert outcome.kind is OutcomeKind.HANDED_OVER
        assert f"(/odoo/account.move/{entry['id']}) is there" in outcome.sentence


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_line_that_may_not_be_looked_at_is_not_taken_for_reopened(
    house: OdooHouse, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    matched = suspended(house)
    house.do(matched)
    told = {"entity": "DE", "move_id": matched.move_id, "statement_line": matched.statement_line, "booked_on": DAY}
    wanted = ReopenInvoice(**told, amount=eur("100.10"), journal=0, account=0, label="returned")
    say, asked = type(house.outside).say, 0

    def refused(outside: Outside, message: Message, key: str, *, acting: bool) -> Reply:
        nonlocal asked
        asked += message.target == "account.move.line/search_read"
        denied = Reply(None, outside.now, FailureKind.UNAUTHORISED, "no", outside.now)
        is_it = asked == nth and message.target == "account.move.line/search_read"
        return denied if is_it else say(outside, message, key, acting=acting)

    monkeypatch.setattr(type(house.outside), "say", refused)
    assert outcome_of(house, wanted).kind is OutcomeKind.HANDED_OVER


def test_an_entry_of_a_chargeback_that_somebody_took_back_is_a_persons_business(house: OdooHouse) -> None:
    wanted = chargeback(house)
    entry = int(outcome_of(house, wanted).ids["entry"])
    house.person(ENTRY, "button_draft", entry)
    outcome = outcome_of(house, wanted)
    assert outcome.kind is OutcomeKind.HANDED_OVER
    assert house.row("moves", entry)["state"] == "draft"
