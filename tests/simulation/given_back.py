"""What goes back to a payer because people say so: it leaves once, as it was asked for, and is nothing to be booked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from nostro.connectors.stripe.exchange import KEY
from nostro.model.canonical import parse
from nostro.model.money import Money
from nostro.processes.kit.process import Process
from nostro.projections.worklist import OpenCase
from nostro.runtime.demo.judge import CARD, Effect, Judgement
from nostro.sandbox.currencies import iso_minor
from nostro.sandbox.world import World
from nostro.store.database import Row
from tests.simulation.business import Business
from tests.simulation.database import Connections

UNDONE = frozenset({"failed", "canceled"})
THERE = ("done", "adopted")
_ASKED = """
select correlation, entity, body, fate from (
    select correlation, entity, operation, body, outcome as fate from command_closed
    union all select correlation, entity, operation, body, status from command_open) c
where operation = 'refund_payment' order by correlation"""
_COLLECTIONS = "select version, subject, body from subject where process = 'collection' order by subject"
_WITHOUT_INVOICE = "select distinct subject from exception_case where reason = 'unapplied_money'"
"""Charges that nobody could use when a person gave them back: their invoice may have come later."""


class Refund(NamedTuple):
    """One that stands in a provider's books under our key, and the payment that it is of."""

    correlation: str
    ident: str
    payment: str
    amount: Money
    live: bool


def refunds_in(outside: Mapping[str, Any]) -> list[Refund]:
    """All of them, under whichever key of ours."""
    there = [one for books in outside.values() if books["kind"] == "psp" for one in books["refunds"]]
    return [
        Refund(one["metadata"][KEY], one["id"], one["payment_intent"], money(one), one["status"] not in UNDONE)
        for one in there
        if KEY in one["metadata"]
    ]


def money(thing: Mapping[str, Any]) -> Money:
    """An amount of a provider's, in ISO minor units."""
    return Money(minor=iso_minor(thing["amount"], thing["currency"]), currency=thing["currency"].upper())


def not_as_asked(
    connections: Connections, outside: Mapping[str, Any], business: Business, world: World, collection: Process
) -> Iterator[str]:
    """2: each refund of ours stands outside once, for the payment and with the amount that was asked for, and here too.

    None is there that nobody asked for, and none brings a payer more than was over.
    """
    refunds = refunds_in(outside)
    yield from compared(refunds, connections.ask(_ASKED))
    yield from known(refunds, _told(connections, collection))
    charges = {row.subject.rpartition("/")[2] for row in connections.ask(_WITHOUT_INVOICE)}
    there = [one for books in outside.values() if books["kind"] == "psp" for one in books["charges"]]
    unusable = {one["payment_intent"] for one in there if one["id"] in charges}
    yield from too_much(refunds, business, world, unusable)


def compared(refunds: Sequence[Refund], asked: Iterable[Row]) -> Iterator[str]:
    """The provider's books against our commands."""
    there = {one.correlation: one for one in refunds}
    if len(there) < len(refunds):
        times = Counter(one.correlation for one in refunds)
        yield from (f"2: given back {n} times: {key}" for key, n in sorted(times.items()) if n > 1)
    wanted = {row.correlation: row for row in asked}
    yield from (f"2: nobody asked for refund {one.ident}" for one in refunds if one.correlation not in wanted)
    for correlation, row in wanted.items():
        told: Any = parse(row.body)
        amount, one = Money.of(told["amount"]["value"], told["amount"]["currency"]), there.get(correlation)
        if one is None:
            if row.fate in THERE:
                yield f"2: closed as done, and not given back: {correlation}"
        elif (one.payment, one.amount) != (told["payment_id"], amount):
            yield f"2: {amount} of {told['payment_id']} were to go back, and {one.amount} of {one.payment} did"
        elif one.live and row.fate not in (*THERE, "handed_over"):
            yield f"2: {one.amount} of {one.payment} went back, and the command is {row.fate}"


def known(refunds: Iterable[Refund], told: Iterable[tuple[str, str, Money, bool]]) -> Iterator[str]:
    """6: each refund of ours stands in one collection, as the provider has it. `told`: of payment, refund, and how."""
    here = Counter(told)
    for one in refunds:
        items = here[one.payment, one.ident, one.amount, one.live]
        if items != 1:
            yield f"6: refund {one.ident} of {one.amount} stands so in {items} items"


def _told(connections: Connections, collection: Process) -> Iterator[tuple[str, str, Money, bool]]:
    for version, _, body in connections.ask(_COLLECTIONS):
        data: Any = type(collection.version(version).initial).model_validate(parse(body))
        for payment in data.payments:
            yield from ((payment.payment_id, one.refund_id, one.amount, one.live) for one in payment.refunds)


def too_much(refunds: Iterable[Refund], business: Business, world: World, unusable: set[str]) -> Iterator[str]:
    """2: what goes back of the payments for an invoice is no more than what was paid beyond it, but of the unusable."""
    back = Counter[str]()
    for one in refunds:
        if one.live:
            back[one.payment] += one.amount.minor
    by_invoice = Counter[str]()
    for invoice, payment, _ in _cards(business, world):
        if payment not in unusable:
            by_invoice[invoice] += back[payment]
    for invoice, minor in sorted(by_invoice.items()):
        if minor > business.expected[invoice].surplus_minor:
            yield f"2: of {invoice} {minor} went back, and {business.expected[invoice].surplus_minor} were over"


def _cards(business: Business, world: World) -> Iterator[tuple[str, str, Money]]:
    """Every card payment: of which invoice, its id and its amount."""
    for act, (invoice, minor, kind) in business.payments.items():
        if kind == "card" and act in world.results:
            amount = Money(minor=minor, currency=business.expected[invoice].currency)
            yield invoice, world.results[act]["id"], amount


# What need not be booked


def without_what_is_over(
    judgement: Judgement, outside: Mapping[str, Any], business: Business, world: World, cases: Sequence[OpenCase]
) -> Judgement:
    """Of a card payment that went back nothing has to be booked; of one of which a part is over, or was, the rest."""
    parts = Counter(_parts(outside, business, world, cases))
    lost, doubled = list[Effect](), list(judgement.doubled)
    for one in judgement.lost:
        if one.kind != CARD or not _taken_off(one, parts, doubled):
            lost.append(one)
    return replace(judgement, lost=tuple(lost), doubled=tuple(doubled))


def _taken_off(one: Effect, parts: Counter[Effect], doubled: list[Effect]) -> bool:
    """Whether a part of that payment explains that it isn't booked, or is booked with what remains."""
    of_it = [part for part, n in parts.items() if n > 0 and (part.entity, part.name) == (one.entity, one.name)]
    for part in of_it:
        rest = replace(one, amount=one.amount - part.amount)
        if part.amount == one.amount or rest in doubled:
            parts[part] -= 1
            if part.amount != one.amount:
                doubled.remove(rest)
            return True
    return False


def _parts(outside: Mapping[str, Any], business: Business, world: World, cases: Sequence[OpenCase]) -> Iterator[Effect]:
    """What went back of each card payment; and what a person is told of that is over."""
    back = Counter[str]()
    for one in refunds_in(outside):
        back[one.payment] += one.amount.minor if one.live else 0
    for invoice, payment, amount in _cards(business, world):
        entity, number = business.expected[invoice].entity, world.results[invoice]["name"]
        if back[payment]:
            yield Effect(CARD, entity, number, Money(minor=back[payment], currency=amount.currency))
        told = f"more came in than {number} asks for"
        over = [case for case in cases if case.reason == "overpaid" and case.entity == entity and told in case.sentence]
        yield from (Effect(CARD, entity, number, case.amount) for case in over if case.amount)
