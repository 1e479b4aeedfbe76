"""What can go wrong, as one tree.

    Failure
    |- Refused          what was given can't be taken (exit code 2)
    |  |- LandscapeRefused, FormatRefused, ActRefused, TooLong
    |- OutOfService     could not run; try again (exit code 1)
    |  |- DatabaseUnavailable (DatabaseRestored), Quarantined, BacklogFull, ReleaseTooOld
    `- BrokenPromise    an invariant did not hold: stop and show it
       |- LostRace, StatementRefused, SealBroken, ReplayDiffers, Endless, Threw

Failures of calls to the outside are *values*, not exceptions: `FailureKind`, and what to do about each in `ACTIONS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum


def near(name: str, known: Iterable[str]) -> str:
    """`Did you mean camt.053? ` where a known name looks like the one that was typed; else nothing."""
    spelt = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), spelt, n=1)
    return f"Did you mean {spelt[close[0]]}? " if close else ""


def offered(name: str, known: Iterable[str]) -> str:
    """The remedy for a name that there isn't: the near one, and all that there are."""
    there = list(known)
    return f"{near(name, there)}There are: {', '.join(there)}."


class Failure(Exception):
    """A sentence for a person, a remedy, and a runbook where an operator has to act; `page`: that of a whole kind."""

    exit_code = 1
    page = ""

    def __init__(self, sentence: str, remedy: str = "", *, runbook: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        self.runbook = runbook or self.page

    def __str__(self) -> str:
        """The sentence, and the remedy where there is one."""
        return f"{self.sentence} {self.remedy}".strip()


class Refused(Failure):
    """What was given can't be taken."""

    exit_code = 2


class LandscapeRefused(Refused):
    """The landscape's files contain errors; each names file, line and remedy."""


class FormatRefused(Refused):
    """The bytes are not of a format that we know, or too broken to read at all."""


class ActRefused(Refused):
    """A person asked for something that policy, rights or the present state don't allow."""


class TooLong(Refused):
    """Something is called by a name that nobody could look it up by: longer than an index bears."""


class OutOfService(Failure):
    """Could not run now; nothing was lost."""


class DatabaseUnavailable(OutOfService):
    """PostgreSQL can't be reached or started."""


class DatabaseRestored(DatabaseUnavailable):
    """The database was restored under a running process: what the process remembers is no longer so."""

    page = "quarantine"


class Quarantined(OutOfService):
    """The database is behind its anchor: nothing leaves until a person has closed the recovery."""

    page = "quarantine"


class BacklogFull(OutOfService):
    """A stated limit is reached; the sender is asked to come back later."""

    page = "backlog-full"


class ReleaseTooOld(OutOfService):
    """This release lacks what a bundle in force or a running instance needs: another one has to do it."""

    page = "worker-refuses"


class BrokenPromise(Failure):
    """An invariant did not hold."""


class LostRace(BrokenPromise):
    """Somebody else was first: reload and decide again."""


class StatementRefused(BrokenPromise):
    """The database refused what was to be written: a value or a rule of the schema stands against it."""


class SealBroken(BrokenPromise):
    """What is stored was changed, cut or reordered."""

    page = "seal-broken"


class ReplayDiffers(BrokenPromise):
    """Replaying the log gave something else than what was recorded."""

    page = "replay-differs"


class Endless(BrokenPromise):
    """Pure code came to no end and was interrupted: what it was about is set aside."""


class Threw(BrokenPromise):
    """Pure code threw something, be it of a kind of its own: what it was about is set aside."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"It threw {type(error).__name__}.")  # what else it says may be confidential
        self.thrown = error


POISON = (
    *(StatementRefused, SealBroken, Endless, ValueError, TypeError, LookupError, ArithmeticError),
    *(AttributeError, AssertionError, RuntimeError, TooLong, Threw),
)
"""What a single item, fact or decision can do to its batch: the batch is halved until the culprit stands alone."""


def name_of(error: Exception) -> str:
    """What a person is told that it was."""
    return type(error.thrown if isinstance(error, Threw) else error).__name__


class FailureKind(StrEnum):
    """What a reply of an outside system means when it is no success.

    Each connector's manifest maps its errors onto these.
    """

    REFUSED = "refused"  # they understood and said no: proven not done
    INVALID = "invalid"  # they can't take it as it is: proven not done, our mistake or the data's
    NOT_FOUND = "not_found"  # what we refer to is not there
    CONFLICT = "conflict"  # the state there does not allow it (already reconciled, locked period)
    UNAUTHORISED = "unauthorised"  # a right is missing, for this one thing: proven not done
    DENIED = "denied"  # the key itself is refused: proven not done, and nothing will be until somebody mends it
    LIMITED = "limited"  # too many calls: later
    UNAVAILABLE = "unavailable"  # proven not done, may work later
    AMBIGUOUS = "ambiguous"  # nobody knows whether it was done


LOCKED_OUT = frozenset({FailureKind.UNAUTHORISED, FailureKind.DENIED})
"""What may only mean that a session has run out; else the breaker opens at once."""


class Action(StrEnum):
    """What follows from a failure kind."""

    FAIL = "fail"  # the command has failed for good; its process decides
    RETRY = "retry"  # proven not done: the same key again, later
    LOOK_UP = "look_up"  # find out before anything is sent again


ACTIONS: dict[FailureKind, Action] = {
    FailureKind.REFUSED: Action.FAIL,
    FailureKind.INVALID: Action.FAIL,
    FailureKind.NOT_FOUND: Action.FAIL,
    FailureKind.CONFLICT: Action.FAIL,
    FailureKind.UNAUTHORISED: Action.FAIL,
    FailureKind.DENIED: Action.RETRY,
    FailureKind.LIMITED: Action.RETRY,
    FailureKind.UNAVAILABLE: Action.RETRY,
    FailureKind.AMBIGUOUS: Action.LOOK_UP,
}
