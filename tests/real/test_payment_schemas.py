"""From each schema at hand a document is made with all that may be in it: its payments and statuses are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from nostro.formats.catalogue import recognise
from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.message_types import message_type
from nostro.formats.reading import Beginning
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Reject

XS = "{http://www.w3.org/2001/XMLSchema}"
DEPTH = 12
TEXTS = {
    "date": "2026-11-30", "dateTime": "2026-11-28T10:00:00Z", "boolean": "true", "decimal": "12.34", "gYear": "2026",
    "time": "10:00:00Z", "base64Binary": "AA==",
}  # fmt: skip


@dataclass
class Schema:
    """The named types of an XSD."""

    namespace: str
    root: etree._Element
    types: dict[str, etree._Element]

    @classmethod
    def of(cls, path: Path) -> Schema:
        root = etree.parse(path).getroot()
        types = {str(one.get("name")): one for one in root if one.get("name") and one.tag != f"{XS}element"}
        return cls(str(root.get("targetNamespace")), root, types)

    def document(self) -> bytes:
        (outermost,) = [one for one in self.root if one.tag == f"{XS}element"]
        return f"<Document xmlns='{self.namespace}'>{self.inside(str(outermost.get('type')), 0)}</Document>".encode()

    def inside(self, name: str, depth: int) -> str:
        """What stands in an element of a type: every part once, of a choice its first."""
        kind = self.types.get(name.rpartition(":")[2])
        if kind is None or kind.tag == f"{XS}simpleType":
            return self.text(name, kind)
        if (content := kind.find(f"{XS}simpleContent/*")) is not None:
            return self.inside(str(content.get("base")), depth)
        content = kind.find(f"{XS}complexContent/*")
        return "".join(self.part(part, depth) for part in (kind if content is None else content))

    def part(self, part: etree._Element, depth: int) -> str:
        if part.tag == f"{XS}choice":
            return next(("" if depth > DEPTH else self.part(one, depth) for one in part), "")
        if part.tag == f"{XS}sequence":
            return "".join(self.part(one, depth) for one in part)
        if part.tag != f"{XS}element" or part.get("name") == "SplmtryData":
            return ""
        if depth > DEPTH and part.get("minOccurs") == "0":
            return ""
        name, kind = part.get("name"), str(part.get("type"))
        currency = " Ccy='EUR'" if "AndAmount" in kind else ""
        return f"<{name}{currency}>{self.inside(kind, depth + 1)}</{name}>"

    def text(self, name: str, kind: etree._Element | None) -> str:
        if kind is None:
            return TEXTS.get(name.rpartition(":")[2], "X")
        if (value := kind.find(f"{XS}restriction/{XS}enumeration")) is not None:
            return str(value.get("value"))
        base = str(kind.find(f"{XS}restriction").get("base"))  # type: ignore[union-attr]  # a simple type restricts
        if "CurrencyCode" in name:
            return "EUR"
        return self.text(base, self.types.get(base)) if "string" not in base else "1" if "Numeric" in name else "X"


def schemas(shared: Path) -> Iterator[Path]:
    """Every message about payments among the schemas."""
    for path in sorted((shared / "data" / "bank" / "iso20022" / "xsd").rglob("*.xsd")):
        if not path.name.startswith(("head", "camt.052", "camt.053", "camt.054")):
            yield path


def test_every_version_is_recognised_and_told_with_what_is_in_it(shared: Path) -> None:
    found = list(schemas(shared))
    assert len(found) > 60
    for path in found:
        content = Schema.of(path).document()
        format_ = recognise(Beginning(content[:65_536]))
        assert format_ is not None, path
        assert format_.name == "iso20022", path
        head, *inside, end = read_messages([content])
        assert isinstance(head, MessageHead), path
        assert isinstance(end, MessageEnd), path
        assert path.name.startswith(head.format[:8]), path
        assert (head.message_id, head.created_on is not None) == ("X", True) or "camt.086" in path.name, path
        assert [item for item in inside if isinstance(item, Reject)] == [], path
        told = [item for item in inside if isinstance(item, Instruction | PaymentStatus)]
        assert told, path
        assert all(check.name in {"NbOfTxs", "CtrlSum"} or check.name.startswith("Ttl") for check in end.checks), path


@pytest.mark.parametrize("name", ["CstmrCdtTrfInitn", "CstmrCdtTrfInitnV02", "pain.001.001.02", "FIToFIPmtCxlReqV01"])
def test_names_of_early_versions_are_known(name: str) -> None:
    assert message_type(name) is not None


@pytest.mark.parametrize("name", ["Document", "BkToCstmrStmt", "pain.099.001.01", "CstmrCdtTrf"])
def test_other_names_are_not(name: str) -> None:
    assert message_type(name) is None
