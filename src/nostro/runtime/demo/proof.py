"""Nostro's own word against the outside's books, and what of the difference no open case explains."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nostro.ledger import prove
from nostro.ledger.accounts import bank, psp, reserve
from nostro.model.canonical import parse
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import Instance
from nostro.projections.worklist import OpenCase
from nostro.runtime.demo.judge import BANK, CARD, FEE, Judgement
from nostro.runtime.demo.summary import SQL, Summary
from nostro.runtime.house import House
from nostro.sandbox.currencies import iso_minor
from nostro.sandbox.stage import ENTITIES, ODOO, Entity

Books = Mapping[str, Any]
Sums = Counter[str]
"""Minor units by currency."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that we and the outside say differently, with what helps to find the case that explains it."""

    kind: str
    entity: str
    where: str
    ours: Money
    theirs: Money
    subject: str = ""

    @property
    def amount(self) -> Money:
        """Ours less theirs."""
        return self.ours - self.theirs


async def differences(
    house: House, summary: Summary, judgement: Judgement, outside: Books, companies: Sequence[Entity] = ENTITIES
) -> list[Difference]:
    """Everything that differs and that no open case explains."""
    instances = await _instances(house)
    found = [*_judged(judgement, instances), *_invoices_open(instances, outside[ODOO])]
    for entity in companies:
        found += _at_the_bank(entity, summary.balances, outside[entity.bank_path])
        found += _at_the_psp(entity, summary.balances, outside[entity.psp_path])
    found += _unproven(house, summary, instances)
    return list(not_explained((one for one in found if one.amount), summary.cases))


_REASONS = {
    f"lost {CARD}": "no_provider_account not_posted booking_failed booking_unknown booking_late on_other_journal",
    f"spare {CARD}": "unapplied_money withdrawn_with_money other_currency paid_twice",
    f"doubled {CARD}": "registered_twice",
    f"lost {BANK}": "movement_not_posted statement_line_failed statement_line_unknown statement_line_late"
    " possible_double",
    f"lost {FEE}": "payout_incomplete payout_line_unknown payout_currency_foreign no_provider_account booking_failed"
    " booking_unknown booking_late",
    "misdated": "booked_differently",
    "open": "reopened_in_erp booked_differently booking_failed booking_unknown booking_late registered_twice"
    " on_other_journal withdrawn_with_money no_provider_account not_posted",
    "account": "possible_double not_in_statement no_longer_listed entry_restated",
    "provider": "no_provider_account too_many_payments unknown_charge went_back_twice fx_unknown payout_incomplete"
    " payout_failed payout_not_reissued payout_line_unknown payout_adjustment payout_currency_foreign manual_payout"
    " payout_amount_differs",
    "transit": "unexplained_debit return_unassigned returned_more went_back_twice fx_unknown payout_line_unknown"
    " payout_currency_foreign payout_amount_differs manual_payout",
}
EXPLAINS = {kind: frozenset(reasons.split()) for kind, reasons in _REASONS.items()}
"""Kind of difference -> the cases that say why there is one. Of a kind that isn't named none is ever explained."""


def not_explained(found: Iterable[Difference], cases: Sequence[OpenCase]) -> Iterator[Difference]:
    """What no open case explains: one that can be about such a difference, on its subject or of its amount.

    The amounts of several may add up to it. An amount alone says nothing, and explains one difference of a kind.
    """
    left = defaultdict[str, list[OpenCase]](lambda: list(cases))
    for apart in found:
        told = _telling(apart, left[apart.kind])
        if told is None:
            yield apart
        else:
            left[apart.kind] = [case for case in left[apart.kind] if case not in told]


def _telling(apart: Difference, cases: Sequence[OpenCase]) -> Sequence[OpenCase] | None:
    """The cases whose amounts explain it; none are needed where one is on its subject. None: nothing explains it."""
    able = [case for case in cases if case.entity == apart.entity and case.reason in EXPLAINS.get(apart.kind, ())]
    if apart.subject and any(case.subject == apart.subject for case in able):
        return ()
    minor, currency = abs(apart.amount.minor), apart.amount.currency
    told = [(case, abs(case.amount.minor)) for case in able if case.amount and case.amount.currency == currency]
    alike = [case for case, each in told if each == minor]
    if alike:
        return alike[:1]
    return [case for case, _ in told] if sum(each for _, each in told) == minor else None


async def _instances(house: House) -> list[Instance]:
    """Every subject of every process, without what is confidential in it."""
    found = []
    async with house.database.transaction() as tx:
        for process in house.processes.values():
            for row in await tx.rows(SQL.subjects, process=process.name):
                data = type(process.version(row.version).initial).model_validate(parse(row.body))
                place = Subject(process.name, row.subject)
                found.append(Instance(place, row.entity, row.version, row.revision, row.state, data, {}, 0))
    return found


# What stands in Odoo


def _judged(judgement: Judgement, instances: Iterable[Instance]) -> Iterator[Difference]:
    instances = tuple(instances)
    subjects = {(one.entity, name): one.subject.id for one in instances if (name := _name(one))}
    spare = {key for one in instances for key in _spare(one)}
    for told, effects in (("doubled", judgement.doubled), ("lost", judgement.lost), ("misdated", judgement.misdated)):
        for effect in effects:
            both = (effect.amount, Money.zero(effect.amount.currency))
            where = f"Odoo's books: {effect.kind} {effect.entity} {effect.name}"
            kind = told if told == "misdated" else f"{told} {effect.kind}"
            if kind == f"lost {CARD}" and not spare.isdisjoint(
                (effect.entity, name, effect.amount) for name in (effect.name, "")
            ):
                kind = f"spare {CARD}"
            where += " on another day" if told == "misdated" else ""
            ours, theirs = both[::-1] if told == "lost" else both
            yield Difference(kind, effect.entity, where, ours, theirs, subjects.get((effect.entity, effect.name), ""))


def _spare(instance: Instance) -> Iterator[tuple[str, str, Money]]:
    """Card payments that clear nothing, of an item by its number or of none: there is nothing to book them on."""
    data = instance.data
    if isinstance(data, CollectionState):
        named = "" if data.kind == "unapplied" else data.number
        yield from ((instance.entity, named, one.amount) for one in data.payments if one.applied <= 0)


def _name(instance: Instance) -> str:
    """What an effect of the subject is called in a judgement: an invoice's number, a payout's id."""
    if isinstance(instance.data, CollectionState):
        return instance.data.number
    return instance.subject.id.rpartition("/")[2] if instance.subject.process == "payout" else ""


def _invoices_open(instances: Iterable[Instance], odoo: Books) -> Iterator[Difference]:
    """What is open of each invoice."""
    residuals = {move["id"]: Decimal(move["amount_residual"]) for move in odoo["moves"]}
    for instance in instances:
        data = instance.data
        if isinstance(data, CollectionState) and data.kind == "invoice" and not data.withdrawn:
            ours = Money(minor=data.outstanding, currency=data.currency)
            theirs = Money.of(residuals[data.move_id], data.currency)
            where = f"Odoo's books: open of {instance.entity} {data.number}"
            yield Difference("open", instance.entity, where, ours, theirs, instance.subject.id)


# What stands at banks and providers


def _at_the_bank(entity: Entity, balances: Mapping[str, list[Money]], books: Books) -> Iterator[Difference]:
    for number, account in enumerate(books["accounts"]):
        assert number == 0, "the demo's landscape knows one bank account an entity"
        name = bank(entity.code, f"{entity.psp.name}-main")
        theirs = Counter({account["currency"]: account["balance_minor"] - account["opening_minor"]})
        yield from _compared(
            "account", entity.code, f"moved on {account['number']}", _sums(balances.get(name, [])), theirs
        )


def _at_the_psp(entity: Entity, balances: Mapping[str, list[Money]], books: Books) -> Iterator[Difference]:
    connection = f"stripe-{entity.psp.name}"
    for kind, name, theirs in (
        ("held", psp(entity.code, connection), _held(books)),
        ("kept back", reserve(entity.code, connection), _kept_back(books)),
    ):
        yield from _compared("provider", entity.code, f"{kind} by {connection}", _sums(balances.get(name, [])), theirs)


def _held(books: Books) -> Sums:
    """What the PSP owes us: sales and what went back of them as the payer saw it, until a payout takes them over;
    payouts until they arrive.
    """
    sources = {one["id"]: one for kind in ("charges", "refunds", "disputes") for one in books[kind]}
    sums: Sums = Counter()
    for line in books["balance_transactions"]:
        source = sources.get(line["source"])
        if line["payout"] is None and source is not None:
            _add(sums, source["amount"] * (1 if line["amount"] > 0 else -1), source["currency"])
    for payout in books["payouts"]:
        if payout["status"] != "paid":
            _add(sums, payout["amount"], payout["currency"])
    return sums


def _kept_back(books: Books) -> Sums:
    """Reserves whose other leg a payout has told of."""
    told = {line["source"] for line in books["balance_transactions"] if line["payout"] is not None}
    sums: Sums = Counter()
    for line in books["balance_transactions"]:
        if line["balance_type"] != "payments" and line["source"] in told:
            _add(sums, line["amount"], line["currency"])
    return sums


def _add(sums: Sums, minor: int, currency: str) -> None:
    sums[currency.upper()] += iso_minor(minor, currency)


def _sums(amounts: Iterable[Money]) -> Sums:
    return Counter({money.currency: money.minor for money in amounts})


def _compared(kind: str, entity: str, where: str, ours: Sums, theirs: Sums) -> Iterator[Difference]:
    for currency in sorted({*ours, *theirs}):
        mine, others = (Money(minor=side[currency], currency=currency) for side in (ours, theirs))
        yield Difference(kind, entity, where, mine, others)


def _unproven(house: House, summary: Summary, instances: Iterable[Instance]) -> Iterator[Difference]:
    """Balances of the transit ledger that no subject holds."""
    holdings = [
        holding for one in instances for holding in house.processes[one.subject.process].holds(one, house.rules)
    ]
    told = {(name, money.currency): money.minor for name, some in summary.balances.items() for money in some}
    for finding in prove(told, holdings).findings:
        entity = finding.account.split("/")[1] if finding.account else ""
        where = f"transit ledger, {finding.account or 'all'}: {finding.why}"
        yield Difference("transit", entity, where, finding.balance, finding.held)
