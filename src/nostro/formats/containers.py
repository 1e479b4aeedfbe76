"""The documents in what was received: a plain file, a gzip stream, or each member of a ZIP container (as EBICS has),
and of containers in these.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

from nostro.formats.text import begun, gathered
from nostro.model.failures import FormatRefused

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b\x08"
_OFFICE = "[Content_Types].xml"
"""A member that makes a ZIP file one office document (XLSX) instead of a container."""
_PIECE_BYTES = 65_536
_ZIP_BYTES = 67_108_864
"""A container is held in memory; what it holds is not."""
_DEPTH = 4
"""So many containers are opened that stand in each other."""
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


@dataclass(slots=True)
class _Room:
    """What all the containers in each other may still hold."""

    files: int = _MEMBERS
    expanded_bytes: int = _EXPANDED_BYTES

    def take(self, files: int, expanded_bytes: int) -> None:
        """Raises `FormatRefused` when it is too much."""
        self.files, self.expanded_bytes = self.files - files, self.expanded_bytes - expanded_bytes
        if self.files < 0 or self.expanded_bytes < 0:
            raise FormatRefused(f"The container holds more than {_MEMBERS} files or {_EXPANDED_BYTES} bytes.")


def documents(chunks: Callable[[], Iterator[bytes]]) -> Iterator[Document]:
    """The documents, of containers within containers too.

    Raises `FormatRefused` for a container that can't be opened or is beyond every limit.
    """
    yield from _documents(chunks, _Room(), 0)


def _documents(chunks: Callable[[], Iterator[bytes]], room: _Room, depth: int) -> Iterator[Document]:
    first, given = begun(chunks(), len(_ZIP))
    whole = chain((first,), given)
    if depth < _DEPTH and first.startswith(_ZIP):
        yield from _members(whole, room, depth)
    elif depth < _DEPTH and first.startswith(_GZIP):
        yield from _documents(_first(_unpacked(whole), lambda: _unpacked(chunks())), room, depth + 1)
    else:
        yield Document("", whole, chunks)


def _first(once: Iterator[bytes], again: Callable[[], Iterator[bytes]]) -> Callable[[], Iterator[bytes]]:
    """What is begun already, and from then on anew."""
    begun_already = [once]
    return lambda: begun_already.pop() if begun_already else again()


def _members(chunks: Iterator[bytes], room: _Room, depth: int) -> Iterator[Document]:
    held = io.BytesIO(gathered(chunks, _ZIP_BYTES, "container"))
    try:
        with zipfile.ZipFile(held) as container:
            members = [member for member in container.infolist() if not (member.is_dir() or _is_hidden(member))]
            if not members:
                raise FormatRefused("The container holds no file.")
            room.take(len(members), sum(member.file_size for member in members))
            if any(member.filename == _OFFICE for member in members):
                yield Document("", (held.getvalue(),), lambda: (held.getvalue(),))
                return
            if any(member.flag_bits & _PROTECTED for member in members):
                raise FormatRefused("The container is protected by a password.", "Unpack it, and name what was in it.")
            for member in members:
                yield from _member(member.filename, partial(_pieces, container, member), room, depth + 1)
    except _BROKEN as error:
        raise FormatRefused(f"The container can't be opened ({type(error).__name__}).") from None


def _is_hidden(member: zipfile.ZipInfo) -> bool:
    """Whether a system put it there beside the files that it packed: no person sees it, as in a folder."""
    parts = member.filename.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".")


def _member(name: str, again: Callable[[], Iterator[bytes]], room: _Room, depth: int) -> Iterator[Document]:
    """A member, or what is in it if it is a container. One that can't be opened costs nothing but itself."""
    try:
        packed = next(again(), b"").startswith((_ZIP, _GZIP))
        for found in _documents(again, room, depth) if packed else ():
            yield found._replace(where=f"{name}/{found.where}" if found.where else name)
    except FormatRefused as refused:
        yield Document(name, refusing(refused), partial(refusing, refused))
        return
    if not packed:
        yield Document(name, again(), again)


def refusing(refused: FormatRefused) -> Iterator[bytes]:
    """Bytes that can't be had: whoever asks for them is told why."""
    yield from ()
    raise refused


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
