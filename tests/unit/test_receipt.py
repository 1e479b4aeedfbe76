from __future__ import annotations

from nostro.model.facts import CaseClosed, ReceiptRead, RerunAsked
from nostro.model.facts.house import RejectedItem, ToldDifferently
from nostro.model.ids import Subject
from nostro.model.intents import Reread
from nostro.processes.receipt import PROCESS
from tests.stories import House, fact

RECEIPT = Subject("receipt", "ab12")


def reading(number: int = 0, *, read: int = 2, rejected: int = 0, differs: int = 0, **other: object) -> ReceiptRead:
    rejects = tuple(RejectedItem(item=n, where=f"line {n}", why="no amount") for n in range(rejected))
    told = tuple(ToldDifferently(item=n, natural_key="k", first_receipt="cd") for n in range(differs))
    body = {
        "receipt": RECEIPT.id, "digest": "00", "connection": "bank", "reading": number, "items": read + rejected,
        "read": read, "duplicate": 0, "ignored": 0, "rejected": rejected, "rejects": rejects,
        "told_differently": told, **other,
    }  # fmt: skip
    return ReceiptRead.model_validate(body)


def house(*bodies: ReceiptRead | RerunAsked) -> House:
    told = House(processes=(PROCESS,))
    told.tell(*(fact(body) for body in bodies))
    return told


def test_a_receipt_whose_items_are_all_accounted_for_is_read() -> None:
    told = house(reading())
    assert (told.state(RECEIPT), told.open_cases(RECEIPT)) == ("read", set())


def test_rejects_are_a_case_that_says_how_many_and_where_the_first_is() -> None:
    told = house(reading(rejected=1))
    assert told.state(RECEIPT) == "has_rejects"
    case = told.cases[RECEIPT, "rejected_items"]
    assert case.sentence == "3 items from bank: 2 understood, 1 rejected. The first: line 0: no amount."


def test_a_receipt_of_which_nothing_is_understood_is_unreadable() -> None:
    assert house(reading(read=0, rejected=1)).open_cases(RECEIPT) == {"unreadable"}


def test_items_told_differently_are_a_case() -> None:
    assert house(reading(differs=1)).open_cases(RECEIPT) == {"told_differently"}


def test_items_that_do_not_add_up_are_a_case_by_count_and_by_amount() -> None:
    assert house(reading(items=3)).open_cases(RECEIPT) == {"equation_broken"}
    amounts = {"items": {"EUR credit": "10"}, "read": {"EUR credit": "9.00"}, "ignored": {"EUR credit": "1.00"}}
    assert house(reading(amounts=amounts)).open_cases(RECEIPT) == set()
    told = house(reading(amounts={**amounts, "read": {"EUR credit": "8.00"}}))
    assert "10 EUR credit came in and 9.00" in told.cases[RECEIPT, "equation_broken"].sentence
    assert house(reading(amounts={**amounts, "duplicate": {"EUR debit": "1"}})).open_cases(RECEIPT) == {
        "equation_broken"
    }, "money that nobody told"


def test_a_person_may_have_it_read_again_and_a_clean_reading_closes_the_case() -> None:
    told = house(reading(rejected=1), RerunAsked(receipt=RECEIPT.id, act="a1"))
    assert told.state(RECEIPT) == "rereading"
    intents = [w.intent for _, w in told.commands.values()]
    assert intents == [Reread(entity="DE", receipt=RECEIPT.id)]
    told.tell(fact(reading(1, read=3)))
    assert (told.state(RECEIPT), told.open_cases(RECEIPT)) == ("read", set())


def test_each_rerun_is_another_effect() -> None:
    told = house(reading(rejected=1))
    for n in range(2):
        told.tell(fact(RerunAsked(receipt=RECEIPT.id, act=f"a{n}")), fact(reading(n + 1, rejected=1)))
    assert [w.occurrence for _, w in told.commands.values()] == [0, 1]


def test_an_older_reading_that_comes_late_changes_nothing() -> None:
    told = house(reading(1), reading(0, rejected=1))
    assert (told.state(RECEIPT), told.open_cases(RECEIPT)) == ("read", set())


def test_a_reading_that_does_not_come_is_a_case_until_it_does() -> None:
    told = house(reading(rejected=1), RerunAsked(receipt=RECEIPT.id, act="a1"))
    told.fall_due(RECEIPT)
    assert "reread_late" in told.open_cases(RECEIPT)
    told.tell(fact(reading(1)))
    assert told.open_cases(RECEIPT) == set()


def test_a_person_may_accept_a_receipt_as_it_is() -> None:
    told = house(reading(rejected=1))
    told.take(RECEIPT, fact(CaseClosed(act="a1", case="c1")))
    assert told.state(RECEIPT) == "read"
