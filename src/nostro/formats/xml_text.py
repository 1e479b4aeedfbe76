"""XML as text, for what we write: elements by name, in the order that their schema wants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
Content = str | Iterable[str]


def leaf(name: str, text: str, attributes: str = "") -> str:
    """An element with a text; nothing without one. What XML can't hold at all is left out."""
    return f"<{name}{attributes}>{escape(_FORBIDDEN.sub('', text))}</{name}>" if text else ""


def branch(name: str, *children: str) -> str:
    """An element around others; nothing when none of them is there."""
    inside = "".join(children)
    return f"<{name}>{inside}</{name}>" if inside else ""


def attribute(name: str, value: str) -> str:
    """An attribute as it stands in a tag."""
    return f" {name}={quoteattr(value)}"
