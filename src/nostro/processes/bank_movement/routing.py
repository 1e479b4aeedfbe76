"""How facts find their movement: reports by what identifies them, everything else by the subject that it names."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.model.facts import EntryReported, Fact, MovementRelated
from nostro.model.ids import short_digest
from nostro.model.references import Reference
from nostro.processes.bank_movement.v1.identity import identity, references, restatable, scope
from nostro.processes.kit.process import Begin


def begins(fact: Fact) -> Begin | None:
    """The movement that a report tells of. Its id says nothing: what identifies it can turn out to be another's too."""
    match fact.body:
        case EntryReported() as body:
            ident = short_digest(fact.entity, body.natural_key()).hex()[:20]
            return Begin(f"{fact.entity}/{body.account}/{ident}", identity(fact.entity, body))
        case MovementRelated() as body:
            return Begin(body.subject)
        case _:
            return None


def registers(fact: Fact) -> Sequence[Reference]:
    """The ids under which later reports and returns of this movement will look for it."""
    body = fact.body
    if not isinstance(body, EntryReported):
        return ()
    within = scope(fact.entity, body.account)
    found = [*references(fact.entity, body), *restatable(fact.entity, body)]
    plain = (("servicer", body.servicer_reference), ("entry", body.entry_reference))
    found += [Reference.to(kind, value, within) for kind, value in plain if value]  # as a person quotes them
    found += [Reference.to("part", part.end_to_end, within) for part in body.parts if part.end_to_end]
    if not (body.reversal or body.return_reason):
        found += [Reference.to("end_to_end", body.end_to_end, within)] if body.end_to_end else []
        found += [Reference.to("movement", f"paid/{body.uetr}", within)] if body.uetr else []
    return tuple(dict.fromkeys(found))
