"""What a person has to look at, as a function of the state: cases open and close with their ground."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.model.money import Money
from nostro.model.outcomes import OutcomeKind
from nostro.processes.bank_movement.v1.effects import BOOK, Scene, unassigned, unexplained, wanted
from nostro.processes.kit.decision import CaseOpening
from nostro.processes.kit.following import acts

REASONS = frozenset({
    "possible_double", "ambiguous_match", "unexplained_debit", "return_unassigned", "movement_not_posted",
    "statement_line_failed", "statement_line_late", "statement_line_unknown", "not_in_statement",
})  # fmt: skip


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    grounds = (*_doubt(scene), *_ownership(scene), *_booking(scene), *_statement(scene))
    return {case.reason: case for case in grounds}


def _doubt(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if data.booked and data.doubtful:
        who = "a person decides" if data.contrary else "a statement or a person decides"
        sentence = (
            f"A {data.direction} of {data.amount} may be a movement that is known already, told again. It is not "
            f"counted or booked before {who}."
        )
        yield CaseOpening("possible_double", sentence, scene.signed, data.doubts)


def _ownership(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if not scene.resolved:
        return
    if data.contested:
        contested = [part for part in data.parts if len(data.targets(part)) > 1]
        found = {f"{t.process}/{t.subject}" for part in contested for t in data.targets(part)}
        amount = Money(minor=sum(part.amount.minor for part in contested), currency=data.total.currency)
        sentence = f"References of this {data.direction} lead to {len(found)} different items; none was credited."
        yield CaseOpening("ambiguous_match", sentence, amount, tuple(sorted(found)))
    if debit := unexplained(scene):
        candidates = tuple(f"{target.process}/{target.subject}" for target in data.taken_back)
        what = "takes back a credit that can't be told" if data.original else "was not asked for by anything we know"
        yield CaseOpening("unexplained_debit", f"A debit of {debit} {what}.", -debit, candidates)
    if data.total and not scene.posting.posts:
        sentence = f"The posting policy ({scene.posting.row or 'no row'}) keeps {scene.signed} out of the books."
        yield CaseOpening("movement_not_posted", sentence, scene.signed)
    if left := unassigned(scene):
        sentence = f"{left[-1].amount} is said to take this {data.direction} back; no single item can be told of it."
        yield CaseOpening("return_unassigned", sentence, left[-1].amount)


def _booking(scene: Scene) -> Iterator[CaseOpening]:
    data, end = scene.data, scene.data.steps.end(BOOK)
    if end is not None and end.kind is OutcomeKind.FAILED:
        sentence = f"The statement line of {scene.signed} is not in the ERP: {end.sentence or 'refused'}"
        yield CaseOpening("statement_line_failed", sentence, scene.signed)
    if end is not None and end.kind is OutcomeKind.HANDED_OVER:
        sentence = f"Nobody but a person can say whether {scene.signed} stands in the ERP: {end.sentence}"
        yield CaseOpening("statement_line_unknown", sentence, scene.signed)
    if "booking" in data.passed and acts(scene.rules, data.steps.pending(wanted(scene))):
        sentence = f"The statement line of {scene.signed} was asked for a day ago and is not booked yet."
        yield CaseOpening("statement_line_late", sentence, scene.signed)


def _statement(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if "statement" in data.passed and data.counts and not data.stated:
        sentence = f"{scene.signed} was notified as booked, and no statement lists it: it may be another movement."
        yield CaseOpening("not_in_statement", sentence, scene.signed)
