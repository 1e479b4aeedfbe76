"""Whether a file seems to have been cut: its writer may still come back. Pure.

Only what a format says of its own end counts. Of anything else nobody can know, and it is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

HEAD_BYTES, TAIL_BYTES = 65_536, 66_560
"""A zip ends in 22 bytes and a comment of at most 65,535."""
XML_TAIL_BYTES = 2_048
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)[\s/>]")
_PROLOGUE = re.compile(rb"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*", re.DOTALL)
_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_HEADER = re.compile(rb"\s*\{1:[A-Z]\d\d")
_STATEMENT = re.compile(rb"(?:\A|[\r\n]):20:")
_OPENING = re.compile(rb"[\r\n]:60[FM]:")
_CLOSING = re.compile(rb"[\r\n]:62[FM]:[CD]\d[^\r\n,]*,(?:\d\d|\d*[\r\n])")
_BLOCK, _BLOCK_END = re.compile(rb"\{4:"), re.compile(rb"[\r\n]-\}")


def seems_cut(file: BinaryIO, size: int) -> bool:
    """Whether it is empty, or begins as XML, a zip or a SWIFT statement and lacks the end of one."""
    head = file.read(HEAD_BYTES)
    file.seek(max(0, size - TAIL_BYTES) & ~1)  # an even place: in UTF-16 a character begins there
    tail = file.read()
    return not head or _judge(head)(head, tail)


def _judge(head: bytes) -> Callable[[bytes, bytes], bool]:
    if head.startswith(b"PK\x03\x04"):
        return lambda _, tail: not _zip_ends(tail)
    if head[:2] in _WIDE:
        return _wide
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") and b"\x00" not in head:
        return _xml
    if _HEADER.match(head):
        return lambda _, tail: not _follows(_BLOCK, _BLOCK_END, tail)
    if _STATEMENT.search(head[:1024]) and _OPENING.search(head):
        return lambda _, tail: not _follows(_OPENING, _CLOSING, tail)
    return lambda _, __: False


def _zip_ends(tail: bytes) -> bool:
    """Whether an end of the central directory reaches exactly to the end: a zip in the zip has one of its own."""
    at = tail.rfind(_ZIP_END)
    while at >= 0:
        if at + _ZIP_END_BYTES + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
            return True
        at = tail.rfind(_ZIP_END, 0, at)
    return False


def _wide(head: bytes, tail: bytes) -> bool:
    encoding = _WIDE[head[:2]]
    if len(tail) % 2:
        return True
    text, end = (part.decode(encoding, "ignore").removeprefix("\ufeff").encode() for part in (head, tail))
    return text.lstrip().startswith(b"<") and _xml(text, end)


def _xml(head: bytes, tail: bytes) -> bool:
    head = head.removeprefix(b"\xef\xbb\xbf")
    prologue = _PROLOGUE.match(head)
    root = _ROOT.match(head, prologue.end() if prologue else 0)
    if root is None:
        return True
    closing = re.compile(rb"</" + re.escape(root[1]) + rb"\s*>\s*(?:<!--.*?-->\s*|<\?.*?\?>\s*)*\Z", re.DOTALL)
    return closing.search(tail[-XML_TAIL_BYTES:]) is None


def _follows(begin: re.Pattern[bytes], end: re.Pattern[bytes], tail: bytes) -> bool:
    """Whether the last thing that begins has ended. What begins before the tail may end in it."""
    begun = max((found.start() for found in begin.finditer(tail)), default=0)
    return end.search(tail, begun) is not None
