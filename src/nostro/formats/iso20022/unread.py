"""What stands in a statement file and no field takes: by its path, how often, and where first. Read apart from items.

A piece that is watched has a shape of its own, for what is read of it may hang on what it says: of a payment that came
in, who was paid is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nostro.formats.iso20022.told import Shape, Told
from nostro.formats.reading import Unread

_KINDS = 100
"""So many kinds are told."""
_POSITION = re.compile(r"\[\d+\]")
_SAYS_NOTHING = re.compile(r".*/GrpHdr/MsgId")
"""A message's own name: every statement in it has another one."""


@dataclass(slots=True)
class Watch:
    """What was not read so far, in the order in which it was met."""

    met: dict[str, Unread] = field(default_factory=dict)

    def over(self, told: Told) -> Told:
        """A piece, about to be read."""
        return Told(Shape(told.shape.paths), told.values)

    def note(self, told: Told, where: str, line: int) -> None:
        """A piece that was read. `where` it is, with positions."""
        for path in told.shape.unread():
            place = f"{where}/{path}".removesuffix("/")
            kind = _POSITION.sub("", place)
            if found := self.met.get(kind):
                self.met[kind] = found._replace(times=found.times + 1)
            elif len(self.met) < _KINDS and not _SAYS_NOTHING.fullmatch(kind):
                self.met[kind] = Unread(kind, 1, place, line)
