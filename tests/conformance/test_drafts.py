"""What a refused posting leaves behind at Odoo is found by whoever asks again, and never stands there twice."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from nostro.connectors import odoo
from nostro.model.calls import Message
from nostro.model.intents import BookJournalEntry, EntryLine, Intent, RegisterCustomerPayment, ReopenInvoice
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, OutcomeKind
from tests.conformance.driver import Dispatch
from tests.conformance.houses import DAY, OdooHouse, eur, ordered, outcome_of

Before = Callable[[Message], object]
ENTRY, PAYMENT = "account.move", "account.payment"
TABLES = {ENTRY: "moves", PAYMENT: "payments"}


@pytest.fixture(params=[18, 19], ids=["odoo 18", "odoo 19"])
def house(request: pytest.FixtureRequest) -> OdooHouse:
    return OdooHouse(request.param)


def fee(house: OdooHouse, amount: str = "3.20", account: int = 0) -> BookJournalEntry:
    return house.entry(
        EntryLine(account=account or house.fees, balance=eur(amount), label="fee"),
        EntryLine(account=house.clearing, balance=eur(f"-{amount}"), label="fee"),
    )


def second_payment(house: OdooHouse) -> RegisterCustomerPayment:
    """The invoice is paid already: this one is drafted, then posted."""
    invoice = house.invoice()
    house.do(house.payment(invoice))
    return house.payment(invoice)


def once(target: str, act: Callable[[], object]) -> Before:
    """Something happens right before the first call of a method."""
    waiting = [act]

    def before(message: Message) -> None:
        if message.target == target and waiting:
            waiting.pop()()

    return before


def ours(house: OdooHouse, intent: Intent) -> list[dict[str, Any]]:
    """All that stands there under the ids of this command, from whatever try."""
    ids = [ordered(intent, generation=generation)[0].correlation for generation in range(4)]
    if isinstance(intent, RegisterCustomerPayment):
        return [row for row in house.rows("payments") if str(row["memo"]).endswith(tuple(ids))]
    return [row for row in house.rows("moves") if row["ref"] in ids]


def refused(house: OdooHouse, intent: Intent, model: str = ENTRY) -> dict[str, Any]:
    """Drafted, and then not posted: an account was archived in between. The draft that is left."""
    archive = once(f"{model}/action_post", lambda: house.act("archive_account", account=house.clearing))
    outcome = outcome_of(house, intent, archive)
    (draft,) = ours(house, intent)
    assert (outcome.kind, draft["state"]) == (OutcomeKind.FAILED, "draft")
    assert f"/odoo/{model}/{draft['id']}" in outcome.sentence
    house.act("archive_account", account=house.clearing, archived=False)
    return draft


def again(house: OdooHouse, intent: Intent, before: Before = lambda _: None, generation: int = 1) -> Outcome:
    return outcome_of(house, intent, before, generation)


def balances(house: OdooHouse, move: int) -> list[str]:
    return sorted(line["balance"] for line in house.rows("lines", move_id=move))


def test_an_entry_asked_again_posts_the_draft_that_was_left(house: OdooHouse) -> None:
    draft = refused(house, fee(house))
    outcome = again(house, fee(house))
    assert (outcome.there, outcome.ids["move"]) == (True, str(draft["id"]))
    assert [row["state"] for row in ours(house, fee(house))] == ["posted"]


def test_an_entry_that_means_something_else_now_corrects_the_draft_first(house: OdooHouse) -> None:
    draft = refused(house, fee(house))
    wanted = fee(house, "4.50", house.chart["accounts"]["income"])
    assert again(house, wanted).ids["move"] == str(draft["id"])
    (move,) = ours(house, wanted)
    assert (move["state"], move["ref"]) == ("posted", ordered(wanted, generation=1)[0].correlation)
    assert balances(house, move["id"]) == ["-4.50", "4.50"]
    assert len(house.rows("lines", move_id=move["id"], account_id=house.chart["accounts"]["income"])) == 1


@pytest.mark.parametrize("dollars, rewritten", [("4.00", False), ("4.10", True)])
def test_an_entrys_amounts_in_another_currency_are_compared_too(
    house: OdooHouse, dollars: str, *, rewritten: bool
) -> None:
    def converted(foreign: str) -> BookJournalEntry:
        debit = EntryLine(account=house.fees, balance=eur("3.20"), label="fx", foreign=Money.of(foreign, "USD"))
        return house.entry(debit, EntryLine(account=house.clearing, balance=eur("-3.20"), label="fx"))

    draft = refused(house, converted("4.00"))
    house.outside.sent.clear()
    assert again(house, converted(dollars)).ids["move"] == str(draft["id"])
    assert (f"{ENTRY}/write" in [message.target for message, _ in house.outside.sent]) is rewritten
    (line,) = house.rows("lines", move_id=draft["id"], account_id=house.fees)
    assert (line["balance"], line["amount_currency"]) == ("3.20", dollars)


@pytest.mark.parametrize("what", ["its date", "a line"])
def test_an_entry_whose_draft_a_person_has_changed_is_a_persons_business(house: OdooHouse, what: str) -> None:
    draft = refused(house, fee(house))
    (line, _) = house.rows("lines", move_id=draft["id"])
    if what == "a line":
        house.person("account.move.line", "write", line["id"], vals={"name": "mine"})
    else:
        house.person(ENTRY, "write", draft["id"], vals={"date": "2026-08-30"})
    outcome = again(house, fee(house))
    assert outcome.kind is OutcomeKind.HANDED_OVER
    assert f"/odoo/account.move/{draft['id']}" in outcome.sentence
    (left,) = ours(house, fee(house))
    assert left["state"] == "draft"
    assert left["date"] == "2026-08-30" or house.row("lines", line["id"])["name"] == "mine"


def test_what_a_person_added_to_the_draft_besides_stops_nothing(house: OdooHouse) -> None:
    draft = refused(house, fee(house))
    house.person(ENTRY, "write", draft["id"], vals={"narration": "seen"})
    assert again(house, fee(house)).there
    assert [row["state"] for row in ours(house, fee(house))] == ["posted"]


def test_an_entry_that_a_person_has_posted_meanwhile_is_adopted(house: OdooHouse) -> None:
    draft = refused(house, fee(house))
    house.person(ENTRY, "action_post", draft["id"])
    assert again(house, fee(house)).kind is OutcomeKind.ADOPTED
    assert len(ours(house, fee(house))) == 1


def test_an_entry_that_a_person_has_posted_and_that_means_something_else_now_is_a_persons(house: OdooHouse) -> None:
    draft = refused(house, fee(house))
    house.person(ENTRY, "action_post", draft["id"])
    outcome = again(house, fee(house, "4.50"))
    assert (outcome.kind, len(ours(house, fee(house)))) == (OutcomeKind.HANDED_OVER, 1)
    assert f"/odoo/account.move/{draft['id']}" in outcome.sentence
    assert balances(house, draft["id"]) == ["-3.20", "3.20"]


@pytest.mark.parametrize("way", ["unlink", "button_cancel"])
def test_an_entry_whose_draft_a_person_took_away_is_booked_anew(house: OdooHouse, way: str) -> None:
    draft = refused(house, fee(house))
    house.person(ENTRY, way, draft["id"])
    assert again(house, fee(house)).kind is OutcomeKind.DONE
    assert [row["state"] for row in ours(house, fee(house)) if row["state"] != "cancel"] == ["posted"]


def test_of_a_batch_only_what_is_missing_is_made(house: OdooHouse) -> None:
    draft = refused(house, fee(house))
    operation = odoo.CONNECTOR.manifest.operations["book_journal_entry"]
    orders = ordered(fee(house), fee(house, "1.00"), generation=1)
    first, second = Dispatch(house.outside, operation, orders).drive()
    assert (first.ids["move"], second.kind) == (str(draft["id"]), OutcomeKind.DONE)
    assert [row["state"] for row in house.rows("moves", move_type="entry")] == ["posted", "posted"]


def taken_back(house: OdooHouse, model: str, method: str) -> Before:
    """Right after it was posted, before anybody looks, a person sets it back to draft."""
    posted: list[Message] = []

    def before(message: Message) -> None:
        if posted and posted.pop():
            (row,) = [row for row in house.rows(TABLES[model]) if row["state"] not in ("draft", "paid")]
            house.person(model, method, row["id"])
        if message.target == f"{model}/action_post":
            posted.append(message)

    return before


def test_an_entry_that_a_person_takes_back_is_not_posted_again(house: OdooHouse) -> None:
    for before in (taken_back(house, ENTRY, "button_draft"), lambda _: None):
        outcome = again(house, fee(house), before, generation=0)
        (entry,) = ours(house, fee(house))
        assert (outcome.kind, entry["state"]) == (OutcomeKind.HANDED_OVER, "draft")
        assert f"/odoo/account.move/{entry['id']}" in outcome.sentence


def test_an_entry_that_a_person_has_cancelled_is_told_as_such(house: OdooHouse) -> None:
    house.person(ENTRY, "button_cancel", int(outcome_of(house, fee(house)).ids["move"]))
    outcome = again(house, fee(house), generation=0)
    assert (outcome.kind, len(ours(house, fee(house)))) == (OutcomeKind.HANDED_OVER, 1)
    assert "it is cancel there" in outcome.sentence


def test_a_payment_asked_again_posts_the_draft_that_was_left(house: OdooHouse) -> None:
    wanted = second_payment(house)
    draft = refused(house, wanted, PAYMENT)
    outcome = again(house, wanted)
    assert (outcome.there, outcome.ids["payment"]) == (True, str(draft["id"]))
    (payment,) = ours(house, wanted)
    assert payment["move_id"]


def test_a_payment_that_means_something_else_now_takes_its_draft_away_first(house: OdooHouse) -> None:
    wanted = second_payment(house)
    draft = refused(house, wanted, PAYMENT)
    other = wanted.model_copy(update={"journal": house.journals["BNK1"]})
    assert again(house, other).ids["payment"] != str(draft["id"])
    assert [(row["state"], bool(row["move_id"])) for row in ours(house, other)] == [
        ("canceled", False),
        ("in_process", True),
    ]


def test_a_payment_that_can_be_matched_now_is_not_left_open_for_its_drafts_sake(house: OdooHouse) -> None:
    wanted = second_payment(house)
    refused(house, wanted, PAYMENT)
    house.act("unmatch", invoice=wanted.move_id)
    assert "open" not in again(house, wanted).notes
    assert house.left(wanted.move_id) == 0


def test_a_payment_whose_draft_a_person_has_changed_is_a_persons_business(house: OdooHouse) -> None:
    wanted = second_payment(house)
    draft = refused(house, wanted, PAYMENT)
    house.person(PAYMENT, "write", draft["id"], vals={"amount": 90})
    outcome = again(house, wanted)
    assert outcome.kind is OutcomeKind.HANDED_OVER
    assert f"/odoo/account.payment/{draft['id']}" in outcome.sentence
    assert [(row["state"], row["amount"]) for row in ours(house, wanted)] == [("draft", "90.00")]


@pytest.mark.parametrize("way", ["action_post", "action_cancel"])
def test_a_payment_whose_draft_a_person_ended_is_there_once(house: OdooHouse, way: str) -> None:
    wanted = second_payment(house)
    draft = refused(house, wanted, PAYMENT)
    house.person(PAYMENT, way, draft["id"])
    outcome = again(house, wanted)
    assert outcome.kind is (OutcomeKind.ADOPTED if way == "action_post" else OutcomeKind.DONE)
    assert [row["state"] for row in ours(house, wanted) if row["move_id"]] == ["in_process"]


def test_a_payment_that_a_person_takes_back_is_not_posted_again(house: OdooHouse) -> None:
    wanted = second_payment(house)
    for before in (taken_back(house, PAYMENT, "action_draft"), lambda _: None):
        assert again(house, wanted, before, generation=0).notes["state"] == "draft"
        assert [row["state"] for row in ours(house, wanted)] == ["draft"]


def test_a_statement_line_that_is_there_after_all_is_not_booked_twice(house: OdooHouse) -> None:
    line = house.line("12.34")
    assert outcome_of(house, line).kind is OutcomeKind.DONE
    assert again(house, line).kind is OutcomeKind.ADOPTED
    assert len(house.rows("statement_lines")) == 1


def test_a_chargeback_asked_again_posts_the_entry_that_was_left(house: OdooHouse) -> None:
    invoice = house.invoice()
    payment = int(house.do(house.payment(invoice))[0]["payment"])
    told = {"entity": "DE", "move_id": invoice, "payment": payment, "amount": eur("100.10"), "booked_on": DAY}
    told |= {"journal": house.journals["MISC"], "account": house.clearing, "label": "chargeback"}
    wanted = ReopenInvoice.model_validate(told)
    draft = refused(house, wanted)
    assert again(house, wanted).ids["entry"] == str(draft["id"])
    assert (len(ours(house, wanted)), house.left(invoice)) == (1, Decimal("100.10"))
