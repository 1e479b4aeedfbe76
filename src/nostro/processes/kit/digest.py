"""What a decision said, as one digest: replay compares it with what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256

import orjson
from pydantic import BaseModel

from nostro.model.base import confidential_fields
from nostro.model.canonical import fields_form, instant_text
from nostro.model.ids import Subject
from nostro.model.intents import Intent
from nostro.model.money import Money
from nostro.processes.kit.decision import Decision, Wanted


def decision_digest(subject: Subject, decision: Decision) -> bytes:
    """SHA-256 over the canonical bytes of everything that follows from the decision."""
    return sha256(orjson.dumps(decision_told(subject, decision), option=orjson.OPT_SORT_KEYS)).digest()


def decision_told(subject: Subject, decision: Decision) -> dict[str, object]:
    """Everything that follows from the decision, in the plain form of which canonical bytes are made.

    Confidential fields stay out: a person may be erased before a replay. So do sentences: they may be put better.
    """
    emits, lookup, opens, postings = decision.emits, decision.lookup, decision.opens, decision.postings
    told: dict[str, object] = {
        "closes": decision.closes,
        "disowns": decision.disowns,
        "emits": [f"{body.fact_type}:{body.natural_key()}" for body in emits] if emits else (),
        "intents": [_wanted(subject, wanted) for wanted in decision.intents] if decision.intents else (),
        "lookup": [f"{r.kind}:{r.scope}:{r.value}" for r in lookup.references] if lookup is not None else (),
        "opens": [(case.reason, _money(case.amount)) for case in opens] if opens else (),
        "postings": [(p.debit, p.credit, _money(p.amount)) for p in postings] if postings else (),
        "rule": decision.rule,
        "to": decision.to,
    }
    if decision.due_at is not None:
        told["due_at"] = instant_text(decision.due_at)
    return told


def _wanted(subject: Subject, wanted: Wanted) -> dict[str, object]:
    intent = wanted.intent
    return {"intent": _shown(type(intent))(intent), "key": wanted.key_text(subject)}


@cache
def _shown(kind: type[Intent]) -> Callable[[BaseModel], dict[str, object]]:
    """How an intent of a type is told: without its confidential fields."""
    return fields_form(set(kind.model_fields) - confidential_fields(kind))


def _money(amount: Money | None) -> dict[str, str] | None:
    return None if amount is None else {"currency": amount.currency, "value": amount.text}
