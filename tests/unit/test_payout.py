from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from nostro.ledger import accounts, fold
from nostro.model.facts import (
    CollectionPaidOut,
    Fact,
    PayoutCredited,
    PayoutLineReported,
    PayoutReissued,
    PayoutReported,
)
from nostro.model.facts.cards import LineKind
from nostro.model.ids import Subject
from nostro.model.intents import BookJournalEntry
from nostro.model.money import Money
from nostro.model.outcomes import handed_over
from nostro.model.references import Reference
from nostro.processes.payout import PROCESS
from nostro.processes.payout.v1.state import PayoutState
from tests.stories import DAY, PSP, House, SmallRules, eur, fact, usd

PO = Subject("payout", f"{PSP}/po_1")


def report(amount: Money, state: str = "in_transit", **other: object) -> Fact:
    told = {"connection": PSP, "payout_id": "po_1", "amount": amount, "arrives_on": DAY, "state": state, **other}
    return fact(PayoutReported.model_validate(told))


def line(kind: LineKind, gross: str, fee: str = "0.00", *, currency: str = "EUR", source: str = "", n: int = 1) -> Fact:
    told, cost = Money.of(gross, currency), Money.of(fee, currency)
    return fact(
        PayoutLineReported(
            connection=PSP,
            line_id=f"txn_{kind}_{n}",
            payout_id="po_1",
            kind=kind,
            vendor_kind=kind,
            gross=told,
            source_id=source or f"src_{n}",
            charge_id="ch_1" if kind in ("charge", "refund") else "",
            fee=cost,
            net=told - cost,
        )
    )


def arrival(amount: Money, movement: str = "main/m1") -> Fact:
    return fact(PayoutCredited(payout_id=PO.id, movement=movement, amount=amount, booked_on=DAY))


def entries(house: House) -> list[BookJournalEntry]:
    return [w.intent for _, w in house.commands.values() if isinstance(w.intent, BookJournalEntry)]


def told(*facts: Fact) -> House:
    house = House(processes=(PROCESS,))
    house.tell(*facts)
    return house


def test_lines_that_add_up_are_one_entry_of_fees_and_reserve_against_clearing() -> None:
    house = told(
        line("charge", "100.00", "2.00"), line("refund", "-30.00"), line("fee", "-1.00"),
        line("reserve_hold", "-20.00"), report(eur("47.00")),
    )  # fmt: skip
    (entry,) = entries(house)
    assert [(side.account, side.balance) for side in entry.lines] == [
        (6301, eur("3.00")),
        (1301, eur("20.00")),
        (1201, eur("-23.00")),
    ]
    assert (entry.journal, entry.booked_on) == (12, DAY)
    assert house.state(PO) == "booking"


def test_each_line_of_a_collection_is_told_to_it_at_once() -> None:
    house = told(line("charge", "100.00", "2.00", source="ch_1"))
    (body,) = house.log[-1][2].decision.emits
    assert isinstance(body, CollectionPaidOut)
    assert (body.charge_id, body.kind, body.gross, body.fee) == ("ch_1", "charge", eur("100.00"), eur("2.00"))
    assert told(line("fee", "-1.00")).log[-1][2].decision.emits == ()


def test_lines_that_do_not_add_up_become_a_case_in_time() -> None:
    house = told(report(eur("98.00")), line("charge", "90.00"))
    assert (house.state(PO), house.commands) == ("collecting", {})
    house.fall_due(PO)
    assert house.open_cases(PO) == {"payout_incomplete"}
    house.tell(line("charge", "10.00", "2.00", n=2))
    assert house.open_cases(PO) == set()


def test_a_line_that_comes_late_is_booked_as_the_difference() -> None:
    house = told(line("charge", "100.00", "2.00"), report(eur("98.00")))
    house.answer_all()
    house.tell(line("charge", "5.00", "1.00", n=2), line("adjustment", "-4.00", n=3))
    assert [w.occurrence for _, w in house.commands.values()] == [0, 1]
    assert [side.balance for side in entries(house)[1].lines] == [eur("1.00"), eur("4.00"), eur("-5.00")]
    assert "payout_adjustment" in house.open_cases(PO)


def test_a_payout_is_closed_when_booked_and_arrived() -> None:
    house = told(line("charge", "100.00", "2.00"), report(eur("98.00")))
    house.answer_all()
    assert house.state(PO) == "expecting"
    house.tell(arrival(eur("98.00")))
    assert house.state(PO) == "closed"
    balances = fold(house.postings)
    assert balances[accounts.fees("DE", PSP), "EUR"] == 200
    assert balances[accounts.suspense("DE"), "EUR"] == 9800
    assert balances[accounts.psp("DE", PSP), "EUR"] == -10000


def test_a_payout_that_does_not_arrive_is_a_case_some_bank_days_after_its_day() -> None:
    house = House(SmallRules(limits={"payout_grace_days": 3}), processes=(PROCESS,))
    house.tell(line("charge", "98.00"), report(eur("98.00")))
    due = house.log[-1][2].due_at
    assert due is not None
    assert due.date() == DAY + timedelta(days=3)
    house.fall_due(PO)
    assert house.open_cases(PO) == {"payout_not_arrived"}
    house.tell(arrival(eur("98.00")))
    assert house.open_cases(PO) == set()


def test_another_amount_at_the_bank_is_a_case() -> None:
    house = told(line("charge", "98.00"), report(eur("98.00")), arrival(eur("97.00")))
    assert house.open_cases(PO) == {"payout_amount_differs"}


def test_a_negative_payout_is_debited_by_the_psp() -> None:
    house = told(line("refund", "-30.00"), report(eur("-30.00")), arrival(eur("-30.00")))
    assert (house.state(PO), house.open_cases(PO)) == ("closed", set())
    assert fold(house.postings)[accounts.psp("DE", PSP), "EUR"] == 3000


def test_a_manual_payout_is_reconciled_by_balance_and_says_so() -> None:
    house = told(report(eur("50.00"), automatic=False))
    assert (house.state(PO), house.open_cases(PO)) == ("expecting", {"manual_payout"})
    assert house.log[-1][2].decision.rule == "manual payout: by balance"
    house.tell(arrival(eur("50.00")))
    assert house.state(PO) == "closed"
    held = PROCESS.holds(house.instances[PO], house.rules)
    assert [(h.account, h.amount) for h in held] == [(accounts.psp("DE", PSP), eur("-50.00"))]


def test_a_failed_payouts_money_leaves_with_another_one() -> None:
    house = told(line("charge", "98.00"), report(eur("98.00")), report(eur("98.00"), "failed"))
    assert (house.state(PO), house.open_cases(PO)) == ("failed", {"payout_failed"})
    house.fall_due(PO)
    assert "payout_not_reissued" in house.open_cases(PO)
    back = line("payout_failure", "98.00", source="po_1").body
    house.tell(fact(back.model_copy(update={"payout_id": "po_2"})))
    reissued = house.log[-1]
    assert isinstance(reissued[1].body, PayoutReissued)
    assert (house.state(PO), house.open_cases(PO)) == ("reissued", set())
    assert PROCESS.holds(house.instances[PO], house.rules) == ()


LINE, SENT, REFUSED = line("charge", "100.00", "2.00"), report(eur("98.00")), report(eur("98.00"), "failed")
CARRIED = fact(PayoutReissued(subject=PO.id, by="po_2", amount=eur("98.00")))


@pytest.mark.parametrize("order", ["".join(some) for some in permutations("lsrc")])
def test_what_was_kept_of_a_payout_that_failed_is_booked_once_in_whatever_order_it_is_told(order: str) -> None:
    named = {"l": LINE, "s": SENT, "r": REFUSED, "c": CARRIED}
    house = told(*(named[letter] for letter in order))
    assert [entry.lines[0].balance for entry in entries(house)] == [eur("2.00")]
    house.answer_all()
    assert (house.state(PO), house.open_cases(PO)) == ("reissued", set())


def test_what_is_missing_of_a_payout_that_failed_is_a_case_until_it_comes() -> None:
    house = told(SENT, REFUSED)
    assert (house.state(PO), house.open_cases(PO)) == ("lacking", {"payout_failed"})
    house.fall_due(PO)
    assert (house.state(PO), house.open_cases(PO)) == ("failed", {"payout_failed", "payout_incomplete"})
    house.tell(CARRIED)
    assert (house.state(PO), house.open_cases(PO)) == ("reissued", {"payout_incomplete"})
    house.tell(LINE)
    assert (house.state(PO), house.open_cases(PO), len(entries(house))) == ("reissued", set(), 1)


def test_what_is_missing_is_missing_still_when_the_payout_fails_and_leaves_again() -> None:
    house = told(SENT)
    house.fall_due(PO)
    case = house.cases[PO, "payout_incomplete"]
    assert case.amount == eur("98.00")
    house.tell(REFUSED)
    assert (house.state(PO), house.cases[PO, "payout_incomplete"]) == ("failed", case)
    house.fall_due(PO)
    assert house.open_cases(PO) == {"payout_failed", "payout_incomplete", "payout_not_reissued"}
    house.tell(CARRIED)
    assert house.open_cases(PO) == {"payout_incomplete"}


@pytest.mark.parametrize("facts", [(SENT, REFUSED, CARRIED), (CARRIED,)], ids=["told", "never told"])
def test_a_payout_that_left_again_and_whose_lines_never_come_is_a_case(facts: tuple[Fact, ...]) -> None:
    house = told(*facts)
    assert (house.state(PO), house.open_cases(PO)) == ("lacking", set())
    house.fall_due(PO)
    assert (house.state(PO), house.open_cases(PO)) == ("reissued", {"payout_incomplete"})


def test_a_line_that_comes_after_all_had_added_up_is_given_its_time_again() -> None:
    house = told(SENT)
    house.fall_due(PO)
    house.tell(LINE, REFUSED)
    assert (house.state(PO), house.open_cases(PO)) == ("failed", {"payout_failed"})
    house.tell(line("charge", "5.00", n=2))
    assert (house.state(PO), house.open_cases(PO)) == ("lacking", {"payout_failed"})
    house.tell(line("refund", "-5.00", n=3))
    assert (house.state(PO), house.open_cases(PO)) == ("failed", {"payout_failed"})


def test_of_a_payout_that_was_made_by_hand_and_failed_no_lines_are_awaited() -> None:
    house = told(report(eur("98.00"), automatic=False))
    house.tell(report(eur("98.00"), "failed", automatic=False))
    assert (house.state(PO), house.open_cases(PO)) == ("failed", {"payout_failed"})
    house.tell(CARRIED)
    assert (house.state(PO), house.open_cases(PO)) == ("reissued", set())


def test_the_furthest_state_counts_in_whatever_order_states_are_told() -> None:
    house = told(report(eur("98.00"), "paid"), report(eur("98.00"), "pending"))
    data = house.instances[PO].data
    assert isinstance(data, PayoutState)
    assert data.payout.stage == "paid"


def test_lines_that_nothing_says_how_to_book_are_a_case_and_unexplained() -> None:
    house = told(line("other", "-7.00"), line("charge", "1.00", currency="USD"))
    assert house.open_cases(PO) == {"payout_line_unknown"}
    assert fold(house.postings)[accounts.unexplained("DE"), "EUR"] == 700


def test_a_payout_in_another_currency_than_the_companys_is_not_booked_and_says_so() -> None:
    house = told(line("charge", "100.00", "2.00", currency="USD"), report(usd("98.00")))
    assert (entries(house), house.open_cases(PO)) == ([], {"payout_currency_foreign"})


def test_a_refused_entry_is_a_case_and_is_tried_again_on_a_persons_word() -> None:
    house = told(line("charge", "100.00", "2.00"), report(eur("98.00")))
    house.refuse("entry", "The period is locked.")
    assert house.open_cases(PO) == {"booking_failed"}
    house.release(PO, "entry")
    assert [w.generation for _, w in house.commands.values()] == [0, 1]


def test_a_booking_that_failed_or_whose_end_nobody_knows_is_a_case_with_its_amount() -> None:
    lines = (line("charge", "100.00", "2.00"), line("reserve_hold", "-20.00"), report(eur("78.00")))
    house = told(*lines)
    house.refuse("entry", "The period is locked.")
    assert house.cases[PO, "booking_failed"].amount == eur("22.00")
    house = told(*lines)
    house.answer("entry", handed_over("Nobody knows."))
    assert house.cases[PO, "booking_unknown"].amount == eur("22.00")
    house = told(line("charge", "100.00", "2.00"), line("reserve_release", "20.00"), report(eur("118.00")))
    house.refuse("entry")
    assert house.cases[PO, "booking_failed"].amount == eur("20.00"), "what came back, not the rest of both"


def test_a_payout_of_the_first_version_goes_on_as_it_began() -> None:
    for version in PROCESS.versions:
        begun = replace(PROCESS.new(PO.id, "DE"), version=version.machine.version, data=version.initial)
        house = House(processes=(PROCESS,), instances={PO: begun})
        house.tell(line("charge", "100.00", "2.00"), report(eur("98.00")))
        house.refuse("entry")
        amount = house.cases[PO, "booking_failed"].amount
        assert (amount, house.instances[PO].version) == (
            None if version.machine.version == 1 else eur("2.00"),
            version.machine.version,
        )


def test_the_bank_finds_a_payout_by_its_ids_but_not_by_a_text_that_all_payouts_share() -> None:
    shared = report(eur("1.00"), trace_id="TRACE1", statement_descriptor="PSP PAYOUT")
    assert PROCESS.registers(shared) == (Reference.to("psp", "po_1"), Reference.to("psp", "TRACE1"))
    own = report(eur("1.00"), statement_descriptor="PSP 123")
    assert Reference.to("psp", "PSP 123") in PROCESS.registers(own)
    settled = line("charge", "100.00", "2.00")
    assert isinstance(settled.body, PayoutLineReported)
    assert PROCESS.registers(settled) == (Reference.to("psp", settled.body.line_id),)
    credited = fact(PayoutCredited(payout_id="po_1", movement="m", amount=eur("1.00"), booked_on=DAY))
    assert PROCESS.begins(credited) is None
    assert PROCESS.correlates(credited) == (Reference.to("psp", "po_1"),)
