"""The scenarios of exchanges: every effect is there once, whatever happened on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from nostro.acts.made import ids_of
from nostro.connectors.kit.conformance import EXCHANGES, ExchangeScenario, Fate
from nostro.connectors.kit.manifest import Once, Order
from nostro.model.ids import IdempotencyKey
from nostro.model.outcomes import Outcome
from tests.conformance.cases import CASES, Case, Staged
from tests.conformance.driver import Dispatch
from tests.conformance.houses import PERSON

FATES = tuple(Fate)


def _fated(staged: Staged, scenario: ExchangeScenario) -> None:
    """The n-th Act and Ask that leave meet the scenario's fates."""
    outside = staged.outside

    def fate(_: int, acting: bool) -> Fate:  # noqa: FBT001 - the driver's signature
        number = sum(was_acting is acting for _, was_acting in outside.sent)
        return (scenario.acts if acting else scenario.asks).get(number, Fate.ANSWERED)

    outside.fates = fate


def _play(case: Case, scenario: ExchangeScenario, crash_at: int = 0) -> tuple[Staged, list[Outcome], int]:
    staged = case.stage()
    _fated(staged, scenario)
    operation = case.connector.manifest.operations[staged.operation]
    dispatch = Dispatch(staged.outside, operation, staged.orders, lambda point: point == crash_at)
    outcomes = list(dispatch.drive())
    if scenario.again:
        outcomes += Dispatch(staged.outside, operation, staged.orders).drive()
    if scenario.restored:
        outcomes += Dispatch(staged.outside, operation, staged.orders, look_up_first=True).drive()
    staged.outside.advance(staged.outside.now + timedelta(minutes=10))  # whatever is still on its way arrives
    return staged, outcomes, dispatch.points


@pytest.mark.parametrize("scenario", EXCHANGES, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_effect_is_there_once_and_the_outcome_says_so(case: Case, scenario: ExchangeScenario) -> None:
    _, _, points = _play(case, scenario)
    for crash_at in range(1, points + 1) if scenario.crashes else (0,):
        staged, outcomes, _ = _play(case, scenario, crash_at)
        assert staged.effects() == staged.expected, f"crash at {crash_at}"
        assert all(outcome.there for outcome in outcomes), f"crash at {crash_at}: {outcomes}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_outcome_bears_the_id_of_what_the_operation_makes_as_a_person_may_tell_it(case: Case) -> None:
    staged, outcomes, _ = _play(case, EXCHANGES[0])
    for order, outcome in zip(staged.orders, outcomes, strict=True):
        made = outcome.ids.get(order.intent.makes, "")
        told = ids_of(order.intent.operation, made, order.intent.model_dump())
        assert told.items() <= outcome.ids.items()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_an_earlier_try_made_that_passed_for_failed_is_found_by_the_next_one(case: Case) -> None:
    staged, _, _ = _play(case, EXCHANGES[0])
    made, operation = staged.effects(), case.connector.manifest.operations[staged.operation]
    outcomes = Dispatch(staged.outside, operation, [_next_try(order) for order in staged.orders]).drive()
    assert all(outcome.there for outcome in outcomes), outcomes
    assert staged.effects() == made, "and not made twice"


def _next_try(order: Order) -> Order:
    """As a person asks for it who believes that the one before has failed."""
    key = IdempotencyKey.parse(order.key)
    key = replace(key, generation=key.generation + 1)
    return replace(order, key=key.text, correlation=key.correlation_id)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_effect_is_there_once_when_anything_may_go_wrong_at_any_time(case: Case, seed: int) -> None:
    chance, staged = Random(f"{case.name}/{seed}"), case.stage()  # noqa: S311 - a seed that can be told again
    staged.outside.fates = lambda _number, _acting: chance.choice(FATES) if chance.random() < 0.1 else Fate.ANSWERED
    operation = case.connector.manifest.operations[staged.operation]
    outcomes = Dispatch(staged.outside, operation, staged.orders, lambda _: chance.random() < 0.03).drive()
    assert all(outcome.there for outcome in outcomes), outcomes
    staged.outside.advance(staged.outside.now + timedelta(minutes=10))
    assert staged.effects() == staged.expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_ambiguous_reply_is_followed_by_a_look_up_before_anything_is_sent_again(case: Case) -> None:
    staged, _, _ = _play(case, ExchangeScenario("cut", {1: Fate.CUT_AFTER}))
    kinds = [acting for _, acting in staged.outside.sent]
    assert kinds[kinds.index(True) + 1] is False


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_sentence_holds_a_confidential_value(case: Case) -> None:
    for scenario in EXCHANGES[:6]:
        staged, outcomes, _ = _play(case, scenario)
        said = [*staged.outside.sentences, *(outcome.model_dump_json() for outcome in outcomes)]
        assert not [sentence for sentence in said if PERSON in sentence]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_message_holds_a_float_and_its_digest_is_the_same_in_every_run(case: Case) -> None:
    first, _, _ = _play(case, EXCHANGES[0])
    second, _, _ = _play(case, EXCHANGES[0])
    acts = [[message.digest for message, acting in one.outside.sent if acting] for one in (first, second)]
    assert acts[0] == acts[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_operation_declares_how_it_reaches_once(case: Case) -> None:
    operation = case.connector.manifest.operations[case.stage().operation]
    assert operation.once in Once
    assert operation.absence_for(case.stage().outside.config).seconds is not None
    assert (operation.key_lifetime is not None) == (operation.once is Once.THEIR_KEY)
