"""What a person has to look at, as a function of the state: cases open and close with their ground."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.model.money import Money
from nostro.model.outcomes import OutcomeKind
from nostro.processes.bank_movement.v1.effects import BOOK, Scene, unassigned, unexplained
from nostro.processes.kit.decision import CaseOpening

REASONS = frozenset(
    [
        "possible_double",
        "ambiguous_match",
        "unexplained_debit",
        "return_unassigned",
        "statement_line_failed",
        "statement_line_late",
        "statement_line_unknown",
        "movement_not_posted",
        "not_in_statement",
    ]
)


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return {case.reason: case for part in (_doubt, _ownership, _booking, _statement) for case in part(scene)}


def _doubt(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if data.booked and data.doubtful:
        sentence = (
            f"A {data.direction} of {data.amount} may be a movement that is known already, told again. It is not "
            "counted or booked before a statement or a person decides."
        )
        yield CaseOpening("possible_double", sentence, scene.signed, data.doubts)


def _ownership(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if not scene.resolved:
        return
    contested = [part for part in data.parts if len(data.targets(part)) > 1]
    if data.contested:
        found = {f"{t.process}/{t.subject}" for part in contested for t in data.targets(part)}
        amount = Money(minor=sum(part.amount.minor for part in contested), currency=data.total.currency)
        sentence = f"References of this {data.direction} lead to {len(found)} different items; none was credited."
        yield CaseOpening("ambiguous_match", sentence, amount, tuple(sorted(found)))
    if unexplained(scene):
        candidates = tuple(f"{target.process}/{target.subject}" for target in data.taken_back)
        what = "takes back a credit that can't be told" if data.original else "was not asked for by anything we know"
        yield CaseOpening("unexplained_debit", f"A debit of {data.amount} {what}.", scene.signed, candidates)
    if scene.data.total and not scene.posting.posts:
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
    late = "booking" in data.passed and end is None and scene.resolved and not scene.still
    if late and scene.rules.mode(_connection(scene), "book_statement_line") == "act":
        sentence = f"The statement line of {scene.signed} was asked for a day ago and is not booked yet."
        yield CaseOpening("statement_line_late", sentence, scene.signed)


def _connection(scene: Scene) -> str:
    return scene.rules.serves(scene.entity.id, "book_statement_line").connection


def _statement(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if "statement" in data.passed and data.counts and not data.stated:
        sentence = f"{scene.signed} was notified as booked, and no statement lists it: it may be another movement."
        yield CaseOpening("not_in_statement", sentence, scene.signed)
