"""XML as a stream of events, from bytes in chunks, and small steps in its trees by local name.

No entities, document types or network, bounded depth and memory.

Whoever takes an element at its end frees it with `release`, so that memory stays flat however long the document is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Literal, cast

from lxml import etree

from nostro.formats.text import begun
from nostro.model.failures import FormatRefused
from nostro.model.statements import Reject

DEPTH = 64
_TEXT_LIMIT = 20_000
_SLICE_BYTES = 65_536
_BEGINNING_BYTES = 512
_SAID_UTF16 = re.compile(
    rb"""<\?xml[^>]*encoding\s*=\s*["'](?:utf-?16|(?:iso-10646-)?ucs-?2)[a-z-]*["']""", re.IGNORECASE
)
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_UTF8_MARK = b"\xef\xbb\xbf"
_SLOPPY_NAMESPACES = (etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE, etree.ErrorTypes.WAR_NS_URI)
_PADDING = b" \t\r\n\x00\x1a"

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type
Event = tuple[Literal["start", "end"], Element]


AFTER_THE_END = "Extra content at the end of the document"
"""How libxml2 says that something follows a document that was complete."""


class BrokenXml(Exception):
    """The bytes stop being XML. Every element that was complete before has been yielded."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why = why
        self.line = line

    def refused(self, kind: str) -> FormatRefused:
        """Where nothing was yielded before: this is no document of that kind."""
        return FormatRefused(f"This is no XML of {kind}: {self.why} (line {self.line}).")

    def reject(self, where: str) -> Reject:
        """Where it broke off within a document that had begun."""
        return Reject(where=where, why=f"the XML breaks off or is broken here: {self.why}", line=self.line)


def events(chunks: Iterable[bytes], *, huge_texts: bool = False, encoding: str | None = None) -> Iterator[Event]:
    """Start and end events of all elements, as soon as their bytes are there.

    `huge_texts`: a text may be longer than ten million bytes, as attachments are; then the caller bounds the bytes.
    `encoding`: of the bytes, whatever they say.

    Raises `FormatRefused` for no bytes and for a document type declaration, `BrokenXml` where the XML breaks or is cut.
    """
    parser: etree.XMLPullParser | None = None
    depth = 0
    for piece in _slices(trimmed(chunks)):
        parser = parser or _parser(encoding or _encoding(piece), huge_texts=huge_texts)
        broken = _feed(parser, piece)
        for event in cast("Iterator[Event]", parser.read_events()):
            depth += 1 if event[0] == "start" else -1
            _admit(event, depth)
            yield event
        if broken:
            raise broken
    if parser is None:
        raise FormatRefused("The file is empty.")
    _close(parser, depth)


def release(element: Element) -> None:
    """Free an element that has been read, and an elder sibling of its name that was freed before."""
    element.clear()
    elder, parent = element.getprevious(), element.getparent()
    if elder is not None and parent is not None and elder.tag == element.tag:
        parent.remove(elder)


def local(element: Element) -> str:
    """The element's name without namespace."""
    return element.tag.rpartition("}")[2]


def line_of(element: Element) -> int:
    """The source line, 0 where it is unknown."""
    return cast("int | None", element.sourceline) or 0


def find(element: Element | None, path: str) -> Element | None:
    """What is on a path of names (`statistics/exchangeRate`); an empty one is the element itself."""
    for step in path.split("/") if path else ():
        element = None if element is None else next((child for child in element if local(child) == step), None)
    return element


def text(element: Element | None, *paths: str) -> str:
    """The text at the first of the paths that has any, without blanks around it; without paths, the element's own."""
    for path in paths or ("",):
        found = find(element, path)
        if found is not None and (said := (found.text or "").strip()):
            return said[:_TEXT_LIMIT]
    return ""


def schema_sentence(message: str) -> str:
    """What libxml2 says of a break of a schema, without namespaces, and without values: they may be personal."""
    named, sign, said = _NAMESPACE.sub("", message).partition("': ")
    if found := _NOT_VALID.match(said):
        said = f"its value {said[found.end() :]}"
    elif found := _FACET.match(said):
        said = found[2] or f"its value breaks the facet '{found[1]}'."
    return f"{named}{sign}{said}"


_NAMESPACE = re.compile(r"\{\w+:[^{}' ]*\}")
_NOT_VALID = re.compile(
    r"(?:\[facet '\w+'\] )?(?:The value )?'.*' (?=is not (?:accepted by|an element of|a valid value of) )", re.DOTALL
)
_FACET = re.compile(r"\[facet '(\w+)'\] (The value has a length of '\d+'; this [\w ]+ of '\d+'\.)?")


def _encoding(beginning: bytes) -> str | None:
    # .NET writes "UTF-16" into documents that are then saved as UTF-8: what bytes are counts more than what they say.
    return "utf-8" if _SAID_UTF16.match(beginning) else None


def _parser(encoding: str | None, *, huge_texts: bool) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=("start", "end"),
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=huge_texts,
        remove_comments=True,
        remove_pis=True,
    )


def _feed(parser: etree.XMLPullParser, piece: bytes) -> BrokenXml | None:
    try:
        parser.feed(piece)
    except etree.XMLSyntaxError as error:
        return _broken(error)
    return None


def _close(parser: etree.XMLPullParser, depth: int) -> None:
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        # A prefix that nobody declared and a namespace that is no URI are reported at the end only, when everything has
        # been read all the same. The error's own log is the whole process': it still holds what other documents did.
        if depth or cast("Any", error).code not in _SLOPPY_NAMESPACES:
            raise _broken(error) from None


def _broken(error: etree.XMLSyntaxError) -> BrokenXml:
    # libxml2's sentences name tags and positions, never text.
    return BrokenXml((error.msg or "not XML").split(", line", 1)[0], error.position[0])


def _admit(event: Event, depth: int) -> None:
    kind, element = event
    if kind == "end":
        return
    if element.tag[0] != "{" and ":" in element.tag:  # a prefix that nobody declared
        _drop_prefix(element)
    if depth > DEPTH:
        raise BrokenXml(f"nested deeper than {DEPTH} elements", line_of(element))
    if depth == 1 and cast("object", element.getroottree().docinfo.internalDTD) is not None:
        raise FormatRefused("The XML declares a document type: no bank file does, and it could smuggle entities in.")


def _drop_prefix(element: Element) -> None:
    try:
        element.tag = element.tag.rpartition(":")[2]
    except ValueError:  # libxml2 lets names pass that are none: `a:`, `a:1`
        raise BrokenXml("an element's name is none", line_of(element)) from None


def trimmed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes without blanks before the XML declaration and without the padding of mainframes after the document."""
    beginning, given = begun(chunks, _BEGINNING_BYTES)
    if beginning[:2] in _UTF16_STARTS:
        yield beginning
        yield from given
        return
    held = b""
    for chunk in chain((beginning.removeprefix(_UTF8_MARK).lstrip(_PADDING),), given):
        whole = held + chunk
        kept = whole.rstrip(_PADDING) if len(whole) < _SLICE_BYTES * 32 else whole
        held = whole[len(kept) :]
        if kept:
            yield kept


def _slices(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _SLICE_BYTES):
            yield chunk[start : start + _SLICE_BYTES]
