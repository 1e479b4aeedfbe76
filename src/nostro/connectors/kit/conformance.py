"""What every connector has to bear, as data. `tests/conformance` plays these against the sandbox's systems.

Six promises: same key twice, one effect; ambiguous replies end in look-ups; a crash between any two calls or pages
loses and doubles nothing; unknown fields and statuses are tolerated and counted; no confidential value in a trace;
amounts survive a round trip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a call on its way, and of its effect."""

    ANSWERED = "answered"
    LIMITED = "limited"  # 429, nothing happened
    CUT_BEFORE = "cut_before"  # no reply, nothing happened
    CUT_AFTER = "cut_after"  # no reply, it happened
    CUT_LATE = "cut_late"  # no reply, it happens two minutes later
    ERROR_BEFORE = "error_before"  # a proxy's 502, nothing happened
    ERROR_AFTER = "error_after"  # a proxy's 502, it happened


AMBIGUOUS = (Fate.CUT_BEFORE, Fate.CUT_AFTER, Fate.CUT_LATE, Fate.ERROR_BEFORE, Fate.ERROR_AFTER)


@dataclass(frozen=True, slots=True)
class ExchangeScenario:
    """One way in which a dispatch can go. After each, every effect is there once and the outcomes say so.

    `acts` and `asks` name the fates of the n-th Act and Ask that leave, counted from 1; all others are answered.
    `crashes`: the same again, with the process killed at each point in turn. `again`: the same orders come in a second
    dispatch. `restored`: they do after a restore that has forgotten the first one.
    """

    name: str
    acts: Mapping[int, Fate] = field(default_factory=dict)
    asks: Mapping[int, Fate] = field(default_factory=dict)
    crashes: bool = False
    again: bool = False
    restored: bool = False


EXCHANGES: tuple[ExchangeScenario, ...] = (
    ExchangeScenario("all is well"),
    ExchangeScenario("the same key twice is one effect", again=True),
    ExchangeScenario("the same key after a restore is one effect", restored=True),
    *(ExchangeScenario(f"the first act is {fate}", {1: fate}) for fate in AMBIGUOUS),
    *(ExchangeScenario(f"the second act is {fate}", {2: fate}) for fate in AMBIGUOUS),
    *(ExchangeScenario(f"the third act is {fate}", {3: fate}) for fate in AMBIGUOUS),
    ExchangeScenario("two acts in a row are cut, the first takes effect late", {1: Fate.CUT_LATE, 2: Fate.CUT_BEFORE}),
    ExchangeScenario(
        "the look-up after a cut is down for a while", {1: Fate.CUT_AFTER}, {3: Fate.CUT_BEFORE, 4: Fate.LIMITED}
    ),
    ExchangeScenario("the first question is limited", {}, {1: Fate.LIMITED}),
    ExchangeScenario("the first act is limited", {1: Fate.LIMITED}),
    ExchangeScenario("a crash at any point", crashes=True),
    ExchangeScenario("a crash at any point around a cut", {1: Fate.CUT_AFTER}, crashes=True),
    ExchangeScenario("a crash at any point around a late effect", {1: Fate.CUT_LATE}, crashes=True),
    ExchangeScenario("a crash at any point around a cut second act", {2: Fate.CUT_AFTER}, crashes=True),
    ExchangeScenario("a crash at any point around a late second act", {2: Fate.CUT_LATE}, crashes=True),
    ExchangeScenario("a crash at any point, and the same orders again", crashes=True, again=True),
)


@dataclass(frozen=True, slots=True)
class FeedScenario:
    """One way in which news comes and is polled. After each, everything that there is was told, with its newest state.

    `things` come in bursts of `burst` at one instant; a poll runs after every `poll_every` bursts. `crashes`: after
    each page the process may be gone before the cursor is kept, so that the page is fetched again.
    """

    name: str
    things: int
    burst: int
    poll_every: int = 1
    page_size: int = 3
    late: bool = False
    """Some are written by a slow database transaction: they show up after younger ones."""
    crashes: bool = False


FEEDS: tuple[FeedScenario, ...] = (
    FeedScenario("one at a time", 5, 1),
    FeedScenario("more than a page in one second", 11, 11),
    FeedScenario("pages over several seconds", 12, 2, poll_every=6),
    FeedScenario("a slow transaction shows its rows late", 6, 1, late=True),
    FeedScenario("a crash before each cursor is kept", 11, 4, poll_every=3, crashes=True),
)


@dataclass(frozen=True, slots=True)
class ReadingScenario:
    """One thing of a page is not as we know it; all others are read as ever.

    `role`: which of its fields is touched (`new`, `status`, `amount`, as each connector calls them). `value` is set
    there; None takes the field away. `read`: whether the thing itself is read, with so many `unknown` counted.
    """

    name: str
    role: str
    value: str | int | None
    read: bool = True
    unknown: int = 0


CONFIDENTIAL = "Person of case 042"
"""Stands where names stand. No reject, sentence or outcome may say it."""
READINGS: tuple[ReadingScenario, ...] = (
    ReadingScenario("an unknown field is tolerated and counted", "new", 1, unknown=1),
    ReadingScenario("an unknown status is tolerated and counted", "status", "a_word_of_tomorrow", unknown=1),
    ReadingScenario("a text for an amount rejects nothing but itself", "amount", CONFIDENTIAL, read=False),
    ReadingScenario("a missing amount rejects nothing but itself", "amount", None, read=False),
)
