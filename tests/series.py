"""Statements of a bank account, told one by one to their series."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from nostro.model.facts import DeadlineFellDue, Fact, FactBody, StatementListed, StatementReceived
from nostro.processes.kit.decision import CaseOpening, Instance
from nostro.processes.kit.process import Transition, take_in
from nostro.processes.statement_series import PROCESS
from tests.movements import MONDAY, banking_entity, eur
from tests.stories import SmallRules


def statement(number: int, opening: str = "", closing: str = "", **more: Any) -> StatementReceived:  # noqa: ANN401 - any field of the fact
    """The statement of a day; statement 1 is of Monday, and the balance grows by 10 a day."""
    day = MONDAY + timedelta(days=number - 1)
    return StatementReceived.model_validate(
        {
            "account": "main",
            "kind": "statement",
            "statement_id": f"S{number}",
            "sequence": number,
            "created_at": f"{day + timedelta(days=1)}T05:30:00+00:00",
            "to_date": day,
            "opening": {"value": opening or f"{number * 10}.00", "currency": "EUR"},
            "closing": {"value": closing or f"{number * 10 + 10}.00", "currency": "EUR"},
            "entries": 1,
            "content_digest": f"d{number}",
            **more,
        }
    )


def listed(*amounts: str, told_at: str = "", **more: Any) -> StatementListed:  # noqa: ANN401 - any field of the fact
    """What the statement of Monday lists: credits, and debits as negative amounts. `1.00 R` bears a reference."""
    lines = [amount.split() for amount in amounts]
    return StatementListed.model_validate(
        {
            "account": "main",
            "statement": f"{MONDAY}/1",
            "statement_id": "S1",
            "told_at": told_at,
            "content_digest": "/".join(amounts),
            "lines": [
                {
                    "amount": eur(amount.removeprefix("-")),
                    "direction": "debit" if amount.startswith("-") else "credit",
                    "day": MONDAY,
                    "servicer_reference": "".join(reference),
                }
                for amount, *reference in lines
            ],
            **more,
        }
    )


def morning_after(day: date, at: time = time(5, 30)) -> datetime:
    """When the statement of a day comes."""
    return datetime.combine(day + timedelta(days=1), at, UTC)


@dataclass
class Series:
    """One series, its open cases, and its log."""

    rules: SmallRules = field(default_factory=lambda: SmallRules(of=banking_entity()))
    instance: Instance = field(default_factory=lambda: PROCESS.new("DE/main/statement", "DE"))
    cases: dict[str, CaseOpening] = field(default_factory=dict)
    log: list[tuple[Fact, Transition]] = field(default_factory=list)

    def tell(self, body: FactBody, at: datetime) -> Transition:
        """A fact that was received at that time."""
        told = Fact(body=body, entity="DE", origin="bank", actor="bank", occurred_at=at, received_at=at)
        transition = take_in(PROCESS, self.instance, told, self.rules, at)
        self.instance = transition.after
        self.log.append((told, transition))
        for reason in transition.decision.closes:
            self.cases.pop(reason, None)
        for case in transition.decision.opens:
            self.cases[case.reason] = case
        return transition

    def receive(self, *statements: StatementReceived) -> None:
        """Statements that come on the morning after their day."""
        for body in statements:
            assert body.to_date is not None
            self.tell(body, morning_after(body.to_date))

    def fall_due(self) -> Transition:
        """The deadline passes."""
        due = next(transition.due_at for _, transition in reversed(self.log) if transition.due_at)
        name = next(transition.deadline for _, transition in reversed(self.log) if transition.deadline)
        body = DeadlineFellDue(
            name=name, subject=str(self.instance.subject), due_at=due.isoformat(),
            revision=self.instance.deadline_revision,
        )  # fmt: skip
        return self.tell(body, due)
