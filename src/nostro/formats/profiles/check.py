"""Payments against a profile, before anything is written: also the worklist of payees that a later day would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from nostro.formats.profiles import rules
from nostro.formats.profiles.forms import forms, places, rulebook
from nostro.formats.profiles.profile import Profile
from nostro.formats.profiles.rules import Finding, Rule
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.money import plain

RULES: Sequence[Rule] = (
    rules.amounts, rules.dates, rules.sides, rules.letters, rules.identifications, rules.addresses, rules.codes,
    rules.remittance, rules.qr_references, rules.mandates, forms, places, rulebook,
)  # fmt: skip
_FIRST = 10
_NEVER = date.max


class ProfileRefused(FormatRefused):
    """Payments would break their profile; nothing was written."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        if len(findings) == 1:
            super().__init__(_said(findings[0]), findings[0].remedy)
            return
        told = [f"{_said(one)} {one.remedy}" for one in findings[:_FIRST]]
        told += [f"And {len(findings) - _FIRST} more."] if len(findings) > _FIRST else []
        super().__init__("\n".join(told), "Nothing was written; nostro validate --profile tells every finding.")


def _said(one: Finding) -> str:
    """Which payment, by its number from 1 and its end-to-end reference, which field and which rule."""
    named = f" ({one.end_to_end})" if one.end_to_end else ""
    return f"payment {one.payment + 1}{named}, {one.field} ({one.rule}): {one.sentence}"


def check(payments: Iterable[Instruction], profile: Profile, settlement_date: date | None = None) -> list[Finding]:
    """What would break the profile, in the payments' order.

    Addresses are judged for the settlement date; without one each payment is for its own execution date.
    """
    file = FileRules(profile, settlement_date)
    return [found for payment in payments for found in file.take(payment)]


def check_one(
    payment: Instruction, profile: Profile, settlement_date: date | None = None, number: int = 0
) -> Iterator[Finding]:
    """What of one payment would break the profile."""
    day = settlement_date or payment.execution_date or _NEVER
    for rule in RULES:
        for broken in rule(payment, profile, day):
            said = (broken.sentence, broken.remedy)
            yield _finding(number, payment.references.end_to_end, broken.field, broken.rule, said)


@dataclass(slots=True)
class FileRules:
    """The rules for payments, and for the file that they are in; what breaks the latter is told at the first too many.

    `settlement_date`: by default each payment's own. `sent_at`: when the bank gets the file, by its own clock.
    """

    profile: Profile
    settlement_date: date | None = None
    sent_at: datetime | None = None
    count: int = 0
    total: Decimal = Decimal(0)

    def take(self, payment: Instruction) -> Iterator[Finding]:
        """One payment more."""
        yield from check_one(payment, self.profile, self.settlement_date, self.count)
        own, told = self.profile, payment.amount or payment.equivalent
        before, self.count = self.total, self.count + 1
        self.total += told.value if told else 0
        if self.count - 1 == own.payments_per_file:
            sentence = f"{own.payments_per_file} payments are taken in a file, and this one is beyond them."
            yield self._finding("file", "payments_per_file", sentence, "Write several files.")
        if own.largest_file is not None and before <= own.largest_file < self.total:
            sentence = f"With this payment the file's control sum is above {plain(own.largest_file)}."
            yield self._finding("file", "largest_file", sentence, "Write several files.")
        if own.cut_off and self.sent_at and payment.execution_date and not self._in_time(payment.execution_date):
            sentence = f"Payments of {payment.execution_date} were taken until {own.cut_off} {own.time_zone}."
            yield self._finding("execution_date", "cut_off", sentence, "Give the next day on which the bank works.")

    def _in_time(self, day: date) -> bool:
        at = self.sent_at
        return at is None or day > at.date() or (day == at.date() and f"{at:%H:%M}" <= self.profile.cut_off)

    def _finding(self, field: str, rule: str, sentence: str, remedy: str) -> Finding:
        return _finding(self.count - 1, "", field, rule, (sentence, remedy))


def refuse(payments: Iterable[Instruction], profile: Profile) -> None:
    """Raise `ProfileRefused` with every finding, if there is one."""
    if findings := check(payments, profile):
        raise ProfileRefused(findings)


def _finding(number: int, end_to_end: str, field: str, rule: str, said: tuple[str, str]) -> Finding:
    sentence, remedy = said
    return Finding(payment=number, end_to_end=end_to_end, field=field, rule=rule, sentence=sentence, remedy=remedy)
