"""Every source pointer leads a person to the very bytes: its XPath names one element, which begins on its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.xml import line_of
from nostro.model.base import Value
from nostro.model.statements import Source, StatementHead
from tests.unit.test_camt import document, entry

READ = Path(__file__).parents[1] / "golden" / "formats" / "read"
BROKEN = ("cut_off", "what_does_not_hold", "two_bodies_without_namespaces", "before_en16931")
"""Cut off, or with prefixes that nobody declared: no XPath can be tried on them."""
FILES = sorted(
    path
    for name in ("camt", "iso20022", "ubl", "cii", "fatturapa")
    for path in (READ / name).glob("*.xml")
    if path.stem not in BROKEN
)
_STEP = re.compile(r"(descendant::)?([\w.-]+)((?:\[\d+\])?)")


def sources(told: object, around: str = "") -> Iterator[Source]:
    """Every source in what was told, from the root: those of what stands in an entry begin below it."""
    if isinstance(told, tuple):
        for one in told:
            yield from sources(one, around)
    elif isinstance(told, Value):
        source = getattr(told, "source", None)
        if isinstance(source, Source):
            where = source.where if source.where.startswith("/") else f"{around}/{source.where}"
            yield Source(where=where, line=source.line)
            around = where
        for name, value in told.__dict__.items():
            if name != "source":
                yield from sources(value, around)


def elements(tree: etree._ElementTree, where: str) -> list[etree._Element]:
    """What an XPath of names without prefix leads to."""
    found = tree.xpath(_STEP.sub(r"\1*[local-name()='\2']\3", where))
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, etree._Element)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_xpath_names_one_element_that_begins_on_its_line(path: Path) -> None:
    tree, seen = etree.parse(path), 0
    for found in tell(lambda: iter([path.read_bytes()])):
        for source in (source for item in found.items for source in sources(item)):
            [element] = elements(tree, source.where)
            assert source.line is None or source.line == line_of(element), source
            seen += 1
    assert seen


@pytest.mark.parametrize("size", [7, 1_000_000])
def test_statements_of_several_messages_are_numbered_in_their_own(size: int) -> None:
    one = document(entry(), entry())
    content = b"<Batch>\n<Header/>" + one + b"\n" + one + b"</Batch>"
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    heads = [item.source for item in read_camt(pieces) if isinstance(item, StatementHead)]
    assert [source.where for source in heads] == [
        "/Batch/Document/BkToCstmrStmt/Stmt[1]", "/Batch/Document[2]/BkToCstmrStmt/Stmt[1]",
    ]  # fmt: skip
    assert [source.line for source in heads] == [3, 5]
