"""The documents in a receipt: a plain file, or each member of a ZIP container (as EBICS delivers C52, C53 and C54)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from nostro.model.failures import FormatRefused

_ZIP = b"PK\x03\x04"
_PIECE_BYTES = 65_536
_ZIP_BYTES = 67_108_864
"""A container is held in memory; what it holds is not."""
_MEMBERS = 10_000
_EXPANDED_BYTES = 4_294_967_296


class Document(NamedTuple):
    """A document and where it stands in the receipt (empty for the receipt itself)."""

    where: str
    chunks: Iterable[bytes]


def documents(chunks: Callable[[], Iterator[bytes]]) -> Iterator[Document]:
    """The documents. Raises `FormatRefused` for a container that can't be opened or is beyond every limit."""
    if next(chunks(), b"").startswith(_ZIP):
        yield from _members(chunks())
    else:
        yield Document("", chunks())


def _members(chunks: Iterator[bytes]) -> Iterator[Document]:
    held = io.BytesIO()
    for chunk in chunks:
        if held.tell() + len(chunk) > _ZIP_BYTES:
            raise FormatRefused(f"The container is larger than {_ZIP_BYTES} bytes.")
        held.write(chunk)
    try:
        with zipfile.ZipFile(held) as container:
            members = [member for member in container.infolist() if not member.is_dir()]
            if len(members) > _MEMBERS or sum(member.file_size for member in members) > _EXPANDED_BYTES:
                raise FormatRefused(f"The container holds more than {_MEMBERS} files or {_EXPANDED_BYTES} bytes.")
            for member in members:
                yield Document(member.filename, _pieces(container, member))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        # RuntimeError is how the standard library says that a member is encrypted.
        raise FormatRefused(f"The container can't be opened ({type(error).__name__}).") from None


def _pieces(container: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with container.open(member) as opened:
        while piece := opened.read(_PIECE_BYTES):
            yield piece
