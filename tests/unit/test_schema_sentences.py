"""What a broken schema says: what is wrong with a value, and never the value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest
from lxml import etree

from nostro.formats.xml import schema_sentence

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="A"><xs:complexType><xs:sequence>
<xs:element name="B" minOccurs="0"><xs:simpleType><xs:restriction base="{base}">{facet}</xs:restriction></xs:simpleType>
</xs:element></xs:sequence><xs:attribute name="on" type="xs:date"/></xs:complexType></xs:element></xs:schema>"""
SECRET = "O'Brien' is not a valid value"


def said(content: str, base: str = "xs:string", facet: str = "") -> list[str]:
    schema = etree.XMLSchema(etree.fromstring(XSD.format(base=base, facet=facet)))
    assert not schema.validate(etree.fromstring(content))
    return [schema_sentence(error.message) for error in cast("Iterable[Any]", schema.error_log)]


@pytest.mark.parametrize(
    "base, facet, sentence",
    [
        ("xs:decimal", "", "Element 'B': its value is not a valid value of the local atomic type."),
        ("xs:string", "<xs:pattern value='[A-Z]{2}'/>", "'B': its value is not accepted by the pattern '[A-Z]{2}'."),
        ("xs:string", "<xs:enumeration value='CRDT'/>", "'B': its value is not an element of the set {'CRDT'}."),
        ("xs:string", "<xs:maxLength value='5'/>", "exceeds the allowed maximum length of '5'."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_by_what_it_breaks(base: str, facet: str, sentence: str) -> None:
    found = said(f"<A><B>{SECRET}</B></A>", base, facet)
    assert any(sentence in one for one in found), found
    assert not any("Brien" in one for one in found)


def test_digits_attributes_and_elements_out_of_place_are_told_too() -> None:
    assert said("<A><B>1.2345</B></A>", "xs:decimal", "<xs:fractionDigits value='2'/>")[0] == (
        "Element 'B': its value breaks the facet 'fractionDigits'."
    )
    assert said("<A on='tomorrow'/>") == [
        "Element 'A', attribute 'on': its value is not a valid value of the atomic type 'xs:date'."
    ]
    assert said("<A><C/></A>") == ["Element 'C': This element is not expected. Expected is ( B )."]
