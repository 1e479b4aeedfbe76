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
        found += _of_payment(count - 1, payment, profile, settlement_date or payment.execution_date or _NEVER)
    if profile.payments_per_file is not None and count > profile.payments_per_file:
        sentence = f"There are {count} payments, {profile.payments_per_file} are taken in a file."
        remedy = "Write several files."
        found.append(_finding(profile.payments_per_file, "", "file", "payments_per_file", (sentence, remedy)))
    return found


def refuse(payments: Iterable[Instruction], profile: Profile) -> None:
    """Raise `ProfileRefused` with every finding, if there is one."""
    if findings := check(payments, profile):
        raise ProfileRefused(findings)


def _of_payment(number: int, payment: Instruction, profile: Profile, day: date) -> Iterator[Finding]:
    for rule in RULES:
        for broken in rule(payment, profile, day):
            said = (broken.sentence, broken.remedy)
            yield _finding(number, payment.references.end_to_end, broken.field, broken.rule, said)


def _finding(number: int, end_to_end: str, field: str, rule: str, said: tuple[str, str]) -> Finding:
    sentence, remedy = said
    return Finding(payment=number, end_to_end=end_to_end, field=field, rule=rule, sentence=sentence, remedy=remedy)
