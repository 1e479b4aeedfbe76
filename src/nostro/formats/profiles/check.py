"""Payments against a profile, before anything is written: also the worklist of payees that a later day would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from nostro.formats.profiles.profile import Profile
from nostro.formats.profiles.rules import RULES, Finding
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction

_FIRST = 3
_NEVER = date.max


class ProfileRefused(FormatRefused):
    """Payments would break their profile; nothing was written."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = "; ".join(f"payment {one.payment + 1}, {one.field}: {one.sentence}" for one in findings[:_FIRST])
        more = f" (and {len(findings) - _FIRST} more)" if len(findings) > _FIRST else ""
        super().__init__(f"{first}{more}", findings[0].remedy)
        self.findings = tuple(findings)


def check(payments: Iterable[Instruction], profile: Profile, settlement_date: date | None = None) -> list[Finding]:
    """What would break the profile, in the payments' order.

    Addresses are judged for the settlement date; without one each payment is for its own execution date.
    """
    found: list[Finding] = []
    count = 0
    for count, payment in enumerate(payments, start=1):
        found += check_one(payment, profile, settlement_date, count - 1)
    return [*found, *check_count(count, profile)]


def check_one(
    payment: Instruction, profile: Profile, settlement_date: date | None = None, number: int = 0
) -> Iterator[Finding]:
    """What of one payment would break the profile."""
    day = settlement_date or payment.execution_date or _NEVER
    for rule in RULES:
        for broken in rule(payment, profile, day):
            said = (broken.sentence, broken.remedy)
            yield _finding(number, payment.references.end_to_end, broken.field, broken.rule, said)


def check_count(count: int, profile: Profile) -> Iterator[Finding]:
    """Whether so many payments may be in a file."""
    if profile.payments_per_file is not None and count > profile.payments_per_file:
        sentence = f"There are {count} payments, {profile.payments_per_file} are taken in a file."
        yield _finding(profile.payments_per_file, "", "file", "payments_per_file", (sentence, "Write several files."))


def refuse(payments: Iterable[Instruction], profile: Profile) -> None:
    """Raise `ProfileRefused` with every finding, if there is one."""
    if findings := check(payments, profile):
        raise ProfileRefused(findings)


def _finding(number: int, end_to_end: str, field: str, rule: str, said: tuple[str, str]) -> Finding:
    sentence, remedy = said
    return Finding(payment=number, end_to_end=end_to_end, field=field, rule=rule, sentence=sentence, remedy=remedy)
