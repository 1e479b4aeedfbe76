from __future__ import annotations

from nostro.ledger import Holding, accounts, changes, fold, prove
from nostro.processes.kit.decision import Posting
from tests.stories import PSP, eur, usd

OWED, SUSPENSE = accounts.psp("DE", PSP), accounts.suspense("DE")


def test_postings_fold_to_balances_without_what_is_even() -> None:
    posted = [Posting(OWED, SUSPENSE, eur("10.00")), Posting(SUSPENSE, accounts.customer("DE"), eur("10.00"))]
    assert fold(posted) == {(accounts.customer("DE"), "EUR"): -1000, (OWED, "EUR"): 1000}


def test_changes_post_what_is_new_the_difference_of_what_grew_and_the_reverse_of_what_is_gone() -> None:
    before = {"a": Posting("x/DE", "y/DE", eur("5.00")), "b": Posting("x/DE", "z/DE", eur("1.00"))}
    after = {"a": Posting("x/DE", "y/DE", eur("3.00")), "c": Posting("z/DE", "y/DE", usd("2.00"))}
    assert set(changes(before, after)) == {
        ("y/DE", "x/DE", eur("2.00")),
        ("z/DE", "x/DE", eur("1.00")),
        ("z/DE", "y/DE", usd("2.00")),
    }


def test_a_posting_that_turns_round_is_taken_back_whole() -> None:
    before, after = {"a": Posting("x/DE", "y/DE", eur("5.00"))}, {"a": Posting("y/DE", "x/DE", eur("2.00"))}
    balances = fold([*before.values(), *(Posting(*move) for move in changes(before, after))])
    assert balances == fold(after.values())


def test_what_subjects_hold_explains_a_balance_and_the_rest_is_a_finding() -> None:
    balances = fold([Posting(OWED, accounts.customer("DE"), eur("10.00"))])
    assert prove(balances, [Holding("collection/a", OWED, eur("10.00"))]).holds
    (finding,) = prove(balances, [Holding("collection/a", OWED, eur("7.00"))]).findings
    assert (finding.account, finding.amount, finding.why) == (OWED, eur("3.00"), "nobody_holds_it")
    (finding,) = prove(balances, []).findings
    assert (finding.amount, finding.why) == (eur("10.00"), "nobody_holds_it")


def test_what_subjects_hold_without_a_balance_is_a_finding_too() -> None:
    (finding,) = prove({}, [Holding("collection/a", OWED, eur("7.00"))]).findings
    assert (finding.balance, finding.held) == (eur("0.00"), eur("7.00"))


def test_currencies_are_proven_apart() -> None:
    balances = fold([Posting(OWED, accounts.customer("DE"), eur("10.00"))])
    assert not prove(balances, [Holding("collection/a", OWED, usd("10.00"))]).holds


def test_a_currency_that_does_not_sum_to_zero_is_found() -> None:
    (finding,) = prove({(accounts.customer("DE"), "EUR"): 1}, []).findings
    assert finding.why == "currency_does_not_sum_to_zero"


def test_whatever_is_unexplained_is_an_exception_even_when_somebody_holds_it() -> None:
    account = accounts.unexplained("DE")
    balances = fold([Posting(account, accounts.customer("DE"), eur("1.00"))])
    assert [f.why for f in prove(balances, [Holding("x", account, eur("1.00"))]).findings] == ["unexplained"]


def test_a_reserve_stands_by_itself_but_never_releases_more_than_it_held() -> None:
    reserve, owed = accounts.reserve("DE", PSP), accounts.customer("DE")
    assert prove(fold([Posting(reserve, owed, eur("1.00"))]), []).holds
    (finding,) = prove(fold([Posting(owed, reserve, eur("1.00"))]), []).findings
    assert finding.why == "released_more_than_held"
