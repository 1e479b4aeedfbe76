"""The first version's effects, but for what a person gives back again, and for the rate and day of what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial

from nostro.model.intents import BookJournalEntry, EntryLine, Intent
from nostro.model.money import Money
from nostro.model.payments import Payment
from nostro.processes.collection.v1.effects import Scene, asked
from nostro.processes.collection.v3.days import day_of
from nostro.processes.kit.decision import Wanted
from nostro.processes.kit.following import Effect, but

_CAME_BACK = {"unrefunded": "refund_failure", "reinstated": "dispute_reversal"}
"""Step -> the kind of line with which the PSP settles what it takes back."""
_MOMENTS = {"unrefunded": "failed", "disputed": "withdrawn"}
"""Step -> what it is dated by, where that was told: a refund fails, and an inquiry takes money, days after it began."""


def wanted(scene: Scene, before: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """Every effect that the state calls for, those that were asked for `before` included."""
    if scene.data.kind in ("", "credit_note"):
        return ()
    return scene.data.steps.put_together(_asked(scene), before)


def _asked(scene: Scene) -> Iterator[Effect]:
    times: dict[str, int] = {}
    for step, occurrence, undated in asked(scene):
        kind, _, ident = step.partition("-")
        day = day_of(scene, f"{_MOMENTS[kind]}-{ident}") if kind in _MOMENTS else None
        intent = partial(_on_that_day, undated, day) if day else undated
        if kind == "refund":  # after one that failed a person may ask for another
            yield step, times.get(step, 0), intent
            times[step] = times.get(step, 0) + 1
        elif kind not in _CAME_BACK or (payment := _foreign(scene, ident)) is None:
            yield step, occurrence, intent
        elif payment.line_of(_CAME_BACK[kind], ident):
            yield step, occurrence, _settled(scene, payment, (_CAME_BACK[kind], ident), intent)


def _foreign(scene: Scene, ident: str) -> Payment | None:
    """The payment that has this refund or dispute, if it is in another currency than the company's."""
    there = [p for p in scene.data.payments if p.amount.currency != scene.entity.currency]
    return next((p for p in there if _minor(p, ident) is not None), None)


def _minor(payment: Payment, ident: str) -> int | None:
    """What a refund or dispute had taken of what was applied; None: it isn't this payment's."""
    shares = {r.refund_id: r.share.applied for r in payment.refunds}
    shares |= {d.dispute_id: d.share.applied for d in payment.disputes}
    return shares.get(ident)


def _settled(scene: Scene, payment: Payment, of: tuple[str, str], intent: Callable[[], Intent]) -> Callable[[], Intent]:
    """The entry at what the PSP gave back: it seldom is what it had taken."""
    account, came = scene.provider(payment), scene.company(payment, *of, _minor(payment, of[1]) or 0)
    return intent if account is None or came is None else partial(_at_that_rate, intent, came, account.fx_account)


def _on_that_day(intent: Callable[[], Intent], day: date) -> Intent:
    entry = intent()
    assert isinstance(entry, BookJournalEntry)
    return but(entry, booked_on=max(entry.booked_on, day))


def _at_that_rate(intent: Callable[[], Intent], came: Money, fx_account: int) -> Intent:
    entry = intent()
    assert isinstance(entry, BookJournalEntry)
    taken_back, clearing = entry.lines
    difference = EntryLine(account=fx_account, balance=clearing.balance - came, label=clearing.label)
    lines = (taken_back, but(clearing, balance=came), difference)
    return but(entry, lines=tuple(line for line in lines if line.balance))
