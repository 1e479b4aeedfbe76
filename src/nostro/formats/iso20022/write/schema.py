"""What was written against the XSD of its version, where a package carries it (`sepaxml`: pain.001 and pain.008)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import PurePath
from typing import cast

from lxml import etree

from nostro.formats.iso20022.stream import release
from nostro.formats.iso20022.tree import Element, local
from nostro.model.failures import FormatRefused
from nostro.model.statements import Check

PACKAGED = (
    "pain.001.001.03", "pain.001.001.09", "pain.001.001.10", "pain.001.001.11", "pain.008.001.02", "pain.008.001.08",
    "pain.008.001.09", "pain.008.001.10",
)  # fmt: skip
"""Versions whose XSD comes with a package. All others can't be validated here: `schema_check` says so."""
_GROUP = "PmtInf"
_FREED = ("CdtTrfTxInf", "DrctDbtTxInf", "TxInfAndSts", "TxInf", _GROUP)
_AFTER_A_PAYMENT = re.compile(rb"(?<=TxInf>|ndSts>)")
_NAMESPACE = re.compile(r"\{[^}]*\}")


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
    payments = 0
    try:
        for broken in _validating(chunks, schema):
            if broken:
                return _invalid(payments, broken)
            payments += 1
    except etree.XMLSyntaxError as error:
        return _invalid(payments, error.msg or "")
    return Check(name="schema", ok=True)


def _invalid(payments: int, said: str) -> Check:
    """libxml2 knows no lines where it validates while it reads: payments are counted instead."""
    return Check(name="schema", ok=False, detail=f"after {payments} valid payments: {_why(said)}")


def validated(chunks: Iterable[bytes], version: str) -> Iterator[bytes]:
    """The same pieces, held back until the whole is known to be valid. Raises `FormatRefused` where it is not."""
    held = list(chunks)
    check = schema_check(held, packaged_schema(version))
    if not check.ok:
        raise FormatRefused(f"What was written breaks the schema of {version}: {check.detail}.", "This is our mistake.")
    yield from held


def _validating(chunks: Iterable[bytes], schema: etree.XMLSchema) -> Iterator[str]:
    """A step for each payment: nothing to say where all is valid so far, else what is not."""
    parser = etree.XMLPullParser(
        events=("end",), tag=[f"{{*}}{name}" for name in _FREED], schema=schema, resolve_entities=False, no_network=True
    )
    for piece in _pieces(chunks):
        parser.feed(piece)
        # An invalid document is raised at its end only.
        if first := next(iter(parser.feed_error_log), None):
            yield first.message
        for _, found in parser.read_events():
            element = cast("Element", found)
            if local(element) != _GROUP:
                yield ""
            release(element)
    parser.close()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes cut after each payment, so that an error is told before a later payment is counted."""
    for chunk in chunks:
        yield from _AFTER_A_PAYMENT.split(chunk)


def _why(message: str) -> str:
    """What the schema expects; where libxml2 would quote a value, only which element has a wrong one."""
    said = _NAMESPACE.sub("", message)
    return said.partition(": [facet")[0].partition(": The value")[0].partition(": '")[0].rstrip(" .")
