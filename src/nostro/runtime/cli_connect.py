"""Wiring for the landscape's commands: publishing into the house, and `check --connect` asking outside systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from nostro.egress.connections import OpenConnection
from nostro.egress.http import HttpTransport
from nostro.egress.line import Line
from nostro.engine.activation import Activation, activate, active_bundle
from nostro.governance.rules import Rules
from nostro.landscape.compiling import bundle_of
from nostro.landscape.sources import Finding
from nostro.model.calls import Ask, Exchange, Reply
from nostro.runtime.cli_frame import Frame
from nostro.runtime.cli_references import inspected
from nostro.runtime.clock import machine_now
from nostro.runtime.house import connections_of

CALLS = 500
NOTE = "note:"
logger = structlog.get_logger("nostro.connect")


class Publisher:
    """Puts bundles in force in the house that a landscape is for."""

    async def active(self, frame: Frame) -> bytes | None:
        """The bundle in force, or None before the first one."""
        async with inspected(frame) as house:
            return await active_bundle(house.database)

    async def activate(self, frame: Frame, content: bytes, actor: str, reason: str) -> Activation:
        """Stores a bundle and puts it in force."""
        async with inspected(frame) as house:
            return await activate(house.database, house.keys, content, actor, reason, await house.now())


async def ask_outside(folder: Path) -> list[Finding]:
    """What the outside systems say is wrong, by connection. They are only asked; notes that are no flaw are logged."""
    rules = Rules.from_bundle(bundle_of(folder, datetime.now(UTC)))
    found: list[Finding] = []
    for connection in connections_of(folder, rules).values():
        for sentence in await _ask(connection):
            if sentence.startswith(NOTE):
                logger.warning("connection_note", connection=connection.id, note=sentence.removeprefix(NOTE).strip())
            else:
                found.append(Finding(f"connections/{connection.id}.yaml", 1, sentence))
    return found


async def _ask(connection: OpenConnection) -> Sequence[str]:
    check = connection.connector.check
    if check is None or connection.connector.wire is None:
        return ()
    async with HttpTransport() as transport:
        return await _driven(Line(connection, transport, machine_now), check(connection.config, connection.entities))


async def _driven(line: Line, exchange: Exchange[Sequence[str]]) -> Sequence[str]:
    """Drives an exchange of questions. One that wants to wait has met an outage."""
    try:
        call = next(exchange)
        for _ in range(CALLS):
            if not isinstance(call, Ask):
                return ("It can't be reached now. Try again later.",)
            answer = await line.ask(call.message)
            call = exchange.send(Reply(answer.content, datetime.now(UTC), answer.failure, answer.sentence))
    except StopIteration as end:
        sentences: Sequence[str] = end.value
        return sentences
    finally:
        exchange.close()
    return (f"It was asked {CALLS} questions and had not answered all.",)
