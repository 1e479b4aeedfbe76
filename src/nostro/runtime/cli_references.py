"""What a person types to name something (a case, a correlation id, an invoice number), and what it leads to."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager

from nostro.model.failures import Refused
from nostro.model.ids import IdempotencyKey, Subject
from nostro.projections.trace import subjects_named
from nostro.projections.worklist import case, waiting_commands
from nostro.runtime.cli_frame import Frame
from nostro.runtime.house import House, open_house
from nostro.store.database import Database, Statements

SQL = Statements("acts")
NO_HOLDERS = frozenset({"receipt", "statement_series", "house"})
"""Processes whose subjects hold no money, so that none can be matched with them."""
_RECEIPT = re.compile(r"[0-9a-f]{32}")


def inspected(frame: Frame) -> AbstractAsyncContextManager[House]:
    """The frame's house for somebody who looks or acts, without the connections' secrets."""
    return open_house(frame.landscape(), frame.state(), working=False)


async def command_of(database: Database, ref: str) -> IdempotencyKey:
    """The command of a correlation id, a key, or a case: of a case the one that waits or has failed.

    Raises `Refused` for none, and for more than one.
    """
    async with database.transaction() as tx:
        row = await tx.row(SQL.command_of_correlation, correlation=_outside(ref))
    if row is not None:
        return IdempotencyKey.parse(row.key_text)
    found = await case(database, ref)
    behind = await _behind(database, Subject(found.process, found.subject)) if found else {}
    if len(behind) == 1:
        return IdempotencyKey.parse(next(iter(behind)))
    if behind:
        ids = ", ".join(behind.values())
        raise Refused(f"{len(behind)} commands are behind {ref}.", f"Name one of them: {ids}.")
    raise Refused(f"No command waits under {ref}.", "`nostro cases` shows what waits, `nostro trace` what has ended.")


def _outside(ref: str) -> str:
    """The correlation id that a person wrote, in whatever case, or that belongs to the key that he wrote."""
    try:
        return IdempotencyKey.parse(ref).correlation_id
    except ValueError:
        return ref.upper()


async def _behind(database: Database, subject: Subject) -> dict[str, str]:
    """A subject's commands that wait, and those that failed and can be released: correlation id by key."""
    waiting = await waiting_commands(database, subject=subject)
    place = {"shard": subject.shard, "process": subject.process, "subject": subject.id}
    async with database.transaction() as tx:
        failed = await tx.rows(SQL.failed_commands, **place)
    return {one.key: one.correlation for one in waiting} | {one.key_text: one.correlation for one in failed}


async def subject_of(house: House, ref: str) -> Subject:
    """The subject of a case, or of any reference that leads to one alone."""
    found = await case(house.database, ref)
    return Subject(found.process, found.subject) if found else await only_subject(house, ref)


async def only_subject(house: House, ref: str, other_than: Subject | None = None, entity: str = "") -> Subject:
    """The one subject holding money that a reference leads to. Raises `Refused` for none, and for more than one.

    Of items of several companies that of `entity` is meant.
    """
    async with house.database.transaction() as tx:
        named = await subjects_named(tx, house.keys, ref.strip(), house.scopes)
    holders = [subject for subject in named if subject.process not in NO_HOLDERS and subject != other_than]
    found = of_entity(holders, entity)
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(map(str, found))
        raise Refused(f"{ref} leads to {len(found)} subjects.", f"Name one of them: {several}.")
    raise Refused(f"{ref} leads nowhere.", "Give an invoice number, a bank or PSP reference, or process/id.")


def of_entity(found: list[Subject], entity: str) -> list[Subject]:
    """The company's own open items, where there are any among them and several to choose from."""
    own = [one for one in found if one.process == "collection" and one.id.startswith(f"{entity}/")]
    return own if own and len(found) > 1 else found


async def receipt_of(house: House, ref: str) -> str:
    """The receipt (hex) that is named, or that a case is about."""
    found = await case(house.database, ref)
    told = found.subject if found is not None and found.process == "receipt" else ref.lower()
    if _RECEIPT.fullmatch(told):
        return told
    raise Refused(f"{ref} is no receipt.", "Give a receipt's id, as `nostro trace` shows it, or the case about it.")
