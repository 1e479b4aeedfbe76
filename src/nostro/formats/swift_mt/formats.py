"""SWIFT MT in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nostro.formats.reading import Beginning, Format
from nostro.formats.swift_mt.blocks import indent_of
from nostro.formats.swift_mt.read import READ, read_mt

_BLOCKS = re.compile(r"\{1:[A-Z]\d\d[A-Z0-9]{12}|^[\x01$ ]*(?:\{|ä)4:", re.MULTILINE)
_TYPE = re.compile(r"\{2:[IO](\d{3})")
_FIELD = re.compile(
    r"(?:^|@@|\{4:):(?:20|21|25P?|28[CD]?|13D?|32[AB]|34F|6[02][FM]?|6[145]|86|9[40][02CD]|NS|NSF|23B|50[A-Z]?):",
    re.MULTILINE,
)
_HEAD_LINES = 20
"""Lines that a bank may put before the first field."""


def _is_mt(beginning: Beginning) -> bool:
    """By its blocks or fields; a file whose only messages are of types that aren't read is none of ours."""
    text = beginning.text.lstrip("\ufeff")
    if indent := indent_of(text):
        text = text.replace(f"\n{indent}", "\n").removeprefix(indent)
    if beginning.is_xml or text.lstrip()[:1] in ("[", "%"):
        return False
    types = set(_TYPE.findall(text))
    if types and not types & READ and not re.search(r"^:6[012][FM]?:", text, re.MULTILINE):
        return False
    if _BLOCKS.search(text):
        return _FIELD.search(text) is not None
    first = _FIELD.search(text)
    return first is not None and text.count("\n", 0, first.start()) <= _HEAD_LINES


SWIFT_MT: Sequence[Format] = (Format("mt", "SWIFT MT940, 942, 950, 900, 910, 101, 103, 202", _is_mt, read_mt),)
