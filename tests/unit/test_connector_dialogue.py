"""How an exchange acts once: the ways in which `ensure` ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from nostro.connectors.kit.dialogue import Seen, Settled, asked, ensure, ready
from nostro.model.calls import Act, Ask, Exchange, Message, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.outcomes import OutcomeKind

START = datetime(2026, 8, 31, 8, 0, tzinfo=UTC)


@dataclass
class Shelf:
    """A system that takes names. `refuses` what it can't take; `loses` an Act's reply; `hides` what it has taken."""

    refuses: frozenset[str] = frozenset()
    failure: FailureKind = FailureKind.INVALID
    loses: int = 0
    hides: bool = False
    absence: timedelta | None = timedelta(seconds=60)
    asks_fail: FailureKind | None = None
    held: list[str] = field(default_factory=list)
    acts: list[Sequence[str]] = field(default_factory=list)
    waits: list[datetime] = field(default_factory=list)
    now: datetime = START

    def settle(self, *names: str) -> Settled[str]:
        exchange = ensure(names, self._look_up, ready(self._act))
        reply: Reply | None = None
        while True:
            try:
                call = exchange.send(reply) if reply is not None else next(exchange)
            except StopIteration as end:
                settled: Settled[str] = end.value
                return settled
            reply = self._reply(call)

    def _look_up(self, names: Sequence[str]) -> Exchange[Seen[str]]:
        reply = yield from asked(Message("look"))
        return Seen(reply, {name: name for name in names if name in self.held and not self.hides})

    def _act(self, names: Sequence[str]) -> Act:
        return Act(Message("take", {"names": list(names)}), names[0])

    def _reply(self, call: Act | Ask | Wait) -> Reply:
        self.now += timedelta(seconds=1)
        if isinstance(call, Wait):
            self.waits.append(call.until)
            self.now = max(self.now, call.until)
            return Reply(None, self.now)
        if isinstance(call, Ask):
            return Reply([], self.now, self.asks_fail, "no", self._proven_at())
        names = call.message.body["names"]
        self.acts.append(names)
        if self.refuses & set(names):
            return Reply(None, self.now, self.failure, "They said no.")
        if self.loses:
            self.loses -= 1
            return Reply(None, self.now, FailureKind.AMBIGUOUS, "No reply came.")
        self.held += names
        return Reply(None, self.now)

    def _proven_at(self) -> datetime | None:
        if not self.acts:
            return self.now
        return None if self.absence is None else START + self.absence


def test_what_is_there_is_left_alone_and_the_rest_goes_in_one_act() -> None:
    shelf = Shelf(held=["b"])
    settled = shelf.settle("a", "b", "c")
    assert shelf.acts == [["a", "c"]]
    assert set(settled.there) == {"a", "b", "c"}
    assert settled.sent == {"a", "c"}


@pytest.mark.parametrize("failure", [FailureKind.INVALID, FailureKind.UNAUTHORISED])
def test_one_that_is_refused_fails_alone(failure: FailureKind) -> None:
    shelf = Shelf(refuses=frozenset({"c"}), failure=failure)
    settled = shelf.settle(*"abcde")
    assert shelf.held == ["a", "b", "d", "e"]
    assert {name: outcome.kind for name, outcome in settled.ended.items()} == {"c": OutcomeKind.FAILED}


@pytest.mark.parametrize("failure", [FailureKind.LIMITED, FailureKind.UNAVAILABLE])
def test_a_batch_is_not_halved_for_what_is_nobodys_fault(failure: FailureKind) -> None:
    shelf = Shelf(refuses=frozenset({"c"}), failure=failure)
    settled = shelf.settle(*"abcd")
    assert shelf.acts == [["a", "b", "c", "d"]]
    assert {outcome.kind for outcome in settled.ended.values()} == {OutcomeKind.FAILED}


def test_not_found_counts_only_once_absence_is_proven() -> None:
    shelf = Shelf(loses=1)
    settled = shelf.settle("a")
    assert shelf.waits == [START + timedelta(seconds=60)]
    assert shelf.acts == [["a"], ["a"]]
    assert settled.there == {"a": "a"}


def test_where_absence_is_never_proven_a_person_decides_and_nothing_is_sent_again() -> None:
    shelf = Shelf(loses=1, absence=None)
    settled = shelf.settle("a")
    assert shelf.acts == [["a"]]
    assert settled.ended["a"].kind is OutcomeKind.HANDED_OVER
    assert settled.ended["a"].failure is FailureKind.AMBIGUOUS


def test_after_four_lost_replies_a_person_decides() -> None:
    shelf = Shelf(loses=9)
    settled = shelf.settle("a")
    assert len(shelf.acts) == 4
    assert settled.ended["a"].kind is OutcomeKind.HANDED_OVER


def test_what_they_say_is_done_and_cannot_be_found_is_never_sent_again() -> None:
    shelf = Shelf(hides=True)
    settled = shelf.settle("a")
    assert shelf.acts == [["a"]]
    assert settled.ended["a"].kind is OutcomeKind.HANDED_OVER


@pytest.mark.parametrize(
    "failure", [FailureKind.UNAUTHORISED, FailureKind.NOT_FOUND], ids=["locked out", "no such page"]
)
def test_without_a_look_up_nothing_is_sent(failure: FailureKind) -> None:
    shelf = Shelf(asks_fail=failure)
    settled = shelf.settle("a")
    assert shelf.acts == []
    assert settled.ended["a"].kind is OutcomeKind.HANDED_OVER


@pytest.mark.parametrize(
    "failure", [FailureKind.LIMITED, FailureKind.UNAVAILABLE, FailureKind.AMBIGUOUS, FailureKind.DENIED]
)
def test_a_question_waits_out_limits_outages_and_a_refused_key(failure: FailureKind) -> None:
    dialogue = asked(Message("look"))
    assert isinstance(next(dialogue), Ask)
    assert dialogue.send(Reply(None, START, failure)) == Wait(START + timedelta(seconds=30))
    assert isinstance(dialogue.send(Reply(None, START + timedelta(seconds=30))), Ask)
    with pytest.raises(StopIteration) as end:
        dialogue.send(Reply("content", START + timedelta(seconds=31)))
    assert end.value.value.content == "content"
