"""`nostro recover`: after a restore of the database, until everything that left since the backup was looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console

from nostro.acts.matter import CloseRecovery, OpenRecovery
from nostro.engine.recover import recovering
from nostro.model.failures import Refused
from nostro.runtime.cli_frame import DONE, WRONG, Frame, register
from nostro.runtime.cli_people import Hand, acting, at_desk
from nostro.runtime.cli_references import inspected
from nostro.runtime.house import House
from nostro.runtime.output import table, when
from nostro.store.database import Row, Statements
from nostro.store.quarantine import newest_shared

AUDIT = Statements("audit")
SQL = Statements("recovery")
LOST_ACTS = (
    "What people did after the backup is lost: do approvals, matches, closings, publications and erasures again. "
    "Files of a folder that keeps no archive have to be delivered again."
)


def add_to(app: typer.Typer) -> None:
    """Registers the command."""
    register(
        app,
        recover,
        "nostro recover",
        'nostro recover --from 2026-09-01T02:00:00Z --reason "disk lost, last night\'s backup restored"',
        'nostro recover --close --reason "all look-ups have ended, statements agree"',
    )


async def recover(
    frame: Frame,
    hand: Hand,
    since: Annotated[
        str,
        typer.Option("--from", metavar="T", help="Up to when the restored database is whole: the time of the backup."),
    ] = "",
    *,
    close: Annotated[bool, typer.Option("--close", help="End the recovery that somebody else opened.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the log.")] = "",
) -> int:
    """Go on after a restore. The outside is ahead of a restored database: what it sent since would be sent again.

    `--from T` opens a recovery: feeds and folders are read again from before T, and every command begins with a look-up
    on the other side; what can neither be looked up nor be proven absent goes to a person. `--close` ends it: a second
    person does that, once every feed was read to its end. Without either it shows how the recovery stands.
    """
    if since and close:
        raise Refused("A recovery is opened or closed, not both.", "Give --from T, or --close.")
    if not since and not close:
        return await _show(frame)
    async with at_desk(frame) as (house, desk):
        at = (await house.now()).business
        served = tuple(sorted(house.connections))
        if close:
            life = await _life(house)
            return await acting(frame, house, desk, CloseRecovery(life.epoch, served, at=at), hand, reason)
        return await acting(frame, house, desk, await _opening(house, since, at), hand, reason)


async def _opening(house: House, since: str, at: datetime) -> OpenRecovery:
    """Not later than the newest checkpoint that the database shares with the anchors: behind it nothing is whole."""
    told = instant_of(since)
    if told > at:
        raise Refused(f"{since} is still to come.", "Say up to when the restored database is whole.")
    anchors = await house.anchors.all()
    kept = await newest_shared(house.database, anchors)
    async with house.database.transaction() as tx:
        sealed = await tx.row(SQL.checkpoint_at, number=kept)
    life = await _life(house)
    newest = max((anchor.epoch for anchor in anchors), default=0)
    lost = max((anchor.number for anchor in anchors), default=kept)
    whole = min(told, sealed.at.astimezone(UTC)) if sealed is not None and house.quarantine else told
    return OpenRecovery(since=whole, epoch=_next_life(max(life.epoch, newest)), kept=kept, lost=max(lost, kept))


def _next_life(epoch: int) -> int:
    """Recoveries are even."""
    return epoch + 2 if recovering(epoch) else epoch + 1


def instant_of(text: str) -> datetime:
    """An instant with its zone. Raises `Refused` for anything else."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise Refused(f"{text} is no instant.", "Write it with its zone, like 2026-09-01T02:00:00Z.")
    return told.astimezone(UTC)


async def _life(house: House) -> Row:
    async with house.database.transaction() as tx:
        return await tx.row(AUDIT.life)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a recovery stands."""

    life: Row
    newest: Row | None
    behind: list[Row]
    left: Row
    shared: int
    whole_until: datetime | None

    @property
    def open(self) -> bool:
        """Whether one is open."""
        return self.newest is not None and self.newest.closed_at is None

    def told(self, at: datetime) -> Mapping[str, Any]:
        """As a program reads it."""
        names = ("epoch", "since", "kept", "lost", "opened_at", "opened_by", "reason", "closed_at", "closed_by")
        newest = {name: getattr(self.newest, name) for name in names} if self.newest is not None else None
        return {
            "as_of": at,
            "life": self.life.epoch,
            "quarantine": self.life.quarantine,
            "open": self.open,
            "recovery": newest,
            "newest_shared_checkpoint": self.shared,
            "whole_until": self.whole_until,
            "feeds_behind": [{"connection": f.connection, "feed": f.name, "note": f.note} for f in self.behind],
            "look_ups_under_way": self.left.under_way if self.open else 0,
            "for_a_person": self.left.for_a_person if self.open else 0,
        }


async def _show(frame: Frame) -> int:
    async with inspected(frame) as house:
        at = (await house.now()).business
        shared = await newest_shared(house.database, await house.anchors.all())
        async with house.database.transaction() as tx:
            sealed = await tx.row(SQL.checkpoint_at, number=shared)
            standing = Standing(
                life=await tx.row(AUDIT.life),
                newest=await tx.row(SQL.newest_recovery),
                behind=await tx.rows(SQL.feeds_behind, connections=sorted(house.connections)),
                left=await tx.row(SQL.looked_up, until=at),
                shared=shared,
                whole_until=sealed.at.astimezone(UTC) if sealed is not None else None,
            )
    frame.output.show(standing.told(at), partial(_draw, standing=standing))
    return WRONG if standing.life.quarantine or standing.open else DONE


def _draw(console: Console, *, standing: Standing) -> None:
    if standing.life.quarantine:
        console.print(f"QUARANTINE, nothing leaves: {standing.life.quarantine}")
        until = when(standing.whole_until, None) if standing.whole_until else "the backup was made"
        console.print(f"Its newest checkpoint that is also anchored is {standing.shared}; it is whole until {until}.")
        console.print(
            "If it is the right database: nostro recover --from T --reason WHY. See docs/operate/quarantine.md."
        )
        return
    if standing.newest is None or not standing.open:
        console.print("No recovery is open.")
        return
    newest = standing.newest
    console.print(
        f"Recovery {newest.epoch}, opened by {newest.opened_by} at {when(newest.opened_at, None)}: {newest.reason}"
    )
    console.print(f"Everything since {when(newest.since, None)} is looked up before it is done.")
    if standing.behind:
        rows = [(feed.connection, feed.name, feed.note) for feed in standing.behind]
        console.print(
            table("Not read to their end yet", {"connection": "whole", "feed": "whole", "note": "left"}, rows)
        )
    left = standing.left
    console.print(
        f"{left.under_way} commands are being looked up, {left.for_a_person} wait for a person: nostro cases."
    )
    console.print(LOST_ACTS)
    if not standing.behind:
        console.print('A second person ends it: nostro recover --close --reason "..."')
