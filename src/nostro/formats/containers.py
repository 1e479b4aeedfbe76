"""The documents in what was received: a plain file, a gzip stream, or each member of a ZIP container (as EBICS has)."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

from nostro.formats.text import gathered
from nostro.model.failures import FormatRefused

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b\x08"
_OFFICE = "[Content_Types].xml"
"""A member that makes a ZIP file one office document (XLSX) instead of a container."""
_PIECE_BYTES = 65_536
_ZIP_BYTES = 67_108_864
"""A container is held in memory; what it holds is not."""
_MEMBERS = 10_000
_EXPANDED_BYTES = 4_294_967_296
_PROTECTED = 1
"""The bit of a member that is encrypted."""
_GZIP_WINDOW = 31
"""zlib's way to say: a gzip header is there."""


class Document(NamedTuple):
    """A document and where it stands in what was received (empty for that itself). `again`: its bytes once more."""

    where: str
    chunks: Iterable[bytes]
    again: Callable[[], Iterable[bytes]]


def documents(chunks: Callable[[], Iterator[bytes]]) -> Iterator[Document]:
    """The documents. Raises `FormatRefused` for a container that can't be opened or is beyond every limit."""
    given = chunks()
    first = next(given, b"")
    whole = chain((first,), given)
    if first.startswith(_ZIP):
        yield from _members(whole)
    elif first.startswith(_GZIP):
        yield Document("", _unpacked(whole), lambda: _unpacked(chunks()))
    else:
        yield Document("", whole, chunks)


def _members(chunks: Iterator[bytes]) -> Iterator[Document]:
    held = io.BytesIO(gathered(chunks, _ZIP_BYTES, "container"))
    try:
        with zipfile.ZipFile(held) as container:
            members = [member for member in container.infolist() if not member.is_dir()]
            if len(members) > _MEMBERS or sum(member.file_size for member in members) > _EXPANDED_BYTES:
                raise FormatRefused(f"The container holds more than {_MEMBERS} files or {_EXPANDED_BYTES} bytes.")
            if any(member.filename == _OFFICE for member in members):
                yield Document("", (held.getvalue(),), lambda: (held.getvalue(),))
                return
            if any(member.flag_bits & _PROTECTED for member in members):
                raise FormatRefused("The container is protected by a password.", "Unpack it, and name what was in it.")
            for member in members:
                again = partial(_pieces, container, member)
                yield Document(member.filename, again(), again)
    except _BROKEN as error:
        raise FormatRefused(f"The container can't be opened ({type(error).__name__}).") from None


_BROKEN = (
    zipfile.BadZipFile,
    RuntimeError,
    EOFError,
    ValueError,
    OSError,
    zlib.error,
    lzma.LZMAError,
)
"""What the standard library says of a broken container, or of a way of packing that it lacks (a `RuntimeError`)."""


def _pieces(container: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with container.open(member) as opened:
            while piece := opened.read(_PIECE_BYTES):
                yield piece
    except _BROKEN as error:
        raise FormatRefused(f"This file in the container can't be opened ({type(error).__name__}).") from None


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A gzip stream, of one member or several. What is cut or broken is said where it breaks."""
    unpacker, expanded, within = zlib.decompressobj(_GZIP_WINDOW), 0, True
    for chunk in chunks:
        left = chunk
        while left:
            try:
                piece = unpacker.decompress(left, _PIECE_BYTES)
            except zlib.error:
                raise FormatRefused("The gzip stream is broken.") from None
            expanded += len(piece)
            if expanded > _EXPANDED_BYTES:
                raise FormatRefused(f"The gzip stream unpacks to more than {_EXPANDED_BYTES} bytes.")
            yield piece
            left, within = unpacker.unconsumed_tail, True
            if unpacker.eof:
                left, within = unpacker.unused_data.lstrip(b"\x00"), False
                unpacker = zlib.decompressobj(_GZIP_WINDOW)
    if within:
        raise FormatRefused("The gzip stream is cut off.")
