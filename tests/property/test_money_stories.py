from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nostro.ledger import accounts, fold
from nostro.model.base import confidential_fields
from nostro.model.canonical import parse
from nostro.model.facts import (
    CollectionCredited,
    CollectionReturned,
    DisputeReported,
    Fact,
    MoneyUnapplied,
    PaymentCaptured,
    PayoutCredited,
    PayoutLineReported,
    RefundReported,
    split_fields,
)
from nostro.model.ids import Subject
from nostro.model.intents import Intent, RegisterCustomerPayment
from nostro.model.money import Money
from nostro.model.payments import Credit, Incoming, Payment
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import State
from nostro.processes.kit.digest import decision_digest
from nostro.processes.kit.machine import Terminal
from nostro.processes.kit.process import take_in
from tests.money_world import TOTAL, World, capture, dispute, invoice, line, money, payout_told, refund, withdrawn
from tests.stories import DAY, PSP, House, SmallRules, entity, eur, fact

pytestmark = pytest.mark.timeout(240)


def lived(data: st.DataObject, *, odoo_provider: bool, acts: int = 40) -> House:
    denied = frozenset({("card", "captured")}) if data.draw(st.integers(0, 4)) == 0 else frozenset()
    house = House(SmallRules(of=entity(odoo_provider=odoo_provider), denied=denied))
    house.tell(invoice(1), invoice(2), invoice(3, currency="USD"))
    world = World(house, lambda low, high: data.draw(st.integers(low, high)))
    for _ in range(data.draw(st.integers(1, acts))):
        world.act()
        check(house)
    return house


def check(house: House) -> None:
    proof = house.proof()
    assert proof.holds, proof.findings
    balances = fold(house.postings)
    mine = {key: minor for key, minor in balances.items() if accounts.kind_of(key[0]) in ("psp", "customer")}
    assert mine == counted(house)
    for instance in house.instances.values():
        if isinstance(instance.data, CollectionState):
            bounded(instance.data)
    for _, wanted in house.commands.values():
        if isinstance(wanted.intent, RegisterCustomerPayment):
            source = wanted.step.removeprefix("register-")
            whole = next(one for i in house.instances.values() for one in incoming(i.data) if one.source == source)
            assert wanted.intent.amount.minor <= whole.amount.minor


def counted(house: House) -> dict[tuple[str, str], int]:
    """What the PSP owes and what customers paid, counted from the facts and amounts alone."""
    owed, paid = accounts.psp("DE", PSP), accounts.customer("DE")
    sums: Counter[tuple[str, str]] = Counter()

    def add(account: str, amount: Money, sign: int = 1) -> None:
        sums[account, amount.currency] += sign * amount.minor

    told = {one.key: one.body for _, one, _ in house.log}
    failed = {body.refund_id for body in told.values() if isinstance(body, RefundReported) and body.state == "failed"}
    given_back = {b.dispute_id for b in told.values() if isinstance(b, DisputeReported) and b.funds == "reinstated"}
    taken: set[str] = set()
    for body in told.values():
        match body:
            case PaymentCaptured():
                add(owed, body.amount)
            case RefundReported(state="succeeded", refund_id=ident) if ident not in failed:
                add(owed, body.amount, -1)
            case DisputeReported(funds="withdrawn", dispute_id=ident) if ident not in given_back | taken:
                taken.add(ident)
                add(owed, body.amount, -1)
            case PayoutLineReported(presentment=shown, gross=gross):
                add(owed, body.fee, -1)
                if body.kind in ("reserve_hold", "adjustment", "fee"):
                    add(owed, gross)
                elif shown is not None and shown.currency != gross.currency:
                    add(owed, gross)
                    add(owed, shown, -1 if gross.minor >= 0 else 1)
            case PayoutCredited():
                add(owed, body.amount, -1)
    for one in (one for i in house.instances.values() for one in incoming(i.data)):
        add(paid, money(one.applied, one.amount.currency), -1)
        back = one.shares if isinstance(one, Credit) else one.losses
        live = [r.share for r in one.refunds if r.live] if isinstance(one, Payment) else []
        add(paid, money(sum(share.applied for share in (*back, *live)), one.amount.currency))
    return {key: minor for key, minor in sums.items() if minor}


def incoming(data: State) -> tuple[Incoming, ...]:
    return data.incoming if isinstance(data, CollectionState) else ()


def bounded(data: CollectionState) -> None:
    """No amount is applied twice, moved twice or given back twice."""
    for one in data.incoming:
        assert min(one.applied, one.moved, one.over) >= 0
        assert one.over + one.applied + one.moved + sum(share.over for share in one.shares) == one.amount.minor
        assert sum(share.applied for share in one.shares) <= one.applied
        assert sum(share.moved for share in one.shares) <= one.moved


@settings(max_examples=150)
@given(data=st.data(), odoo_provider=st.booleans())
def test_whatever_happens_every_amount_is_held_by_somebody_and_none_is_used_twice(
    data: st.DataObject, *, odoo_provider: bool
) -> None:
    lived(data, odoo_provider=odoo_provider)


@settings(max_examples=60)
@given(data=st.data())
def test_replay_gives_the_same_states_and_the_same_decisions(data: st.DataObject) -> None:
    house = lived(data, odoo_provider=False, acts=25)
    again: dict[Subject, object] = {}
    for subject, told, transition in house.log:
        process = next(p for p in house.processes if p.name == subject.process)
        before = again.get(subject) or process.new(subject.id, told.entity)
        repeated = take_in(process, before, told, house.rules, told.occurred_at)  # type: ignore[arg-type]  # held as object
        again[subject] = repeated.after
        assert decision_digest(subject, repeated.decision) == decision_digest(subject, transition.decision)
    assert again == house.instances


@settings(max_examples=60)
@given(data=st.data())
def test_a_subject_at_rest_awaits_nothing_and_a_waiting_one_has_its_deadline(data: st.DataObject) -> None:
    house = lived(data, odoo_provider=True, acts=25)
    for subject, instance in house.instances.items():
        process = next(p for p in house.processes if p.name == subject.process)
        machine = process.version(instance.version).machine
        rests = instance.state == "new" or isinstance(machine.states[instance.state], Terminal)
        assert rests == (instance.deadline_revision == 0)


CARD = [capture(1, TOTAL, 1)]
PAYOUT = [
    line(1, "charge", eur("100.00")),
    payout_told(9800, "in_transit"),
    payout_told(9800, "paid"),
    fact(PayoutCredited(payout_id=f"{PSP}/po_1", movement="main/m1", amount=eur("98.00"), booked_on=DAY)),
]
REFUND = [refund(1, 4000, "pending"), refund(1, 4000, "succeeded"), invoice(9, 0, kind="credit_note", reverses_move=1)]
FAILED_REFUND = [
    refund(1, 4000, "succeeded"),
    refund(1, 4000, "failed"),
    line(1, "refund", eur("-40.00"), source="re_1_0"),
]
LOST = [
    dispute(1, TOTAL, "inquiry", "kept"),
    dispute(1, TOTAL, "open", "withdrawn"),
    dispute(1, TOTAL, "lost", "withdrawn"),
]
WON = [
    dispute(1, TOTAL, "open", "withdrawn"),
    dispute(1, TOTAL, "won", "withdrawn"),
    dispute(1, TOTAL, "won", "reinstated"),
]
FAILED_PAYOUT = [
    *PAYOUT[:2],
    payout_told(9800, "failed"),
    line(9, "payout_failure", eur("98.00"), source="po_1", payout=2),
    payout_told(9800, "paid", 2),
]
SEEN = [invoice(1, 0, order=5)]
STORIES = {
    "paid out": [*CARD, *PAYOUT],
    "refunded": [*CARD, *PAYOUT, *REFUND],
    "credited anew": [*CARD, *PAYOUT, *REFUND, withdrawn(9, 2), invoice(8, 0, kind="credit_note", reverses_move=1)],
    "refund failed": [*CARD, *FAILED_REFUND],
    "lost": [*CARD, *LOST, line(1, "charge", eur("100.00")), line(1, "dispute", eur("-100.00"), source="dp_1")],
    "payout failed": [*CARD, *FAILED_PAYOUT],
    "won": [*CARD, *WON, *PAYOUT],
}


def told_in_order(facts: list[Fact], *, eager: bool, odoo_provider: bool = False) -> House:
    house = House(SmallRules(of=entity(odoo_provider=odoo_provider)))
    house.tell(invoice(1))
    for one in facts:
        if isinstance(one.body, PayoutCredited):
            house.bank_books("main/m1", one.body.amount)
            house.bank_told("main/m1")
        house.tell(one)
        if eager:
            house.answer_all()
    house.answer_all()
    return house


def outline(house: House) -> tuple[object, ...]:
    """What must not depend on the order: states, amounts, effects, cases and balances."""
    states = {subject: instance.state for subject, instance in house.instances.items()}
    amounts = {
        subject: (i.data.outstanding, sorted((one.source, one.applied, one.over) for one in i.data.incoming))
        for subject, i in house.instances.items()
        if isinstance(i.data, CollectionState)
    }
    effects = {(subject, w.step): unnumbered(w.intent) for subject, w in house.commands.values()}
    return states, amounts, effects, set(house.cases), house.proof()


def unnumbered(intent: Intent) -> dict[str, object]:
    """An intent without the ids that the ERP happened to give: they follow the order of booking."""
    given = {name: getattr(intent, name) for name in type(intent).model_fields}
    return {name: value for name, value in given.items() if name not in ("payment", "entry")}


@settings(max_examples=200)
@given(data=st.data(), name=st.sampled_from(sorted(STORIES)), eager=st.booleans())
def test_the_facts_of_one_story_end_alike_in_whatever_order_they_arrive(
    data: st.DataObject, name: str, *, eager: bool
) -> None:
    story = STORIES[name]
    shuffled = data.draw(st.permutations(story))
    assert outline(told_in_order(shuffled, eager=eager)) == outline(told_in_order(story, eager=False))


BANK_MONEY = [
    fact(
        MoneyUnapplied(
            movement="main/m1", amount=eur("100.00"), booked_on=DAY, statement_line="55",
            leads=(("invoice_number", "INV/1"),),
        )
    ),
    fact(
        CollectionReturned(
            subject="DE/unapplied/main/m1", movement="main/m2", original_movement="main/m1", amount=eur("30.00"),
            booked_on=DAY,
        )
    ),
]  # fmt: skip
BANK_MONEY_IN_TIME = [
    fact(
        CollectionCredited(
            subject="DE/db/1", movement="main/m1", amount=eur("100.00"), booked_on=DAY, statement_line="55"
        )
    ),
    fact(
        CollectionReturned(
            subject="DE/db/1", movement="main/m2", original_movement="main/m1", amount=eur("30.00"), booked_on=DAY
        )
    ),
]


def told_late(facts: list[Fact], waits: list[bool], *, eager: bool, odoo_provider: bool) -> House:
    """The invoice is one of the facts. After some of them so much time passes that money goes without its item."""
    house = House(SmallRules(of=entity(odoo_provider=odoo_provider)))
    for one, waits_after in zip(facts, waits, strict=True):
        bank_told(house, one)
        house.tell(one)
        if waits_after:
            house.wait()
        if eager:
            house.answer_all()
    house.wait()
    house.answer_all()
    return house


def bank_told(house: House, one: Fact) -> None:
    """What the bank movements of a story hold until they have told it."""
    if isinstance(one.body, PayoutCredited | MoneyUnapplied | CollectionCredited):
        house.bank_books(one.body.movement, one.body.amount)
        house.bank_told(one.body.movement)
    if isinstance(one.body, CollectionReturned):
        house.bank_books(one.body.movement, -one.body.amount)
        house.bank_told(one.body.movement)


def end(house: House) -> tuple[object, ...]:
    """The outline, and the ledger's balances, without the shells that passed everything on to the item."""
    gone = {s for s, i in house.instances.items() if isinstance(i.data, CollectionState) and i.data.item}
    for subject in gone:
        assert house.state(subject) == "applied"
        assert not house.open_cases(subject)
    states, amounts, effects, cases, proof = outline(house)
    assert isinstance(states, dict)
    assert isinstance(amounts, dict)
    kept = [{s: told for s, told in those.items() if s not in gone} for those in (states, amounts)]
    balances = {key: minor for key, minor in fold(house.postings).items() if minor}
    return *kept, effects, cases, proof, balances


@settings(max_examples=150)
@given(
    data=st.data(), name=st.sampled_from(sorted(STORIES)), eager=st.booleans(), odoo_provider=st.booleans()
)  # fmt: skip
def test_an_invoice_that_comes_late_leaves_everything_as_if_it_had_come_in_time(
    data: st.DataObject, name: str, *, eager: bool, odoo_provider: bool
) -> None:
    told = data.draw(st.permutations([invoice(1), *STORIES[name]]))
    waits = data.draw(st.lists(st.booleans(), min_size=len(told), max_size=len(told)))
    late = told_late(told, waits, eager=eager, odoo_provider=odoo_provider)
    in_time = told_in_order(STORIES[name], eager=False, odoo_provider=odoo_provider)
    assert end(late) == end(in_time)


@given(data=st.data(), eager=st.booleans())
def test_bank_money_whose_invoice_comes_late_ends_as_if_it_had_come_in_time(
    data: st.DataObject, *, eager: bool
) -> None:
    late_at = data.draw(st.integers(0, 2))
    told = [*BANK_MONEY[:late_at], invoice(1), *BANK_MONEY[late_at:]]
    late = told_late(told, [False] * 3, eager=eager, odoo_provider=False)
    in_time = told_late([invoice(1), *BANK_MONEY_IN_TIME], [False] * 3, eager=False, odoo_provider=False)
    assert end(late) == end(in_time)


def test_a_person_who_decided_first_keeps_the_last_word() -> None:
    house = House()
    house.tell(*CARD)
    house.wait()
    loose = Subject("collection", "DE/unapplied/ch_1")
    house.confirm(loose, "", "refund")
    house.tell(invoice(1))
    assert house.steps("register") == []
    assert house.steps("refund") == ["refund-ch_1"]


def test_a_number_that_two_items_bear_is_a_persons_choice_between_them() -> None:
    house = House()
    house.tell(invoice(1), invoice(2, number="INV/1"), *CARD)
    house.wait()
    case = house.cases[Subject("collection", "DE/unapplied/ch_1"), "ambiguous_match"]
    assert case.candidates == ("DE/db/1", "DE/db/2")


@given(order=st.integers(0, 4), residual=st.integers(0, TOTAL))
def test_news_that_is_older_by_its_senders_order_changes_nothing(order: int, residual: int) -> None:
    house = told_in_order([*CARD, *SEEN], eager=True)
    before = house.instances[Subject("collection", "DE/db/1")]
    house.tell(invoice(1, residual, order=order))
    after = house.instances[Subject("collection", "DE/db/1")]
    assert (after.data, after.state) == (before.data, before.state)


def test_what_money_without_an_item_was_told_survives_being_stored() -> None:
    house = House()
    house.tell(*CARD, *REFUND[:2], *LOST, *BANK_MONEY)
    house.wait()
    house.tell(*PAYOUT[:1])
    for instance in house.instances.values():
        clear, secret = split_fields(instance.data, confidential_fields(type(instance.data)))
        assert secret is None
        assert type(instance.data).model_validate(parse(clear)) == instance.data
    loose = house.instances[Subject("collection", "DE/unapplied/ch_1")].data
    assert isinstance(loose, CollectionState)
    assert len(loose.news) == 1 + 2 + 3 + 1
