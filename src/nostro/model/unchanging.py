"""Values that nobody changes, made cheaply."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["unchanging"]

if TYPE_CHECKING:
    from dataclasses import dataclass as unchanging
else:
    from dataclasses import dataclass

    def unchanging(*, frozen: bool, slots: bool) -> object:
        """As `dataclass`, but that a value stays what it is, the type checker alone holds: in our code and the tests.

        A class that is frozen while running sets each field by a call. Making its values costs four times as much, and
        each fact that is taken in makes a dozen of them.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)
