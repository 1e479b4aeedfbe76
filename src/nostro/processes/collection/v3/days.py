"""Days on the entity's clocks of what is dated by its telling: how disputes end, and foreign lines of a payout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from nostro.model.canonical import instant_text
from nostro.model.facts import CollectionPaidOut, DisputeReported, Fact, PaymentNews, RefundReported
from nostro.model.payments import Dispute, Line, Payment
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v1.state import News, Recall
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.kit.following import but

_DAY = len("2026-08-31")


def remembered(before: CollectionStateV3, after: CollectionStateV3, fact: Fact) -> CollectionStateV3:
    """The state with the moments that this fact added to it. News that were passed on bring their day along."""
    body = fact.body
    if not isinstance(body, PaymentNews):
        return after
    fresh = [name for name in _named(before, after, body) if name not in after.moments]
    told = dict.fromkeys(fresh, body.told_on.isoformat() if body.told_on else instant_text(fact.occurred_at))
    return but(after, moments={**after.moments, **told}) if told else after


def day_of(scene: Scene, name: str) -> date | None:
    """The day of a moment; None: there was none."""
    data = scene.data
    assert isinstance(data, CollectionStateV3)
    at = data.moments.get(name, "")
    if not at:
        return None
    return date.fromisoformat(at) if len(at) == _DAY else scene.day(datetime.fromisoformat(at))


def _named(before: CollectionStateV3, after: CollectionStateV3, body: PaymentNews) -> Iterator[str]:
    if len(after.news) > len(before.news):
        yield f"news-{len(before.news)}"
    match body:
        case RefundReported(refund_id=ident, state="failed" | "cancelled"):
            yield f"failed-{ident}"
        case DisputeReported(dispute_id=ident, state=state, funds=funds):
            if state in ("won", "lost"):
                yield f"closed-{ident}"
            elif funds == "withdrawn":  # an inquiry takes nothing yet
                yield f"withdrawn-{ident}"
            if funds == "reinstated":
                yield f"reinstated-{ident}"
        case CollectionPaidOut(gross=gross, line_id=ident) if gross.currency != after.currency:
            yield f"settled-{ident}"


def dated(scene: Scene) -> Scene:
    """The collection with all its days on the clocks of its entity."""
    data = scene.data
    assert isinstance(data, CollectionStateV3)
    if not data.moments:
        return scene
    days = {name: day for name in data.moments if (day := day_of(scene, name)) is not None}
    told: dict[str, Any] = {
        "payments": tuple(_payment(payment, days) for payment in data.payments),
        "recalls": tuple(_recall(recall, days) for recall in data.recalls),
        "news": tuple(_news(body, days.get(f"news-{n}")) for n, body in enumerate(data.news)),
    }
    return replace(scene, data=but(data, **told))


def _payment(payment: Payment, days: dict[str, date]) -> Payment:
    disputes = tuple(_dispute(dispute, days) for dispute in payment.disputes)
    return but(payment, disputes=disputes, lines=tuple(_line(line, days) for line in payment.lines))


def _dispute(dispute: Dispute, days: dict[str, date]) -> Dispute:
    closed = days.get(f"closed-{dispute.dispute_id}", dispute.closed_on)
    reinstated = days.get(f"reinstated-{dispute.dispute_id}", dispute.reinstated_on)
    return but(dispute, closed_on=closed, reinstated_on=reinstated)


def _line(line: Line, days: dict[str, date]) -> Line:
    return but(line, settled_on=days.get(f"settled-{line.line_id}", line.settled_on))


def _recall(recall: Recall, days: dict[str, date]) -> Recall:
    """A lost dispute stands for the movement by which its money goes back."""
    lost = recall.reason == "lost"
    return but(recall, returned_on=days.get(f"closed-{recall.movement}", recall.returned_on)) if lost else recall


def _news(body: News, day: date | None) -> News:
    return but(body, told_on=day) if day is not None else body
