"""Records of national statements for tests: zones put where specifications count them; what readers make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from nostro.formats.reading import Item
from nostro.model.statements import Check, Entry, Reject, StatementEnd, StatementHead

Reader = Callable[[Iterable[bytes]], Iterator[Item]]


def placed(width: int, zones: Mapping[int, str]) -> str:
    """A record with texts at positions, which count from 1."""
    line = " " * width
    for first, said in zones.items():
        line = line[: first - 1] + said + line[first - 1 + len(said) :]
    assert len(line) == width
    return line


def read(reader: Reader, *lines: str, encoding: str = "utf-8") -> list[Item]:
    """What a reader makes of these lines."""
    return list(reader([("\r\n".join(lines) + "\r\n").encode(encoding)]))


def head(items: Iterable[Item]) -> StatementHead:
    """The first statement's head."""
    return next(item for item in items if isinstance(item, StatementHead))


def entries(items: Iterable[Item]) -> list[Entry]:
    """All entries."""
    return [item for item in items if isinstance(item, Entry)]


def rejects(items: Iterable[Item]) -> list[Reject]:
    """All rejects."""
    return [item for item in items if isinstance(item, Reject)]


def end(items: Iterable[Item]) -> StatementEnd:
    """The last statement's end."""
    return [item for item in items if isinstance(item, StatementEnd)][-1]


def failed(items: Iterable[Item]) -> dict[str, str]:
    """The checks of the last statement that do not hold."""
    checks: tuple[Check, ...] = end(items).checks
    return {check.name: check.detail for check in checks if not check.ok}
