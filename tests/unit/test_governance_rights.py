from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.governance.rights import ACTS, Asked, Person, Right, judge
from nostro.model.money import Money

ON = date(2026, 8, 31)
PEOPLE = {
    person.id: person
    for person in (
        Person(id="clerk", roles=("clerk",)),
        Person(id="second", roles=("clerk", "treasurer")),
        Person(id="leaver", roles=("treasurer",), until=date(2026, 8, 30)),
        Person(id="guest"),
    )
}
RIGHTS = (
    Right(role="clerk", acts=("match", "approve"), entities=("DE",), limits=(Money.of("100", "EUR"),)),
    Right(role="treasurer", acts=("approve",), entities=("*",), unlimited=True),
)
TEN = Money.of("10", "EUR")


def allowed(act: str, actor: str, *, entity: str = "DE", amount: Money | None = TEN, **more: object) -> bool:
    asked = Asked(act=act, entity=entity, actor=actor, amount=amount, **more)  # type: ignore[arg-type]  # named by each test
    return judge(asked, PEOPLE, RIGHTS, ON).allowed


def test_a_right_allows_an_act_for_its_entity_up_to_its_limit() -> None:
    verdict = judge(Asked("approve", "DE", "clerk", amount=Money.of("100", "EUR")), PEOPLE, RIGHTS, ON)
    assert (verdict.allowed, verdict.right) == (True, "clerk/approve")


@pytest.mark.parametrize("amount", ["100.01", "-100.01"])
def test_beyond_the_limit_a_right_ends_whatever_the_sign(amount: str) -> None:
    assert not allowed("approve", "clerk", amount=Money.of(amount, "EUR"))
    assert allowed("approve", "second", amount=Money.of(amount, "EUR"))


def test_a_limit_in_one_currency_allows_nothing_in_another() -> None:
    assert not allowed("approve", "clerk", amount=Money.of("1", "JPY"))


def test_under_a_limit_nobody_moves_an_amount_that_is_not_known() -> None:
    for act, who in (("match", "clerk"), ("approve", "clerk")):
        verdict = judge(Asked(act, "DE", who), PEOPLE, RIGHTS, ON)
        assert not verdict.allowed
        assert "not known" in verdict.sentence
    assert allowed("approve", "second", amount=None), "an unlimited right bears what nobody knows"


def test_what_moves_no_money_needs_the_right_and_no_limit() -> None:
    rights = (Right(role="clerk", acts=("rerun", "close", "refuse", "approve"), entities=("DE",)),)
    for act in ("rerun", "close", "refuse"):
        assert judge(Asked(act, "DE", "clerk"), PEOPLE, rights, ON).allowed
    assert judge(Asked("approve", "DE", "clerk", moneyless=True), PEOPLE, rights, ON).allowed


@pytest.mark.parametrize("actor", ["engine", "", "key:partner", "nobody", "guest"])
def test_whoever_is_no_person_with_a_right_may_do_nothing(actor: str) -> None:
    assert not any(allowed(act, actor) for act in ACTS)


def test_what_no_right_names_is_refused() -> None:
    assert not allowed("confirm", "second")
    assert not allowed("match", "clerk", entity="US")


def test_a_right_for_one_entity_is_none_for_all() -> None:
    assert not allowed("match", "clerk", entity="*")
    assert allowed("approve", "second", entity="*")


def test_a_leaver_may_do_nothing_from_the_day_after() -> None:
    assert not allowed("approve", "leaver")
    asked = Asked("approve", "DE", "leaver", amount=TEN)
    assert judge(asked, PEOPLE, RIGHTS, date(2026, 8, 30)).allowed


@pytest.mark.parametrize("act", ["approve", "confirm", "recover"])
def test_who_proposed_cannot_approve_and_neither_can_his_deputy(act: str) -> None:
    rights = (Right(role="treasurer", acts=(act,), entities=("*",), unlimited=True),)
    proposers = frozenset({"second"})
    own = judge(Asked(act, "DE", "second", proposers=proposers), PEOPLE, rights, ON)
    assert "second person" in own.remedy
    people = {**PEOPLE, "deputy": Person(id="deputy", roles=("treasurer",))}
    assert not judge(Asked(act, "DE", "deputy", "second", proposers=proposers), people, rights, ON).allowed
    assert judge(Asked(act, "DE", "deputy", proposers=proposers), people, rights, ON).allowed


def test_what_the_engine_proposed_still_takes_a_person() -> None:
    assert allowed("approve", "second", proposers=frozenset({"engine"}))
    assert not allowed("approve", "engine", proposers=frozenset())


def test_who_proposed_may_withdraw_it() -> None:
    rights = (Right(role="clerk", acts=("refuse",), entities=("DE",)),)
    assert judge(Asked("refuse", "DE", "clerk", proposers=frozenset({"clerk"})), PEOPLE, rights, ON).allowed


def test_nobody_acts_on_behalf_of_somebody_unknown() -> None:
    assert allowed("match", "clerk", on_behalf_of="second")
    assert not allowed("match", "clerk", on_behalf_of="engine")


@given(st.sampled_from([*ACTS, "steal"]), st.sampled_from([*PEOPLE, "engine", "x"]), st.integers(-(10**6), 10**6))
def test_without_any_right_nothing_is_allowed(act: str, actor: str, minor: int) -> None:
    asked = Asked(act, "DE", actor, amount=Money(minor=minor, currency="EUR"))
    verdict = judge(asked, PEOPLE, (), ON)
    assert not verdict.allowed
    assert verdict.sentence
    assert verdict.remedy
