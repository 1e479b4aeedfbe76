"""What crosses between the house and a stand-in, as values without a socket: requests, replies, deliveries, files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request as a system sees it.

    `path` starts at the system's own root (`/v1/charges`, not `/psp/de/v1/charges`). `query` keeps order and repeats.
    Header names are lower case.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class WireReply:
    """One HTTP reply. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST that a system makes to the house, not before `due` (business time, aware UTC).

    Whoever carries it says by `reference` how it went, so that the sender can try again; without one nobody asks.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    due: datetime
    reference: str = ""


@dataclass(frozen=True, slots=True)
class FileStep:
    """One step in which a file appears in a folder: add `content` to the end of `name`, then rename it if told to.

    A file that is written in halves is two steps; between them it is there, and not whole.
    """

    folder: str
    name: str
    content: bytes
    due: datetime
    rename_to: str = ""
