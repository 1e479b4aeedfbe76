"""An act's receipt -> the fact that it tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nostro.connectors.kit.reading import Item, ReadItem, ReceiptView, RejectItem
from nostro.connectors.people.wire import ActReceipt
from nostro.model.canonical import canonical, parse
from nostro.model.facts import (
    CaseClosed,
    CommandReleased,
    FactBody,
    MatchConfirmed,
    RecoveryClosed,
    RecoveryOpened,
    RerunAsked,
    join,
)
from nostro.model.ids import IdempotencyKey

ACTS: Mapping[str, type[FactBody]] = {
    kind.fact_type: kind
    for kind in (CommandReleased, MatchConfirmed, CaseClosed, RerunAsked, RecoveryOpened, RecoveryClosed)
}
"""What persons may tell. Any other fact in their name is a reject."""


def read(view: ReceiptView) -> Iterator[Item]:
    """One item: the act."""
    try:
        told = ActReceipt.model_validate(parse(view.content))
    except (ValueError, TypeError) as error:
        yield RejectItem("whole receipt", f"This is no receipt of an act ({type(error).__name__}).")
        return
    if told.type not in ACTS:
        yield RejectItem("type", "No person may tell a fact of this type.")
        return
    try:
        body = join(told.type, told.version, canonical(told.told), None)
        address = _address(told, body)
    except (ValueError, TypeError) as error:
        yield RejectItem("told", f"The fact in it can't be read ({type(error).__name__}).")
        return
    if address is None and not body.owner:
        yield RejectItem("subject", "The act names nobody whom it is addressed to.")
        return
    yield ReadItem(
        facts=(body,),
        entity=told.entity,
        occurred_at=told.at,
        actor=told.actor,
        on_behalf_of=told.on_behalf_of,
        reason=told.reason,
        addressed_to=address,
    )


def _address(told: ActReceipt, body: FactBody) -> tuple[str, str] | None:
    """A command's own key says whose it is; other acts name their subject."""
    if isinstance(body, CommandReleased):
        key = IdempotencyKey.parse(body.key)
        return key.process, key.subject
    return (told.process, told.subject) if told.process and told.subject and not body.owner else None
