"""How an exchange acts once: look, act, look again.

What an exchange may count on, whoever drives it:
- Acts are journaled, Asks are not. After a crash it starts afresh and asks anew. An Act whose digest the journal knows
  gets the stored reply, and "ambiguous" when none was stored; the k-th Act of one digest is the k-th one journaled with
  it, however many others it skips, because it finds their effects done.
- So an Act's message hangs only on its orders and on what stands on the other side; ids that an Ask made (wizards)
  travel in `passing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from nostro.connectors.kit.manifest import Order
from nostro.model.calls import Act, Ask, Exchange, Message, Reply, Wait
from nostro.model.failures import ACTIONS, Action, FailureKind
from nostro.model.outcomes import Outcome, OutcomeKind, failed, handed_over

T = TypeVar("T")

ATTEMPTS = 4
"""Acts for one effect whose replies all stayed ambiguous; then a person decides."""
PAUSE = timedelta(seconds=30)
_LATER = frozenset({FailureKind.LIMITED, FailureKind.UNAVAILABLE, FailureKind.AMBIGUOUS, FailureKind.DENIED})
_UNKNOWN = "Nobody can say whether it was done: the replies stayed ambiguous and nothing was found."
_NOT_SHOWN = "They said that it was done, but it can't be found there."


def asked(message: Message) -> Exchange[Reply]:
    """The answer to a question. Limits, outages and a refused key are waited out: a look-up that failed says nothing
    about an Act.
    """
    reply = yield Ask(message)
    while reply.failure in _LATER:
        yield Wait(until=reply.at + PAUSE)
        reply = yield Ask(message)
    return reply


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a look-up found, by correlation id, and its newest answer, which knows whether absence counts."""

    reply: Reply
    there: Mapping[str, T]


@dataclass(slots=True)
class Settled(Generic[T]):
    """What stands on the other side, by correlation id; how the others ended; which were sent, not found."""

    there: dict[str, T] = field(default_factory=dict)
    ended: dict[str, Outcome] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)


LookUp = Callable[[Sequence[str]], Exchange[Seen[T]]]
MakeAct = Callable[[Sequence[str]], Exchange[Act | Outcome]]


class Stopped(Exception):
    """A question that an exchange can't go on without was refused: its orders go to a person, nothing more is sent."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome


def asked_once(message: Message) -> Exchange[Reply]:
    """The answer to a question, an outage among them: for a person who waits at a terminal."""
    return (yield Ask(message))


def answered(message: Message, ask: Callable[[Message], Exchange[Reply]] = asked) -> Exchange[Any]:
    """The content of an answer; raises `Stopped` when the question is refused."""
    reply = yield from ask(message)
    if reply.failure:
        raise Stopped(handed_over(f"A question was refused: {reply.sentence}", reply.failure))
    return reply.content


def each(single: Callable[[Order, Any], Exchange[Outcome]]) -> Callable[..., Exchange[Sequence[Outcome]]]:
    """The exchange of a batch from that of one order: one after the other."""

    def exchange(orders: Sequence[Order], config: Any) -> Exchange[Sequence[Outcome]]:  # noqa: ANN401 - the manifest's
        outcomes = []
        for order in orders:
            try:
                outcomes.append((yield from single(order, config)))
            except Stopped as stop:
                outcomes.append(stop.outcome)
        return outcomes

    return exchange


def ready(make: Callable[[Sequence[str]], Act]) -> MakeAct:
    """An Act that needs no question first."""

    def made(missing: Sequence[str]) -> Exchange[Act | Outcome]:
        yield from ()
        return make(missing)

    return made


def ensure(wanted: Sequence[str], look_up: LookUp[T], act: MakeAct) -> Exchange[Settled[T]]:
    """Each wanted effect there once: what is found is left alone, the rest goes in one Act.

    An ambiguous reply leads to a look-up, and to another Act only when absence is proven. A refused batch is halved
    until the culprit fails alone.
    """
    settled: Settled[T] = Settled()
    yield from _ensure(wanted, look_up, act, settled)
    return settled


def unfinished(reply: Reply) -> Outcome:
    """The end of a command whose Act was answered with a failure: proven not done, or a person's business."""
    kind = reply.failure or FailureKind.AMBIGUOUS
    if ACTIONS[kind] in (Action.FAIL, Action.RETRY):
        return failed(kind, reply.sentence)
    return handed_over(reply.sentence, kind)


def left_standing(what: str, ended: Outcome) -> Outcome:
    """A refusal after a part of the command is there is no failure: asked again, that part would be there twice."""
    if ended.kind is not OutcomeKind.FAILED:
        return ended
    return handed_over(f"{what} is there, and what follows was refused: {ended.sentence}", ended.failure)


def _ensure(wanted: Sequence[str], look_up: LookUp[T], act: MakeAct, settled: Settled[T]) -> Exchange[None]:
    missing = yield from _missing(wanted, look_up, settled, in_doubt=False)
    for _ in range(ATTEMPTS):
        if not missing:
            return
        call = yield from act(missing)
        if isinstance(call, Outcome):
            settled.ended.update(dict.fromkeys(missing, call))
            return
        reply = yield call
        if reply.failure and not reply.ambiguous:
            yield from _refused(missing, reply, look_up, act, settled)
            return
        if reply.ok:
            settled.sent.update(missing)
            missing = yield from _missing(missing, look_up, settled, in_doubt=False)
            settled.ended.update(dict.fromkeys(missing, handed_over(_NOT_SHOWN)))
            return
        missing = yield from _missing(missing, look_up, settled, in_doubt=True)
    settled.ended.update(dict.fromkeys(missing, handed_over(_UNKNOWN, FailureKind.AMBIGUOUS)))


def _missing(
    wanted: Sequence[str], look_up: LookUp[T], settled: Settled[T], *, in_doubt: bool
) -> Exchange[Sequence[str]]:
    while True:
        seen = yield from look_up(wanted)
        if seen.reply.failure:
            sentence = f"The look-up was refused: {seen.reply.sentence}"
            settled.ended.update(dict.fromkeys(wanted, handed_over(sentence, seen.reply.failure)))
            return ()
        settled.there.update(seen.there)
        missing = [name for name in wanted if name not in seen.there]
        if not missing or not in_doubt or seen.reply.absence_proven:
            return missing
        if seen.reply.absence_proven_at is None:
            settled.ended.update(dict.fromkeys(missing, handed_over(_UNKNOWN, FailureKind.AMBIGUOUS)))
            return ()
        yield Wait(until=seen.reply.absence_proven_at)


def _refused(
    missing: Sequence[str], reply: Reply, look_up: LookUp[T], act: MakeAct, settled: Settled[T]
) -> Exchange[None]:
    if len(missing) > 1 and ACTIONS[reply.failure or FailureKind.REFUSED] is Action.FAIL:
        half = len(missing) // 2
        yield from _ensure(missing[:half], look_up, act, settled)
        yield from _ensure(missing[half:], look_up, act, settled)
        return
    seen = yield from look_up(missing)  # somebody else may have done it meanwhile, and that may be why
    settled.there.update(seen.there)
    settled.ended.update({name: unfinished(reply) for name in missing if name not in seen.there})
