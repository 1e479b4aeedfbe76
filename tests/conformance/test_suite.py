"""The scenarios notice a connector that can do an effect twice, or says what it can't know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from nostro.connectors.kit.conformance import EXCHANGES
from nostro.connectors.kit.dialogue import asked, each, unfinished
from nostro.connectors.kit.manifest import Absence, Once, Operation, Order
from nostro.model.calls import Act, Exchange, Message
from nostro.model.failures import FailureKind
from nostro.model.outcomes import Outcome, OutcomeKind, done, failed, handed_over
from nostro.sandbox.wire import WireReply
from tests.conformance.cases import Case, pay_back
from tests.conformance.driver import Dispatch
from tests.conformance.moneyback.config import Config
from tests.conformance.moneyback.exchange import body_of, pay_back_once, pay_back_unseen
from tests.conformance.moneyback.exchange import pay_back as pay_back_by_hand
from tests.conformance.moneyback.house import Stand
from tests.conformance.moneyback.manifest import CONNECTOR, MANIFEST
from tests.conformance.test_exchanges import (
    test_an_operation_declares_how_it_reaches_once as declares,
)
from tests.conformance.test_exchanges import (
    test_an_outcome_bears_the_id_of_what_the_operation_makes_as_a_person_may_tell_it as bears_the_id,
)
from tests.conformance.test_exchanges import (
    test_every_effect_is_there_once_and_the_outcome_says_so as once,
)


def _act(order: Order) -> Act:
    return Act(Message("/refunds", body_of(order)), order.correlation)


def acts_before_it_looks(order: Order, _: Config) -> Exchange[Outcome]:
    reply = yield _act(order)
    if reply.ambiguous:
        reply = yield from asked(Message("/refunds", {"reference": order.ids}, "GET"))
        return done(adopted=True, refund=reply.content[0]["id"]) if reply.content else unfinished(reply)
    return done(refund=reply.content["id"])


def sends_again_what_cant_be_looked_up(order: Order, _: Config) -> Exchange[Outcome]:
    reply = yield _act(order)
    while reply.ambiguous:
        reply = yield _act(order)
    return done(refund=reply.content["id"])


def says_that_it_failed(order: Order, _: Config) -> Exchange[Outcome]:
    reply = yield _act(order)
    return done(refund=reply.content["id"]) if reply.ok else failed(FailureKind.REFUSED, "It failed.")


def says_that_it_is_done(order: Order, _: Config) -> Exchange[Outcome]:
    reply = yield _act(order)
    return done(refund=reply.content["id"] if reply.ok else "re_1")


def bears_no_id(order: Order, _: Config) -> Exchange[Outcome]:
    reply = yield _act(order)
    return done(payout=reply.content["id"]) if reply.ok else unfinished(reply)


def _case(exchange: Callable[..., Exchange[Outcome]], how: Once, absence: int | None) -> Case:
    operation = Operation("refund_payment", each(exchange), how, Absence(absence))
    connector = replace(CONNECTOR, manifest=replace(MANIFEST, operations={operation.name: operation}))
    return Case(exchange.__name__, connector, partial(pay_back, connector))


def _passes(case: Case) -> list[str]:
    """The scenarios that it passes."""
    passed = []
    for scenario in EXCHANGES:
        try:
            once(case, scenario)
        except AssertionError:
            continue
        passed.append(scenario.name)
    return passed


@pytest.mark.parametrize(
    "exchange, how, absence, scenario",
    [
        (acts_before_it_looks, Once.LOOK_UP, 120, "the same key twice is one effect"),
        (sends_again_what_cant_be_looked_up, Once.PERSON, None, "the first act is cut_after"),
        (says_that_it_is_done, Once.PERSON, None, "the first act is cut_before"),
        (says_that_it_failed, Once.PERSON, None, "the first act is cut_after"),
        (pay_back_unseen, Once.LOOK_UP, 120, "the first act is cut_before"),
    ],
)
def test_a_connector_that_is_wrong_fails_a_scenario(
    exchange: Callable[..., Exchange[Outcome]], how: Once, absence: int | None, scenario: str
) -> None:
    passed = _passes(_case(exchange, how, absence))
    assert "all is well" in passed
    assert scenario not in passed


def test_a_connector_that_gives_to_a_person_what_is_not_in_doubt_fails() -> None:
    def asks_a_person(order: Order, config: Config) -> Exchange[Outcome]:
        yield _act(order)
        return handed_over("A person shall look.")

    assert "all is well" not in _passes(_case(asks_a_person, Once.PERSON, None))


def test_an_outcome_without_the_id_of_what_was_made_is_noticed() -> None:
    with pytest.raises(Exception, match="What follows needs the refund"):
        bears_the_id(_case(bears_no_id, Once.PERSON, None))


def test_where_absence_is_never_proven_a_look_up_is_no_way_to_once() -> None:
    """A person who releases such a command would have it looked up for ever, and never done."""
    with pytest.raises(AssertionError):
        declares(_case(pay_back_once, Once.LOOK_UP, None))


def test_a_wrong_address_is_never_taken_for_absence() -> None:
    """It answers 404 too: nothing is sent, and a person decides."""
    for exchange in (pay_back_by_hand, pay_back_once):
        case = _case(exchange, Once.LOOK_UP, 120)
        staged = case.stage()
        stand = staged.outside.stand
        assert isinstance(stand, Stand)
        stand.absent = WireReply(404, {}, b'{"error": "no_such_page"}')
        operation = case.connector.manifest.operations[staged.operation]
        [outcome] = Dispatch(staged.outside, operation, staged.orders).drive()
        assert (outcome.kind, outcome.failure) == (OutcomeKind.HANDED_OVER, FailureKind.NOT_FOUND)
        assert stand.refunds == []
