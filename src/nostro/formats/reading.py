"""What every reader yields, and what it is given to recognise a file by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, ParamSpec, Protocol, TypeVar

from pydantic import ValidationError

from nostro.formats.text import decoded
from nostro.model.base import Value
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead

P = ParamSpec("P")
T = TypeVar("T")
BEGINNING_BYTES = 65_536
_TAG = re.compile(r"<(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)(?=[\s/>])")
_NAMESPACE = re.compile(r"""xmlns(?::[\w.-]+)?\s*=\s*["']([^"']*)["']""")
_ASIDE = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[", re.DOTALL)


class Unreadable(Exception):
    """An item can't be understood; the sentence holds none of its content."""


def if_readable(read: Callable[P, T], *said: P.args, **how: P.kwargs) -> T | None:
    """What is read; None where it can't be understood."""
    try:
        return read(*said, **how)
    except Unreadable:
        return None


def why(error: Unreadable | ValidationError) -> str:
    """What is wrong, without the content: pydantic's own sentences would quote it."""
    if isinstance(error, Unreadable):
        return str(error)
    names = {"/".join(str(part) for part in flaw["loc"]) for flaw in error.errors(include_input=False)}
    return f"{', '.join(sorted(names))} can't be taken as told"


class Whole(Protocol):
    """A document that is told as one object: an invoice, a table of rates. `kind` is its own in JSON."""

    kind: ClassVar[str]
    model_fields: ClassVar[dict[str, Any]]


Item = StatementHead | Entry | StatementEnd | MessageHead | Instruction | PaymentStatus | MessageEnd | Reject | Value
"""Heads, what belongs to them, and their ends, in the document's order; or an object that is whole in itself."""


@dataclass(frozen=True)
class Beginning:
    """The first bytes of a file (at most `BEGINNING_BYTES`), and its name, which decides nothing by itself."""

    raw: bytes
    name: str = ""

    @cached_property
    def text(self) -> str:
        """The bytes as text, whatever their encoding; control characters are kept."""
        return decoded(self.raw)

    @cached_property
    def lines(self) -> list[str]:
        """Its first lines, without line ends; the last one may be cut."""
        return self.text.splitlines()

    @cached_property
    def is_xml(self) -> bool:
        """Whether it begins as XML does."""
        return self.text.lstrip("\ufeff \t\r\n\x00").startswith("<")

    @cached_property
    def elements(self) -> list[str]:
        """Names of its first XML elements, without prefixes, in order; empty when it is no XML."""
        return [found[2] for found in _TAG.finditer(_ASIDE.sub(" ", self.text))] if self.is_xml else []

    @cached_property
    def namespaces(self) -> list[str]:
        """The XML namespaces that it declares."""
        return _NAMESPACE.findall(self.text) if self.is_xml else []


class Unread(NamedTuple):
    """A kind of element with content that nothing understood: its path, how many there are, and where the first is."""

    path: str
    times: int
    where: str
    line: int

    @property
    def sentence(self) -> str:
        """What is said of it beside where the first is, without its content."""
        others = self.times - 1
        return f"No field takes this{f', nor {others} more of its kind' if others else ''}."


Chunks = Iterable[bytes]
Reader = Callable[[Chunks], Iterator[Item]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read.

    `recognises` decides by content. `read` yields items and located rejects, and raises `FormatRefused` before the
    first one when the bytes are something else after all. `proven`: it was tried with files that others published;
    otherwise it is built from its specification alone, which `docs/look-up/formats.md` says. `unread` reads once more,
    for what no item tells; None where the items say so themselves, or nobody can.
    """

    name: str
    title: str
    recognises: Callable[[Beginning], bool]
    read: Reader
    proven: bool = True
    unread: Callable[[Chunks], Iterable[Unread]] | None = None
