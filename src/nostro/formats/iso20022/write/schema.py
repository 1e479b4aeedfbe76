"""What was written against the XSD of its version, where a package carries it (`sepaxml`: pain.001 and pain.008)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import PurePath
from typing import cast

from lxml import etree

from nostro.formats.iso20022.stream import release
from nostro.formats.iso20022.tree import Element
from nostro.model.failures import FormatRefused
from nostro.model.statements import Check

PACKAGED = (
    "pain.001.001.03", "pain.001.001.09", "pain.001.001.10", "pain.001.001.11", "pain.008.001.02", "pain.008.001.08",
    "pain.008.001.09", "pain.008.001.10",
)  # fmt: skip
"""Versions whose XSD comes with a package. All others can't be validated here: `schema_check` says so."""
_FREED = ("CdtTrfTxInf", "DrctDbtTxInf", "TxInfAndSts", "TxInf", "PmtInf")


@lru_cache(maxsize=len(PACKAGED))
def packaged_schema(version: str) -> etree.XMLSchema | None:
    """The schema of a version, or None where no package carries it."""
    package = find_spec("sepaxml") if version in PACKAGED else None
    if package is None or not package.submodule_search_locations:
        return None
    return etree.XMLSchema(
        etree.parse(str(PurePath(package.submodule_search_locations[0], "schemas", f"{version}.xsd")))
    )


def schema_check(chunks: Iterable[bytes], schema: etree.XMLSchema | None) -> Check:
    """Whether a document is valid, in flat memory; the first error is located. A sentence never quotes the content."""
    if schema is None:
        return Check(name="schema", ok=True, detail="not validated: no package carries the XSD of this version")
    try:
        for _ in _validating(chunks, schema):
            pass
    except etree.XMLSyntaxError as error:
        line, column = error.position
        return Check(name="schema", ok=False, detail=f"line {line}, column {column}: {_why(error)}")
    return Check(name="schema", ok=True)


def validated(chunks: Iterable[bytes], version: str) -> Iterator[bytes]:
    """The same pieces, held back until the whole is known to be valid. Raises `FormatRefused` where it is not."""
    held = list(chunks)
    check = schema_check(held, packaged_schema(version))
    if not check.ok:
        raise FormatRefused(f"What was written breaks the schema of {version}: {check.detail}.", "This is our mistake.")
    yield from held


def _validating(chunks: Iterable[bytes], schema: etree.XMLSchema) -> Iterator[None]:
    parser = etree.XMLPullParser(
        events=("end",), tag=[f"{{*}}{name}" for name in _FREED], schema=schema, resolve_entities=False, no_network=True
    )
    for chunk in chunks:
        parser.feed(chunk)
        for _, element in parser.read_events():
            release(cast("Element", element))
            yield None
    parser.close()


def _why(error: etree.XMLSyntaxError) -> str:
    """The sentence up to where libxml2 would quote a value."""
    return (error.msg or "").split("The value", 1)[0].split(": '", 1)[0].strip(
        " ,."
    ) or "it is not as the schema has it"
