"""Facts that Nostro itself and its people tell.

Those with an empty owner are *addressed*: the engine delivers them to the subject that they concern.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from nostro.model.base import Instant, Value
from nostro.model.facts.base import FactBody
from nostro.model.money import Amount, Money
from nostro.model.outcomes import Outcome


class RejectedItem(Value):
    """An item that couldn't be read.

    Where it stands and why. `where` is an XPath, line or JSON path; it holds no content.
    """

    item: int
    where: str
    why: str
    amount: Amount | None = None


class ToldDifferently(Value):
    """An item whose natural key we know with another content: never dropped, a person looks."""

    item: int  # 0: the event as a whole
    natural_key: str
    first_receipt: str


class ReceiptRead(FactBody):
    """A receipt was read to its end.

    Items = read + duplicate + ignored + rejected, by count and by amount: `amounts` holds, for `items` and each fate,
    unsigned sums by currency and direction (`EUR credit`).
    """

    fact_type: ClassVar[str] = "receipt.read"
    owner: ClassVar[str] = "receipt"

    receipt: str
    digest: str
    connection: str
    reading: int
    items: int
    read: int
    duplicate: int
    ignored: int
    rejected: int
    amounts: dict[str, dict[str, str]] = {}
    rejects: tuple[RejectedItem, ...] = ()
    told_differently: tuple[ToldDifferently, ...] = ()
    ignored_kinds: dict[str, int] = {}
    unknown_fields: int = 0

    def natural_key(self) -> str:
        """Receipt and the how-manyeth reading of it."""
        return f"{self.receipt}/{self.reading}"


class RerunAsked(FactBody):
    """A person asks for a receipt to be read again."""

    fact_type: ClassVar[str] = "rerun.asked"
    owner: ClassVar[str] = "receipt"

    receipt: str
    act: str

    def natural_key(self) -> str:
        """The act."""
        return self.act


class CommandSettled(FactBody):
    """A command ended."""

    fact_type: ClassVar[str] = "command.settled"
    owner: ClassVar[str] = ""

    key: str
    step: str
    occurrence: int
    generation: int
    operation: str
    connection: str
    outcome: Outcome

    def natural_key(self) -> str:
        """The key and its end: a hand-over may be followed by a final end."""
        return f"{self.key}/{self.outcome.kind}"


class DeadlineFellDue(FactBody):
    """A waiting state's deadline has passed.

    `revision` is the subject's when the deadline was set: a stale one changes nothing.
    """

    fact_type: ClassVar[str] = "deadline.fell_due"
    owner: ClassVar[str] = ""

    name: str
    subject: str
    due_at: str
    revision: int

    def natural_key(self) -> str:
        """Subject, revision and name."""
        return f"{self.subject}/{self.revision}/{self.name}"


class Target(Value):
    """A subject that a reference led to."""

    process: str
    subject: str
    kind: str
    value: str


class LookupAnswered(FactBody):
    """What a decision's look-up of references found.

    The targets of the strongest kind that led anywhere, or nothing by its deadline.
    """

    fact_type: ClassVar[str] = "lookup.answered"
    owner: ClassVar[str] = ""

    lookup: str
    targets: tuple[Target, ...] = ()

    def natural_key(self) -> str:
        """The look-up, and whether it was in vain."""
        return f"{self.lookup}/{'found' if self.targets else 'expired'}"


class MatchConfirmed(FactBody):
    """A person says which subject a bank movement or unapplied money belongs to.

    `sums`: what he saw that it moves, one a currency, in the order of the currencies. His word is heard while it moves
    just that. None: nobody wrote down what he saw.
    """

    fact_type: ClassVar[str] = "match.confirmed"
    owner: ClassVar[str] = ""

    act: str
    target: Target
    sums: tuple[Money, ...] | None = None

    def natural_key(self) -> str:
        """The act."""
        return self.act


class CommandReleased(FactBody):
    """A person releases or discards a command that waits in *observe* or *propose*, or that was handed over.

    `status` and `dispatch` (hex; empty before the first one) are what he saw of it: his word is heard while it is still
    so. None: nobody wrote down what he saw. `ids`: of what he found to be done, as an outcome bears them.
    """

    fact_type: ClassVar[str] = "command.released"
    owner: ClassVar[str] = ""

    act: str
    key: str
    verdict: Literal["release", "discard", "confirm_done", "confirm_not_done"]
    status: str | None = None
    dispatch: str | None = None
    ids: dict[str, str] | None = None

    def natural_key(self) -> str:
        """The act."""
        return self.act


class CaseClosed(FactBody):
    """A person closes a case, with a reason.

    `seen`: the digest (hex) of what the case said when he saw it. His word is heard while it says just that. None:
    nobody wrote it down.
    """

    fact_type: ClassVar[str] = "case.closed"
    owner: ClassVar[str] = ""

    act: str
    case: str
    seen: str | None = None

    def natural_key(self) -> str:
        """The act."""
        return self.act


class BundleActivated(FactBody):
    """From this position on the shard decides under this bundle."""

    fact_type: ClassVar[str] = "bundle.activated"
    owner: ClassVar[str] = "house"

    bundle: str
    shard: int
    sequence: int

    def natural_key(self) -> str:
        """Bundle activation number and shard."""
        return f"{self.shard}/{self.sequence}"


class RecoveryOpened(FactBody):
    """After a restore a new life of the database begins, in which everything is looked up before it is done.

    `since`: up to then everything is in the log. `kept`: the newest checkpoint that this life shares with those before;
    `lost`: the newest that was anchored in them. Opened lives are even, and closing one begins an odd one.
    """

    fact_type: ClassVar[str] = "recovery.opened"
    owner: ClassVar[str] = "house"

    act: str
    epoch: int = Field(ge=2, multiple_of=2)
    since: Instant
    kept: int = Field(ge=0)
    lost: int = Field(ge=0)

    def natural_key(self) -> str:
        """The life."""
        return f"recovery/{self.epoch}/opened"


class RecoveryClosed(FactBody):
    """A second person found that everything since the restore was looked up."""

    fact_type: ClassVar[str] = "recovery.closed"
    owner: ClassVar[str] = "house"

    act: str
    epoch: int = Field(ge=2, multiple_of=2)

    def natural_key(self) -> str:
        """The life."""
        return f"recovery/{self.epoch}/closed"


class FactCorrected(FactBody):
    """A wrong reading is mended: `by` says it right, `of` stays in the log."""

    fact_type: ClassVar[str] = "fact.corrected"
    owner: ClassVar[str] = ""

    of: str
    by: str
    why: str

    def natural_key(self) -> str:
        """The pair."""
        return f"{self.of}/{self.by}"


class SubjectPoisoned(FactBody):
    """A decision threw: the subject is parked with the fact that did it, everything else goes on."""

    fact_type: ClassVar[str] = "subject.poisoned"
    owner: ClassVar[str] = ""

    by: str
    cause: str

    def natural_key(self) -> str:
        """The fact that did it."""
        return self.by
