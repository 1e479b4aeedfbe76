"""Driving an exchange, without sockets and clocks: it says what has to happen next, and is told what came of it.

A re-drive starts the exchange afresh. What its journal knows is not sent again:
- The k-th Act with a digest is the k-th one journaled with it and gets the stored reply, or "ambiguous" where none was
  stored. Replies that mean "later" are passed over, as the exchange never saw them.
- An Act that the journal doesn't know may follow others that this drive left out, because a look-up found their effects
  done. So it is sent only if this drive asked anything, and not before "not found" counted for all that it left out;
  neither is a failure believed before. Without any question, another digest means that the code has changed: a person.
- `look_up_first`: the first Act of the dispatch isn't sent either. The exchange is told "ambiguous" and looks up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from nostro.connectors.kit.manifest import Operation, Order, unanswered
from nostro.egress.transport import LEAVING_SECONDS
from nostro.model.calls import Act, Ask, Call, HttpReply, Message, Reply, Wait
from nostro.model.failures import ACTIONS, LOCKED_OUT, Action, FailureKind
from nostro.model.outcomes import Outcome, OutcomeKind, handed_over

WRITE_SECONDS = 5
"""An Act that isn't given to its transport so long after its start doesn't leave any more."""
LEFT_SECONDS = WRITE_SECONDS + LEAVING_SECONDS
"""So long after its start no byte of an Act leaves any more."""
RETRIES = 12
ACTS = 200
NEVER_LEFT = 0
"""The HTTP status under which a reply is stored that never came, since no byte had left."""

Understand = Callable[[Message, HttpReply], tuple[Any, FailureKind | None, str]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A reply as the journal keeps it. `at`: business time."""

    status: int
    body: bytes
    at: datetime


@dataclass(slots=True)
class Entry:
    """A journaled Act; without `stored` nobody knows whether it was done. `used`: this drive has come to it."""

    n: int
    digest: bytes
    started_at: datetime
    stored: Stored | None = None
    used: bool = False

    @property
    def may_have_left(self) -> bool:
        """Whether it can have had an effect."""
        return self.stored is None or self.stored.status != NEVER_LEFT


@dataclass(frozen=True, slots=True)
class Send:
    """Journal the start, then write. `presumed`: journal it only, it may have been done before a restore."""

    n: int
    act: Act
    digest: bytes
    presumed: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Ask."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Retry:
    """Proven not done: drive again later. `tries` so far."""

    tries: int
    kind: FailureKind


@dataclass(frozen=True, slots=True)
class Pause:
    """Drive again at `until` (business time)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """One outcome per order."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Goes on by nobody but a person."""

    sentence: str
    kind: FailureKind | None = None


Step = Send | Question | Retry | Pause | Ended | Held


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What is driven. `began_at`: the dispatch's beginning; `wanted_since`: since when its oldest order is wanted.

    `sessions`: one of `LOCKED_OUT` may only mean that a session has run out. `kept_back`: why nothing more may be sent.
    What the journal knows is told, and looked up; any other Act could not be sent.
    """

    operation: Operation
    orders: Sequence[Order]
    config: Any
    understand: Understand
    began_at: datetime
    wanted_since: datetime
    look_up_first: bool = False
    sessions: bool = False
    kept_back: str = ""


@dataclass(slots=True)
class Drive:
    """One drive of a dialogue from its beginning. `now`: business time at which it begins."""

    dialogue: Dialogue
    journal: list[Entry]
    now: datetime
    _began: datetime = field(init=False)
    _exchange: Generator[Call, Reply | None, Sequence[Outcome]] = field(init=False)
    _asked: bool = False
    _calls: int = 0
    _tries: Counter[tuple[bytes, FailureKind]] = field(default_factory=Counter)
    _sent: Send | None = None

    def begin(self) -> Step:
        """The first step."""
        self._began = self.now
        self._exchange = self.dialogue.operation.exchange(self.dialogue.orders, self.dialogue.config)  # type: ignore[assignment]  # sent None to begin
        return self._advance(None)

    def told(self, content: Any, failure: FailureKind | None, sentence: str, at: datetime) -> Step:  # noqa: ANN401 - the body
        """The answer to a `Question` that was asked at `at`."""
        self.now, self._asked = at, True
        return self._advance(Reply(content, at, failure, sentence, self._absence_proven_at(at)))

    def answered(self, started_at: datetime, stored: Stored | None, at: datetime) -> Step:
        """What came of a `Send`; None: nobody knows."""
        assert self._sent is not None
        sent, self._sent, self.now = self._sent, None, at
        entry = Entry(sent.n, sent.digest, started_at, stored, used=True)
        self.journal.append(entry)
        reply = self._reply(sent.act, entry)
        if not self._passed_over(sent.digest, reply):
            return self._advance(reply)
        assert reply.failure is not None
        tries = self._tries[sent.digest, reply.failure]
        if tries == 1 and self.dialogue.sessions and reply.failure in LOCKED_OUT:
            again = self._act(sent.act)
            return self._advance(again) if isinstance(again, Reply) else again
        return Retry(tries, reply.failure)

    def _advance(self, reply: Reply | None) -> Step:
        while True:
            try:
                call = self._exchange.send(reply)
            except StopIteration as end:
                return self._end(end.value)
            except Exception as error:  # noqa: BLE001 - an exchange that throws stops its own dispatch only
                return Held(f"The exchange failed ({type(error).__name__}).")
            if isinstance(call, Wait):
                if call.until > self.now:
                    return Pause(call.until)
                step: Step | Reply = self._bounded() or Reply(None, self.now)
            elif isinstance(call, Ask):
                step = self._bounded() or Question(call)
            elif isinstance(call, Act):
                step = self._known(call) or self._act(call)
            else:
                step = Held(f"The exchange yielded {type(call).__name__}, which is no call.")  # type: ignore[unreachable]  # a connector may do anything
            if not isinstance(step, Reply):
                return step
            reply = step

    def _known(self, act: Act) -> Reply | None:
        """What the journal says about an Act, as far as it knows it."""
        digest = _digest(act)
        for entry in self.journal:
            if entry.used or entry.digest != digest:
                continue
            entry.used = True
            reply = self._reply(act, entry)
            if not self._passed_over(digest, reply):
                return reply
        return None

    def _act(self, act: Act) -> Step | Reply:
        held = self._bounded() or self._left_out(act)
        if held is not None:
            return held
        n = max((entry.n for entry in self.journal), default=0) + 1
        presumed = self.dialogue.look_up_first and not self.journal
        if self.dialogue.kept_back and not presumed:
            return Reply(
                None, self.now, FailureKind.UNAVAILABLE, self.dialogue.kept_back, self._absence_proven_at(self.now)
            )
        self._sent = Send(n, act, _digest(act), presumed)
        return self._sent

    def _left_out(self, act: Act) -> Step | None:
        """What stands against sending an Act that the journal doesn't know."""
        digest = _digest(act)
        left_out = [entry for entry in self.journal if not entry.used]
        if left_out and not self._asked:
            return Held("Driven again, the exchange says something else than its journal knows. Has its code changed?")
        if not self._asked and self._forgotten(digest):
            return Held("The other side may have forgotten our key by now, and there was no look-up.")
        return self._undecided("It can't be known whether an earlier call was done.")

    def _undecided(self, sentence: str) -> Step | None:
        """Until when this drive can't count on not having found what it left out."""
        left_out = [entry for entry in self.journal if not entry.used and entry.may_have_left]
        proven = [self._proven_at(entry.started_at) for entry in left_out]
        if None in proven:
            return Held(sentence, FailureKind.AMBIGUOUS)
        until = max((at for at in proven if at is not None), default=self._began)
        return Pause(until) if until > self._began else None

    def _forgotten(self, digest: bytes) -> bool:
        lifetime, dialogue = self.dialogue.operation.key_lifetime, self.dialogue
        tries = [entry.started_at for entry in self.journal if entry.digest == digest and entry.may_have_left]
        if lifetime is None or not tries:
            return False
        oldest = min([*tries, *([dialogue.wanted_since] if dialogue.look_up_first else [])])
        return self.now - oldest >= lifetime

    def _bounded(self) -> Step | None:
        self._calls += 1
        limit = self.dialogue.operation.calls
        if self._calls > limit or len(self.journal) >= max(ACTS, limit):
            return Held(f"The exchange needs more than {limit} calls.")
        return None

    def _reply(self, act: Act, entry: Entry) -> Reply:
        if entry.stored is None:
            at, content, failure = self.now, None, FailureKind.AMBIGUOUS
            sentence = unanswered(at, acting=True).sentence
        elif entry.stored.status == NEVER_LEFT:
            at, content, failure = entry.stored.at, None, FailureKind.UNAVAILABLE
            sentence = "The call could not be sent."
        else:
            at, reply = entry.stored.at, HttpReply(entry.stored.status, {}, entry.stored.body)
            content, failure, sentence = self.dialogue.understand(act.message, reply)  # type: ignore[assignment]  # or None
        return Reply(content, at, failure, sentence, self._absence_proven_at(at))

    def _passed_over(self, digest: bytes, reply: Reply) -> bool:
        """Whether a reply only means "later": then the exchange never sees it."""
        kind = reply.failure
        if kind is None:
            return False
        once_more = 1 if kind is FailureKind.UNAUTHORISED and self.dialogue.sessions else 0
        limit = RETRIES if ACTIONS[kind] is Action.RETRY else once_more
        self._tries[digest, kind] += 1
        return self._tries[digest, kind] <= limit

    def _absence_proven_at(self, at: datetime) -> datetime | None:
        """For the newest Act that may have left; before any, absence is proven at once."""
        started = [entry.started_at for entry in self.journal if entry.may_have_left]
        if not started and self.dialogue.look_up_first:
            started = [self.dialogue.began_at]
        return self._proven_at(max(started)) if started else at

    def _proven_at(self, started_at: datetime) -> datetime | None:
        """Absence counts from the last moment at which a byte may have left."""
        absence = self.dialogue.operation.absence_for(self.dialogue.config)
        last = started_at + timedelta(seconds=LEFT_SECONDS if absence.seconds else 0)
        return absence.proven_at(last)

    def _end(self, value: object) -> Step:
        outcomes = tuple(value) if isinstance(value, Sequence) else ()
        if len(outcomes) != len(self.dialogue.orders) or not all(map(_is_outcome, outcomes)):
            return Held("The exchange ended without one outcome per order.")
        if not any(outcome.kind is OutcomeKind.FAILED for outcome in outcomes):
            return Ended(outcomes)
        undecided = self._undecided("An earlier call may have been done although this one says no.")
        if isinstance(undecided, Pause):
            return undecided
        if isinstance(undecided, Held):
            return Ended(tuple(_unsure(outcome, undecided) for outcome in outcomes))
        return Ended(tuple(_final(outcome) for outcome in outcomes))


def _digest(act: Act) -> bytes:
    """The call with its key: the same words under another key are another call."""
    return sha256(act.message.digest + act.key.encode()).digest()


def _is_outcome(value: object) -> bool:
    """Whether its bytes will tell just this. A copy is unchecked and may hold anything, and nobody reads it again."""
    if type(value) is not Outcome:
        return False
    told = value.__dict__
    failure = told.get("failure", "")
    if type(told.get("kind")) is not OutcomeKind or type(told.get("sentence")) is not str:
        return False
    if failure is not None and type(failure) is not FailureKind:
        return False
    for texts in (told.get("ids"), told.get("notes")):
        if type(texts) is not dict:
            return False
        for name, text in texts.items():
            if type(name) is not str or type(text) is not str:
                return False
    return True


def _unsure(outcome: Outcome, held: Held) -> Outcome:
    failed = outcome.kind is OutcomeKind.FAILED
    return handed_over(f"{held.sentence} {outcome.sentence}", held.kind) if failed else outcome


def _final(outcome: Outcome) -> Outcome:
    """A failure that isn't for good goes to a person: it was tried often enough."""
    if outcome.kind is not OutcomeKind.FAILED or outcome.failure is None:
        return outcome
    return outcome if ACTIONS[outcome.failure] is Action.FAIL else handed_over(outcome.sentence, outcome.failure)
