"""Rules that may be in force one after the other: accounts, calendars, postings and modes come and go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from hypothesis import strategies as st

from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.facts import DeadlineFellDue, Fact
from nostro.model.ids import Subject
from nostro.processes.kit.process import PASSED, Transition
from tests.movements import banking_entity
from tests.stories import SmallRules

MODES: tuple[Literal["observe", "propose", "act"], ...] = ("observe", "propose", "act")


@dataclass(frozen=True)
class Bundle(SmallRules):
    """Rules whose calendars and clocks may end before the day that is asked for."""

    reaches: bool = True

    def day(self, entity: str, at: datetime) -> date:
        self._must_reach()
        return super().day(entity, at)

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        self._must_reach()
        return super().cut_off(rule, day, later)

    def _must_reach(self) -> None:
        if not self.reaches:
            raise LookupError("publish the landscape again")


def bundle(
    *,
    expected_by: str = "08:00",
    account: bool = True,
    provider: bool = True,
    posts: bool = True,
    mode: Literal["observe", "propose", "act"] = "act",
    reaches: bool = True,
) -> Bundle:
    """The rules of the stories, but for what is named."""
    entity = banking_entity()
    accounts = tuple(
        one.model_copy(update={"statement_expected_by": expected_by}) for one in entity.bank_accounts if account
    )
    providers = entity.provider_accounts if provider else ()
    return Bundle(
        of=entity.model_copy(update={"bank_accounts": accounts, "provider_accounts": providers}),
        denied=frozenset() if posts else frozenset({("transfer", "booked"), ("card", "captured")}),
        in_mode=mode,
        reaches=reaches,
    )


bundles = st.builds(
    bundle,
    expected_by=st.sampled_from(["08:00", ""]),
    account=st.sampled_from([True, True, False]),
    provider=st.booleans(),
    posts=st.booleans(),
    mode=st.sampled_from(MODES),
    reaches=st.booleans(),
)


def awaiting(log: Iterable[tuple[Subject, Fact, Transition]]) -> set[Subject]:
    """The subjects that have a deadline before them, as the engine keeps them."""
    found: set[Subject] = set()
    for subject, told, transition in log:
        fell = isinstance(told.body, DeadlineFellDue) and transition.decision.rule != PASSED
        if transition.due_at is not None:
            found.add(subject)
        elif fell or not transition.after.deadline_revision:
            found.discard(subject)
    return found
