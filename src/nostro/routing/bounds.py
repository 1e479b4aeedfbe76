"""How long a subject's id may be. It stands in indexes, of which PostgreSQL bears no entry above 2,704 bytes (a third
of a page): what is longer could be routed, and never be decided. Whatever else is indexed is a digest, or ours.
"""

from __future__ import annotations

from itertools import count

from nostro.model.facts import Fact
from nostro.model.failures import TooLong
from nostro.model.ids import Subject, shard_of
from nostro.routing.references import UNREADABLE
from nostro.store.arrivals import Arrival

ID_BYTES = 1000
"""In UTF-8. Less than half of an entry, as others stand in it beside the id; ids that systems give have 255 at most."""
_CHARACTER_BYTES = 4


def bounded(subject: Subject, fact: Fact) -> Subject:
    """The subject. Raises `TooLong` when nothing could be decided about it, and names what of the fact makes it so."""
    if (size := _size(subject.id)) <= ID_BYTES:
        return subject
    why = f"What {fact.type} is about has an id of {size:,} bytes in {subject.process}: {ID_BYTES:,} are the most."
    blamed = [f" Its {name} has {_bytes(told):,}." for name, told in fact.body if _is_long(told)]
    raise TooLong(why + "".join(blamed[:1]))


def alone(process: str, fact_key: str) -> Subject:
    """Where a fact goes that leads nowhere, and begins nothing either."""
    return Subject(process, f"orphan/{fact_key}")


def set_apart(arrival: Arrival) -> Arrival:
    """An arrival whose subject has too long an id (an earlier release has let it in), as one about a subject of its own
    on the same shard, which is set aside with it; any other one as it is.
    """
    size = _size(arrival.subject)
    if size <= ID_BYTES:
        return arrival
    ids = (f"too-long/{arrival.key.hex()}/{n}" for n in count())
    subject = next(ident for ident in ids if shard_of(ident) == arrival.shard)
    why = (
        f"A fact ({arrival.type}) is about a subject whose id has {size:,} bytes, and {ID_BYTES:,} are the most: it "
        "can't be decided. It is kept as it is; closing alone opens this case again."
    )
    return arrival._replace(subject=subject, type=UNREADABLE, reason=why)


def _size(ident: str) -> int:
    """In bytes. Nearly all ids are so short that nothing has to be counted."""
    return len(ident) if len(ident) * _CHARACTER_BYTES <= ID_BYTES else _bytes(ident)


def _is_long(told: object) -> bool:
    return isinstance(told, str) and _bytes(told) > ID_BYTES / 2


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
