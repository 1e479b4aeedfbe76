"""The shell: drives an exchange over a line, and keeps the journal that makes its Acts happen once.

An Act's start is committed before its bytes leave, and its deadline is checked right before the write; what came back
is committed before the exchange says anything more, or with its end. A crash anywhere in between leaves a journal from
which a re-drive goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

import structlog

from nostro.connectors.kit.manifest import Operation, Order
from nostro.egress.drive import (
    NEVER_LEFT,
    RETRIES,
    WRITE_SECONDS,
    Dialogue,
    Drive,
    Ended,
    Entry,
    Held,
    Pause,
    Question,
    Retry,
    Send,
    Step,
    Stored,
)
from nostro.egress.journal import Write
from nostro.egress.line import Line, NotReady
from nostro.egress.tracing import Span, span_id
from nostro.egress.transport import NoReply, NotSent
from nostro.model.calls import HttpReply, HttpRequest, Message
from nostro.model.clock import Now
from nostro.model.failures import ACTIONS, LOCKED_OUT, Action, Failure, FailureKind
from nostro.store.entropy import Entropy

BACKOFF_SECONDS = 2.0
BACKOFF_LIMIT_SECONDS = 900.0
RETRY_AFTER_LIMIT_SECONDS = 3600.0
logger = structlog.get_logger("nostro.shell")


class Journals(Protocol):
    """Where starts and replies are kept."""

    async def start(self, shard: int, dispatch: bytes, n: int, digest: bytes, now: Now) -> None:
        """Before an Act's bytes leave."""

    def answer(self, shard: int, dispatch: bytes, n: int, target: str, stored: Stored) -> tuple[bytes, Write]:
        """After its reply: the receipt's id, and what writes it."""

    async def write(self, write: Write) -> None:
        """Commits it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A dispatch as the shell drives it. `look_up_first`: its commands may have been done in a life before this one.

    `kept_back`: why nothing more may be sent. `trace`: the trace and the span that its calls belong to.
    """

    shard: int
    id: bytes
    operation: Operation
    orders: Sequence[Order]
    journal: Sequence[Entry]
    began_at: datetime
    wanted_since: datetime
    look_up_first: bool = False
    kept_back: str = ""
    trace: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Rested:
    """How a drive ended: with outcomes, held for a person, or until later. `receipt`: the newest reply.

    `reply` writes that reply, together with this end: nothing more is sent in between.
    """

    end: Ended | Held | Pause
    receipt: bytes | None = None
    reply: Write | None = None


@dataclass(slots=True)
class Shell:
    """Drives one dispatch. Made anew for each drive."""

    line: Line
    journal: Journals
    entropy: Entropy
    job: Job
    _receipt: bytes | None = None
    _reply: Write | None = None
    _told: int = 0
    _retry_after_seconds: float = 0.0

    async def run(self) -> Rested:
        """Until there are outcomes, or nothing more can be done now."""
        try:
            return await self._run()
        except Exception:  # what came back is kept, whatever stands against going on from it
            if self._reply is not None:
                with contextlib.suppress(Failure):
                    await self.journal.write(self._reply)
            raise

    async def _run(self) -> Rested:
        now = await self.line.clock()
        drive = Drive(self._dialogue(), list(self.job.journal), now.business)
        step = drive.begin()
        while isinstance(step, Send | Question):
            step = await self._send(drive, step) if isinstance(step, Send) else await self._ask(drive, step)
        end = Pause(await self._later(step.tries)) if isinstance(step, Retry) else step
        return Rested(end, self._receipt, self._reply)

    def _dialogue(self) -> Dialogue:
        job, line = self.job, self.line
        return Dialogue(
            operation=job.operation,
            orders=job.orders,
            config=line.connection.config,
            understand=line.understand,
            began_at=job.began_at,
            wanted_since=job.wanted_since,
            look_up_first=job.look_up_first,
            sessions=line.has_sessions,
            kept_back=job.kept_back,
        )

    async def _ask(self, drive: Drive, question: Question) -> Step:
        """What they answer is as old as the question: whether "not found" counts is judged by when it was asked."""
        now, began = await self.line.clock(), self.line.traces.now()
        answer = await self.line.ask(question.ask.message, self.job.operation.deadline_seconds)
        self._trace("ask", question.ask.message, began, answer.failure)
        return drive.told(answer.content, answer.failure, answer.sentence, now.business)

    async def _send(self, drive: Drive, send: Send) -> Step:
        try:
            request = None if send.presumed else await self.line.prepare(send.act.message, send.act.key)
        except NotReady as reason:
            return await self._not_ready(reason)
        started = await self.line.clock()
        await self.journal.start(self.job.shard, self.job.id, send.n, send.digest, started)
        stored = await self._written(send, request, started) if request is not None else None
        if stored is not None:
            target = send.act.message.target
            self._receipt, self._reply = self.journal.answer(self.job.shard, self.job.id, send.n, target, stored)
        now = await self.line.clock()
        step = drive.answered(started.business, stored, now.business)
        if self._reply is not None and isinstance(step, Send | Question):
            await self.journal.write(self._reply)
            self._reply = None
        return step

    async def _written(self, send: Send, request: HttpRequest, started: Now) -> Stored | None:
        """What came back; None when nobody knows."""
        now = await self.line.clock()
        if now.machine >= started.machine + timedelta(seconds=WRITE_SECONDS):
            return self._never_left(send, "too late", now)
        began = self.line.traces.now()
        try:
            reply = await self.line.send(request, self.job.operation.deadline_seconds)
        except NotSent as reason:
            return self._never_left(send, str(reason), now)
        except NoReply as reason:
            logger.warning("act_unanswered", **self._names(send), reason=str(reason))
            self.line.saw("act", FailureKind.AMBIGUOUS)
            self._trace("act", send.act.message, began, FailureKind.AMBIGUOUS)
            return None
        return await self._seen(send, reply, began)

    def _trace(self, kind: str, message: Message, began: int, failure: FailureKind | None) -> None:
        """One span a call. Of the message only its target without a query is told."""
        if self.job.trace is None:
            return
        trace, parent = self.job.trace
        self._told += 1
        span = span_id("call", self.job.id, str(began), str(self._told))
        told = {"connection": self.line.connection.id, "call": kind, "target": message.target.partition("?")[0]}
        told |= {"fate": failure.value if failure else "ok"}
        self.line.traces.tell([Span("call", trace, span, parent, began, told, failed=failure is not None)])

    def _never_left(self, send: Send, reason: str, now: Now) -> Stored:
        logger.info("act_not_sent", **self._names(send), reason=reason)
        self.line.saw("act", FailureKind.UNAVAILABLE)
        return Stored(NEVER_LEFT, b"", now.business)

    async def _seen(self, send: Send, reply: HttpReply, began: int) -> Stored:
        now = await self.line.clock()
        _, failure, _ = self.line.understand(send.act.message, reply)
        self.line.saw("act", failure)
        self._trace("act", send.act.message, began, failure)
        if failure in LOCKED_OUT:
            self.line.forget_session()
        self._retry_after_seconds = retry_after(reply, now.business)
        logger.info("act_answered", **self._names(send), answered=reply.status, failure=failure)
        return Stored(reply.status, reply.body, now.business)

    async def _not_ready(self, reason: NotReady) -> Step:
        """Nothing was journaled: an outage passes, what can't be rendered or is forbidden is a person's business."""
        if ACTIONS[reason.kind] is Action.RETRY:
            return Pause(await self._later(RETRIES // 2))
        return Held(reason.sentence, reason.kind)

    async def _later(self, tries: int) -> datetime:
        """Exponential with jitter, and not before they said."""
        now = await self.line.clock()
        backoff = min(BACKOFF_LIMIT_SECONDS, BACKOFF_SECONDS * 2 ** (tries - 1)) * (0.5 + self.entropy.uniform() / 2)
        return now.business + timedelta(seconds=max(backoff, self._retry_after_seconds))

    def _names(self, send: Send) -> dict[str, object]:
        return {
            "connection": self.line.connection.id,
            "operation": self.job.operation.name,
            "dispatch": self.job.id.hex(),
            "n": send.n,
            "correlation": send.act.key,
        }


def retry_after(reply: HttpReply, now: datetime) -> float:
    """Seconds from a `Retry-After` (RFC 9110, 10.2.3), at most an hour; 0 where there is none."""
    told = reply.headers.get("retry-after", "")
    if told.isascii() and told.isdigit():
        seconds = float(told)
    else:
        try:
            seconds = (parsedate_to_datetime(told) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS)
