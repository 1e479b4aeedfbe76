"""The scenarios of exchanges: every effect is there once, whatever happened on the way.

Where absence is never proven, what is in doubt goes to a person: then the effect is there once or not at all, and only
a person says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from nostro.acts.made import ids_of
from nostro.connectors.kit.conformance import AMBIGUOUS, EXCHANGES, ExchangeScenario, Fate
from nostro.connectors.kit.manifest import Once, Operation, Order
from nostro.model.ids import IdempotencyKey
from nostro.model.outcomes import Outcome, OutcomeKind
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
    operation = _operation(case, staged)
    dispatch = Dispatch(staged.outside, operation, staged.orders, lambda point: point == crash_at)
    outcomes = list(dispatch.drive())
    if scenario.again:  # the house sends nothing again without a look-up, nor without a person
        again = operation.once is Once.PERSON
        outcomes += Dispatch(staged.outside, operation, staged.orders, look_up_first=again).drive()
    if scenario.restored:
        outcomes += Dispatch(staged.outside, operation, staged.orders, look_up_first=True).drive()
    staged.outside.advance(staged.outside.now + timedelta(minutes=10))  # whatever is still on its way arrives
    return staged, outcomes, dispatch.points


def _operation(case: Case, staged: Staged) -> Operation:
    return case.connector.manifest.operations[staged.operation]


def _proves_absence(case: Case, staged: Staged) -> bool:
    return _operation(case, staged).absence_for(staged.outside.config).seconds is not None


def _in_doubt(staged: Staged, scenario: ExchangeScenario) -> bool:
    """Whether nobody knows of an Act that left what became of it."""
    left = sum(acting for _, acting in staged.outside.sent)
    return any(number <= left and fate in AMBIGUOUS for number, fate in scenario.acts.items())


def _once_or_a_persons(case: Case, staged: Staged, outcomes: Sequence[Outcome]) -> None:
    """Nothing is there twice, and what nobody said is there is a person's."""
    nothing, there = case.stage().effects(), staged.effects()
    assert all(there[name] in (nothing.get(name), expected) for name, expected in staged.expected.items()), there
    assert all(outcome.there or outcome.kind is OutcomeKind.HANDED_OVER for outcome in outcomes), outcomes
    said = [
        any(outcome.there for outcome in outcomes[place :: len(staged.orders)]) for place in range(len(staged.orders))
    ]
    assert not all(said) or there == staged.expected


@pytest.mark.parametrize("scenario", EXCHANGES, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_effect_is_there_once_and_the_outcome_says_so(case: Case, scenario: ExchangeScenario) -> None:
    _, _, points = _play(case, scenario)
    for crash_at in range(1, points + 1) if scenario.crashes else (0,):
        staged, outcomes, _ = _play(case, scenario, crash_at)
        if _proves_absence(case, staged):
            assert staged.effects() == staged.expected, f"crash at {crash_at}"
            assert all(outcome.there for outcome in outcomes), f"crash at {crash_at}: {outcomes}"
        else:
            _once_or_a_persons(case, staged, outcomes)
            first = outcomes[: len(staged.orders)]
            assert crash_at or _in_doubt(staged, scenario) or all(outcome.there for outcome in first), outcomes


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
    made, operation = staged.effects(), _operation(case, staged)
    if operation.once is Once.PERSON:  # nobody can look: who asks for it again has decided
        assert not _proves_absence(case, staged)
        return
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
    operation = _operation(case, staged)
    outcomes = Dispatch(staged.outside, operation, staged.orders, lambda _: chance.random() < 0.03).drive()
    staged.outside.advance(staged.outside.now + timedelta(minutes=10))
    if _proves_absence(case, staged):
        assert all(outcome.there for outcome in outcomes), outcomes
        assert staged.effects() == staged.expected
    else:
        _once_or_a_persons(case, staged, outcomes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_ambiguous_reply_is_followed_by_a_look_up_before_anything_is_sent_again(case: Case) -> None:
    staged, outcomes, _ = _play(case, ExchangeScenario("cut", {1: Fate.CUT_AFTER}))
    kinds = [acting for _, acting in staged.outside.sent]
    after = kinds[kinds.index(True) + 1 :]
    assert after[:1] == [False] or (not after and outcomes[0].kind is OutcomeKind.HANDED_OVER)


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
    staged = case.stage()
    operation = _operation(case, staged)
    assert operation.once in Once
    assert _proves_absence(case, staged) or operation.once is Once.PERSON
    assert (operation.key_lifetime is not None) == (operation.once is Once.THEIR_KEY)
