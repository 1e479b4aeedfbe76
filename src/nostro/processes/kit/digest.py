"""What a decision said, as one digest: replay compares it with what was recorded."""

from __future__ import annotations

from nostro.model.base import confidential_fields
from nostro.model.canonical import digest
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Decision, Wanted


def decision_digest(subject: Subject, decision: Decision) -> bytes:
    """SHA-256 over everything that follows from the decision."""
    return digest(decision_told(subject, decision))


def decision_told(subject: Subject, decision: Decision) -> dict[str, object]:
    """Everything that follows from the decision.

    Confidential fields stay out: a person may be erased before a replay. So do sentences: they may be put better.
    """
    return {
        "to": decision.to,
        "rule": decision.rule,
        "intents": [_wanted(subject, wanted) for wanted in decision.intents],
        "emits": [f"{body.fact_type}:{body.natural_key()}" for body in decision.emits],
        "lookup": [f"{r.kind}:{r.scope}:{r.value}" for r in decision.lookup.references] if decision.lookup else [],
        "opens": [(case.reason, case.amount) for case in decision.opens],
        "closes": list(decision.closes),
        "postings": [(p.debit, p.credit, p.amount) for p in decision.postings],
        "due_at": decision.due_at,
        "disowns": decision.disowns,
    }


def _wanted(subject: Subject, wanted: Wanted) -> dict[str, object]:
    hidden = confidential_fields(type(wanted.intent))
    fields = {name: getattr(wanted.intent, name) for name in type(wanted.intent).model_fields if name not in hidden}
    return {"key": wanted.key(subject).text, "intent": fields}
