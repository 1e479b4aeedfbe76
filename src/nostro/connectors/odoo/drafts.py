"""What a refused posting leaves at Odoo: a draft of ours, which whoever asks again finds, sets right and posts.

Only what nobody has written since it was made is ours to change or to take away. What was posted once and is a draft
now, a person has taken back: it is not posted again.
"""

from __future__ import annotations

from collections.abc import Iterable

from nostro.connectors.odoo.wire import Row
from nostro.model.outcomes import Outcome, OutcomeKind, handed_over

MADE = "create_uid create_date write_uid write_date"


def unposted(row: Row) -> bool:
    """Whether an entry or payment was never posted. A payment has an entry from its first posting on."""
    return row["state"] == "draft" and not row["posted_before" if "posted_before" in row else "move_id"]


def untouched(row: Row, lines: Iterable[Row] = ()) -> bool:
    """Whether all of it stands as it was made: by whom it was made, in one database transaction."""
    made = row["create_uid"], row["create_date"]
    return all((one["write_uid"], one["write_date"]) == made for one in (row, *lines))


def taken_back(row: Row) -> dict[str, str]:
    """The note of what a person has taken back or cancelled since."""
    return {"state": row["state"]} if row["state"] in ("draft", "cancel", "canceled", "rejected") else {}


def left_as_draft(model: str, ident: int, ended: Outcome) -> Outcome:
    """How it ended, and where at Odoo that stands which was made for it."""
    here = place(model, ident)
    told = f"{ended.sentence} It is {here}."
    if ended.kind is OutcomeKind.FAILED:
        told = f"{ended.sentence} {here} is left there, a draft: asked again, it is set right and posted."
    return ended.model_copy(update={"sentence": told})


def changed_by_somebody(model: str, ident: int) -> Outcome:
    """A draft of ours that says something else than we mean, and that isn't ours alone any more."""
    return handed_over(
        f"{place(model, ident)} is a draft of ours that somebody has changed. It is left as it is: "
        "post it there, or delete it, and ask again."
    )


def posted_otherwise(model: str, ident: int) -> Outcome:
    """A draft of an earlier try that a person has posted, and that books something else than is meant now."""
    return handed_over(
        f"{place(model, ident)} is ours of an earlier try, somebody has posted it, and it books something else than is "
        "meant now. Correct it there and say that it is done, or take it away there (delete it) and ask again."
    )


def withdrawn_by_somebody(model: str, row: Row) -> Outcome:
    """An entry that was posted, or drafted, and that a person has taken back since."""
    return handed_over(
        f"{place(model, row['id'])} is ours, and somebody has taken it back: it is {row['state']} there. "
        "Post it there and ask again, or discard this."
    )


def place(model: str, ident: int) -> str:
    """A document, and where it is behind Odoo's own address."""
    what = "Payment" if model == "account.payment" else "Entry"
    return f"{what} {ident} (/odoo/{model}/{ident})"
